package bench

import (
	"context"
	"time"

	"github.com/perdure/perdure/client"
)

// eventBatch is how many orchestrations are parked ahead when the number of
// events is not known.
const eventBatch = 300

// event raises events to orchestrations that were parked before, one event for
// each. Only the raising is measured.
func (b *bench) event(ctx context.Context) error {
	b.result.Steps = 1
	batch, left := b.cfg.Count, b.cfg.For
	if left > 0 {
		batch = eventBatch
	}
	data := b.cfg.text()
	for {
		ids := make([]string, batch)
		if _, err := b.repeat(ctx, "parking orchestrations", batch, 0, func(ctx context.Context, n int) error {
			started, err := b.client.Start(ctx, waitName, "x", client.StartOptions{})
			if err != nil {
				return err
			}
			ids[n] = started.ID
			_, err = b.client.WaitStart(ctx, started.ID)
			return err
		}); err != nil || ctx.Err() != nil {
			return err
		}
		done, took, err := b.measured(ctx, "raising events", batch, 0, func(ctx context.Context, n int) error {
			began := time.Now()
			if err := client.Raise(ctx, b.client, ids[n], goOn(), data); err != nil {
				return err
			}
			if err := b.completed(ctx, ids[n]); err != nil {
				return err
			}
			b.latency.add(time.Since(began))
			return nil
		})
		b.result.Count += done
		if left -= took; err != nil || ctx.Err() != nil || left <= 0 {
			return err
		}
	}
}
