// Cluster is one of any number of processes that share their work over a PostgreSQL
// database. Start it as often as you like, on one machine or on many; README.md has the
// commands.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// Journey is how many stops of how many milliseconds there are to make.
type Journey struct{ Stops, Millis int }

// Travel makes the stops of a journey, one after the other, and returns which process
// has made each.
func Travel(ctx *perdure.Context, j Journey) (string, error) {
	var by []string
	for i := range j.Stops {
		at, err := perdure.CallNamed[string](ctx, stopName, stop{i, j.Millis}).Await()
		if err != nil {
			return "", err
		}
		by = append(by, at)
	}
	return strings.Join(by, " "), nil
}

// stopName names the activity, which each process makes its own.
const stopName = "Stop"

type stop struct{ Number, Millis int }

// stopAt is the activity in the process that serves at an address.
func stopAt(addr string) func(context.Context, stop) (string, error) {
	return func(ctx context.Context, s stop) (string, error) {
		perdure.Logger(ctx).Info("stop", "number", s.Number)
		select {
		case <-time.After(time.Duration(s.Millis) * time.Millisecond):
			return addr, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// register makes the code of a process known.
func register(reg *perdure.Registry, m model.Model, addr string) error {
	perdure.AddOrchestration(reg, Travel)
	perdure.AddActivityNamed(reg, stopName, stopAt(addr))
	return agent.Register(reg, &agent.Agent{Name: "Guide", Instructions: "You know every city.", Model: m})
}

// run is the process.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	hub := flags.String("hub", os.Getenv("PERDURE_HUB"), "the database, postgres://user@host/database (env PERDURE_HUB)")
	addr := flags.String("addr", host.DefaultAddr, "address to serve on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !strings.HasPrefix(*hub, "postgres") {
		return errors.New("name a database: -hub postgres://user@host/database")
	}
	m, about, err := auto.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	reg := perdure.NewRegistry()
	if err := register(reg, m, *addr); err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: *hub, Addr: *addr, Registry: reg, Model: about.Model})
	if err != nil {
		return err
	}
	go func() { // ends with the process at the latest
		select {
		case <-app.Ready():
			fmt.Println(app.URL())
		case <-ctx.Done():
		}
	}()
	return app.Run(ctx)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
