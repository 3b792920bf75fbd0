// Package responses serves durable agents over OpenAI's Responses API: an agent
// is a model, a response is a turn of a session, or the part of one between two
// pauses, and every response can be streamed again from any event on.
//
// The package is mounted into a server that has checked host, origin and the
// like; see docs/openai-responses.md for what is served and what differs.
package responses

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
)

// Pattern is where a handler is mounted, for http.ServeMux.
const Pattern = "/v1/"

// Config says what is served. Client and Service are required and of the same
// hub; every other zero field has a default.
type Config struct {
	Client  *client.Client
	Service *agent.Service
	Agents  []agent.Info // of this process
	// Elsewhere, if set, returns others, which workers in other processes serve.
	Elsewhere func() []agent.Info
	Logger    *slog.Logger // nil = nothing is logged

	MaxBody   int64         // bytes of a body; 0 = 1 MiB
	Heartbeat time.Duration // between comments on an idle stream; 0 = 15 s
}

// Handler serves the routes. It may be used concurrently.
type Handler struct {
	Config
	mux *http.ServeMux

	stopOnce sync.Once
	stopping chan struct{} // closed by Stop
}

// New returns a handler.
func New(cfg Config) *Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 15 * time.Second
	}
	h := &Handler{Config: cfg, mux: http.NewServeMux(), stopping: make(chan struct{})}
	for pattern, e := range h.routes() {
		h.mux.Handle(pattern, h.endpoint(e))
	}
	for pattern, e := range h.conversationRoutes() {
		h.mux.Handle(pattern, h.endpoint(e))
	}
	h.mux.Handle("/", h.endpoint(noRoute))
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Stop ends open streams and waits, so that a server can shut down. The turns go
// on.
func (h *Handler) Stop() { h.stopOnce.Do(func() { close(h.stopping) }) }

// routes is the table of what is served.
func (h *Handler) routes() map[string]endpoint {
	return map[string]endpoint{
		"GET /v1/models":                     h.listModels,
		"GET /v1/models/{model}":             h.getModel,
		"POST /v1/responses":                 h.create,
		"GET /v1/responses/{id}":             h.retrieve,
		"DELETE /v1/responses/{id}":          h.remove,
		"POST /v1/responses/{id}/cancel":     h.cancel,
		"GET /v1/responses/{id}/input_items": h.listInput,
	}
}

// endpoint answers a request: with a value that is sent as JSON, or, if that is
// nil, by itself.
type endpoint func(w http.ResponseWriter, r *http.Request) (any, error)

func (h *Handler) endpoint(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := e(w, r)
		switch {
		case err != nil:
			h.fail(w, r, err)
		case body != nil:
			writeJSON(w, http.StatusOK, body)
		}
	})
}

func noRoute(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, &problem{status: http.StatusNotFound, Type: typeInvalid, Code: "not_found",
		Message: "there is no " + r.Method + " " + shown(r.URL.Path) + " here"}
}

// errStopping is the cause of contexts that end because the server stops.
var errStopping = errors.New("the server stops")

// untilStop returns a context that ends with ctx or when the server stops. The
// cancel function must be called and waits for its goroutine.
func (h *Handler) untilStop(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-h.stopping:
			cancel(errStopping)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// all returns the agents that there are.
func (h *Handler) all() []agent.Info {
	if h.Elsewhere == nil {
		return h.Agents
	}
	return slices.Concat(h.Agents, h.Elsewhere())
}

// agentOf returns the agent with a name, in whatever case.
func (h *Handler) agentOf(name string) (agent.Info, error) {
	all := h.all()
	for _, info := range all {
		if strings.EqualFold(info.Name, name) {
			return info, nil
		}
	}
	var names []string
	for _, info := range all {
		names = append(names, info.Name)
	}
	text := "The model " + shown(name) + " does not exist: no agent has this name."
	if len(names) > 0 {
		text += " There are " + strings.Join(names, ", ") + "."
	}
	return agent.Info{}, &problem{status: http.StatusNotFound, Type: typeInvalid, Code: "model_not_found", Param: "model", Message: text}
}
