package main

import (
	"sort"
	"time"
)

// Step is what an address may send up to and including a day of its warm-up.
type Step struct {
	Day        int
	Messages   uint64
	Interval   float64
	Properties map[string]string
}

// Schedule is the warm-up of a class of addresses. Fields says per what is counted; Match holds the values that
// some of the fields must have.
type Schedule struct {
	Class     string
	Fields    int
	Match     map[int]string
	Algorithm int
	Steps     []Step
}

// Address is one that is warmed up, since the day it was added.
type Address struct {
	Class string
	IP    string
	Helo  string
	Added time.Time
}

// StepAt gives the step for an address that many days after it was added; false when its warm-up is over.
func (s *Schedule) StepAt(days int) (Step, bool) {
	i := sort.Search(len(s.Steps), func(i int) bool { return s.Steps[i].Day >= days })
	if i == len(s.Steps) || s.Steps[i].Messages == 0 {
		return Step{}, false
	}
	return s.Steps[i], true
}

// Days since the address was added; an address of the future is at its first day.
func (a *Address) Days(now time.Time) int {
	if now.Before(a.Added) {
		return 0
	}
	return int(now.Sub(a.Added).Hours() / 24)
}

// Plan is a configuration that has been understood.
type Plan struct {
	Schedules map[string]*Schedule
	Addresses []Address
	Exclude   bool
}

// Accepts tells whether a message with these values may use the address: always when the address is not of this
// plan, or past its warm-up, and otherwise only when the message is of the kind that its schedule is for.
func (p *Plan) Accepts(ip string, now time.Time, value func(field int) string) bool {
	for i := range p.Addresses {
		address := &p.Addresses[i]
		if address.IP != ip {
			continue
		}
		schedule := p.Schedules[address.Class]
		if _, warming := schedule.StepAt(address.Days(now)); !warming {
			continue
		}
		for field, wanted := range schedule.Match {
			if value(field) != wanted {
				return false
			}
		}
	}
	return true
}
