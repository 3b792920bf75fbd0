package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
)

// serveFlags are the flags of dev and server.
type serveFlags struct {
	hub, data, addr string
	advertise       string
	migrate         bool
	webhook         string
	pushAllow       []string
	hosts, listen   []string
	taskHubs        []string
	tokens          string
	tls             host.TLS
	unsafeListen    bool
	readOnly        bool
	timeScale       float64
	retention       map[string]string
	links           []string
	verbose         bool
}

func (f *serveFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.hub, "hub", "", "where state lives: a directory, or a PostgreSQL database that nodes share, postgres://user@host/database (env PERDURE_HUB; default "+host.DefaultHub+")")
	flags.StringVar(&f.data, "data", "", "short for --hub with a directory")
	flags.StringVar(&f.addr, "addr", host.DefaultAddr, "address to serve on; port 0 picks a free one")
	flags.StringVar(&f.advertise, "advertise", "", "host:port at which other nodes of the database reach this one; \"none\" = they do not (default: --addr)")
	flags.BoolVar(&f.migrate, "migrate", true, "bring the database's schema up to date; --migrate=false refuses one that is not")
	flags.StringSliceVar(&f.listen, "listen", nil, "further addresses to serve on, such as 127.0.0.1:4001, where SDKs look by default")
	flags.StringSliceVar(&f.taskHubs, "task-hub", nil, "task hubs that there are to be beside \"default\" (env DTS_TASK_HUB_NAMES, with commas)")
	flags.StringVar(&f.tokens, "tokens", "", "demand one of the tokens in this file, which perdure token new writes")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "speak TLS, with the certificate in this file (PEM)")
	flags.StringVar(&f.tls.Key, "tls-key", "", "the certificate's private key (PEM)")
	flags.StringVar(&f.tls.Clients, "tls-clients", "", "issuers of certificates that clients may show in place of a token (PEM)")
	flags.StringSliceVar(&f.hosts, "host", nil, "further host names under which the server is reached")
	flags.StringToStringVar(&f.retention, "retention", nil, "how long runs are kept after their end, such as completed=30d,failed=365d;\nstatuses are completed, failed, terminated, canceled and all; others are kept for ever")
	flags.StringArrayVar(&f.links, "link", nil, "link to another system that the dashboard shows at runs, by a field of theirs, such as\ntrace=https://jaeger.example.com/trace/{value} or tag.order=https://shop.example.com/{value}; may be repeated")
	flags.StringVar(&f.webhook, "webhook", "", "URL that is told of decisions when they open (secret: env PERDURE_WEBHOOK_SECRET)")
	flags.StringSliceVar(&f.pushAllow, "push-allow", nil, "ranges of addresses, such as 10.0.0.0/8, in which workers may be called by URL\nbeside public addresses, also without TLS")
	flags.BoolVar(&f.readOnly, "read-only", false, "show everything over HTTP and change nothing; workers over gRPC go on")
	flags.BoolVar(&f.unsafeListen, "unsafe-listen", false, "serve on an address that others can reach, without login")
	flags.Float64Var(&f.timeScale, "time-scale", 1, "let time run this many times as fast, for trying things out;\ntime limits pass as fast too, also those of calls to a real model")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log more")
}

