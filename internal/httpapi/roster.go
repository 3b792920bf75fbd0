package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/store"
)

// connectedView is a worker of another process that is connected now.
type connectedView struct {
	ID  string `json:"id"`  // of its process; "" = it has not said
	Own bool   `json:"own"` // it is one of Perdure's, in Go
	// Client is the name and version of its SDK, as it says, Address the IP address from
	// which it is connected.
	Client  string    `json:"client,omitempty"`
	Address string    `json:"address,omitempty"`
	Since   time.Time `json:"since"` // when it has connected
	// Everything says that it takes all work; else it takes what is listed.
	Everything     bool       `json:"everything"`
	Orchestrations []string   `json:"orchestrations"`
	Activities     []string   `json:"activities"`
	Entities       []string   `json:"entities"`
	Capacity       placesView `json:"capacity"`
	InFlight       placesView `json:"in_flight"`
}

// placesView counts work items.
type placesView struct {
	Orchestrations int `json:"orchestrations"`
	Activities     int `json:"activities"`
	Entities       int `json:"entities"`
}

// workersPage is the answer to GET /workers.
type workersPage struct {
	Items     []workerView    `json:"items"`     // that are called by URL
	Connected []connectedView `json:"connected"` // to this node
	Lost      []lostView      `json:"lost"`      // by this node since it began, the newest first
}

// lostView is a worker whose connection has ended without a word.
type lostView struct {
	ID    string    `json:"id"` // of its process; "" = it had not said
	At    time.Time `json:"at"`
	Items int       `json:"items"` // that it had, and that went to others
	Back  bool      `json:"back"`  // it is connected again
}

// workersNow returns the workers that there are.
func (a *API) workersNow(ctx context.Context) (*workersPage, error) {
	page := workersPage{Items: []workerView{}, Connected: []connectedView{}, Lost: []lostView{}}
	roster, here := a.Hub.(hub.Roster)
	if a.Fleet == nil && !here {
		_, err := a.fleet()
		return nil, err
	}
	if a.Fleet != nil {
		all, err := a.Fleet.List(ctx)
		if err != nil {
			return nil, err
		}
		page.Items = viewFleet(all)
	}
	if here {
		all, err := roster.Connected(ctx)
		if err != nil {
			return nil, err
		}
		for i := range all {
			page.Connected = append(page.Connected, viewConnected(&all[i]))
		}
		incidents, err := roster.Incidents(ctx)
		if err != nil {
			return nil, err
		}
		for _, w := range incidents.Workers {
			back := w.ID != "" && slices.ContainsFunc(all, func(c hub.Connected) bool { return c.ID == w.ID })
			page.Lost = append(page.Lost, lostView{ID: w.ID, At: w.At.UTC(), Items: w.Items, Back: back})
		}
	}
	return &page, nil
}

func viewFleet(all []push.Registered) []workerView {
	list := make([]workerView, len(all))
	for i := range all {
		list[i] = viewOf(&all[i])
	}
	return list
}

func viewConnected(c *hub.Connected) connectedView {
	v := connectedView{ID: c.ID, Own: c.Own, Client: c.Client, Address: c.Address, Since: c.Since.UTC(), Everything: c.Filters == nil, Orchestrations: []string{}, Activities: []string{}, Entities: []string{},
		Capacity: placesView(c.Capacity), InFlight: placesView(c.InFlight)}
	if f := c.Filters; f != nil {
		v.Orchestrations, v.Activities = filterNames(f.Orchestrations), filterNames(f.Activities)
		v.Entities = append(v.Entities, f.Entities...)
	}
	return v
}

func filterNames(list []hub.NameFilter) []string {
	names := []string{}
	for _, n := range list {
		if len(n.Versions) == 0 {
			names = append(names, n.Name)
		} else {
			names = append(names, n.Name+" "+strings.Join(n.Versions, ", "))
		}
	}
	return names
}

