package main

// #include <HalonMTA.h>
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"sort"
	"strconv"
	"time"
	"unsafe"
)

const defaultInterval = 3600

var fieldNames = []struct {
	name string
	bit  int
}{
	{"transportid", C.HALONMTA_QUEUE_TRANSPORTID},
	{"localip", C.HALONMTA_QUEUE_LOCALIP},
	{"remoteip", C.HALONMTA_QUEUE_REMOTEIP},
	{"remotemx", C.HALONMTA_QUEUE_REMOTEMX},
	{"recipientdomain", C.HALONMTA_QUEUE_RECIPIENTDOMAIN},
	{"jobid", C.HALONMTA_QUEUE_JOBID},
	{"grouping", C.HALONMTA_QUEUE_GROUPING},
	{"tenantid", C.HALONMTA_QUEUE_TENANTID},
}

func child(config *C.HalonConfig, key string) *C.HalonConfig {
	name := C.CString(key)
	defer C.free(unsafe.Pointer(name))
	return C.HalonMTA_config_object_get(config, name)
}

func items(config *C.HalonConfig) (list []*C.HalonConfig) {
	for i := C.size_t(0); ; i++ {
		item := C.HalonMTA_config_array_get(config, i)
		if item == nil {
			return list
		}
		list = append(list, item)
	}
}

func text(config *C.HalonConfig) string {
	if config == nil {
		return ""
	}
	return C.GoString(C.HalonMTA_config_string_get(config, nil))
}

func pairs(config *C.HalonConfig) map[string]string {
	found := map[string]string{}
	for i := C.size_t(0); ; i++ {
		key := C.HalonMTA_config_object_key_get(config, i)
		if key == nil {
			return found
		}
		found[text(key)] = text(child(config, text(key)))
	}
}

func number(config *C.HalonConfig, otherwise float64) (float64, error) {
	if config == nil {
		return otherwise, nil
	}
	value, err := strconv.ParseFloat(text(config), 64)
	if err != nil || value < 0 {
		return 0, fmt.Errorf("%q is no number", text(config))
	}
	return value, nil
}

// A field is a name, or an object that gives the value it must have.
func readFields(config *C.HalonConfig, schedule *Schedule) error {
	schedule.Fields = C.HALONMTA_QUEUE_LOCALIP
	schedule.Match = map[int]string{}
	if config == nil {
		return nil
	}
	schedule.Fields = 0
	for _, item := range items(config) {
		known := false
		for _, field := range fieldNames {
			value := child(item, field.name)
			if value != nil {
				schedule.Match[field.bit] = text(value)
			}
			if value != nil || text(item) == field.name {
				schedule.Fields |= field.bit
				known = true
			}
		}
		if !known {
			return fmt.Errorf("%q is no field", text(item))
		}
	}
	return nil
}

func readStep(config *C.HalonConfig, interval float64, properties map[string]string) (Step, error) {
	day, err := number(child(config, "day"), -1)
	if err != nil || day < 0 {
		return Step{}, fmt.Errorf("a step of the schedule needs a day")
	}
	messages, err := number(child(config, "messages"), -1)
	if err != nil || messages < 0 {
		return Step{}, fmt.Errorf("a step of the schedule needs messages")
	}
	step := Step{Day: int(day), Messages: uint64(messages), Properties: map[string]string{}}
	if step.Interval, err = number(child(config, "interval"), interval); err != nil {
		return Step{}, err
	}
	for _, from := range []map[string]string{properties, pairs(child(config, "properties"))} {
		for key, value := range from {
			step.Properties[key] = value
		}
	}
	return step, nil
}

func readSchedule(config *C.HalonConfig) (*Schedule, error) {
	schedule := &Schedule{Class: text(child(config, "class")), Algorithm: C.HALONMTA_RATE_ALGORITHM_DEFAULT}
	switch text(child(config, "ratealgorithm")) {
	case "":
	case "fixedwindow":
		schedule.Algorithm = C.HALONMTA_RATE_ALGORITHM_FIXEDWINDOW
	case "tokenbucket":
		schedule.Algorithm = C.HALONMTA_RATE_ALGORITHM_TOKENBUCKET
	default:
		return nil, fmt.Errorf("%q is no ratealgorithm", text(child(config, "ratealgorithm")))
	}
	interval, err := number(child(config, "interval"), defaultInterval)
	if err != nil {
		return nil, err
	}
	if err := readFields(child(config, "fields"), schedule); err != nil {
		return nil, err
	}
	for _, item := range items(child(config, "schedule")) {
		step, err := readStep(item, interval, pairs(child(config, "properties")))
		if err != nil {
			return nil, err
		}
		schedule.Steps = append(schedule.Steps, step)
	}
	if len(schedule.Steps) == 0 {
		return nil, fmt.Errorf("the schedule of class %q has no steps", schedule.Class)
	}
	sort.Slice(schedule.Steps, func(a, b int) bool { return schedule.Steps[a].Day < schedule.Steps[b].Day })
	return schedule, nil
}

func readAddress(config *C.HalonConfig, schedules map[string]*Schedule) (Address, error) {
	address := Address{
		Class: text(child(config, "class")),
		IP:    text(child(config, "ip")),
		Helo:  text(child(config, "helo")),
	}
	if address.IP == "" {
		return address, fmt.Errorf("an entry of ips has no ip")
	}
	if schedules[address.Class] == nil {
		return address, fmt.Errorf("%s is of class %q, which has no schedule", address.IP, address.Class)
	}
	added, err := time.ParseInLocation("2006-01-02", text(child(config, "added")), time.Local)
	if err != nil {
		return address, fmt.Errorf("%s: added must be a date such as 2026-01-31", address.IP)
	}
	address.Added = added
	return address, nil
}

// readPlan joins both files; what smtpd-app.yaml says outranks smtpd.yaml. Either may be nil.
func readPlan(startup []*Schedule, app *C.HalonConfig, excludeAtStart bool) (*Plan, error) {
	plan := &Plan{Schedules: map[string]*Schedule{}, Exclude: excludeAtStart}
	own, err := readSchedules(app)
	if err != nil {
		return nil, err
	}
	for _, schedule := range append(append([]*Schedule{}, startup...), own...) {
		plan.Schedules[schedule.Class] = schedule
	}
	for _, item := range items(child(app, "ips")) {
		address, err := readAddress(item, plan.Schedules)
		if err != nil {
			return nil, err
		}
		plan.Addresses = append(plan.Addresses, address)
	}
	if exclude := child(app, "exclude"); exclude != nil {
		plan.Exclude = text(exclude) == "true"
	}
	return plan, nil
}

func readSchedules(config *C.HalonConfig) (schedules []*Schedule, err error) {
	for _, item := range items(child(config, "schedules")) {
		schedule, err := readSchedule(item)
		if err != nil {
			return nil, err
		}
		schedules = append(schedules, schedule)
	}
	return schedules, nil
}