// config returns the host's configuration.
func (f *serveFlags) config(t *terminal, quiet bool) (host.Config, error) {
	if f.hub != "" && f.data != "" {
		return host.Config{}, fail(exitUsage, "give one of them", "--hub and --data both say where state lives")
	}
	where := f.hub + f.data
	if where == "" {
		if where = t.getenv("PERDURE_HUB"); isServer(where) {
			return host.Config{}, fail(exitUsage, "give --data DIR, or unset PERDURE_HUB", "PERDURE_HUB is %s, a server that runs elsewhere", where)
		}
	}
	if isServer(where) {
		return host.Config{}, fail(exitUsage, "give a folder or a PostgreSQL database, in which the state is to live", "%s is a server that runs elsewhere", where)
	}
	taskHubs := f.taskHubs
	if len(taskHubs) == 0 {
		taskHubs = strings.FieldsFunc(t.getenv("DTS_TASK_HUB_NAMES"), func(r rune) bool { return r == ',' || r == ' ' })
	}
	if f.timeScale == 0 {
		return host.Config{}, fail(exitUsage, "1 is the usual pace", "--time-scale is 0: time would stand still")
	}
	retention, err := retentionOf(f.retention)
	if err != nil {
		return host.Config{}, err
	}
	links := make(map[string]string, len(f.links))
	for _, l := range f.links {
		field, pattern, found := strings.Cut(l, "=")
		if !found {
			return host.Config{}, fail(exitUsage, "write FIELD=ADDRESS, such as trace=https://jaeger.example.com/trace/{value}", "--link %s names no field", l)
		}
		links[field] = pattern
	}
	hook := host.Webhook{URL: f.webhook}
	if f.webhook != "" {
		if hook.Secret = t.getenv("PERDURE_WEBHOOK_SECRET"); hook.Secret == "" {
			return host.Config{}, fail(exitUsage, "set PERDURE_WEBHOOK_SECRET to at least 16 bytes", "--webhook needs a secret that signs its requests")
		}
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	return host.Config{
		Hub: where, Advertise: f.advertise, NoMigrate: !f.migrate, Addr: f.addr, Listen: f.listen, TLS: f.tls, TaskHubs: taskHubs, Tokens: f.tokens, Hosts: f.hosts, UnsafeListen: f.unsafeListen, ReadOnly: f.readOnly, TimeScale: f.timeScale, Webhook: hook, PushAllow: f.pushAllow,
		Retention: retention, Links: links,
		Logger: slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: level})),
		Progress: func(text string) {
			if !quiet {
				fmt.Fprintln(t.err, text)
			}
		},
	}, nil
}

func devCommand(t *terminal, hosts hosting) *cobra.Command {
	var f serveFlags
	var browser bool
	c := &cobra.Command{
		Use:   "dev [PACKAGE [ARGUMENT...]]",
		Short: "Run an embedded hub with the samples, or with a program of yours, for development",
		Long: `Run an embedded hub with the samples, for development. With a Go package, that is built and started as
a worker of the hub in place of the samples, and again whenever a Go file of its module is saved. It
finds the hub's address in PERDURE_HUB, and in PERDURE_ADDR one to serve on itself:

  host.Config{Hub: os.Getenv("PERDURE_HUB"), Addr: os.Getenv("PERDURE_ADDR"), Registry: r}`,
		Example: "  perdure dev --data ./perdure-data --addr 127.0.0.1:8080 --open\n  perdure dev ./cmd/worker",
		Args:    between(0, -1, "a package and the arguments of the program"),
		RunE: func(c *cobra.Command, args []string) error {
			h := &hosted{}
			if len(args) == 0 {
				var err error
				if h, err = hosts(c.Context(), f.timeScale); err != nil {
					return fail(exitError, "", "%s", err)
				}
			}
			h.beside = func(ctx context.Context, url string) error {
				if browser {
					if err := browse(url + "/"); err != nil {
						fmt.Fprintln(t.err, safe(err.Error()))
					}
				}
				if len(args) == 0 {
					return nil
				}
				w := &devWorker{terminal: t, pkg: args[0], args: args[1:], env: []string{"PERDURE_HUB=" + url, "PERDURE_ADDR=127.0.0.1:0"}}
				return w.run(ctx)
			}
			return serve(c, t, &f, h, "Perdure dev")
		},
	}
	f.add(c)
	c.Flags().BoolVar(&browser, "open", false, "open the dashboard in a browser")
	return c
}

func serverCommand(t *terminal) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:     "server",
		Short:   "Run a hub without the samples, embedded or as a node on PostgreSQL",
		Example: "  perdure server --data /var/lib/perdure\n  perdure server --hub postgres://perdure@db/perdure --addr 0.0.0.0:8080 --tls-cert cert.pem --tls-key key.pem --tokens ./tokens",
		Args:    exactly(0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return serve(c, t, &f, &hosted{}, "Perdure server") },
	}
	f.add(c)
	return c
}

