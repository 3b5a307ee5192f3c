// IP warm-up: bounds what a new address sends, more from step to step, until its schedule is over. Configured in
// smtpd.yaml and, reloadable and outranking it, in smtpd-app.yaml, plugins[].config:
//
//	schedules:
//	  - class: new            # addresses of a class share a schedule
//	    interval: 3600        # seconds that messages are counted in
//	    fields: [ localip, { grouping: "&mailboxes" } ]  # what is counted apart; with a value: only that mail
//	    ratealgorithm: fixedwindow
//	    properties: {}
//	    schedule:             # up to and including that day
//	      - { day: 1, messages: 100 }
//	      - { day: 7, messages: 1000, interval: 60 }
//	ips:                      # smtpd-app.yaml only
//	  - { class: new, ip: 192.0.2.1, helo: a.example.com, added: 2026-01-31 }
//	exclude: false            # true: an address that warms up for some mail is not used for other mail
//
// The classes are lists of addresses for policies ("@new"). Scripts ask for a class's addresses with warmup_ips().
package main

// #cgo CFLAGS: -I/opt/halon/include
// #cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #include <HalonMTA.h>
// #include <stdlib.h>
// #include <syslog.h>
// static void complain(const char* text) { syslog(LOG_ERR, "ip-warm-up: %s", text); }
import "C"

import (
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"
)

func main() {}

const period = 5 * time.Second

var (
	lock     sync.Mutex
	plan     *Plan
	policies = Policies{made: map[track]made{}}
	startup  []*Schedule
	exclude  bool
	stop     = make(chan struct{})
	stopped  = make(chan struct{})
)

func complain(text string) {
	c := C.CString(text)
	defer C.free(unsafe.Pointer(c))
	C.complain(c)
	fmt.Fprintln(os.Stderr, "ip-warm-up:", text)
}

func configOf(context *C.HalonInitContext, kind C.int) (config *C.HalonConfig) {
	// C memory, because the MTA writes a pointer there.
	out := (**C.HalonConfig)(C.calloc(1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	defer C.free(unsafe.Pointer(out))
	C.HalonMTA_init_getinfo(context, kind, nil, 0, unsafe.Pointer(out), nil)
	return *out
}

// changeLists makes a list of each class and moves addresses in and out.
func changeLists(from, to *Plan) {
	var texts cTexts
	defer texts.free()
	had, has := map[track]bool{}, map[track]bool{}
	if from != nil {
		for _, address := range from.Addresses {
			had[track{address.Class, address.IP}] = true
		}
	}
	for _, address := range to.Addresses {
		key := track{address.Class, address.IP}
		has[key] = true
		if !had[key] {
			C.HalonMTA_queue_list_add(C.HALONMTA_QUEUE_LOCALIP, texts.of(key.class))
			C.HalonMTA_queue_list_item_add(C.HALONMTA_QUEUE_LOCALIP, texts.of(key.class), texts.of(key.ip))
		}
	}
	for key := range had {
		if !has[key] {
			C.HalonMTA_queue_list_item_delete(C.HALONMTA_QUEUE_LOCALIP, texts.of(key.class), texts.of(key.ip))
		}
	}
	C.HalonMTA_queue_list_reload(0, nil)
}

//export Halon_version
func Halon_version() C.int { return C.HALONMTA_PLUGIN_VERSION }

//export Halon_early_init
func Halon_early_init(context *C.HalonInitContext) C.bool {
	config := configOf(context, C.HALONMTA_INIT_CONFIG)
	var err error
	if startup, err = readSchedules(config); err == nil {
		exclude = text(child(config, "exclude")) == "true"
		plan, err = readPlan(startup, configOf(context, C.HALONMTA_INIT_APPCONFIG), exclude)
	}
	if err != nil {
		complain(err.Error())
		return false
	}
	changeLists(nil, plan)
	return true
}

//export Halon_init
func Halon_init(*C.HalonInitContext) C.bool {
	policies.Follow(plan, time.Now())
	go watch()
	return true
}

func watch() {
	defer close(stopped)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			lock.Lock()
			policies.Follow(plan, now)
			lock.Unlock()
		}
	}
}

//export Halon_config_reload
func Halon_config_reload(config *C.HalonConfig) {
	fresh, err := readPlan(startup, config, exclude)
	if err != nil {
		complain(err.Error() + "; the former configuration stays")
		return
	}
	lock.Lock()
	defer lock.Unlock()
	changeLists(plan, fresh)
	plan = fresh
	policies.Follow(plan, time.Now())
}

//export Halon_cleanup
func Halon_cleanup() {
	close(stop)
	<-stopped
}

//export Halon_hsl_register
func Halon_hsl_register(context *C.HalonHSLRegisterContext) C.bool {
	name := C.CString("warmup_ips")
	defer C.free(unsafe.Pointer(name))
	return C.HalonMTA_hsl_register_function(context, name, nil) &&
		C.HalonMTA_hsl_module_register_function(context, name, nil)
}
