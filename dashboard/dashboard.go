// Package dashboard serves Perdure's dashboard: runs, agents, sessions, decisions and
// entities of a hub, live, in a browser.
//
// A server of package host has it at its root. A program of one's own can mount it
// anywhere over an API handler:
//
//	mux.Handle("/ops/", http.StripPrefix("/ops", dashboard.Handler(api, dashboard.Options{})))
package dashboard

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// Options say how the dashboard is served. The zero value works.
type Options struct {
	// Prefix is the path under which the browser sees the dashboard, such as "/ops"; "" =
	// what http.StripPrefix has removed, or none.
	Prefix string
	// ReadOnly says that the API takes no changes: the dashboard offers none then. The API
	// has to refuse them by itself.
	ReadOnly bool
	// FrameAncestors are the origins whose pages may show the dashboard in a frame, as in
	// a Content-Security-Policy; none = nobody's.
	FrameAncestors []string
}

// apiPaths are the paths that belong to the API; one that ends with a slash stands for all
// below it.
var apiPaths = []string{"/api/", "/v1/", "/mcp", "/metrics", "/healthz", "/readyz"}

// Handler returns the handler of the dashboard, which passes on to api what belongs to
// that; nil = somebody else serves it under the same prefix. Every other path that is no
// file of the dashboard is one of its pages, as far as it is read with GET.
//
// It needs no authentication of its own: its files are the same for everybody, and what
// they show comes from the API.
func Handler(api http.Handler, o Options) http.Handler {
	files := load()
	policy := policyOf(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := path.Clean("/" + r.URL.Path)
		if api != nil && belongsToAPI(p) {
			api.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the dashboard is read with GET", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		if f := files[strings.TrimPrefix(p, "/")]; f != nil && p != "/index.html" {
			f.serve(w, r)
			return
		}
		if belongsToAPI(p) {
			http.NotFound(w, r)
			return
		}
		page(o, baseOf(o, r)).serve(w, r)
	})
}

func belongsToAPI(p string) bool {
	return slices.ContainsFunc(apiPaths, func(a string) bool {
		return p == strings.TrimSuffix(a, "/") || strings.HasSuffix(a, "/") && strings.HasPrefix(p, a)
	})
}

// baseOf returns the path to which the addresses in the pages are relative, with a slash
// at its end.
func baseOf(o Options, r *http.Request) string {
	prefix := o.Prefix
	if prefix == "" { // the client's path still has what StripPrefix has taken from the other
		if seen, _, _ := strings.Cut(r.RequestURI, "?"); strings.HasPrefix(seen, "/") {
			if rest := r.URL.EscapedPath(); rest != "" && strings.HasSuffix(seen, rest) {
				prefix = strings.TrimSuffix(seen, rest)
			}
		}
	}
	return "/" + strings.Trim(prefix, "/") + strings.Repeat("/", min(1, len(strings.Trim(prefix, "/"))))
}

func policyOf(o Options) string {
	frames := "'none'"
	if len(o.FrameAncestors) > 0 {
		frames = strings.Join(o.FrameAncestors, " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
		"base-uri 'self'; form-action 'self'; frame-ancestors " + frames
}
