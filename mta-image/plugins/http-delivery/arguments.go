package main

// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// Field is one more field of a form.
type Field struct{ Name, Data, Type, FileName string }

// Form says how the message is sent as a form; the message is left out when Name is "".
type Form struct {
	Name, Type, FileName string
	Fields               []Field
}

// Arguments are those of Try(["plugin" => ["arguments" => ...]]).
type Arguments struct {
	URL, Method, Encoder, Proxy, SourceIP string
	Username, Password, SigV4             string
	Headers                               []string
	VerifyPeer, VerifyHost                bool
	Timeout, ConnectTimeout               time.Duration
	Form                                  *Form
}

const defaultConnectTimeout = 300

// value is a script value and a place in C memory where the MTA writes to.
type reader struct{ out unsafe.Pointer }

func newReader() reader { return reader{C.calloc(2, C.size_t(unsafe.Sizeof(uintptr(0))))} }
func (r reader) free()  { C.free(r.out) }
func (r reader) length() *C.size_t {
	return (*C.size_t)(unsafe.Add(r.out, unsafe.Sizeof(uintptr(0))))
}

func find(array *C.HalonHSLValue, key string) *C.HalonHSLValue {
	name := C.CString(key)
	defer C.free(unsafe.Pointer(name))
	return C.HalonMTA_hsl_value_array_find(array, name)
}

func (r reader) text(value *C.HalonHSLValue) string {
	if !C.HalonMTA_hsl_value_get(value, C.HALONMTA_HSL_TYPE_STRING, r.out, r.length()) {
		return ""
	}
	return C.GoStringN(*(**C.char)(r.out), C.int(*r.length()))
}

func (r reader) flag(value *C.HalonHSLValue, otherwise bool) bool {
	if !C.HalonMTA_hsl_value_get(value, C.HALONMTA_HSL_TYPE_BOOLEAN, r.out, nil) {
		return otherwise
	}
	return bool(*(*C.bool)(r.out))
}

func (r reader) seconds(value *C.HalonHSLValue, otherwise float64) time.Duration {
	seconds := otherwise
	if C.HalonMTA_hsl_value_get(value, C.HALONMTA_HSL_TYPE_NUMBER, r.out, nil) {
		seconds = float64(*(*C.double)(r.out))
	}
	return time.Duration(seconds * float64(time.Second))
}

// each calls with the key and item of every pair.
func (r reader) each(array *C.HalonHSLValue, do func(key string, item *C.HalonHSLValue)) {
	for i := C.size_t(0); ; i++ {
		item := C.HalonMTA_hsl_value_array_get(array, i, (**C.HalonHSLValue)(r.out))
		if item == nil {
			return
		}
		do(r.text(*(**C.HalonHSLValue)(r.out)), item)
	}
}

func readArguments(value *C.HalonHSLValue) (*Arguments, error) {
	r := newReader()
	defer r.free()
	text := func(key string) string { return r.text(find(value, key)) }
	read := &Arguments{
		URL: text("url"), Method: text("method"), Encoder: text("encoder"), Proxy: text("proxy"),
		SourceIP: text("sourceip"), Username: text("username"), Password: text("password"), SigV4: text("aws_sigv4"),
		VerifyPeer:     r.flag(find(value, "tls_verify_peer"), true),
		VerifyHost:     r.flag(find(value, "tls_verify_host"), true),
		Timeout:        r.seconds(find(value, "timeout"), 0),
		ConnectTimeout: r.seconds(find(value, "connect_timeout"), defaultConnectTimeout),
	}
	r.each(find(value, "headers"), func(_ string, item *C.HalonHSLValue) {
		read.Headers = append(read.Headers, r.text(item))
	})
	if form := find(value, "form_data"); form != nil {
		read.Form = r.form(form)
	}
	if read.Method == "" {
		read.Method = "POST"
	}
	switch {
	case !strings.HasPrefix(read.URL, "http://") && !strings.HasPrefix(read.URL, "https://"):
		return nil, fmt.Errorf("url is missing or not http")
	case read.Encoder != "" && read.Encoder != "base64":
		return nil, fmt.Errorf("unknown encoder %q", read.Encoder)
	}
	return read, nil
}

func (r reader) form(value *C.HalonHSLValue) *Form {
	form := &Form{
		Name: r.text(find(value, "name")), Type: r.text(find(value, "type")), FileName: r.text(find(value, "filename")),
	}
	r.each(find(value, "fields"), func(name string, item *C.HalonHSLValue) {
		form.Fields = append(form.Fields, Field{
			name, r.text(find(item, "data")), r.text(find(item, "type")), r.text(find(item, "filename")),
		})
	})
	return form
}
