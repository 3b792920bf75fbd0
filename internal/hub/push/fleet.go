package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/signing"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// Registration is what a hub keeps of a worker that it calls. Of the names, those that
// are listed are what the worker takes.
type Registration struct {
	Name           string    `json:"name"`
	URL            string    `json:"url"`
	Secret         string    `json:"secret,omitempty"` // the requests are signed with it
	Orchestrations []string  `json:"orchestrations,omitempty"`
	Activities     []string  `json:"activities,omitempty"`
	Entities       []string  `json:"entities,omitempty"`
	Places         int       `json:"places"`          // items of a kind at a time
	SilenceSeconds int       `json:"silence_seconds"` // see Worker.Silence
	Created        time.Time `json:"created"`
}

// Registered is a worker as a fleet shows it, without its secret.
type Registered struct {
	Registration
	State
}

// rowWorker is a worker that is called by URL; the key is its name.
const rowWorker = hub.RowSecret

// workersName is the name of the entity that owns the rows of workers, and opOpen the
// operation that makes it.
const (
	workersName = "perdure.workers"
	workersKey  = "hub"
	opOpen      = "open"
)

func workersID() string { return perdure.NewEntityID(workersName, workersKey).String() }

// Register adds to a registry what a hub needs that calls workers.
func Register(reg *perdure.Registry) {
	if _, there := reg.Entity(workersName); there {
		return
	}
	perdure.AddEntityFunc(reg, workersName, func(ctx *perdure.EntityContext) (any, error) { return nil, ctx.SetState(true) })
}

// FleetConfig is what a Fleet is made of. Hub, Near and Transport are required.
type FleetConfig struct {
	Hub  hub.Hub // keeps the registrations
	Near Hub     // whose work the workers are sent
	// Transport sends the requests. What it does not want to connect with is refused.
	Transport http.RoundTripper
	// Announce is told of the agents of a worker that says what it takes; nil = nobody is.
	Announce func(context.Context, []*wirepb.AgentDescription)
	Now      func() time.Time // nil = time.Now
	Logger   *slog.Logger     // nil = none
}

// Fleet are the workers that a hub calls. Its methods may be called concurrently.
type Fleet struct {
	cfg FleetConfig

	mu      sync.Mutex // guards callers
	callers map[string]*calling
}

// calling is a worker that is being called.
type calling struct {
	as     Registration
	caller *Caller
	stop   func() // waits until nothing is under way
}

// NewFleet returns a Fleet that calls workers once Run is called.
func NewFleet(cfg FleetConfig) *Fleet {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Fleet{cfg: cfg, callers: map[string]*calling{}}
}

// lookAgain is the pause before the registrations are read again that could not be.
const lookAgain = time.Second

// Run calls the workers that are registered, as they come and go, until ctx ends.
func (f *Fleet) Run(ctx context.Context) {
	defer f.follow(ctx, nil)
	for ctx.Err() == nil {
		if err := f.watch(ctx); err != nil && ctx.Err() == nil {
			f.cfg.Logger.Warn("the workers that are called by URL cannot be read", "err", err)
		}
		sleep(ctx, lookAgain)
	}
}