// backlogView is the work of a kind, name and version that is ready.
type backlogView struct {
	Kind    string `json:"kind" choices:"activity orchestration entity"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Waiting int    `json:"waiting"`
	Running int    `json:"running"`
	Served  bool   `json:"served"` // somebody who is connected takes it
	// Oldest is since when the first of what waits for a worker does.
	Oldest *time.Time `json:"oldest,omitempty"`
}

// getBacklog tells what is ready and waits, what nobody serves first.
func (a *API) getBacklog(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	roster, ok := a.Hub.(hub.Roster)
	if !ok {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "read the backlog", Message: "the hub of this server is another's: ask that one"}
	}
	list, err := roster.Backlog(r.Context())
	if err != nil {
		return nil, err
	}
	body := items[backlogView]{Items: []backlogView{}}
	for _, b := range list {
		body.Items = append(body.Items, backlogView{b.Kind, b.Name, b.Version, b.Waiting, b.Running, b.Served, timeOrNil(b.Oldest)})
	}
	slices.SortStableFunc(body.Items, func(x, y backlogView) int {
		switch {
		case x.Served == y.Served:
			return y.Waiting - x.Waiting
		case y.Served:
			return -1
		}
		return 1
	})
	return &reply{body: &body}, nil
}

// nodeView is a node of the hub.
type nodeView struct {
	Name      string     `json:"name"`
	Address   string     `json:"address,omitempty"`   // at which other nodes reach it
	Version   string     `json:"version,omitempty"`   // of Perdure
	Shards    int        `json:"shards"`              // of this hub that it holds, as far as this node knows
	Here      bool       `json:"here"`                // it is the one that answers
	Since     *time.Time `json:"since,omitempty"`     // when it joined
	Unreached bool       `json:"unreached,omitempty"` // this node works with it through the database only
	Error     string     `json:"error,omitempty"`     // why this node could not tell the database that it lives
}

// listNodes lists the nodes that share the hub.
func (a *API) listNodes(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	body := items[nodeView]{Items: []nodeView{}}
	roster, ok := a.Hub.(hub.Roster)
	if !ok {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "list nodes", Message: "the hub of this server is another's: ask that one"}
	}
	shards, here := map[string]int{}, ""
	for s := range store.Shards {
		if n, _, own, ok := roster.Holder(store.Shard(s)); ok {
			shards[n.Name]++
			if own {
				here = n.Name
			}
		}
	}
	var about *Node
	if a.Node != nil {
		about = a.Node()
	}
	for _, n := range roster.Members() {
		v := nodeView{Name: n.Name, Address: n.Advertise, Version: string(n.Detail), Shards: shards[n.Name], Here: n.Name == here, Since: timeOrNil(n.Since)}
		if about != nil {
			v.Here = n.Name == about.Name
			v.Unreached = slices.Contains(about.Unreached, n.Name)
			if v.Here {
				v.Error = about.Error
			}
		}
		if v.Here && v.Version == "" {
			v.Version = a.Info.Version
		}
		body.Items = append(body.Items, v)
	}
	return &reply{body: &body}, nil
}

// takeoverView is that this node took shards whose last holder had not given them back.
type takeoverView struct {
	At     time.Time `json:"at"`
	From   string    `json:"from,omitempty"` // the node that was lost; absent = unknown
	Shards int       `json:"shards"`
}

// listTakeovers lists the takeovers of this node since it began, the newest first.
func (a *API) listTakeovers(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	roster, ok := a.Hub.(hub.Roster)
	if !ok {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "list takeovers", Message: "the hub of this server is another's: ask that one"}
	}
	incidents, err := roster.Incidents(r.Context())
	if err != nil {
		return nil, err
	}
	body := items[takeoverView]{Items: []takeoverView{}}
	for _, t := range incidents.Takeovers {
		body.Items = append(body.Items, takeoverView{At: t.At.UTC(), From: t.From, Shards: t.Shards})
	}
	return &reply{body: &body}, nil
}
