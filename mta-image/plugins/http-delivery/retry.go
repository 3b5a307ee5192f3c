package main

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const longestWait = 86_400

// passingTrouble names what a server's status says of the server, not of the mail; "" for any other status. Without it
// such a status would be read as its class is in SMTP, which is never. Proxies have statuses of their own up to 530.
func passingTrouble(status int) string {
	if status < 500 || status >= 550 {
		return ""
	}
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "the server has trouble"
}

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
