package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/push"
)

// workerRoutes is the table of the routes about workers of other processes.
func (a *API) workerRoutes() map[string]endpoint {
	return map[string]endpoint{
		"GET /api/v1/demand":              a.getDemand,
		"GET /api/v1/backlog":             a.getBacklog,
		"GET /api/v1/nodes":               a.listNodes,
		"GET /api/v1/run-overlay":         a.getOverlay,
		"GET /api/v1/takeovers":           a.listTakeovers,
		"GET /api/v1/workers":             a.listWorkers,
		"POST /api/v1/workers":            a.addWorker,
		"GET /api/v1/workers/{worker}":    a.getWorker,
		"DELETE /api/v1/workers/{worker}": a.removeWorker,
	}
}

// loadView is the work of a kind, name and version as the API shows it.
type loadView struct {
	Kind    string `json:"kind"` // orchestration, activity or entity
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Waiting int    `json:"waiting"`
	Running int    `json:"running"`
	Held    int    `json:"held,omitempty"`
}

// demand is the answer to GET /demand.
type demand struct {
	Total int        `json:"total"` // the number that whoever scales workers goes by
	Items []loadView `json:"items"`
}

// named is the answer when something was forgotten.
type named struct {
	Name string `json:"name"`
}

// getDemand tells how much work there is for workers: "total" is the number that whoever
// scales them goes by.
func (a *API) getDemand(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "kind*", "name*")
	if err != nil {
		return nil, err
	}
	d, ok := a.Hub.(hub.Demand)
	if !ok {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "read the demand", Message: "the hub of this server is another's: ask that one"}
	}
	for _, k := range q.Values["kind"] {
		if k != "orchestration" && k != "activity" && k != "entity" {
			return nil, invalid("no kind of work is called "+shown(k), "known are orchestration, activity and entity")
		}
	}
	loads, err := d.Demand(r.Context())
	if err != nil {
		return nil, err
	}
	all := demand{Items: []loadView{}}
	for _, l := range loads {
		v := loadView{workKindName(l.Kind), l.Name, l.Version, l.Waiting, l.Running, l.Held}
		is := func(name string) bool {
			return name == v.Name || l.Kind == hub.EntityItems && strings.EqualFold(name, v.Name)
		}
		if len(q.Values["kind"]) > 0 && !slices.Contains(q.Values["kind"], v.Kind) || len(q.Values["name"]) > 0 && !slices.ContainsFunc(q.Values["name"], is) {
			continue
		}
		all.Total += v.Waiting + v.Running
		all.Items = append(all.Items, v)
	}
	return &reply{body: &all}, nil
}

func workKindName(k hub.WorkKind) string {
	return map[hub.WorkKind]string{hub.Orchestrations: "orchestration", hub.ActivityItems: "activity", hub.EntityItems: "entity"}[k]
}

// workerView is a worker that is called by URL, as the API shows it.
type workerView struct {
	Name           string     `json:"name"`
	URL            string     `json:"url"`
	Secret         string     `json:"secret,omitempty"` // only in the answer that makes it
	Orchestrations []string   `json:"orchestrations"`
	Activities     []string   `json:"activities"`
	Entities       []string   `json:"entities"`
	Places         int        `json:"places"`
	SilenceSeconds int        `json:"silence_seconds"`
	Created        time.Time  `json:"created"`
	Running        int        `json:"running"`
	Cause          string     `json:"cause,omitempty"` // why it is left alone
	Until          *time.Time `json:"until,omitempty"`
}

func viewOf(r *push.Registered) workerView {
	v := workerView{
		Name: r.Name, URL: withoutQuery(r.URL), Orchestrations: r.Orchestrations, Activities: r.Activities, Entities: r.Entities,
		Places: r.Places, SilenceSeconds: r.SilenceSeconds, Created: r.Created, Running: r.Running, Cause: r.Cause,
	}
	for _, list := range []*[]string{&v.Orchestrations, &v.Activities, &v.Entities} {
		if *list == nil {
			*list = []string{}
		}
	}
	if !r.Until.IsZero() {
		until := r.Until.UTC()
		v.Until = &until
	}
	return v
}

// withoutQuery is a URL without what may be a secret.
func withoutQuery(text string) string {
	if before, _, found := strings.Cut(text, "?"); found {
		return before + "?..."
	}
	return text
}

func (a *API) fleet() (*push.Fleet, error) {
	if a.Fleet == nil {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "call workers", Message: "the hub of this server is another's: that one calls its workers"}
	}
	return a.Fleet, nil
}

func (a *API) listWorkers(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	page, err := a.workersNow(r.Context())
	if err != nil {
		return nil, err
	}
	return &reply{body: page}, nil
}

func (a *API) getWorker(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	f, err := a.fleet()
	if err != nil {
		return nil, err
	}
	all, err := f.List(r.Context())
	if err != nil {
		return nil, err
	}
	name := r.PathValue("worker")
	for i := range all {
		if all[i].Name == name {
			return &reply{body: viewOf(&all[i])}, nil
		}
	}
	return nil, noWorker(name)
}

func noWorker(name string) error {
	return &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(),
		Detail: fmt.Sprintf("no worker that is called by URL has the name %s", shown(name)), Hint: "GET /api/v1/workers lists what there is"}
}

// workerBody is the body of a request that registers a worker.
type workerBody struct {
	Name           string   `json:"name"`
	URL            string   `json:"url"`
	Secret         string   `json:"secret"`
	Orchestrations []string `json:"orchestrations"`
	Activities     []string `json:"activities"`
	Entities       []string `json:"entities"`
	Places         int      `json:"places"`
	SilenceSeconds int      `json:"silence_seconds"`
}

// addWorker registers a worker, in place of one of its name. Its secret is shown here if
// it is a new one, and never again.
func (a *API) addWorker(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	f, err := a.fleet()
	if err != nil {
		return nil, err
	}
	var b workerBody
	if err := a.decode(w, r, &b); err != nil {
		return nil, err
	}
	added, err := f.Add(r.Context(), push.Registration{
		Name: b.Name, URL: b.URL, Secret: b.Secret, Orchestrations: b.Orchestrations, Activities: b.Activities, Entities: b.Entities,
		Places: b.Places, SilenceSeconds: b.SilenceSeconds,
	})
	if err != nil {
		return nil, err
	}
	v := viewOf(&push.Registered{Registration: added})
	if b.Secret == "" {
		v.Secret = added.Secret
	}
	return &reply{status: http.StatusCreated, body: v}, nil
}

func (a *API) removeWorker(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	f, err := a.fleet()
	if err != nil {
		return nil, err
	}
	name := r.PathValue("worker")
	if err := f.Remove(r.Context(), name); perdure.CodeOf(err) == perdure.NotFound {
		return nil, noWorker(name)
	} else if err != nil {
		return nil, err
	}
	return &reply{body: &named{name}}, nil
}
