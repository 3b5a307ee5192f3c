package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// sign adds an AWS signature version 4, for "provider1:provider2:region:service" such as aws:amz:eu-north-1:s3.
// It reads the whole body for its hash. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func sign(request *http.Request, body *Body, arguments *Arguments, now time.Time) error {
	words := strings.Split(arguments.SigV4, ":")
	if len(words) != 4 {
		return fmt.Errorf("aws_sigv4 must be provider1:provider2:region:service")
	}
	region, service := words[2], words[3]
	hash := sha256.New()
	if _, err := io.Copy(hash, body.Open()); err != nil {
		return err
	}
	payload := hex.EncodeToString(hash.Sum(nil))
	stamp := now.UTC().Format("20060102T150405Z")
	request.Header.Set("X-Amz-Date", stamp)
	request.Header.Set("X-Amz-Content-Sha256", payload)
	names, headers := canonicalHeaders(request)
	canonical := strings.Join([]string{
		request.Method, escapePath(request.URL.Path), canonicalQuery(request.URL), headers, names, payload,
	}, "\n")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + arguments.Password)
	for _, word := range []string{stamp[:8], region, service, "aws4_request", text} {
		key = keyed(key, word)
	}
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		arguments.Username, scope, names, hex.EncodeToString(key)))
	return nil
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, text)
	return mac.Sum(nil)
}

func canonicalHeaders(request *http.Request) (names, headers string) {
	values := map[string]string{"host": request.URL.Host}
	for name, value := range request.Header {
		values[strings.ToLower(name)] = strings.TrimSpace(strings.Join(value, ","))
	}
	sorted := make([]string, 0, len(values))
	for name := range values {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		headers += name + ":" + values[name] + "\n"
	}
	return strings.Join(sorted, ";"), headers
}

// escapePath escapes all but unreserved characters (RFC 3986 2.3) and slashes, once, as S3 wants it.
func escapePath(path string) string {
	if path == "" {
		return "/"
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(part), "+", "%20")
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(address *url.URL) string {
	return strings.ReplaceAll(address.Query().Encode(), "+", "%20")
}
