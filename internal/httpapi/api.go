// Package httpapi serves a hub over HTTP: the REST routes under /api/v1, the
// live stream over the change feed, and health. It is the outermost layer
// against the network: it checks Host and origin, bounds and validates what
// comes in, and turns errors into problem documents.
//
// Other packages add their routes with Config.Mounts; they stand behind the
// same guard.
package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/store"
)

// Config says what an API serves. Hub is required; every other zero field has
// a default.
type Config struct {
	Hub    hub.Hub
	Logger *slog.Logger // nil = nothing is logged

	// Info is what GET /api/v1/info tells.
	Info Info
	// Orchestrations returns the names that can be started; a start with any
	// other name is refused with 404. nil accepts every name.
	Orchestrations func() []string
	// Workers tells how many workers outside the process are connected; with any, every
	// name can be started. nil = none are.
	Workers func() int
	// Foreign reports whether an orchestration runs on workers that do not say
	// for which events a run waits; what it asks people is then read from its
	// custom status alone. nil = none does.
	Foreign func(orchestration string) bool
	// Ready returns nil when the server serves, else why not. nil = it does until Stop
	// is called.
	Ready func() error
	// Node tells how this node of several is. nil = it is no such node.
	Node func() *Node
	// Check looks at the store, for GET /api/v1/doctor. nil = nothing is told of it.
	Check func(context.Context) ([]store.Finding, error)

	// Now tells the time that filters such as created>-24h are relative to. nil
	// = time.Now.
	Now func() time.Time

	// Hosts are names that the Host header may carry beside the loopback
	// names, such as "perdure.example.com". "*" allows every name.
	Hosts []string
	// AnyIP also allows every IP address in the Host header. It is safe against
	// DNS rebinding, as a page at an address of its own cannot change it.
	AnyIP bool

	// Prefix begins the routes that Microsoft's hosts have too, such as
	// /api/agents/{name}/run. "" = "/api".
	Prefix string

	// ReadOnly refuses everything that changes something.
	ReadOnly bool

	MaxBody   int64         // bytes of a JSON body; 0 = 1 MiB
	BodyTime  time.Duration // for the whole body to arrive; 0 = 30 s
	WriteTime time.Duration // for the client to take one write; 0 = 30 s
	MaxWait   time.Duration // longest ?wait=; 0 = 5 min
	Heartbeat time.Duration // between comments on an idle stream; 0 = 15 s
	Batch     time.Duration // between frames of one stream; 0 = 100 ms

	// Hubs, if not nil, lists, makes and deletes task hubs.
	Hubs Hubs

	// Backup, if not nil, writes a copy of the hub for GET /api/v1/backup.
	Backup func(ctx context.Context, w io.Writer) error
	// Metrics, if not nil, writes what is counted for GET /metrics.
	Metrics Metrics

	// Fleet are workers that are called by URL; nil = this hub calls none.
	Fleet *push.Fleet

	// Agents are served if they are not nil.
	Agents *Agents
	// Mounts are further routes.
	Mounts []Mount
	// Pages, if not nil, answers reads of all paths that are nobody's: the dashboard,
	// which is the same for everyone.
	Pages http.Handler
}

// Mount adds a handler to the API's server.
type Mount struct {
	// Pattern is one of http.ServeMux, such as "POST /api/agents/{name}/run".
	Pattern string
	Handler http.Handler
	// Read is the right that GET and HEAD need; 0 = access.Write, which all other
	// methods need.
	Read access.Right
}

// Info describes the server.
type Info struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go,omitempty"`
	Hub     string `json:"hub"`
	Store   string `json:"store,omitempty"` // kind of store: "pebble"
	Data    string `json:"data,omitempty"`  // its folder
	Model   string `json:"model,omitempty"`
	// Orchestrations that people can start here.
	Orchestrations []string `json:"orchestrations"`
	// Workers is how many workers of other processes are connected to the hub.
	Workers   int     `json:"workers"`
	TimeScale float64 `json:"time_scale,omitempty"`
	// URL is the address at which the caller has reached the server, and Connection the
	// connection string with which workers of the Durable Task SDKs do.
	URL        string `json:"url"`
	Connection string `json:"connection_string"`
	ReadOnly   bool   `json:"read_only"` // nothing can be changed here
	// Retention is how many milliseconds runs are kept after their end, by the status in
	// which they have ended; absent = for ever.
	Retention map[string]int64 `json:"retention,omitempty"`
	// Links are patterns of addresses of other systems, by the field of runs at which they
	// are shown, see CheckLinks.
	Links  map[string]string `json:"links,omitempty"`
	Caller caller            `json:"caller"`
}

