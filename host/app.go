// Package host runs a whole Perdure in one process: orchestrations, activities
// and entities on a hub, and the HTTP server over it. It is what main calls.
//
//	app, err := host.New(host.Config{Registry: registry})
//	...
//	err = app.Run(ctx)
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/responses"
)

// App is one process's share of a hub. Its methods may be called concurrently,
// but for Handle, which comes before Run.
type App struct {
	cfg    Config
	mounts []httpapi.Mount
	egress *way // to workers that are called by URL
	store  *checkup

	running atomic.Bool
	opened  chan struct{} // closed when hubs and url are set
	ended   chan struct{} // closed when Run returns
	once    sync.Once     // closes ended
	hubs    *hubs         // written before opened is closed
	url     string        // written before opened is closed
}

// New returns an app. The error names every field of the configuration that is
// not valid; nothing is opened yet.
func New(cfg Config) (*App, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ranges, err := allowed(cfg.PushAllow)
	if err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, egress: newWay(ranges), opened: make(chan struct{}), ended: make(chan struct{})}
	a.store = newCheckup(cfg.Hub, a.kind())
	responses.Register(cfg.Registry)
	if _, _, _, err := a.faces(a.Client(), nil); err != nil { // what is wrong with agents shows here
		return nil, err
	}
	return a, nil
}

// Handle adds an HTTP route, with a pattern of http.ServeMux. It is served
// behind the checks of the app's own routes: Host, origin, time limits. The
// pattern "/mcp" is taken: there the agents and Config.Workflows are tools, see
// package mcp; so is "/v1/", where the agents are models of OpenAI's Responses API.
// The route is one of the hub "default"; where tokens are demanded, it is served to
// contributors of that.
func (a *App) Handle(pattern string, h http.Handler) {
	a.mounts = append(a.mounts, httpapi.Mount{Pattern: pattern, Handler: h})
}

// Client returns a client of the app's hub "default". Its calls wait until Run has
// opened the hub and fail with Unavailable once Run has returned.
func (a *App) Client() *client.Client { return a.ClientOf(defaultHub) }

// ClientOf is Client for a task hub of any name. Calls in one that there is not fail
// with NotFound.
func (a *App) ClientOf(taskHub string) *client.Client {
	return client.Later(func(ctx context.Context) (hub.Hub, error) {
		select {
		case <-a.ended:
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has stopped"}
		default:
		}
		select {
		case <-a.opened:
			return a.hubs.Open(ctx, taskHub)
		case <-a.ended:
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has stopped"}
		case <-ctx.Done():
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has not opened its hub", Cause: context.Cause(ctx)}
		}
	})
}

// Ready is closed when the app serves.
func (a *App) Ready() <-chan struct{} { return a.opened }

// Data says where the state lives, without secrets.
func (a *App) Data() string { return a.data() }

// URL returns the address of the server, such as "http://127.0.0.1:8080". It
// is known once Ready is closed, "" before.
func (a *App) URL() string {
	select {
	case <-a.opened:
		return a.url
	default:
		return ""
	}
}

// TaskHubs returns the names of the hubs that are served, in order. They are known
// once Ready is closed, none before.
func (a *App) TaskHubs() []string {
	select {
	case <-a.opened:
		return a.hubs.Names()
	default:
		return nil
	}
}

// Run opens the store, runs the hub and serves until ctx ends; then it drains:
// streams end, running requests finish within the grace, the hub comes to rest,
// the store is closed. If the hub is elsewhere, Run works for it, through whatever
// happens to the connection. It returns nil if it was asked to end, and what went
// wrong otherwise. It may be called once.
func (a *App) Run(ctx context.Context) error {
	if !a.running.CompareAndSwap(false, true) {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run", Message: "the app runs already, or has run"}
	}
	defer a.once.Do(func() { close(a.ended) })
	f, err := a.listen(ctx)
	if err != nil {
		return err
	}
	defer f.follow(ctx)()
	serving := make(chan error, 1)
	go func() { serving <- f.serve() }()
	err = a.runHub(ctx, f, serving)
	if closed := f.close(); err == nil {
		err = closed
	}
	if served := <-serving; err == nil {
		err = served
	}
	return err
}