// watch follows the registrations until they can be watched no more.
func (f *Fleet) watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	written, err := f.cfg.Hub.WatchRows(ctx, rowWorker, "")
	if err != nil {
		return err
	}
	for {
		list, err := f.read(ctx)
		if err != nil {
			return err
		}
		f.follow(context.WithoutCancel(ctx), list)
		select {
		case _, open := <-written:
			if !open {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// follow calls those of a list, and no others.
func (f *Fleet) follow(ctx context.Context, list []Registration) {
	f.mu.Lock()
	var gone []*calling
	for name, c := range f.callers {
		if !slices.ContainsFunc(list, func(r Registration) bool { return r.same(c.as) }) {
			gone = append(gone, c)
			delete(f.callers, name)
		}
	}
	for _, r := range list {
		if f.callers[r.Name] == nil {
			if c := f.begin(ctx, r); c != nil {
				f.callers[r.Name] = c
			}
		}
	}
	f.mu.Unlock()
	for _, c := range gone {
		c.stop()
	}
}

// same reports whether two registrations are the same.
func (r Registration) same(other Registration) bool {
	a, errA := json.Marshal(r)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && string(a) == string(b)
}

// begin calls a worker until its stop is called; nil = what is kept of it is not valid.
func (f *Fleet) begin(ctx context.Context, r Registration) *calling {
	w, err := r.worker()
	if err != nil {
		f.cfg.Logger.Error("a worker cannot be called", "worker", r.Name, "err", err)
		return nil
	}
	caller := New(Config{Hub: f.cfg.Near, Worker: w, Transport: f.cfg.Transport, Logger: f.cfg.Logger})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); caller.Run(ctx) }()
	return &calling{as: r, caller: caller, stop: func() { cancel(); <-done }}
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// worker is the worker that is registered.
func (r Registration) worker() (Worker, error) {
	var wrong []error
	if !nameForm.MatchString(r.Name) {
		wrong = append(wrong, fmt.Errorf("the name %q has other characters than letters, digits and . _ -, or more than 100", r.Name))
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		wrong = append(wrong, errors.New("the URL is none of http or https, or has a user"))
	}
	if r.Places < 0 || r.Places > 1000 {
		wrong = append(wrong, errors.New("places are 1 to 1000"))
	}
	if r.SilenceSeconds < 0 || r.SilenceSeconds > 24*3600 {
		wrong = append(wrong, errors.New("the silence is 1 s to 24 h"))
	}
	key, err := signing.ParseKey(r.Secret)
	if err != nil {
		wrong = append(wrong, err)
	}
	w := Worker{Name: r.Name, URL: r.URL, Key: key, Places: r.Places, Silence: time.Duration(r.SilenceSeconds) * time.Second, Filters: &hub.Filters{}}
	for _, name := range r.Orchestrations {
		w.Filters.Orchestrations = append(w.Filters.Orchestrations, hub.NameFilter{Name: name})
	}
	for _, name := range r.Activities {
		w.Filters.Activities = append(w.Filters.Activities, hub.NameFilter{Name: name})
	}
	for _, name := range r.Entities {
		w.Filters.Entities = append(w.Filters.Entities, strings.ToLower(name))
	}
	return w, errors.Join(wrong...)
}

// maxWorkers is the most workers of a hub that are called by URL.
const maxWorkers = 1000

// Add registers a worker, in place of one of the same name. Without a secret it gets a
// new one; without names the worker is asked what it takes. On return it is durable.
func (f *Fleet) Add(ctx context.Context, r Registration) (Registration, error) {
	if r.Secret == "" {
		r.Secret = signing.NewSecret()
	}
	if r.Places == 0 {
		r.Places = defaultPlaces
	}
	if r.SilenceSeconds == 0 {
		r.SilenceSeconds = int(defaultSilence / time.Second)
	}
	r.Created = f.cfg.Now().UTC().Truncate(time.Second)
	w, err := r.worker()
	if err != nil {
		return r, &perdure.Error{Code: perdure.InvalidArgument, Op: "add worker", Message: strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	var agents []*wirepb.AgentDescription
	if len(r.Orchestrations)+len(r.Activities)+len(r.Entities) == 0 {
		hello, err := Ask(ctx, f.cfg.Transport, w)
		if err != nil {
			return r, &perdure.Error{Code: perdure.FailedPrecondition, Op: "add worker", Cause: err,
				Message: "it does not say what it takes: let it run with this secret, or name its orchestrations, activities and entities"}
		}
		r.take(hello)
		agents = hello.GetAgents()
	}
	if list, err := f.read(ctx); err != nil {
		return r, err
	} else if len(list) >= maxWorkers {
		return r, &perdure.Error{Code: perdure.ResourceExhausted, Op: "add worker", Message: fmt.Sprintf("there are %d workers, as many as may be", maxWorkers)}
	}
	value, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	if err := f.write(ctx, store.Row{Kind: rowWorker, Owner: workersID(), Key: []byte(r.Name), Value: value}); err != nil {
		return r, err
	}
	if f.cfg.Announce != nil && len(agents) > 0 {
		f.cfg.Announce(hub.WithActor(ctx, nil), agents)
	}
	return r, nil
}

// take notes what a worker says that it takes.
func (r *Registration) take(hello *wirepb.HubHello) {
	filters := hello.GetFilters()
	for _, o := range filters.GetOrchestrations() {
		r.Orchestrations = append(r.Orchestrations, o.GetName())
	}
	for _, a := range filters.GetActivities() {
		r.Activities = append(r.Activities, a.GetName())
	}
	for _, e := range filters.GetEntities() {
		r.Entities = append(r.Entities, e.GetName())
	}
}

// Remove has a worker not be called any more. NotFound if there is none of the name.
func (f *Fleet) Remove(ctx context.Context, name string) error {
	list, err := f.read(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(r Registration) bool { return r.Name == name }) {
		return &perdure.Error{Code: perdure.NotFound, Op: "remove worker", Message: fmt.Sprintf("no worker that is called by URL has the name %q", name)}
	}
	return f.write(ctx, store.Row{Kind: rowWorker, Owner: workersID(), Key: []byte(name), Delete: true})
}

// List returns the workers by name.
func (f *Fleet) List(ctx context.Context) ([]Registered, error) {
	list, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Registered, len(list))
	for i, r := range list {
		r.Secret = ""
		all[i].Registration = r
		if c := f.callers[r.Name]; c != nil {
			all[i].State = c.caller.State()
		}
	}
	return all, nil
}

// read returns what is kept, by name. What cannot be read, as a later version has
// written it, is left out.
func (f *Fleet) read(ctx context.Context) (list []Registration, err error) {
	for q := (store.RowQuery{Kind: rowWorker, Owner: workersID(), Limit: 100}); ; {
		rows, next, err := f.cfg.Hub.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			var r Registration
			if json.Unmarshal(row.Value, &r) == nil && r.Name == string(row.Key) {
				list = append(list, r)
			}
		}
		if q.After = next; next == nil {
			return list, nil
		}
	}
}

// write writes a row, with its owner if there is none yet.
func (f *Fleet) write(ctx context.Context, row store.Row) error {
	w := &hub.WriteRows{Owner: row.Owner, Rows: []store.Row{row}}
	err := f.cfg.Hub.WriteRows(ctx, w)
	if perdure.CodeOf(err) != perdure.NotFound {
		return err
	}
	if _, err := f.cfg.Hub.Ask(hub.WithActor(ctx, nil), &hub.Ask{InstanceID: row.Owner, Name: opOpen}); err != nil {
		return err
	}
	return f.cfg.Hub.WriteRows(ctx, w)
}
