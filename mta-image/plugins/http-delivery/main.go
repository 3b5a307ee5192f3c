// HTTP delivery: sends mail to a URL, such as an object storage that speaks S3. It has no configuration; pre-delivery
// says where:
//
//	Try(["plugin" => ["id" => "http-delivery", "arguments" => [
//	    "url" => "https://s3.example.com/bucket/" . $transactionid,
//	    "method" => "PUT", "aws_sigv4" => "aws:amz:eu-north-1:s3", "username" => $key, "password" => $secret,
//	]]]);
//
// Arguments: url, method (POST), headers (list of "Name: value"), username and password (basic, or of aws_sigv4),
// aws_sigv4, timeout and connect_timeout (seconds), tls_verify_peer, tls_verify_host (true), proxy, sourceip, encoder
// (base64), form_data (name, type, filename, fields). The HTTP status is the result's code, its reason is "HTTP", and
// post-delivery finds status and content in the plugin's return value, and as retryafter the seconds for which the
// server does not want to be asked again, where it says so (Retry-After), for the delay of Queue(). What fails before a
// status is a temporary error, and so is a status from 500 to 549, the server's own trouble. From 550 on, where HTTP has
// none, it says never, as in SMTP. Nothing of the arguments is logged: they hold secrets.
package main

// #cgo CFLAGS: -I/opt/halon/include
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"errors"
	"io"
	"net/url"
	"time"
	"unsafe"
)

func main() {}

// The answer's content goes to a script; more than this is cut off.
const mostContent = 1 << 20

//export Halon_version
func Halon_version() C.int { return C.HALONMTA_PLUGIN_VERSION }

//export Halon_deliver
func Halon_deliver(context *C.HalonDeliverContext) {
	// The arguments are read here, where nothing waits; the attempt has a goroutine of its own.
	r := newReader()
	defer r.free()
	C.HalonMTA_deliver_getinfo(context, C.HALONMTA_INFO_ARGUMENTS, nil, 0, r.out, nil)
	arguments, err := readArguments(*(**C.HalonHSLValue)(r.out))
	if err != nil {
		fail(context, err)
		return
	}
	go attempt(context, arguments)
}

func attempt(context *C.HalonDeliverContext, arguments *Arguments) {
	r := newReader()
	defer r.free()
	if !C.HalonMTA_deliver_getinfo(context, C.HALONMTA_INFO_FILE, nil, 0, r.out, nil) {
		fail(context, errors.New("the message cannot be read"))
		return
	}
	message := &messageFile{*(**C.FILE)(r.out), C.malloc(chunk)}
	defer C.free(message.buffer)
	heard, err := send(arguments, message)
	if err != nil {
		fail(context, err)
		return
	}
	succeed(context, heard)
}

type answer struct {
	status  int
	content []byte
	// In seconds; zero when the server says nothing.
	wait float64
}

func send(arguments *Arguments, message *messageFile) (answer, error) {
	body, err := makeBody(arguments, message)
	if err != nil {
		return answer{}, err
	}
	request, cancel, err := makeRequest(arguments, body)
	if err != nil {
		return answer{}, err
	}
	defer cancel()
	defer request.Body.Close()
	response, err := transportFor(arguments).RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, mostContent))
	wait := retryAfter(response.Header.Get("Retry-After"), time.Now())
	return answer{response.StatusCode, content, wait}, err
}

func succeed(context *C.HalonDeliverContext, heard answer) {
	r := newReader()
	defer r.free()
	C.HalonMTA_deliver_getinfo(context, C.HALONMTA_INFO_RETURN, nil, 0, r.out, nil)
	ret := *(**C.HalonHSLValue)(r.out)
	setNumber(addTo(ret, "status"), float64(heard.status))
	text := C.CBytes(append(heard.content, 0))
	defer C.free(text)
	C.HalonMTA_hsl_value_set(addTo(ret, "content"), C.HALONMTA_HSL_TYPE_STRING, text, C.size_t(len(heard.content)))
	if heard.wait > 0 {
		setNumber(addTo(ret, "retryafter"), heard.wait)
	}
	code := C.int(heard.status)
	C.HalonMTA_deliver_setinfo(context, C.HALONMTA_RESULT_CODE, unsafe.Pointer(&code), 0)
	tell(context, C.HALONMTA_RESULT_REASON, "HTTP")
	if trouble := passingTrouble(heard.status); trouble != "" {
		tell(context, C.HALONMTA_ERROR_REASON, trouble)
	}
	C.HalonMTA_deliver_done(context)
}

// fail leaves the URL out of the text: it may hold a secret.
func fail(context *C.HalonDeliverContext, err error) {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		err = withURL.Err
	}
	tell(context, C.HALONMTA_ERROR_REASON, err.Error())
	C.HalonMTA_deliver_done(context)
}

func tell(context *C.HalonDeliverContext, kind C.int, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.HalonMTA_deliver_setinfo(context, kind, unsafe.Pointer(c), 0)
}

func setNumber(value *C.HalonHSLValue, number float64) {
	c := C.double(number)
	C.HalonMTA_hsl_value_set(value, C.HALONMTA_HSL_TYPE_NUMBER, unsafe.Pointer(&c), 0)
}

func addTo(array *C.HalonHSLValue, name string) *C.HalonHSLValue {
	r := newReader()
	defer r.free()
	item := (**C.HalonHSLValue)(unsafe.Pointer(r.length()))
	C.HalonMTA_hsl_value_array_add(array, (**C.HalonHSLValue)(r.out), item)
	key := C.CString(name)
	defer C.free(unsafe.Pointer(key))
	C.HalonMTA_hsl_value_set(*(**C.HalonHSLValue)(r.out), C.HALONMTA_HSL_TYPE_STRING, unsafe.Pointer(key), 0)
	return *item
}
