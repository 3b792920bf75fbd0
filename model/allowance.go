package model

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The kinds of allowance that providers tell. Output can not be foreseen: a call
// waits only while there is none.
const (
	allowRequests = iota
	allowTokens
	allowInputTokens
	allowOutputTokens
	allowanceKinds
)

// allowanceHeaders are the headers of a kind, as limit, remaining and reset: those
// of OpenAI and those of Anthropic.
func allowanceHeaders(kind int) [][3]string {
	word := [allowanceKinds]string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"}[kind]
	theirs := "Anthropic-Ratelimit-" + word
	headers := [][3]string{{theirs + "-Limit", theirs + "-Remaining", theirs + "-Reset"}}
	if kind <= allowTokens {
		headers = append(headers, [3]string{"X-Ratelimit-Limit-" + word, "X-Ratelimit-Remaining-" + word, "X-Ratelimit-Reset-" + word})
	}
	return headers
}

// need is what a call takes of an allowance.
func need(kind int, tokens int64) float64 {
	switch kind {
	case allowTokens, allowInputTokens:
		return float64(max(tokens, 1))
	}
	return 1
}

// openNeed is what the calls without an answer take of an allowance: the answer
// to another call may not count them yet.
func openNeed(kind int, m *modelLimit) float64 {
	switch kind {
	case allowTokens, allowInputTokens:
		return float64(m.openTokens)
	case allowRequests:
		return float64(m.open)
	}
	return 0
}

// allowance is a number of requests or tokens that refills evenly. The zero value
// allows everything: nothing is known about it.
type allowance struct {
	limit, level float64
	rate         float64 // refill per second; 0 = not known
	at           time.Time
	told         int64 // when the last answer told, by the model's clock
}

// now brings the level up to the time.
func (a *allowance) now(now time.Time) float64 {
	if passed := now.Sub(a.at).Seconds(); passed > 0 {
		a.level, a.at = min(a.limit, a.level+a.rate*passed), now
	}
	return a.level
}

// wait is the time until n are there. A call that needs more than there ever is
// waits until all is there.
func (a *allowance) wait(n float64, now time.Time) time.Duration {
	if a.rate == 0 {
		return 0
	}
	missing := min(n, a.limit) - a.now(now)
	if missing <= 0 {
		return 0
	}
	seconds := missing / a.rate
	if seconds >= maxRetryAfter.Seconds() {
		return maxRetryAfter
	}
	// Up to the next microsecond, so that a wait that was sat through is over.
	return time.Duration(math.Ceil(seconds*1e6)) * time.Microsecond
}

func (a *allowance) spend(n float64, now time.Time) {
	if a.rate > 0 {
		a.level = a.now(now) - n
	}
}

// read takes over what the headers say, if they say anything. open is what they
// may not count yet, sent is when the call was sent, and clock is the time of the
// answer, both by the model's clock. An answer to a call that was sent before the
// last answer came may be older than that one: of the two the lower level holds.
func (a *allowance) read(kind int, header func(string) string, now time.Time, open float64, sent, clock int64) bool {
	for _, names := range allowanceHeaders(kind) {
		remaining, ok := amount(header(names[1]))
		if !ok {
			continue
		}
		limit, ok := amount(header(names[0]))
		if !ok || limit < remaining {
			limit = max(remaining, a.limit, 1)
		}
		if reset, ok := resetAfter(header(names[2]), now); ok && reset > 0 && limit > remaining {
			a.rate = (limit - remaining) / reset.Seconds()
		}
		level := remaining - open
		if a.told > sent {
			level = min(level, a.now(now))
		}
		a.limit, a.level, a.at, a.told = limit, level, now, clock
		return true
	}
	return false
}

func amount(s string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return n, err == nil && n >= 0 && !math.IsInf(n, 0)
}

// resetAfter reads the forms in which providers tell when an allowance is whole
// again: "6m0s", a number of seconds, a date.
func resetAfter(s string, now time.Time) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return duration(seconds, time.Second), true
	}
	if d, err := time.ParseDuration(s); err == nil {
		return min(max(d, 0), maxRetryAfter), true
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}