// caller is who has asked.
type caller struct {
	Name   string `json:"name"` // of the token
	Role   string `json:"role"`
	Writes bool   `json:"writes"` // the role permits changes
}

// API is an http.Handler. It may be used concurrently.
type API struct {
	Config
	mux      *http.ServeMux
	allowed  map[string]access.Right // as rights says
	patterns []string                // of mux, without mounts
	guarded  http.Handler

	streams  atomic.Int32 // open ones
	ticker   *ticker
	rows     shared[store.Change, *sharedRow]
	counts   shared[uint64, json.RawMessage] // by the number of a tick
	stopOnce sync.Once
	stopping chan struct{} // closed by Stop
}

// New returns the API of a hub.
func New(cfg Config) *API {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "/api"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	defaultTime(&cfg.BodyTime, 30*time.Second)
	defaultTime(&cfg.WriteTime, 30*time.Second)
	defaultTime(&cfg.MaxWait, 5*time.Minute)
	defaultTime(&cfg.Heartbeat, 15*time.Second)
	defaultTime(&cfg.Batch, 100*time.Millisecond)
	a := &API{Config: cfg, mux: http.NewServeMux(), stopping: make(chan struct{})}
	a.ticker = newTicker(func(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
		return a.Hub.Changes(ctx, p, limit)
	}, cfg.Batch)
	a.allowed = a.rights()
	for pattern, h := range a.routes() {
		a.handle(pattern, a.endpoint(h))
	}
	for pattern, h := range a.workflowRoutes() {
		a.handle(pattern, h)
	}
	if cfg.Hubs != nil {
		for pattern, h := range a.hubRoutes() {
			a.handle(pattern, a.endpoint(h))
		}
	}
	if cfg.Backup != nil {
		a.handle("GET /api/v1/backup", a.endpoint(a.getBackup))
	}
	if cfg.Metrics != nil {
		a.handle("GET /metrics", a.endpoint(a.metrics))
	}
	for pattern, h := range a.workerRoutes() {
		a.handle(pattern, a.endpoint(h))
	}
	if cfg.Agents != nil {
		for pattern, h := range a.agentRoutes() {
			a.handle(pattern, a.endpoint(h))
		}
		for pattern, h := range a.decisionRoutes() {
			a.handle(pattern, a.endpoint(h))
		}
	}
	a.handle("/api/v1", http.HandlerFunc(a.noRoute))
	a.handle("/api/v1/", http.HandlerFunc(a.noRoute))
	rooted := false
	for _, m := range cfg.Mounts {
		read := m.Read
		if read == 0 {
			read = access.Write
		}
		a.mux.Handle(m.Pattern, a.permitted(read, access.Write, m.Handler))
		rooted = rooted || m.Pattern == "/" || strings.HasSuffix(m.Pattern, " /")
	}
	if !rooted {
		nobodys := a.permitted(a.allowed["/"], a.allowed["/"], http.HandlerFunc(a.noRoute))
		a.patterns = append(a.patterns, "/")
		a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			if a.Pages != nil && isRead(r) && !a.isAPI(r.URL.Path) {
				a.Pages.ServeHTTP(w, r)
				return
			}
			nobodys.ServeHTTP(w, r)
		})
	}
	a.guarded = a.guard(a.mux)
	return a
}

// ServeHTTP implements http.Handler. Whoever reaches an API that is served by itself
// may do everything; a Door lets in those who may.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = traced(r)
	a.guarded.ServeHTTP(w, r.WithContext(access.With(r.Context(), access.Everything())))
}

// Stop ends open streams and waits, so that a server can shut down: streams
// close, waits answer with what is known.
func (a *API) Stop() { a.stopOnce.Do(func() { close(a.stopping) }) }

// endpoint is a handler that returns what to answer. A nil reply with a nil
// error means that the handler has answered by itself.
type endpoint func(w http.ResponseWriter, r *http.Request) (*reply, error)

// reply is a JSON answer.
type reply struct {
	status int // 0 = 200
	body   any
	header [2]string // one more header, if the name is not empty
}

