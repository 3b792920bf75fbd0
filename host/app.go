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
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/responses"
	"github.com/perdure/perdure/internal/webhook"
)

// App is one process's share of a hub. Its methods may be called concurrently,
// but for Handle, which comes before Run.
type App struct {
	cfg    Config
	mounts []httpapi.Mount

	running atomic.Bool
	opened  chan struct{} // closed when hub and url are set
	ended   chan struct{} // closed when Run returns
	once    sync.Once     // closes ended
	agents  httpapi.Agents
	openai  *responses.Handler
	hub     hub.Hub // written before opened is closed
	url     string  // written before opened is closed
}

// New returns an app. The error names every field of the configuration that is
// not valid; nothing is opened yet.
func New(cfg Config) (*App, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, opened: make(chan struct{}), ended: make(chan struct{})}
	responses.Register(cfg.Registry)
	list, err := agent.List(cfg.Registry)
	if err != nil {
		return nil, err
	}
	a.agents = httpapi.Agents{
		Service: agent.NewService(a.Client()), List: list, MCP: true, DotNet: cfg.DotNet, Document: cfg.Document,
	}
	tools, err := mcp.Behind(mcp.Offer{Agents: list, Service: a.agents.Service, Workflows: cfg.Workflows, Client: a.Client()})
	if err != nil {
		return nil, err
	}
	a.Handle(mcp.Path, tools)
	a.openai = responses.New(responses.Config{
		Client: a.Client(), Service: a.agents.Service, Agents: list, Logger: cfg.Logger, MaxBody: cfg.BodyLimit,
	})
	a.Handle(responses.Pattern, a.openai)
	return a, nil
}

// Handle adds an HTTP route, with a pattern of http.ServeMux. It is served
// behind the checks of the app's own routes: Host, origin, time limits. The
// pattern "/mcp" is taken: there the agents and Config.Workflows are tools, see
// package mcp; so is "/v1/", where the agents are models of OpenAI's Responses API.
func (a *App) Handle(pattern string, h http.Handler) {
	a.mounts = append(a.mounts, httpapi.Mount{Pattern: pattern, Handler: h})
}

// Client returns a client of the app's hub. Its calls wait until Run has
// opened the hub and fail with Unavailable once Run has returned.
func (a *App) Client() *client.Client {
	return client.Later(func(ctx context.Context) (hub.Hub, error) {
		select {
		case <-a.ended:
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has stopped"}
		default:
		}
		select {
		case <-a.opened:
			return a.hub, nil
		case <-a.ended:
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has stopped"}
		case <-ctx.Done():
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "connect", Message: "the app has not opened its hub", Cause: context.Cause(ctx)}
		}
	})
}

// Ready is closed when the app serves.
func (a *App) Ready() <-chan struct{} { return a.opened }

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

// Run opens the store, runs the hub and serves until ctx ends; then it drains:
// streams end, running requests finish within the grace, the hub comes to rest,
// the store is closed. It returns nil if it was asked to end, and what went
// wrong otherwise. It may be called once.
func (a *App) Run(ctx context.Context) error {
	if !a.running.CompareAndSwap(false, true) {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run", Message: "the app runs already, or has run"}
	}
	defer a.once.Do(func() { close(a.ended) })
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return a.listenError(err)
	}
	server := newServer(a.cfg.Logger)
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	err = a.runHub(ctx, server, listener.Addr(), serving)
	if closed := server.Close(); err == nil && closed != nil {
		err = closed
	}
	if served := <-serving; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = served
	}
	return err
}

// listenError explains why the address cannot be served on.
func (a *App) listenError(err error) error {
	e := &perdure.Error{Code: perdure.Unavailable, Op: "listen on " + a.cfg.Addr, Cause: err,
		Message: "the address cannot be used; choose another (--addr)"}
	if inUse(err) {
		e.Message, e.Cause = "another program listens there; stop it or choose another address (--addr)", nil
	}
	return e
}

