package local_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// refusing is a store that refuses one group as a whole, once it is told to.
type refusing struct {
	store.Store
	next atomic.Pointer[refusal] // of the next group
}

// refusal is the fate of a group: it is closed when that is to be told.
type refusal struct {
	submitted, told chan struct{}
	commits         int
}

func (s *refusing) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	r := s.next.Swap(nil)
	if r == nil {
		return s.Store.Submit(ctx, g)
	}
	r.commits = len(g.Commits)
	close(r.submitted)
	return r, nil
}

// Wait implements store.Receipt.
func (r *refusal) Wait(ctx context.Context) (all []store.Refused, err error) {
	select {
	case <-r.told:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for i := range r.commits {
		all = append(all, store.Refused{Index: i, Err: errors.New("the database is out of memory")})
	}
	return all, nil
}

// TestEventBehindARefusedStart has the store refuse a start, whose code runs at no worker
// yet, while an event waits behind it: it is for a run that does not come to be, and is
// not acknowledged.
func TestEventBehindARefusedStart(t *testing.T) { synctest.Test(t, eventBehindARefusedStart) }

func eventBehindARefusedStart(t *testing.T) {
	ctx := wait(t, 30*time.Second)
	disk, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	s := &refusing{Store: disk}
	h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(run) }()
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "other", Name: "run"}); err != nil { // it works
		t.Fatal(err)
	}
	r := &refusal{submitted: make(chan struct{}), told: make(chan struct{})}
	s.next.Store(r)
	started, raised := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := h.Start(ctx, &hub.Start{RequestID: "s", InstanceID: "a", Name: "run"})
		started <- err
	}()
	<-r.submitted
	go func() {
		raised <- h.Raise(ctx, &hub.Raise{RequestID: "r", InstanceID: "a", Name: "go", Data: history.Some("1")})
	}()
	synctest.Wait() // the hub has taken it in behind the start
	close(r.told)
	if err := <-started; perdure.CodeOf(err) != perdure.Unavailable {
		t.Errorf("Start() = %v, want Unavailable", err)
	}
	if err := <-raised; perdure.CodeOf(err) != perdure.Unavailable && perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Raise() = %v, want Unavailable or NotFound: the run does not exist", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
}
