package main

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const longestWait = 86_400

// retryAfter says for how many seconds the server does not want to be asked again: seconds or a date (RFC 9110 10.2.3),
// a day at most. Zero for what is over, or says nothing.
func retryAfter(field string, now time.Time) float64 {
	if seconds, err := strconv.ParseUint(field, 10, 64); err == nil {
		return float64(min(seconds, longestWait))
	}
	at, err := http.ParseTime(field)
	if err != nil {
		return 0
	}
	return max(0, min(math.Ceil(at.Sub(now).Seconds()), longestWait))
}