// runHub opens the hub, serves it through server until ctx ends or something
// fails, and closes it. serving is read if the server ends by itself.
func (a *App) runHub(ctx context.Context, server *swapServer, addr net.Addr, serving chan error) (err error) {
	opening := a.progress(ctx, "opening "+a.cfg.Hub)
	opened, err := a.open()
	opening()
	if err != nil {
		return err
	}
	defer func() {
		closing := a.progress(ctx, "closing "+a.cfg.Hub)
		err = errors.Join(err, opened.close())
		closing()
	}()
	unobserve, err := a.observe(ctx)
	if err != nil {
		return err
	}
	defer a.flush(ctx, unobserve)
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	working := make(chan error, 1)
	go func() { working <- opened.run(a.agents.Service.Context(hubCtx)) }()

	api := a.api(opened, addr)
	server.swap(api)
	a.hub, a.url = opened.hub, "http://"+reachable(addr)
	close(a.opened)
	stopTelling := a.tell(hubCtx)
	defer stopTelling()

	var hubEnded bool
	select {
	case <-ctx.Done():
	case err = <-working:
		hubEnded = true
		if err == nil {
			err = &perdure.Error{Code: perdure.Internal, Op: "run", Message: "the hub ended by itself"}
		}
	case err = <-serving:
		serving <- err
	}
	a.drain(ctx, server, api)
	stopTelling()
	stopHub()
	if !hubEnded {
		if ended := <-working; err == nil && ended != nil && !errors.Is(ended, context.Canceled) {
			err = ended
		}
	}
	return err
}

// flush sends the telemetry that is left, within the grace.
func (a *App) flush(ctx context.Context, send func(context.Context) error) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Grace)
	defer cancel()
	if err := send(grace); err != nil {
		a.cfg.Logger.Warn("telemetry was not sent", "err", err)
	}
}

// tell has the webhook, if there is one, told of decisions until the returned
// function is called.
func (a *App) tell(ctx context.Context) (stop func()) {
	if a.cfg.Webhook.URL == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := webhook.Run(ctx, webhook.Config{
			Service: a.agents.Service, URL: a.cfg.Webhook.URL, Secret: a.cfg.Webhook.Secret, Logger: a.cfg.Logger,
		})
		if err != nil {
			a.cfg.Logger.Error("the webhook is told of nothing", "err", err)
		}
	}()
	return func() { cancel(); <-ended }
}

// drain lets running requests finish within the grace; streams end at once.
func (a *App) drain(ctx context.Context, server *swapServer, api *httpapi.API) {
	api.Stop()
	a.openai.Stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		a.cfg.Logger.Warn("requests were cut", "grace", a.cfg.Grace, "err", errors.Join(err, server.Close()))
	}
}

// api returns the handler of all routes.
func (a *App) api(o *opened, addr net.Addr) *httpapi.API {
	hosts, anyIP := a.cfg.Hosts, false
	if name, _, err := net.SplitHostPort(a.cfg.Addr); err == nil {
		ip := net.ParseIP(name)
		anyIP = name == "" || ip != nil && ip.IsUnspecified()
		if name != "" && !anyIP {
			hosts = append([]string{name}, hosts...)
		}
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() {
		hosts = append([]string{tcp.IP.String()}, hosts...)
	}
	version, commit, release := build()
	return httpapi.New(httpapi.Config{
		Hub: o.hub, Now: o.now, Logger: a.cfg.Logger, Orchestrations: a.cfg.Registry.Orchestrations,
		Hosts: hosts, AnyIP: anyIP, Prefix: a.cfg.Prefix, MaxBody: a.cfg.BodyLimit, Agents: &a.agents, Mounts: a.mounts,
		Info: httpapi.Info{Version: version, Commit: commit, Go: release, Hub: hubName, Store: "pebble",
			Data: a.cfg.Hub, Model: a.cfg.Model, TimeScale: a.cfg.TimeScale},
	})
}

// reachable is an address as a program on this machine can dial it.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return addr.String()
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

// Limits of the server against clients that are slow or send too much.
const (
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 16 << 10
)

// swapServer is a server whose handler is put in once the hub is open; until
// then it answers that it starts.
type swapServer struct {
	*http.Server
	handler atomic.Pointer[httpapi.API]
}

func newServer(logger *slog.Logger) *swapServer {
	s := &swapServer{}
	s.Server = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return s
}

func (s *swapServer) swap(h *httpapi.API) { s.handler.Store(h) }

func (s *swapServer) serve(w http.ResponseWriter, r *http.Request) {
	if h := s.handler.Load(); h != nil {
		h.ServeHTTP(w, r)
		return
	}
	httpapi.Starting(w, r)
}
