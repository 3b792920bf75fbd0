package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/filter"
)

// problem is an error as the API shows it (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"` // name of a perdure.Code
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	ID     string `json:"id,omitempty"` // the instance concerned
	// Line and Column are the place in the body, from 1.
	Line   int           `json:"line,omitempty"`
	Column int           `json:"column,omitempty"`
	Marks  []wrongPlace  `json:"marks,omitempty"` // what is wrong in a filter, in its order
	retry  time.Duration // when to come again, 0 = not known
	// Current is the state that a conflicting request did not know.
	Current any `json:"current,omitempty"`
	// Held is what keeps a run from being purged: calls whose outcome is not known.
	Held []string `json:"held,omitempty"`
}

// wrongPlace is a place in a filter that is wrong.
type wrongPlace struct {
	From    int    `json:"from"`              // bytes of the filter, from 0
	To      int    `json:"to"`                // exclusive
	Nearest string `json:"nearest,omitempty"` // the known name most like what stands there
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// answer is what a code becomes.
type answer struct {
	status int
	hint   string // unless the error brings its own
}

// statusClientGone is the status of requests whose client gave up; nobody
// reads it but logs.
const statusClientGone = 499

// answers maps each code to its HTTP status. It is the only such table.
func answers(c perdure.Code) answer {
	switch c {
	case perdure.InvalidArgument:
		return answer{http.StatusBadRequest, ""}
	case perdure.NotFound:
		return answer{http.StatusNotFound, "check the id; GET /api/v1/runs lists what there is"}
	case perdure.AlreadyExists:
		return answer{http.StatusConflict, `choose another id, or set "id_policy"`}
	case perdure.FailedPrecondition:
		return answer{http.StatusConflict, "read the current state first"}
	case perdure.Conflict:
		return answer{http.StatusConflict, "read the current state and decide again"}
	case perdure.ResourceExhausted:
		return answer{http.StatusTooManyRequests, "nothing was accepted; try again later or send less"}
	case perdure.Unavailable:
		return answer{http.StatusServiceUnavailable, "try again with the same Idempotency-Key"}
	case perdure.Unimplemented:
		return answer{http.StatusNotImplemented, ""}
	case perdure.Unauthenticated:
		return answer{http.StatusUnauthorized, "perdure token new makes a token; send it as Authorization: Bearer TOKEN"}
	case perdure.PermissionDenied:
		return answer{http.StatusForbidden, ""}
	case perdure.DeadlineExceeded:
		return answer{http.StatusGatewayTimeout, ""}
	case perdure.Canceled:
		return answer{statusClientGone, ""}
	case perdure.NoSpace:
		return answer{http.StatusInsufficientStorage, "nothing was lost; it goes on by itself when the disk has space again"}
	}
	return answer{http.StatusInternalServerError, "the server's log has the details"}
}

// problemOf turns any error into a problem. The text of an error that is not
// one of ours stays in the log.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var e *perdure.Error
	var step *perdure.StepError
	if !errors.As(err, &e) && errors.As(err, &step) {
		// What an orchestration or entity answered to a request; it may be shown.
		e = &perdure.Error{Code: perdure.FailedPrecondition, Op: "ask", Message: "the answer is an error", Cause: step}
	}
	if e == nil {
		code := perdure.Internal
		detail := "internal error"
		switch {
		case errors.Is(err, context.Canceled):
			code, detail = perdure.Canceled, "the request was given up"
		case errors.Is(err, context.DeadlineExceeded):
			code, detail = perdure.DeadlineExceeded, "time ran out"
		}
		a := answers(code)
		return &problem{Status: a.status, Code: code.String(), Detail: detail, Hint: a.hint}
	}
	a := answers(e.Code)
	p = &problem{Status: a.status, Code: e.Code.String(), Detail: e.Error(), Hint: a.hint, ID: e.Instance, retry: e.RetryAfter}
	if e.Code == perdure.NotFound && strings.HasPrefix(e.Instance, "@") {
		p.Hint = "check the key; GET /api/v1/entities lists what there is"
		if rest, ok := strings.CutPrefix(e.Instance, "@dafx-"); ok {
			name, _, _ := strings.Cut(rest, "@")
			p.Hint = "check the key; GET /api/v1/agents/" + name + "/sessions lists what there is"
		}
	}
	var wrong filter.Errors
	if errors.As(err, &wrong) && len(wrong) > 0 {
		p.Detail, p.Column = wrong.Error(), wrong[0].From+1
		for _, w := range wrong {
			p.Marks = append(p.Marks, wrongPlace{From: w.From, To: w.To, Nearest: w.Nearest})
		}
		p.Hint = "a filter looks like: status:failed name:Order* created>-24h"
	}
	return p
}

// invalid is a problem with what the caller sent.
func invalid(detail, hint string) *problem {
	return &problem{Status: http.StatusBadRequest, Code: perdure.InvalidArgument.String(), Detail: detail, Hint: hint}
}

// fail answers with an error.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := *problemOf(err)
	if p.Hint == answers(perdure.Unavailable).hint && isRead(r) {
		p.Hint = retryRead
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
		if p.Status == statusClientGone {
			p.Title = "Client Closed Request"
		}
	}
	if p.Status >= 500 && p.Status != http.StatusServiceUnavailable {
		a.Logger.Error("request failed", "method", r.Method, "path", r.URL.EscapedPath(), "status", p.Status, "err", err)
	}
	p.advise(w.Header())
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, p.Status, "application/problem+json", &p)
}

// advise says when to come again, in whole seconds, if that may help.
func (p *problem) advise(h http.Header) {
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(p.retry.Seconds())))))
	}
}

// retryRead is the hint for a request that changes nothing and needs no key.
const retryRead = "try again in a moment"

// isRead reports whether a request only reads.
func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// writeJSON answers with a JSON document. It writes nothing before it is whole.
func writeJSON(w http.ResponseWriter, status int, contentType string, body any) {
	data, err := marshal(body)
	if err != nil { // a view is always encodable
		panic(err)
	}
	data = append(data, '\n')
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that is gone needs no answer
}

// marshal encodes without escaping what only HTML needs escaped.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// shown makes foreign text fit for a message: short, without control
// characters.
func shown(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.ToValidUTF8(s, "") != s || s == "" {
		return strconv.Quote(s)
	}
	return s
}
