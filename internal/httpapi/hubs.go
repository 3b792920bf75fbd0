package httpapi

import (
	"context"
	"crypto/tls"
	"net/http"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

// Hubs are the task hubs of a process.
type Hubs interface {
	// Names lists them, in order.
	Names() []string
	// Create makes a hub. One that exists stays as it is, or is emptied if recreate is
	// set.
	Create(ctx context.Context, name string, recreate bool) error
	// Delete deletes a hub with all that it holds.
	Delete(ctx context.Context, name string) error
}

// Door lets requests in to the APIs of several hubs.
type Door struct {
	// Hub returns the API of a hub, or an error as access.NoHub.
	Hub func(ctx context.Context, name string) (*API, error)
	// Check returns what the bearer of a token may do. nil = all may do everything.
	Check func(token string) (*access.Grant, error)
	// Certificate returns what may be done in a hub by who has shown a certificate with
	// these names, and no token. nil = certificates say nothing.
	Certificate func(names []string, hub string) (*access.Grant, error)
	// Node reports whether a TLS session is that of who knows the secret of the hubs'
	// database: then all may be done in every hub. nil = none is.
	Node func(*tls.ConnectionState) bool
}

// HubHeader is the header, and the query parameter, that chooses a hub. The metadata
// of gRPC calls has the same name.
const HubHeader = "taskhub"

// DefaultHub is the hub that is meant when none is named.
const DefaultHub = "default"

// Behind returns a handler of the APIs that d lets requests in to, behind the guard
// of a.
func (a *API) Behind(d Door) http.Handler {
	h := a.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.enter(d, w, r); err != nil {
			a.fail(w, r, err)
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, traced(r)) })
}

// enter finds out who asks and which hub, and has that answer.
func (a *API) enter(d Door, w http.ResponseWriter, r *http.Request) error {
	name, r, err := hubOf(r)
	if err != nil {
		return err
	}
	if isLogin(r.URL.Path) && r.Header.Get("Authorization") == "" { // a token in a cookie that is no longer valid must not be in the way
		a.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), doorKey{}, d)))
		return nil
	}
	grant, err := d.grant(r, name)
	if err != nil {
		return err
	}
	api := a // also for those who show nothing: they learn of no hub
	if grant != nil && !aboutHubs(r.URL.Path) && !isProbe(r.URL.Path) {
		if api, err = d.api(r.Context(), grant, name); err != nil {
			return err
		}
	}
	ctx := access.With(r.Context(), grant)
	if grant != nil && grant.Ended != nil {
		var done func()
		ctx, done = until(ctx, grant.Ended)
		defer done()
	}
	api.mux.ServeHTTP(w, r.WithContext(ctx))
	return nil
}

// api returns the API of a hub that the grant covers.
func (d Door) api(ctx context.Context, grant *access.Grant, name string) (*API, error) {
	err := grant.Allow(name, access.Known)
	if err == nil {
		var api *API
		if api, err = d.Hub(ctx, name); err == nil {
			return api, nil
		}
	}
	if perdure.CodeOf(err) == perdure.NotFound {
		p := problemOf(err)
		p.Hint = "GET /api/v1/hubs lists what there is; POST /api/v1/hubs makes one"
		return nil, p
	}
	return nil, err
}

// grant returns what a request may do; nil = it shows nothing.
func (d Door) grant(r *http.Request, hub string) (*access.Grant, error) {
	if d.Check == nil || d.Node != nil && d.Node(r.TLS) {
		return access.Everything(), nil
	}
	token, err := tokenOf(r)
	if err != nil {
		return nil, err
	}
	if token != "" {
		return d.Check(token)
	}
	if names := access.NamesOf(r.TLS); d.Certificate != nil && len(names) > 0 {
		return d.Certificate(names, hub)
	}
	return nil, nil
}

// until returns a context that ends with the grant on which it was let in.
func until(ctx context.Context, ended <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-done }
}

// aboutHubs reports whether a path is about hubs, not in one.
func aboutHubs(path string) bool {
	return path == "/api/v1/hubs" || path == "/metrics" || strings.HasPrefix(path, "/api/v1/hubs/")
}

// isProbe reports whether a path tells how the process is.
func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" }

// hubOf returns the hub that a request is for, and the request as that hub's API is
// to see it: without the query parameter.
func hubOf(r *http.Request) (string, *http.Request, error) {
	names := r.Header.Values(HubHeader)
	if strings.Contains(r.URL.RawQuery, HubHeader) {
		q := r.URL.Query()
		names = slices.Concat(names, q[HubHeader])
		q.Del(HubHeader)
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
	}
	switch {
	case len(names) == 0:
		return DefaultHub, r, nil
	case len(names) > 1:
		return "", nil, invalid("the request names its task hub more than once", "give the header taskhub or the parameter taskhub, once")
	}
	return names[0], r, nil
}

// hubRoutes is the table of the routes about hubs.
func (a *API) hubRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /api/v1/hubs":          a.listHubs,
		"POST /api/v1/hubs":         a.createHub,
		"DELETE /api/v1/hubs/{hub}": a.deleteHub,
	}
}

// hubView is a hub as the API shows it.
type hubView struct {
	Name string `json:"name"`
}

// hubBody is the body of a request that makes a hub.
type hubBody struct {
	Name     string `json:"name"`
	Recreate bool   `json:"recreate"` // empty one that exists
}

// listHubs lists the hubs that the caller may see.
func (a *API) listHubs(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	grant := access.From(r.Context())
	list := items[hubView]{Items: []hubView{}}
	for _, name := range a.Hubs.Names() {
		err := grant.Allow(name, access.Known)
		if perdure.CodeOf(err) == perdure.Unauthenticated {
			return nil, err
		}
		if err == nil {
			list.Items = append(list.Items, hubView{name})
		}
	}
	return &reply{body: &list}, nil
}

func (a *API) createHub(w http.ResponseWriter, r *http.Request) (*reply, error) {
	grant := access.From(r.Context())
	if grant == nil { // before anything is read
		return nil, grant.Allow("", access.Write)
	}
	var body hubBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	if body.Name == "" {
		return nil, invalid("name is missing", `send {"name": "..."}`)
	}
	if err := grant.Allow(body.Name, access.Write); err != nil {
		return nil, err
	}
	if err := a.Hubs.Create(r.Context(), body.Name, body.Recreate); err != nil {
		return nil, err
	}
	return &reply{body: &hubView{body.Name}}, nil
}

func (a *API) deleteHub(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	name := r.PathValue("hub")
	if _, err := query(r); err != nil {
		return nil, err
	}
	if err := access.From(r.Context()).Allow(name, access.Write); err != nil {
		return nil, err
	}
	if err := a.Hubs.Delete(r.Context(), name); err != nil {
		return nil, err
	}
	return &reply{body: &hubView{name}}, nil
}
