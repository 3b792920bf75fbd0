package bench

import (
	"context"
	"errors"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Names under which the code is registered.
const (
	sequenceName = "bench.sequence"
	fanoutName   = "bench.fanout"
	waitName     = "bench.wait"
	stepName     = "bench.step"
)

// goOn is what waiting orchestrations wait for.
func goOn() perdure.Event[string] { return perdure.NewEvent[string]("bench.go") }

// text is a payload of the size that was asked for.
func (c Config) text() string { return strings.Repeat("x", c.Payload) }

// registry holds the code of all workloads, so that a hub that another run has
// left in a data folder goes on as well.
func (b *bench) registry() (*perdure.Registry, error) {
	r := perdure.NewRegistry()
	result := b.cfg.text()
	perdure.AddActivityNamed(r, stepName, func(ctx context.Context, _ string) (string, error) {
		b.steps.begin(ctx)
		return result, nil
	})
	perdure.AddOrchestrationNamed(r, sequenceName, func(ctx *perdure.Context, steps int) (int, error) {
		for range steps {
			if _, err := perdure.CallNamed[string](ctx, stepName, "x").Await(); err != nil {
				return 0, err
			}
		}
		return steps, nil
	})
	perdure.AddOrchestrationNamed(r, fanoutName, func(ctx *perdure.Context, steps int) (int, error) {
		tasks := make([]perdure.Awaitable, steps)
		for i := range tasks {
			tasks[i] = perdure.CallNamed[string](ctx, stepName, "x")
		}
		return steps, perdure.All(ctx, tasks...)
	})
	perdure.AddOrchestrationNamed(r, waitName, func(ctx *perdure.Context, _ string) (string, error) {
		_, err := goOn().Wait(ctx).Await()
		return "", err
	})
	return r, errors.Join(r.Err(), agent.Register(r, talker(b.cfg.Payload)))
}