// runHub opens the hubs, serves them through f until ctx ends or something fails,
// and closes them. serving is read if f ends by itself.
func (a *App) runHub(ctx context.Context, f *front, serving chan error) (err error) {
	opening := a.progress(ctx, "opening "+a.data())
	kept, timeSource, err := a.open(ctx, f)
	opening()
	if err != nil {
		return err
	}
	defer func() {
		closing := a.progress(ctx, "closing "+a.data())
		err = errors.Join(err, kept.close())
		closing()
	}()
	watch, unobserve, err := a.observe(ctx)
	if err != nil {
		return err
	}
	defer a.flush(ctx, unobserve)
	h := newHubs(a, kept, timeSource, f, watch)
	hubCtx, stopHubs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHubs()
	resting := make(chan error, 1)
	go func() { resting <- h.run(hubCtx) }()
	rest := func() {}
	if err = h.open(ctx); err == nil {
		rest, err = a.serveHubs(ctx, f, h, serving)
	}
	stopHubs()
	defer a.egress.close()
	if ended := <-resting; err == nil {
		err = ended
	}
	rest()
	return err
}

// serveHubs serves until ctx ends or something fails, and drains; see drain.
func (a *App) serveHubs(ctx context.Context, f *front, h *hubs, serving chan error) (rest func(), err error) {
	if err := f.open(ctx, h); err != nil {
		return func() {}, err
	}
	a.hubs, a.url = h, f.url()
	close(a.opened)
	select {
	case <-ctx.Done():
	case err = <-h.failed:
	case err = <-serving:
		serving <- err
	}
	return a.drain(ctx, f, h), err
}

// flush sends the telemetry that is left, within the grace.
func (a *App) flush(ctx context.Context, send func(context.Context) error) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Grace)
	defer cancel()
	if err := send(grace); err != nil {
		a.cfg.Logger.Warn("telemetry was not sent", "err", err)
	}
}

// handOver is how long a node keeps what others wait for, so that they have it within a
// second of its end.
const handOver = 250 * time.Millisecond

// drain lets running requests finish within the grace; streams end at once. A node of
// several returns before that, to hand its hubs over. Then rest waits for the requests
// that are left.
func (a *App) drain(ctx context.Context, f *front, h *hubs) (rest func()) {
	h.drain()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Grace)
		defer cancel()
		if f.drain(grace) {
			a.cfg.Logger.Warn("requests were cut", "grace", a.cfg.Grace)
		}
	}()
	var others <-chan time.Time // nil = there are none
	if IsDatabase(a.cfg.Hub) {
		others = time.After(handOver)
	}
	select {
	case <-drained:
	case <-others:
	}
	return func() { <-drained }
}

// hosts returns the names under which the app is reached, and whether every IP
// address is one.
func (a *App) hosts(f *front) (names []string, anyIP bool) {
	names = slices.Clone(a.cfg.Hosts)
	for i, addr := range append([]string{a.cfg.Addr}, a.cfg.Listen...) {
		if name, _, err := net.SplitHostPort(addr); err == nil {
			if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
				anyIP = true
			} else {
				names = append(names, name)
			}
		}
		if tcp, ok := f.listeners[i].Addr().(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
			names = append(names, tcp.IP.String())
		}
	}
	return names, anyIP
}

// build returns version and commit of the binary and the release of Go.
func build() (version, commit, release string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return info.Main.Version, commit, info.GoVersion
}

// progress tells what goes on once a second until the returned function is
// called, if it takes longer than that.
func (a *App) progress(ctx context.Context, what string) (done func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				a.cfg.Progress(fmt.Sprintf("%s: %v so far", what, time.Since(began).Round(time.Second)))
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
