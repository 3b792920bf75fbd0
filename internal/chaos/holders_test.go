package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// ways are how an instance is ended in the middle of what it does.
var ways = map[string]func(ctx context.Context, c *client, id string) error{
	"terminated": func(ctx context.Context, c *client, id string) error {
		return c.call(ctx, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: id, Recursive: true}, new(wirepb.TerminateResponse))
	},
	"terminated and purged": func(ctx context.Context, c *client, id string) error {
		in := &wirepb.TerminateRequest{InstanceId: id, Recursive: true}
		if err := c.call(ctx, "TerminateInstance", in, new(wirepb.TerminateResponse)); err != nil {
			return err
		}
		if err := c.call(ctx, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id}, new(wirepb.GetInstanceResponse)); err != nil {
			return err
		}
		return c.call(ctx, "PurgeInstances", &wirepb.PurgeInstancesRequest{
			Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id}, Recursive: true,
		}, new(wirepb.PurgeInstancesResponse))
	},
	"replaced": func(ctx context.Context, c *client, id string) error {
		return c.call(ctx, "StartInstance", &wirepb.CreateInstanceRequest{
			InstanceId: id, Name: "child", Input: wrapperspb.String("1"),
			OrchestrationIdReusePolicy: &wirepb.OrchestrationIdReusePolicy{ReplaceableStatus: []wirepb.OrchestrationStatus{0, 1, 3, 4, 5, 6, 7}},
		}, new(wirepb.CreateInstanceResponse))
	},
}

// TestT12_HoldersEnd ends instances at any moment, among others when they hold locks or
// wait for the second of two, while connections are cut: no lock is left, and those that
// wait behind them go on.
func TestT12_HoldersEnd(t *testing.T) {
	normalOnly(t)
	addr := serve(t, host.Config{TaskHubs: lanes})
	rounds := 3
	if soak() {
		rounds = 60
	}
	var locked, ended atomic.Int64
	var running sync.WaitGroup
	for lane, name := range lanes {
		running.Go(func() {
			for n := 0; n < rounds && !t.Failed(); n++ {
				for how, end := range ways {
					where := cut{toHub: n%2 == 0, frame: 10 + rand.IntN(80), half: n%3 == 0, reset: n%4 < 2}
					was := endOne(t, addr, name, fmt.Sprintf("%d-%d-%s", lane, n, how), where, end)
					ended.Add(1)
					if was {
						locked.Add(1)
					}
				}
			}
		})
	}
	running.Wait()
	if locked.Load() < ended.Load()/10 {
		t.Errorf("of %d instances that were ended %d held or awaited locks: too few", ended.Load(), locked.Load())
	}
	t.Logf("%d instances were ended, %d of them while they held or awaited locks", ended.Load(), locked.Load())
}

// endOne runs two instances of the program, ends one of them at any moment, and reports
// whether it had to do with locks then.
func endOne(t *testing.T, addr, hubName, set string, where cut, end func(context.Context, *client, string) error) (locked bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	between := startCutter(t, addr, where)
	defer between.close()
	conn, direct := dial(t, between.addr()), dial(t, addr)
	defer func() { _, _ = conn.Close(), direct.Close() }()
	w := &worker{conn: conn, hub: hubName, id: "w", code: program, seen: newWitness(), retries: true}
	working, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { w.run(working) })
	defer running.Wait()
	defer stop()
	c := &client{direct, hubName}
	victim, other := set+"/v", set+"/o"
	var both sync.WaitGroup
	waits, enough := context.WithCancel(ctx)
	defer enough()
	both.Go(func() { _, _ = c.start(waits, victim) }) // it ends as it ends
	both.Go(func() {
		state, err := c.start(ctx, other)
		if got := state.GetOutput().GetValue(); err != nil || got != strconv.Itoa(programResult) {
			t.Errorf("%s: the other instance ends with %q, %v, want %d", set, got, err, programResult)
		}
	})
	a, b := entities(set)
	patience := time.Duration(rand.IntN(60)) * time.Millisecond // it is ended at any moment
	if rand.IntN(4) > 0 {
		patience = 2 * time.Second // or as soon as it has a lock
	}
	for late := time.Now().Add(patience); !locked && time.Now().Before(late); {
		for _, id := range []string{a, b} {
			e, _, err := c.entity(ctx, id)
			locked = locked || err == nil && e.GetLockedBy().GetValue() == victim
		}
	}
	if err := end(ctx, c, victim); err != nil && status.Code(err) != codes.NotFound {
		t.Errorf("%s: end = %v", set, err)
	}
	enough() // one that is purged may be created anew
	both.Wait()
	for _, id := range []string{a, b} {
		for limit := time.Now().Add(10 * time.Second); ; {
			e, state, err := c.entity(ctx, id)
			if err == nil && e.GetLockedBy() == nil && e.GetBacklogQueueSize() == 0 {
				break
			}
			if err != nil || time.Now().After(limit) {
				t.Errorf("%s: %s has the state %+v, locked by %v, %d operations wait, %v; want it free", set, id, state, e.GetLockedBy(), e.GetBacklogQueueSize(), err)
				break
			}
		}
	}
	return locked
}
