package main

// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"time"
	"unsafe"
)

// slots are places in C memory where the MTA writes pointers.
type slots struct{ at unsafe.Pointer }

func newSlots(count int) slots {
	return slots{C.calloc(C.size_t(count), C.size_t(unsafe.Sizeof(uintptr(0))))}
}
func (s slots) free() { C.free(s.at) }
func (s slots) slot(i int) unsafe.Pointer {
	return unsafe.Add(s.at, uintptr(i)*unsafe.Sizeof(uintptr(0)))
}

func setText(value *C.HalonHSLValue, text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.HalonMTA_hsl_value_set(value, C.HALONMTA_HSL_TYPE_STRING, unsafe.Pointer(c), 0)
}

// add appends a pair and gives key and item.
func add(array *C.HalonHSLValue) (key, item *C.HalonHSLValue) {
	out := newSlots(2)
	defer out.free()
	C.HalonMTA_hsl_value_array_add(array, (**C.HalonHSLValue)(out.slot(0)), (**C.HalonHSLValue)(out.slot(1)))
	return *(**C.HalonHSLValue)(out.slot(0)), *(**C.HalonHSLValue)(out.slot(1))
}

func addText(array *C.HalonHSLValue, key, text string) {
	k, v := add(array)
	setText(k, key)
	setText(v, text)
}

// warmup_ips([class]): [["address" => ip, "helo" => name], ...], as Try()'s sourceip takes it
//
//export warmup_ips
func warmup_ips(_ *C.HalonHSLContext, args *C.HalonHSLArguments, ret *C.HalonHSLValue) {
	out := newSlots(1)
	defer out.free()
	chosen := C.HalonMTA_hsl_value_get(C.HalonMTA_hsl_argument_get(args, 0), C.HALONMTA_HSL_TYPE_STRING, out.slot(0), nil)
	C.HalonMTA_hsl_value_set(ret, C.HALONMTA_HSL_TYPE_ARRAY, nil, 0)
	lock.Lock()
	defer lock.Unlock()
	count := C.double(0)
	for _, address := range plan.Addresses {
		if bool(chosen) && address.Class != C.GoString(*(**C.char)(out.slot(0))) {
			continue
		}
		key, item := add(ret)
		C.HalonMTA_hsl_value_set(key, C.HALONMTA_HSL_TYPE_NUMBER, unsafe.Pointer(&count), 0)
		addText(item, "address", address.IP)
		if address.Helo != "" {
			addText(item, "helo", address.Helo)
		}
		count++
	}
}

var messageKinds = map[int]C.int{
	C.HALONMTA_QUEUE_TRANSPORTID:     C.HALONMTA_MESSAGE_TRANSPORTID,
	C.HALONMTA_QUEUE_LOCALIP:         C.HALONMTA_MESSAGE_LOCALIP,
	C.HALONMTA_QUEUE_REMOTEIP:        C.HALONMTA_MESSAGE_REMOTEIP,
	C.HALONMTA_QUEUE_REMOTEMX:        C.HALONMTA_MESSAGE_REMOTEMX,
	C.HALONMTA_QUEUE_RECIPIENTDOMAIN: C.HALONMTA_MESSAGE_RECIPIENTDOMAIN,
	C.HALONMTA_QUEUE_JOBID:           C.HALONMTA_MESSAGE_JOBID,
	C.HALONMTA_QUEUE_GROUPING:        C.HALONMTA_MESSAGE_GROUPING,
	C.HALONMTA_QUEUE_TENANTID:        C.HALONMTA_MESSAGE_TENANTID,
}

//export Halon_queue_insert_callback
func Halon_queue_insert_callback(context *C.HalonQueueContext) C.bool {
	lock.Lock()
	defer lock.Unlock()
	if !plan.Exclude {
		return true
	}
	out := newSlots(4)
	defer out.free()
	C.HalonMTA_queue_getinfo(context, C.HALONMTA_INFO_MESSAGE, nil, 0, out.slot(0), nil)
	C.HalonMTA_queue_getinfo(context, C.HALONMTA_INFO_LOCALIPS, nil, 0, out.slot(1), (*C.size_t)(out.slot(2)))
	message := *(**C.HalonQueueMessage)(out.slot(0))
	value := func(field int) string {
		C.HalonMTA_message_getinfo(message, messageKinds[field], nil, 0, out.slot(3), nil)
		return C.GoString(*(**C.char)(out.slot(3)))
	}
	count := int(*(*C.size_t)(out.slot(2)))
	ips := unsafe.Slice(*(***C.char)(out.slot(1)), count)
	kept := newSlots(count + 1)
	defer kept.free()
	left := 0
	for _, ip := range ips {
		if plan.Accepts(C.GoString(ip), time.Now(), value) {
			*(**C.char)(kept.slot(left)) = ip
			left++
		}
	}
	if left == 0 && count > 0 {
		C.HalonMTA_queue_getinfo(context, C.HALONMTA_INFO_RETURN, nil, 0, out.slot(3), nil)
		addText(*(**C.HalonHSLValue)(out.slot(3)), "error", "NO_IPS")
		return false
	}
	return C.HalonMTA_queue_setinfo(context, C.HALONMTA_INFO_LOCALIPS, kept.at, C.size_t(left))
}
