package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

func makeRequest(arguments *Arguments, body *Body) (*http.Request, context.CancelFunc, error) {
	until, cancel := context.Background(), context.CancelFunc(func() {})
	if arguments.Timeout > 0 {
		until, cancel = context.WithTimeout(until, arguments.Timeout)
	}
	request, err := http.NewRequestWithContext(until, arguments.Method, arguments.URL, nil)
	if err != nil {
		return nil, cancel, err
	}
	request.ContentLength = body.Size
	if body.Type != "" {
		request.Header.Set("Content-Type", body.Type)
	}
	for _, line := range arguments.Headers {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, cancel, fmt.Errorf("a header has no colon")
		}
		request.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	switch {
	case arguments.SigV4 != "":
		if err := sign(request, body, arguments, time.Now()); err != nil {
			return nil, cancel, err
		}
	case arguments.Username != "":
		request.SetBasicAuth(arguments.Username, arguments.Password)
	}
	request.Body = &guarded{from: body.Open(), closed: make(chan struct{})}
	return request, cancel, nil
}

// route is what connections can be shared by.
type route struct {
	proxy, sourceIP        string
	verifyPeer, verifyHost bool
	connectTimeout         time.Duration
}

var (
	transports     = map[route]*http.Transport{}
	transportsLock sync.Mutex
)

// More than so many different routes come from a script that makes them up; connections are then not kept.
const mostRoutes = 64

func transportFor(arguments *Arguments) *http.Transport {
	key := route{arguments.Proxy, arguments.SourceIP, arguments.VerifyPeer, arguments.VerifyHost, arguments.ConnectTimeout}
	transportsLock.Lock()
	defer transportsLock.Unlock()
	if known := transports[key]; known != nil {
		return known
	}
	made := newTransport(key)
	if len(transports) < mostRoutes {
		transports[key] = made
	} else {
		made.DisableKeepAlives = true
	}
	return made
}

func newTransport(of route) *http.Transport {
	dialer := &net.Dialer{Timeout: of.connectTimeout}
	if ip := net.ParseIP(of.sourceIP); ip != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: ip}
	}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSClientConfig:     tlsConfig(of),
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	if of.proxy != "" {
		transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(of.proxy) }
	}
	return transport
}

// The chain and the name can be verified one without the other.
func tlsConfig(of route) *tls.Config {
	if of.verifyPeer && of.verifyHost {
		return &tls.Config{}
	}
	return &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the server shows no certificate")
			}
			leaf := state.PeerCertificates[0]
			if of.verifyHost {
				return leaf.VerifyHostname(state.ServerName)
			}
			if !of.verifyPeer {
				return nil
			}
			options := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
			for _, certificate := range state.PeerCertificates[1:] {
				options.Intermediates.AddCert(certificate)
			}
			_, err := leaf.Verify(options)
			return err
		},
	}
}
