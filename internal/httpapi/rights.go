package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/internal/access"
)

// rights says for each route what its callers must be permitted. A route that is not
// here is served to nobody.
func (a *API) rights() map[string]access.Right {
	python, dotnet := a.Prefix+"/workflow/{workflow}", a.Prefix+"/workflows/{workflow}"
	rights := map[string]access.Right{
		"GET /healthz":                access.Anyone,
		"GET /readyz":                 access.Anyone,
		"GET " + a.Prefix + "/health": access.Anyone,
		"GET /metrics":                access.Anyone, // its handler looks at the grant
		"/api/v1":                     access.Known,  // there is nothing
		"/api/v1/":                    access.Known,
		"/":                           access.Known,

		"GET " + python + "/status/{run}":             access.Read,
		"GET " + dotnet + "/status/{run}":             access.Read,
		"POST " + a.Prefix + "/agents/{agent}/run":    access.Write,
		"POST " + python + "/run":                     access.Write,
		"POST " + python + "/respond/{run}/{request}": access.Write,
		"POST " + dotnet + "/run":                     access.Write,
		"POST " + dotnet + "/respond/{run}":           access.Write,
	}
	for _, o := range Operations() {
		rights[o.Pattern] = o.Right
	}
	return rights
}

// handle adds a route, behind its right.
func (a *API) handle(pattern string, h http.Handler) {
	need := a.allowed[pattern]
	a.patterns = append(a.patterns, pattern)
	a.mux.Handle(pattern, a.permitted(need, need, h))
}

// permitted is h for callers that have the right, which for reads may be another.
func (a *API) permitted(read, need access.Right, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		right := need
		if isRead(r) {
			right = read
		} else if a.ReadOnly && !isLogin(r.URL.Path) {
			a.fail(w, r, errReadOnly())
			return
		}
		if err := access.From(r.Context()).Allow(a.Info.Hub, right); err != nil {
			a.fail(w, r, err)
			return
		}
		h.ServeHTTP(w, acting(r))
	})
}

// Routes lists the patterns that the API serves, for tests of their rights. Those of
// mounts are not among them.
func (a *API) Routes() []string { return a.patterns }
