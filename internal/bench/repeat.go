package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/client"
)

// repeat carries out count units, or as many as begin within the window if it
// is not 0, some at a time, and returns how many ended. A unit is given its
// number. If ctx ends, units that have not ended do not count; that is no error.
func (b *bench) repeat(ctx context.Context, what string, count int, window time.Duration, unit func(ctx context.Context, n int) error) (int, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	b.progress.phase(what, func() string { return countOf(done.Load(), count) })
	stop := time.Now().Add(window)
	var wg sync.WaitGroup
	for range b.cfg.InFlight {
		wg.Go(func() {
			for inner.Err() == nil && (window == 0 || time.Now().Before(stop)) {
				n := int(next.Add(1)) - 1
				if window == 0 && n >= count {
					return
				}
				if err := unit(inner, n); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if ctx.Err() == nil && inner.Err() != nil {
		return int(done.Load()), context.Cause(inner)
	}
	return int(done.Load()), nil
}

// measured is repeat within the meter; it returns how long it took.
func (b *bench) measured(ctx context.Context, what string, count int, window time.Duration, unit func(ctx context.Context, n int) error) (done int, took time.Duration, err error) {
	if err := b.meter.start(ctx); err != nil {
		return 0, 0, err
	}
	if done, err = b.repeat(ctx, what, count, window, unit); err != nil {
		return done, 0, err
	}
	took, err = b.meter.stop(ctx)
	return done, took, err
}

// completed waits until an orchestration has ended and makes an error of any
// other end than completion.
func (b *bench) completed(ctx context.Context, id string) error {
	in, err := b.client.WaitCompletion(ctx, id)
	if err != nil {
		return err
	}
	if in.Status == client.Completed {
		return nil
	}
	return &client.RunError{ID: id, Status: in.Status, Failure: in.Failure}
}
