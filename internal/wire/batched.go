package wire

import (
	"context"
	"sync"

	"github.com/perdure/perdure/internal/hub"
)

// batched returns the stream as one whose items are taken together. What it is given
// is fetched until ctx ends, if the stream cannot do that itself.
func batched(ctx context.Context, s hub.Stream) hub.Batched {
	if b, ok := s.(hub.Batched); ok {
		return b
	}
	f := &fetched{Stream: s, ready: make(chan struct{}, 1)}
	go f.fetch(ctx)
	return f
}

// fetched is a stream with a goroutine that fetches its items.
type fetched struct {
	hub.Stream
	ready chan struct{}

	mu   sync.Mutex // guards the rest
	list []*hub.Work
	err  error
}

// Ready implements hub.Batched.
func (f *fetched) Ready() <-chan struct{} { return f.ready }

// Take implements hub.Batched.
func (f *fetched) Take() ([]*hub.Work, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.list
	f.list = nil
	return list, f.err
}

func (f *fetched) fetch(ctx context.Context) {
	for {
		work, err := f.Next(ctx)
		if ctx.Err() != nil {
			return // what it may have returned is given back when the stream is closed
		}
		f.mu.Lock()
		if err != nil {
			f.err = err
		} else {
			f.list = append(f.list, work)
		}
		f.mu.Unlock()
		select {
		case f.ready <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// outcomes gives an outcome to a hub, on a goroutine of its own if the hub cannot do
// without.
func outcomes(ctx context.Context, w hub.Workers, o hub.Outcome, told func(error)) {
	if t, ok := w.(hub.Outcomes); ok {
		t.Tell(o, told)
		return
	}
	go func() {
		switch {
		case o.Orchestration != nil:
			told(w.CompleteOrchestration(ctx, o.Orchestration))
		case o.Activity != nil:
			told(w.CompleteActivity(ctx, o.Activity))
		case o.Entity != nil:
			told(w.CompleteEntity(ctx, o.Entity))
		default:
			told(w.Abandon(ctx, *o.Abandoned))
		}
	}()
}
