package model

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Codes that adapters use when the provider gave none of its own.
const (
	// CodeConnection means that the provider was not reached or did not answer.
	CodeConnection = "connection"
	// CodeStreamCut means that the answer ended before it was complete.
	CodeStreamCut = "stream_cut"
	// CodeBadAnswer means that the answer could not be understood.
	CodeBadAnswer = "bad_answer"
	// CodeBadRequest means that the request could not be put into the
	// provider's form, so that nothing was sent.
	CodeBadRequest = "bad_request"
)

// Error is a failed attempt to call a model. It says what the caller needs in
// order to decide about another attempt.
type Error struct {
	// Provider is the name as in [Info].
	Provider string
	// Status is the HTTP status; 0 if no answer arrived.
	Status int `json:",omitzero"`
	// Code is the provider's code, or one of the Code constants.
	Code    string `json:",omitzero"`
	Message string `json:",omitzero"`
	// Retryable says that another attempt may succeed.
	Retryable bool `json:",omitzero"`
	// RetryAfter is the time that the provider asks to wait before the next
	// attempt; 0 leaves it to the caller.
	RetryAfter time.Duration `json:",omitzero"`
	// RequestID names the call to the provider's support; may be empty.
	RequestID string `json:",omitzero"`

	// Err is the cause, if there is one.
	Err error `json:"-"`
}

// Error returns provider, status, code and message in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Provider)
	if e.Status != 0 {
		fmt.Fprintf(&b, " %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	switch {
	case e.Message != "":
		b.WriteString(": " + e.Message)
	case e.Err != nil:
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retry reports whether err allows another attempt, and the time to wait for
// that the provider asked for. Errors that are no [*Error] do not.
func Retry(err error) (after time.Duration, ok bool) {
	var e *Error
	if !errors.As(err, &e) || !e.Retryable {
		return 0, false
	}
	return e.RetryAfter, true
}

// Unavailable reports whether err is a reason to ask another model, once the
// attempts at this one are used up: the provider was not reached, is overloaded
// or broke off, does not have the model, or does not serve this account. A fault
// of the request is none, since other models would refuse it too; neither are
// the end of a context and errors that are no [*Error].
//
//	asked again, may succeed (see [Retry])             true
//	401, 402, 403, 404, 408, 409, 429, 5xx             true
//	not reached: no connection, untrusted certificate  true
//	400, 413, 422 and others, bad_request              false
//
// An error in the middle of an answer has no status; its code says which it is.
func Unavailable(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	if e.Retryable || e.Code == CodeConnection || retryableStatus(e.Status) {
		return true
	}
	switch e.Status {
	case 401, 402, 403, 404:
		return true
	case 0:
		switch e.Code {
		case "authentication_error", "billing_error", "permission_error", "not_found_error", "insufficient_quota":
			return true
		}
	}
	return false
}

// NewHTTPError returns the error for an answer with a failure status. Retryable
// and RetryAfter follow from the status and from the headers x-should-retry,
// retry-after-ms and Retry-After (seconds or a date, which is compared with the
// answer's Date, else with now). header returns a header's first value; it is
// the Get method of an http.Header.
func NewHTTPError(provider string, status int, header func(string) string, now time.Time) *Error {
	e := &Error{Provider: provider, Status: status, Retryable: retryableStatus(status)}
	switch strings.TrimSpace(header("X-Should-Retry")) {
	case "true":
		e.Retryable = true
	case "false":
		e.Retryable = false
	}
	if e.Retryable {
		e.RetryAfter = retryAfter(header, now)
	}
	e.RequestID = header("X-Request-Id")
	if e.RequestID == "" {
		e.RequestID = header("Request-Id")
	}
	return e
}

// retryableStatus: request timeout, conflict (lock timeout), rate limit, and
// what is the server's fault.
func retryableStatus(status int) bool {
	return status == 408 || status == 409 || status == 429 || status >= 500
}

func retryAfter(header func(string) string, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(header("Retry-After-Ms")), 64); err == nil {
		return duration(ms, time.Millisecond)
	}
	value := strings.TrimSpace(header("Retry-After"))
	if s, err := strconv.ParseFloat(value, 64); err == nil {
		return duration(s, time.Second)
	}
	at, ok := parseDate(value)
	if !ok {
		return 0
	}
	if sent, ok := parseDate(header("Date")); ok {
		now = sent
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// maxRetryAfter bounds what a header can ask for; it keeps absurd numbers from
// overflowing.
const maxRetryAfter = 24 * time.Hour

// duration returns n units, within [0, maxRetryAfter].
func duration(n float64, unit time.Duration) time.Duration {
	if !(n > 0) {
		return 0
	}
	if n >= float64(maxRetryAfter/unit) {
		return maxRetryAfter
	}
	return time.Duration(n * float64(unit))
}

// parseDate reads the three date forms of HTTP.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
