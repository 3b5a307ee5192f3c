// A Go plugin: suspends by returning and is woken by a goroutine, which also sets the result.
package main

// #cgo CFLAGS: -I/opt/halon/include
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"strings"
	"time"
	"unsafe"
)

func main() {}

//export Halon_version
func Halon_version() C.int { return C.HALONMTA_PLUGIN_VERSION }

func wake(context *C.HalonHSLContext, ret *C.HalonHSLValue, milliseconds float64) {
	start := time.Now()
	time.Sleep(time.Duration(milliseconds * float64(time.Millisecond)))
	slept := C.double(time.Since(start).Seconds() * 1000)
	C.HalonMTA_hsl_value_set(ret, C.HALONMTA_HSL_TYPE_NUMBER, unsafe.Pointer(&slept), 0)
	C.HalonMTA_hsl_schedule(context)
}

//export nap
func nap(context *C.HalonHSLContext, args *C.HalonHSLArguments, ret *C.HalonHSLValue) {
	var milliseconds C.double
	C.HalonMTA_hsl_value_get(C.HalonMTA_hsl_argument_get(args, 0), C.HALONMTA_HSL_TYPE_NUMBER,
		unsafe.Pointer(&milliseconds), nil)
	go wake(context, ret, float64(milliseconds))
	C.HalonMTA_hsl_suspend_return(context)
}

//export shout
func shout(context *C.HalonHSLContext, args *C.HalonHSLArguments, ret *C.HalonHSLValue) {
	var text *C.char
	var length C.size_t
	if !C.HalonMTA_hsl_value_get(C.HalonMTA_hsl_argument_get(args, 0), C.HALONMTA_HSL_TYPE_STRING,
		unsafe.Pointer(&text), &length) {
		message := C.CString("shout wants a string")
		defer C.free(unsafe.Pointer(message))
		C.HalonMTA_hsl_value_set(C.HalonMTA_hsl_throw(context), C.HALONMTA_HSL_TYPE_EXCEPTION,
			unsafe.Pointer(message), 0)
		return
	}
	loud := C.CString(strings.ToUpper(C.GoStringN(text, C.int(length))))
	defer C.free(unsafe.Pointer(loud))
	C.HalonMTA_hsl_value_set(ret, C.HALONMTA_HSL_TYPE_STRING, unsafe.Pointer(loud), 0)
}

//export Halon_hsl_register
func Halon_hsl_register(context *C.HalonHSLRegisterContext) C.bool {
	for _, name := range []string{"nap", "shout"} {
		C.HalonMTA_hsl_register_function(context, C.CString(name), nil)
		C.HalonMTA_hsl_module_register_function(context, C.CString(name), nil)
	}
	return true
}
