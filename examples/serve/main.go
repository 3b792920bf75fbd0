// Serve runs one of the examples on 127.0.0.1:8080, with the model that the
// environment names, see package model/auto, else with the offline demo model.
//
//	go run ./examples/serve joker
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/assistants"
	"github.com/perdure/perdure/examples/chaining"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/examples/emailtriage"
	"github.com/perdure/perdure/examples/extraction"
	"github.com/perdure/perdure/examples/humanreview"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/examples/longconversation"
	"github.com/perdure/perdure/examples/longtools"
	"github.com/perdure/perdure/examples/multiagent"
	"github.com/perdure/perdure/examples/refund"
	"github.com/perdure/perdure/examples/research"
	"github.com/perdure/perdure/examples/resumablestream"
	"github.com/perdure/perdure/examples/retention"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// examples are those that are servers, by their folder.
var examples = map[string]func(*perdure.Registry, model.Model) error{
	"assistants":       assistants.Register,
	"chaining":         chaining.Register,
	"contentapproval":  contentapproval.Register,
	"emailtriage":      emailtriage.Register,
	"extraction":       extraction.Register,
	"humanreview":      humanreview.Register,
	"joker":            joker.Register,
	"longconversation": longconversation.Register,
	"longtools":        longtools.Register,
	"multiagent":       multiagent.Register,
	"refund": func(reg *perdure.Registry, m model.Model) error {
		return refund.Register(reg, m, refund.NewService(os.Getenv("PAYMENTS_URL")))
	},
	"research":        research.Register,
	"resumablestream": resumablestream.Register,
	"retention":       retention.Register,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, args []string) error {
	if len(args) != 1 || examples[args[0]] == nil {
		return errors.New("usage: serve EXAMPLE, which is one of " + strings.Join(slices.Sorted(maps.Keys(examples)), ", "))
	}
	m, about, err := auto.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	registry := perdure.NewRegistry()
	if err := examples[args[0]](registry, m); err != nil {
		return err
	}
	app, err := host.New(host.Config{Registry: registry, Model: about.Provider + "/" + about.Model})
	if err != nil {
		return err
	}
	return app.Run(ctx)
}
