package httpapi

import (
	"net/http"

	"github.com/perdure/perdure/internal/access"
)

// rights says for each route what its callers must be permitted. A route that is not
// here is served to nobody.
func (a *API) rights() map[string]access.Right {
	const read, write, work = access.Read, access.Write, access.Work
	const session = "/api/v1/agents/{agent}/sessions/{key}"
	python, dotnet := a.Prefix+"/workflow/{workflow}", a.Prefix+"/workflows/{workflow}"
	return map[string]access.Right{
		"GET /healthz":                             access.Anyone,
		"GET /readyz":                              access.Anyone,
		"GET " + a.Prefix + "/health":              access.Anyone,
		"GET /api/v1/info":                         access.Known,
		"/api/v1":                                  access.Known, // there is nothing
		"/api/v1/":                                 access.Known,
		"/":                                        access.Known,
		"GET /api/v1/stream":                       read,
		"GET /api/v1/run-counts":                   read,
		"GET /api/v1/runs":                         read,
		"GET /api/v1/runs/{id}":                    read,
		"GET /api/v1/entities":                     read,
		"GET /api/v1/agents":                       read,
		"GET /api/v1/agents/{agent}":               read,
		"GET /api/v1/switches":                     read,
		"GET /api/v1/decisions":                    read,
		"GET /api/v1/decisions/{id}":               read,
		"GET /api/v1/approvals":                    read,
		"GET /api/v1/approvals/{id}":               read,
		"GET " + session:                           read,
		"GET " + session + "/messages":             read,
		"GET " + session + "/export":               read,
		"GET " + session + "/turns":                read,
		"GET " + session + "/turns/{turn}/steps":   read,
		"GET " + session + "/turns/{turn}/stream":  read,
		"GET " + python + "/status/{run}":          read,
		"GET " + dotnet + "/status/{run}":          read,
		"GET /api/v1/runs/{id}/history":            read,
		"GET /api/v1/runs/{id}/events/{n}/payload": read,
		"GET /api/v1/entities/{name}/{key}":        read,
		"GET /api/v1/agents/{agent}/sessions":      read,

		"GET /api/v1/demand":              read | work,
		"GET /api/v1/workers":             read,
		"GET /api/v1/workers/{worker}":    read,
		"POST /api/v1/workers":            write,
		"DELETE /api/v1/workers/{worker}": write,

		"GET /api/v1/backup":                          write, // all that there is, at the cost of reading it
		"POST /api/v1/runs":                           write,
		"POST /api/v1/runs/{id}/events/{name}":        write,
		"POST /api/v1/runs/{id}/requests/{name}":      write,
		"POST /api/v1/runs/{id}/suspend":              write,
		"POST /api/v1/runs/{id}/resume":               write,
		"POST /api/v1/runs/{id}/cancel":               write,
		"POST /api/v1/runs/{id}/terminate":            write,
		"POST /api/v1/runs/{id}/restart":              write,
		"POST /api/v1/runs/{id}/rewind":               write,
		"POST /api/v1/runs/{id}/purge":                write,
		"POST /api/v1/entities/{name}/{key}/signal":   write,
		"POST /api/v1/entities/{name}/{key}/call":     write,
		"POST /api/v1/switches":                       write,
		"POST /api/v1/decisions/{id}":                 write,
		"POST /api/v1/approvals/{id}":                 write,
		"DELETE " + session:                           write,
		"POST " + session + "/messages":               write,
		"POST " + session + "/stop":                   write,
		"POST " + a.Prefix + "/agents/{agent}/run":    write,
		"POST " + python + "/run":                     write,
		"POST " + python + "/respond/{run}/{request}": write,
		"POST " + dotnet + "/run":                     write,
		"POST " + dotnet + "/respond/{run}":           write,

		"POST /api/v1/activities/complete":          work,
		"POST /api/v1/activities/fail":              work,
		"POST /api/v1/activities/heartbeat":         work,
		"POST /api/v1/activities/{token}/complete":  work,
		"POST /api/v1/activities/{token}/fail":      work,
		"POST /api/v1/activities/{token}/heartbeat": work,

		// These are about hubs in the path or body, or about all; their handlers look at
		// the grant.
		"GET /metrics":              access.Anyone,
		"GET /api/v1/hubs":          access.Anyone,
		"POST /api/v1/hubs":         access.Anyone,
		"DELETE /api/v1/hubs/{hub}": access.Anyone,
	}
}

// handle adds a route, behind its right.
func (a *API) handle(pattern string, h http.Handler) {
	need := a.rights()[pattern]
	a.patterns = append(a.patterns, pattern)
	a.mux.Handle(pattern, a.permitted(need, need, h))
}

// permitted is h for callers that have the right, which for reads may be another.
func (a *API) permitted(read, need access.Right, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		right := need
		if isRead(r) {
			right = read
		}
		if err := access.From(r.Context()).Allow(a.Info.Hub, right); err != nil {
			a.fail(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Routes lists the patterns that the API serves, for tests of their rights. Those of
// mounts are not among them.
func (a *API) Routes() []string { return a.patterns }