// routes is the table of what the API answers.
func (a *API) routes() map[string]endpoint {
	return map[string]endpoint{
		"GET /api/v1/runs":                          a.listRuns,
		"POST /api/v1/runs":                         a.startRun,
		"GET /api/v1/runs/{id}":                     a.getRun,
		"GET /api/v1/runs/{id}/history":             a.getHistory,
		"GET /api/v1/runs/{id}/executions":          a.listExecutions,
		"GET /api/v1/runs/{id}/steps":               a.listRunSteps,
		"GET /api/v1/runs/{id}/conversation":        a.getConversation,
		"GET /api/v1/runs/{id}/graph":               a.getGraph,
		"GET /api/v1/runs/{id}/tree":                a.getTree,
		"GET /api/v1/runs/{id}/state":               a.getState,
		"GET /api/v1/runs/{id}/logs":                a.getLogs,
		"GET /api/v1/runs/{id}/events/{n}/payload":  a.getPayload,
		"POST /api/v1/runs/{id}/events/{name}":      a.raiseEvent,
		"POST /api/v1/runs/{id}/requests/{name}":    a.askRun,
		"POST /api/v1/runs/{id}/suspend":            a.control(hub.Suspend),
		"POST /api/v1/runs/{id}/resume":             a.control(hub.Resume),
		"POST /api/v1/runs/{id}/cancel":             a.control(hub.Cancel),
		"POST /api/v1/runs/{id}/terminate":          a.control(hub.Terminate),
		"POST /api/v1/runs/{id}/restart":            a.restartRun,
		"POST /api/v1/runs/{id}/rewind":             a.rewindRun,
		"POST /api/v1/runs/{id}/fork":               a.forkRun,
		"POST /api/v1/runs/{id}/purge":              a.purgeRun,
		"GET /api/v1/audit":                         a.listAudit,
		"GET /api/v1/audit/verify":                  a.verifyAudit,
		"GET /api/v1/run-counts":                    a.countRuns,
		"GET /api/v1/run-facets":                    a.getFacets,
		"POST /api/v1/batches":                      a.runBatch,
		"GET /api/v1/run-failures":                  a.getFailures,
		"GET /api/v1/run-histogram":                 a.getHistogram,
		"GET /api/v1/series":                        a.getSeries,
		"GET /api/v1/entities":                      a.listEntities,
		"GET /api/v1/entities/{name}/{key}":         a.getEntity,
		"POST /api/v1/entities/{name}/{key}/signal": a.signalEntity,
		"POST /api/v1/entities/{name}/{key}/call":   a.callEntity,
		"POST /api/v1/activities/complete":          a.completeActivity,
		"POST /api/v1/activities/fail":              a.failActivity,
		"POST /api/v1/activities/heartbeat":         a.heartbeatActivity,
		"POST /api/v1/activities/{token}/complete":  a.completeActivity,
		"POST /api/v1/activities/{token}/fail":      a.failActivity,
		"POST /api/v1/activities/{token}/heartbeat": a.heartbeatActivity,
		"GET /api/v1/info":                          a.getInfo,
		"GET /api/v1/doctor":                        a.examine,
		"POST /api/v1/login":                        a.login,
		"POST /api/v1/logout":                       a.logout,
		"GET /api/v1/openapi.json":                  a.getOpenAPI,
		"GET /api/v1/stream":                        a.stream,
		"GET /healthz":                              a.health,
		"GET /readyz":                               a.ready,
	}
}

// endpoint makes an http.Handler of an endpoint.
func (a *API) endpoint(h endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rep, err := h(w, r)
		switch {
		case err != nil:
			a.fail(w, r, err)
		case rep != nil:
			if rep.header[0] != "" {
				w.Header().Set(rep.header[0], rep.header[1])
			}
			writeJSON(w, rep.status, "application/json", rep.body)
		}
	})
}

// isAPI reports whether a path is one below which only the API has something.
func (a *API) isAPI(path string) bool {
	for _, root := range []string{"/api", "/v1", "/mcp", "/metrics", "/healthz", "/readyz", a.Prefix} {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

// noRoute answers what no route serves: 405 if the path exists for other
// methods, else 404.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); strings.Contains(pattern, " ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		a.fail(w, r, &problem{Status: http.StatusNotFound, Code: "not_found",
			Detail: "no route " + shown(r.URL.Path), Hint: "GET /api/v1/info describes this server"})
		return
	}
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	a.fail(w, r, &problem{Status: http.StatusMethodNotAllowed, Code: "invalid_argument",
		Detail: "method " + shown(r.Method) + " is not allowed here", Hint: "use " + strings.Join(allowed, " or ")})
}

func defaultTime(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}
