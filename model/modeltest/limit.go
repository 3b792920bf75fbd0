package modeltest

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// serverLimit lets a number of requests through within a time, as providers do:
// from a bucket that refills evenly.
type serverLimit struct {
	limit float64
	rate  float64 // per second

	mu    sync.Mutex // guards level and at
	level float64
	at    time.Time
}

func newServerLimit(requests int, per time.Duration) *serverLimit {
	return &serverLimit{limit: float64(requests), rate: float64(requests) / per.Seconds(), level: float64(requests), at: time.Now()}
}

// take books a request and returns 0, or returns the time until there is room
// for one. It describes the limit in the headers of the answer, in the words of
// the protocol's provider. A nil limit lets everything through.
func (l *serverLimit) take(h http.Header, p protocol) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.level = min(l.limit, l.level+now.Sub(l.at).Seconds()*l.rate)
	l.at = now
	wait := time.Duration(0)
	if l.level >= 1 {
		l.level--
	} else {
		wait = time.Duration(math.Ceil((1-l.level)/l.rate*1e3)) * time.Millisecond
	}
	limit, remaining := strconv.Itoa(int(l.limit)), strconv.Itoa(int(l.level))
	reset := (l.limit - l.level) / l.rate
	if _, ok := p.(*anthropicProtocol); ok {
		h.Set("Anthropic-Ratelimit-Requests-Limit", limit)
		h.Set("Anthropic-Ratelimit-Requests-Remaining", remaining)
		h.Set("Anthropic-Ratelimit-Requests-Reset", now.Add(time.Duration(reset*float64(time.Second))).UTC().Format(time.RFC3339Nano))
		return wait
	}
	h.Set("X-Ratelimit-Limit-Requests", limit)
	h.Set("X-Ratelimit-Remaining-Requests", remaining)
	h.Set("X-Ratelimit-Reset-Requests", fmt.Sprintf("%.3fs", reset))
	return wait
}
