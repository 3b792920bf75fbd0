package httpapi

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/history"
)

// The W3C headers traceparent and tracestate name the caller's span. What a
// request sends to agents, or starts, lies below it; the headers are kept with it.

var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// maxTraceState bounds the header tracestate, in bytes; a longer one is dropped.
const maxTraceState = 512

// traceOf returns the span of the caller, nil if there is none.
func traceOf(r *http.Request) *history.TraceContext {
	parent := r.Header.Get("traceparent")
	if !traceParent.MatchString(parent) {
		return nil
	}
	state := strings.Join(r.Header.Values("tracestate"), ",")
	if len(state) > maxTraceState {
		state = ""
	}
	return &history.TraceContext{TraceParent: parent, TraceState: history.NoneIfEmpty(state)}
}

// traced returns the request with the caller's span in its context.
func traced(r *http.Request) *http.Request {
	t := traceOf(r)
	if t == nil {
		return r
	}
	return r.WithContext(agent.WithTrace(r.Context(), t.TraceParent, t.TraceState.S))
}
