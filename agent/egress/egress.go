// Package egress holds HTTP transports for tools: one that gives the effect id of a
// call to the other side, and one that reaches public addresses only.
//
//	client := &http.Client{Transport: egress.Transport(egress.PublicOnly())}
package egress

import (
	"net/http"

	"github.com/perdure/perdure/agent"
)

// Header is the name under which the effect id of a tool call is sent.
const Header = "Idempotency-Key"

// Transport returns a RoundTripper that sends requests over base, nil =
// http.DefaultTransport. Requests that change something, made with the context of a
// tool call or one derived from it, get the call's effect id as Idempotency-Key: it
// is the same each time the call is attempted, so that the other side can tell a
// repetition. A request that has the header already keeps its own; a tool that makes
// several such requests gives each one, made of [agent.EffectID] and what tells them
// apart.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	id := agent.EffectID(r.Context())
	if id == "" || isSafe(r.Method) || r.Header.Get(Header) != "" {
		return t.base.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.Header.Set(Header, id)
	return t.base.RoundTrip(r)
}

// isSafe reports whether requests of a method change nothing.
func isSafe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
