package main

// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

type track struct{ class, ip string }

// made is the policy that stands for an address now.
type made struct {
	id       string
	schedule *Schedule
	step     Step
}

// Policies keeps one rate policy in the queue for each address that is warming up.
type Policies struct {
	made map[track]made
}

// cText is a C string that is freed with the others of its kind; "" is NULL.
type cTexts []unsafe.Pointer

func (t *cTexts) of(text string) *C.char {
	if text == "" {
		return nil
	}
	c := C.CString(text)
	*t = append(*t, unsafe.Pointer(c))
	return c
}

func (t *cTexts) free() {
	for _, c := range *t {
		C.free(c)
	}
}

// properties gives an array in C memory of key, value, ...
func (t *cTexts) properties(of map[string]string) (**C.char, C.size_t) {
	if len(of) == 0 {
		return nil, 0
	}
	count := 2 * len(of)
	array := C.malloc(C.size_t(count) * C.size_t(unsafe.Sizeof(uintptr(0))))
	*t = append(*t, array)
	texts := unsafe.Slice((**C.char)(array), count)
	i := 0
	for key, value := range of {
		texts[i], texts[i+1] = C.CString(key), C.CString(value)
		*t = append(*t, unsafe.Pointer(texts[i]), unsafe.Pointer(texts[i+1]))
		i += 2
	}
	return (**C.char)(array), C.size_t(count)
}

func tag(step Step) string { return fmt.Sprintf("Day_%d", step.Day) }

// Follow brings the queue's policies to what the plan says of this moment.
func (p *Policies) Follow(plan *Plan, now time.Time) {
	wanted := map[track]made{}
	for i := range plan.Addresses {
		address := &plan.Addresses[i]
		schedule := plan.Schedules[address.Class]
		if step, warming := schedule.StepAt(address.Days(now)); warming {
			wanted[track{address.Class, address.IP}] = made{schedule: schedule, step: step}
		}
	}
	for key, old := range p.made {
		if _, still := wanted[key]; !still {
			p.remove(key, old)
		}
	}
	for key, fresh := range wanted {
		p.bring(key, fresh)
	}
}

func (p *Policies) bring(key track, fresh made) {
	old, known := p.made[key]
	sameKind := known && old.schedule.Fields == fresh.schedule.Fields &&
		old.schedule.Algorithm == fresh.schedule.Algorithm && reflect.DeepEqual(old.schedule.Match, fresh.schedule.Match)
	switch {
	case known && !sameKind:
		p.remove(key, old)
		p.add(key, fresh)
	case !known:
		p.add(key, fresh)
	case !reflect.DeepEqual(old.step, fresh.step):
		p.update(key, old.id, fresh)
	default:
		p.made[key] = made{old.id, fresh.schedule, fresh.step}
	}
}

func (p *Policies) add(key track, fresh made) {
	var texts cTexts
	defer texts.free()
	at := func(field int) *C.char { return texts.of(fresh.schedule.Match[field]) }
	properties, count := texts.properties(fresh.step.Properties)
	id := C.HalonMTA_queue_policy_add6(nil, C.int(fresh.schedule.Fields), C.HALONMTA_POLICY_TYPE_WARMUP,
		at(C.HALONMTA_QUEUE_TRANSPORTID), texts.of(key.ip), at(C.HALONMTA_QUEUE_REMOTEIP),
		at(C.HALONMTA_QUEUE_REMOTEMX), at(C.HALONMTA_QUEUE_RECIPIENTDOMAIN), at(C.HALONMTA_QUEUE_JOBID),
		at(C.HALONMTA_QUEUE_GROUPING), at(C.HALONMTA_QUEUE_TENANTID), 0, C.size_t(fresh.step.Messages),
		C.double(fresh.step.Interval), C.int(fresh.schedule.Algorithm), 0, texts.of(tag(fresh.step)),
		properties, count, false, true, 0)
	if id == nil {
		complain(fmt.Sprintf("the policy of %s was refused", key.ip))
		return
	}
	p.made[key] = made{C.GoString(id), fresh.schedule, fresh.step}
	C.free(unsafe.Pointer(id))
}

// update keeps what has been counted so far.
func (p *Policies) update(key track, id string, fresh made) {
	var texts cTexts
	defer texts.free()
	properties, count := texts.properties(fresh.step.Properties)
	C.HalonMTA_queue_policy_update2(texts.of(id), 0, C.size_t(fresh.step.Messages), C.double(fresh.step.Interval),
		texts.of(tag(fresh.step)), properties, count, 0)
	p.made[key] = made{id, fresh.schedule, fresh.step}
}

func (p *Policies) remove(key track, old made) {
	var texts cTexts
	defer texts.free()
	C.HalonMTA_queue_policy_delete(texts.of(old.id))
	delete(p.made, key)
}