// serve runs an app until the context ends.
func serve(c *cobra.Command, t *terminal, f *serveFlags, h *hosted, title string) error {
	quiet, err := c.Flags().GetBool("quiet")
	if err != nil {
		return err
	}
	cfg, err := f.config(t, quiet)
	if err != nil {
		return err
	}
	cfg.Registry, cfg.Model, cfg.Workflows = h.registry, h.model, h.workflows
	app, err := host.New(cfg)
	if err != nil {
		return fail(exitUsage, c.CommandPath()+" --help explains the flags", "%s", oneLine(err))
	}
	if h.routes != nil {
		h.routes(app)
	}
	told := make(chan struct{})
	running, stop := context.WithCancel(c.Context())
	defer stop()
	ctx, cancel := context.WithCancel(c.Context())
	var besideErr error
	go func() {
		defer close(told)
		select {
		case <-app.Ready():
			if !quiet {
				t.banner(app, f, h, title)
			}
			if h.beside != nil {
				besideErr = h.beside(ctx, app.URL())
			}
			if besideErr != nil {
				stop()
			}
			<-ctx.Done()
			if c.Context().Err() != nil && !quiet {
				fmt.Fprintln(t.err, "stopping: running requests finish; Ctrl-C again exits at once")
			}
		case <-ctx.Done():
		}
	}()
	err = app.Run(running)
	cancel()
	<-told
	if err != nil {
		return fail(exitError, "", "%s", oneLine(err))
	}
	return besideErr
}

// isServer reports whether a hub is named by the address of a server.
func isServer(hub string) bool {
	return strings.HasPrefix(hub, "http://") || strings.HasPrefix(hub, "https://") || strings.Contains(hub, "Endpoint=")
}

// oneLine joins the lines of joined errors.
func oneLine(err error) string {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "; ")
}

// banner says what is served, how workers connect and what to try.
func (t *terminal) banner(app *host.App, f *serveFlags, h *hosted, title string) {
	version, _ := build()
	url := app.URL()
	fmt.Fprintf(t.out, "%s %s\n\n", title, version)
	fmt.Fprintf(t.out, "  serving  %s\n", url)
	fmt.Fprint(t.out, "           open it in a browser for the dashboard\n")
	if len(f.listen) > 0 {
		fmt.Fprintf(t.out, "  and at   %s\n", strings.Join(f.listen, ", "))
	}
	fmt.Fprintf(t.out, "  data     %s\n", app.Data())
	fmt.Fprintf(t.out, "  hubs     %s\n", strings.Join(app.TaskHubs(), ", "))
	if f.tokens != "" {
		fmt.Fprintf(t.out, "  tokens   %s\n", f.tokens)
	}
	if h.model != "" {
		fmt.Fprintf(t.out, "  model    %s\n", h.model)
	}
	if h.registry != nil {
		if names := agents(h.registry); len(names) > 0 {
			fmt.Fprintf(t.out, "  agents   %s\n", strings.Join(names, ", "))
		}
		if names := startable(h.registry); len(names) > 0 {
			fmt.Fprintf(t.out, "  runs     %s\n", strings.Join(names, ", "))
		}
	}
	if f.timeScale != 1 {
		fmt.Fprintf(t.out, "  time     %g times as fast\n", f.timeScale)
	}
	fmt.Fprintf(t.out, "\nWorkers and clients of the Durable Task SDKs connect with\n\n  %s\n", connection(url, f))
	if h.try != nil {
		fmt.Fprint(t.out, "\nTry:\n\n")
		for _, line := range h.try(url) {
			fmt.Fprintf(t.out, "  %s\n", line)
		}
	}
	fmt.Fprint(t.out, "\nCtrl-C drains and exits.\n")
}

// connection is the connection string of a server for SDKs.
func connection(url string, f *serveFlags) string {
	text := "Endpoint=" + url + ";TaskHub=default;Authentication=None"
	if f.tokens != "" {
		text += "\n  and the metadata authorization: Bearer TOKEN (perdure token new makes one)"
	}
	return text
}

// agents returns the names of the agents of a registry. What is wrong with one has
// been said when it was registered.
func agents(reg *perdure.Registry) []string {
	list, err := agent.List(reg)
	if err != nil {
		return nil
	}
	names := make([]string, len(list))
	for i, info := range list {
		names[i] = info.Name
	}
	return names
}

// startable returns the names of the orchestrations that people start; those of
// agents' turns are not among them.
func startable(reg *perdure.Registry) []string {
	return slices.DeleteFunc(reg.Orchestrations(), func(name string) bool { return strings.HasPrefix(name, "perdure.") })
}

// interrupted reports whether a command ended because of Ctrl-C.
func interrupted(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errInterrupted)
}
