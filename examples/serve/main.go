// Serve runs one of the examples, with the model that the environment names, see
// package model/auto, else with the offline demo model.
//
//	go run ./examples/serve joker
//	go run ./examples/serve -addr 127.0.0.1:8081 -data /tmp/refund refund
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/approvals"
	"github.com/perdure/perdure/examples/assistants"
	"github.com/perdure/perdure/examples/branching"
	"github.com/perdure/perdure/examples/chaining"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/examples/customhistory"
	"github.com/perdure/perdure/examples/delivery"
	"github.com/perdure/perdure/examples/emailtriage"
	"github.com/perdure/perdure/examples/extraction"
	"github.com/perdure/perdure/examples/fanout"
	"github.com/perdure/perdure/examples/humanreview"
	"github.com/perdure/perdure/examples/javascript"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/examples/longconversation"
	"github.com/perdure/perdure/examples/longtools"
	"github.com/perdure/perdure/examples/mcpclient"
	"github.com/perdure/perdure/examples/mcptool"
	"github.com/perdure/perdure/examples/mcpworkflow"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/examples/nested"
	"github.com/perdure/perdure/examples/nestedapprovals"
	"github.com/perdure/perdure/examples/polyglot"
	"github.com/perdure/perdure/examples/progress"
	"github.com/perdure/perdure/examples/provider"
	"github.com/perdure/perdure/examples/refund"
	"github.com/perdure/perdure/examples/research"
	"github.com/perdure/perdure/examples/resumablestream"
	"github.com/perdure/perdure/examples/retention"
	"github.com/perdure/perdure/examples/sequential"
	"github.com/perdure/perdure/examples/sharedstate"
	"github.com/perdure/perdure/examples/supportdesk"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// starting registers an example. What it needs beside a model is in the environment.
type starting func(ctx context.Context, reg *perdure.Registry, m model.Model) error

// plain is an example that needs nothing beside a model.
func plain(register func(*perdure.Registry, model.Model) error) starting {
	return func(_ context.Context, reg *perdure.Registry, m model.Model) error { return register(reg, m) }
}

// bare is an example without a model.
func bare(register func(*perdure.Registry)) starting {
	return func(_ context.Context, reg *perdure.Registry, _ model.Model) error {
		register(reg)
		return nil
	}
}

// examples are those that are servers, by their folder.
func examples() map[string]starting {
	return map[string]starting{
		"approvals":        bare(approvals.Register),
		"assistants":       plain(assistants.Register),
		"branching":        bare(branching.Register),
		"chaining":         plain(chaining.Register),
		"contentapproval":  plain(contentapproval.Register),
		"delivery":         bare(delivery.Register),
		"emailtriage":      plain(emailtriage.Register),
		"extraction":       plain(extraction.Register),
		"fanout":           plain(fanout.Register),
		"humanreview":      plain(humanreview.Register),
		"javascript":       plain(javascript.Register),
		"joker":            plain(joker.Register),
		"longconversation": plain(longconversation.Register),
		"longtools":        plain(longtools.Register),
		"mcptool":          plain(mcptool.Register),
		"mcpworkflow":      plain(mcpworkflow.Register),
		"multiagent":       plain(multiagent.Register),
		"nested":           bare(nested.Register),
		"nestedapprovals":  bare(nestedapprovals.Register),
		"polyglot":         plain(polyglot.Register),
		"progress":         plain(progress.Register),
		"research":         plain(research.Register),
		"resumablestream":  plain(resumablestream.Register),
		"retention":        plain(retention.Register),
		"sequential":       bare(sequential.Register),
		"sharedstate":      bare(sharedstate.Register),
		"supportdesk":      plain(supportdesk.Register),
		"customhistory": func(_ context.Context, reg *perdure.Registry, m model.Model) error {
			return customhistory.Register(reg, m, customhistory.Folder(cmp.Or(os.Getenv("HISTORY"), "history")))
		},
		"provider": func(_ context.Context, reg *perdure.Registry, _ model.Model) error {
			if err := needed("MODEL_URL", "MODEL"); err != nil {
				return err
			}
			return provider.Register(reg, provider.Endpoint{URL: os.Getenv("MODEL_URL"), Model: os.Getenv("MODEL"), Key: os.Getenv("MODEL_KEY")})
		},
		"refund": func(_ context.Context, reg *perdure.Registry, m model.Model) error {
			if err := needed("PAYMENTS_URL"); err != nil {
				return err
			}
			return refund.Register(reg, m, refund.NewService(os.Getenv("PAYMENTS_URL")))
		},
		"mcpclient": func(ctx context.Context, reg *perdure.Registry, m model.Model) error {
			if err := needed("MCP_URL"); err != nil {
				return err
			}
			server, err := mcpclient.Dial(ctx, os.Getenv("MCP_URL"), "StockAdvisor")
			if err != nil {
				return err
			}
			return mcpclient.Register(ctx, reg, m, server) // connected as long as the process lives
		},
	}
}

// tools are the workflows that are MCP tools, by the folder of the example.
func tools() map[string]func() ([]mcp.Workflow, error) {
	return map[string]func() ([]mcp.Workflow, error){
		"mcpworkflow": mcpworkflow.Workflows,
		"supportdesk": supportdesk.Workflows,
	}
}

// needed returns an error that names the variables of the environment that an
// example needs and that are not set.
func needed(names ...string) error {
	missing := slices.DeleteFunc(names, func(name string) bool { return os.Getenv(name) != "" })
	if len(missing) > 0 {
		return fmt.Errorf("set %s: the top of the example's package says to what", strings.Join(missing, ", "))
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	addr := flag.String("addr", host.DefaultAddr, "address to serve on")
	data := flag.String("data", host.DefaultHub, "folder to keep the state in")
	flag.Parse()
	if err := serve(ctx, host.Config{Addr: *addr, Hub: *data}, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, cfg host.Config, name string) error {
	all := examples()
	if all[name] == nil {
		return errors.New("name an example: " + strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	}
	m, about, err := auto.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	cfg.Registry, cfg.Model = perdure.NewRegistry(), about.Provider+"/"+about.Model
	if err := all[name](ctx, cfg.Registry, m); err != nil {
		return err
	}
	if offered := tools()[name]; offered != nil {
		if cfg.Workflows, err = offered(); err != nil {
			return err
		}
	}
	app, err := host.New(cfg)
	if err != nil {
		return err
	}
	go func() { // ends with the process at the latest
		select {
		case <-app.Ready():
			fmt.Printf("%s is served on %s, with the model %s; its state is in %s\n", name, app.URL(), cfg.Model, cfg.Hub)
			fmt.Printf("lines to try: examples/%s. Ctrl-C ends it.\n", name)
		case <-ctx.Done():
		}
	}()
	return app.Run(ctx)
}
