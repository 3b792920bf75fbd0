package httpapi

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

func (a *API) getInfo(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	info := a.Info
	info.Orchestrations = []string{}
	if a.Orchestrations != nil {
		for _, name := range a.Orchestrations() {
			if !strings.HasPrefix(name, reserved) { // those are not for people to start
				info.Orchestrations = append(info.Orchestrations, name)
			}
		}
	}
	if a.Workers != nil {
		info.Workers = a.Workers()
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	info.URL, info.ReadOnly = scheme+"://"+r.Host, a.ReadOnly
	info.Connection = "Endpoint=" + info.URL + ";TaskHub=" + cmp.Or(info.Hub, DefaultHub) + ";Authentication=None"
	if grant := access.From(r.Context()); grant != nil {
		info.Caller = viewCaller(grant)
		info.Caller.Writes = info.Caller.Writes && !a.ReadOnly
	}
	return &reply{body: &info}, nil
}

// Node is how a node is that shares its hubs' database with others.
type Node struct {
	Name    string `json:"name"`    // of this start of the process
	Members int    `json:"members"` // nodes that live as far as this one knows
	Shards  int    `json:"shards"`  // that it holds, of all hubs
	// LastBeat is when the database was last told that the node lives.
	LastBeat time.Time `json:"last_beat,omitzero"`
	// Unreached are nodes that it works with through the database only, as it does not
	// reach them.
	Unreached []string `json:"unreached,omitempty"`
	// Error is why it could not be told since; "" = it could.
	Error string `json:"error,omitempty"`
}

// health answers as long as the process does.
func (a *API) health(http.ResponseWriter, *http.Request) (*reply, error) {
	body := state{Status: "ok"}
	if a.Node != nil {
		body.Node = a.Node()
	}
	return &reply{body: body}, nil
}

// ready answers 503 until the hub serves and again once the server stops.
func (a *API) ready(http.ResponseWriter, *http.Request) (*reply, error) {
	if a.Ready != nil {
		if err := a.Ready(); err != nil {
			return nil, &perdure.Error{Code: perdure.Unavailable, Message: "not ready: " + err.Error()}
		}
		return &reply{body: state{Status: "ok"}}, nil
	}
	select {
	case <-a.stopping:
		return nil, &perdure.Error{Code: perdure.Unavailable, Message: "the server is stopping"}
	default:
		return &reply{body: state{Status: "ok"}}, nil
	}
}

// state is the answer of health checks.
type state struct {
	Status string `json:"status"`
	Node   *Node  `json:"node,omitempty"`
}

// Starting answers requests that come before there is a hub: alive, not ready.
func Starting(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", defaultPolicy)
	h.Set("Cache-Control", "no-store")
	if r.URL.Path == "/healthz" {
		writeJSON(w, http.StatusOK, "application/json", state{Status: "starting"})
		return
	}
	p := problemOf(&perdure.Error{Code: perdure.Unavailable, Message: "the server is starting"})
	p.Title = http.StatusText(p.Status)
	if isRead(r) {
		p.Hint = retryRead
	}
	h.Set("Retry-After", "1")
	writeJSON(w, p.Status, "application/problem+json", p)
}
