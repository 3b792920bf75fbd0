package bench

import (
	"context"
	"time"

	"github.com/perdure/perdure/client"
)

// sequence runs orchestrations that call one activity after the other.
func (b *bench) sequence(ctx context.Context) error {
	err := b.orchestrations(ctx, sequenceName)
	if b.steps != nil && err == nil {
		b.result.Flat = b.steps.flat()
	}
	return err
}

// fanout runs orchestrations that call all activities at once.
func (b *bench) fanout(ctx context.Context) error { return b.orchestrations(ctx, fanoutName) }

// orchestrations runs units that are orchestrations from start to completion.
func (b *bench) orchestrations(ctx context.Context, name string) (err error) {
	b.result.Count, _, err = b.measured(ctx, b.cfg.Workload, b.cfg.Count, b.cfg.For, func(ctx context.Context, _ int) error {
		began := time.Now()
		started, err := b.client.Start(ctx, name, b.cfg.Steps, client.StartOptions{})
		if err != nil {
			return err
		}
		if err := b.completed(ctx, started.ID); err != nil {
			return err
		}
		b.latency.add(time.Since(began))
		return nil
	})
	return err
}
