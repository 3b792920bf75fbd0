package local_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// kept is a hub that keeps completed runs for a day and failed ones for ten, with a
// clock that the test moves.
type kept struct {
	*testing.T
	ctx   context.Context
	disk  *memory.Disk
	clock *clock.Virtual
	hub   *local.Hub
	stop  func()
}

const day = 24 * time.Hour

func keeping(t *testing.T) *kept {
	k := &kept{T: t, ctx: wait(t, time.Minute), disk: &memory.Disk{}, clock: clock.NewVirtual(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))}
	k.open()
	t.Cleanup(func() { k.stop() })
	return k
}

func (k *kept) open() {
	k.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "ok", func(*perdure.Context, string) (string, error) { return "", nil })
	perdure.AddOrchestrationNamed(reg, "bad", func(*perdure.Context, string) (string, error) { return "", errors.New("no") })
	perdure.AddOrchestrationNamed(reg, "parent", func(ctx *perdure.Context, _ string) (string, error) {
		if _, err := perdure.CallOrchestrationNamed[string](ctx, "ok", "", perdure.WithID("child")).Await(); err != nil {
			return "", err
		}
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	s := onDisk(k.disk)(k)
	h, err := local.New(local.Config{Store: s, Registry: reg, Clock: k.clock,
		Retention: shard.Retention{store.Completed: day, store.Failed: 10 * day}})
	if err != nil {
		k.Fatal(err)
	}
	ctx, cancel := context.WithCancel(k.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	k.hub, k.stop = h, sync.OnceFunc(func() { cancel(); <-ended; _ = s.Close() }) // it may have crashed
}

func (k *kept) run(name, id string, tags map[string]string) {
	k.Helper()
	if _, err := k.hub.Start(k.ctx, &hub.Start{InstanceID: id, Name: name, Tags: tags, Input: history.Some(`""`)}); err != nil {
		k.Fatal(err)
	}
	if _, err := k.hub.Idle(k.ctx); err != nil {
		k.Fatal(err)
	}
}

// pass lets time pass, in steps in which sweeps happen.
func (k *kept) pass(d time.Duration) {
	k.Helper()
	for end := k.clock.Now().Add(d); k.clock.Now().Before(end); {
		next, err := k.hub.Idle(k.ctx)
		if err != nil {
			k.Fatal(err)
		}
		step := end.Sub(k.clock.Now())
		if !next.IsZero() && next.Before(end) {
			step = max(next.Sub(k.clock.Now()), 0)
		}
		k.clock.Advance(step)
	}
	if _, err := k.hub.Idle(k.ctx); err != nil {
		k.Fatal(err)
	}
}

// has checks which runs there are.
func (k *kept) has(when string, want ...string) {
	k.Helper()
	page, err := k.hub.List(k.ctx, store.Query{Order: store.IDAsc, Limit: 1000})
	if err != nil {
		k.Fatal(err)
	}
	got := []string{}
	for _, in := range page.Items {
		got = append(got, in.ID)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		k.Errorf("runs %s (-want +got)\n%s", when, diff)
	}
}

func TestRetention(t *testing.T) {
	k := keeping(t)
	k.run("ok", "completed", nil)
	k.run("bad", "failed", nil)
	k.run("parent", "live", nil)
	k.run("ok", "turn", map[string]string{"perdure.agent": "a", "perdure.session": "s"})
	k.run("ok", "held", nil)
	hold := store.Row{Kind: hub.RowHold, Owner: "held", Key: []byte("h"), Value: []byte("its call is not settled")}
	if err := k.hub.WriteRows(k.ctx, &hub.WriteRows{Owner: "held", Rows: []store.Row{hold}}); err != nil {
		t.Fatal(err)
	}
	k.pass(day - time.Minute)
	k.has("a minute before their time", "child", "completed", "failed", "held", "live", "turn")
	k.pass(time.Hour)
	k.has("after a day", "child", "failed", "held", "live", "turn")
	if got := k.hub.Stats().Purged.Load(); got != 1 {
		t.Errorf("Purged = %d, want 1", got)
	}

	hold.Delete = true
	if err := k.hub.WriteRows(k.ctx, &hub.WriteRows{Owner: "held", Rows: []store.Row{hold}}); err != nil {
		t.Fatal(err)
	}
	if err := k.hub.Raise(k.ctx, &hub.Raise{InstanceID: "live", Name: "go", Data: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	k.pass(time.Hour)
	k.has("once nothing holds it", "child", "failed", "live", "turn")
	k.pass(day)
	k.has("a day after the parent's end", "failed", "turn")
	k.pass(9 * day)
	k.has("after ten days", "turn")
}

// TestRetentionOverRestarts purges what has grown old while the hub was down, more than
// one part of a sweep, also if that is cut short.
func TestRetentionOverRestarts(t *testing.T) {
	const n = 450
	k := keeping(t)
	for i := range n {
		k.run("ok", fmt.Sprintf("old-%03d", i), nil)
	}
	k.run("bad", "failed", nil)
	k.stop()
	k.clock.Advance(2 * day)
	k.open()
	k.pass(150 * time.Millisecond)
	if got := k.hub.Stats().Purged.Load(); got == 0 || got >= n {
		t.Errorf("Purged = %d at once, want a part of %d", got, n)
	}
	k.disk.Crash()
	k.stop()
	k.open()
	k.run("ok", "new", nil)
	k.pass(time.Second)
	k.has("after two restarts", "failed", "new")
}

// TestRetentionCountsFromTheNewestEnd keeps a run that was begun anew.
func TestRetentionCountsFromTheNewestEnd(t *testing.T) {
	k := keeping(t)
	k.run("ok", "a", nil)
	k.pass(day / 2)
	if _, err := k.hub.Control(k.ctx, &hub.Control{InstanceID: "a", Kind: hub.Restart}); err != nil {
		t.Fatal(err)
	}
	k.pass(day - time.Hour)
	k.has("less than a day after its second end", "a")
	k.pass(2 * time.Hour)
	k.has("a day after its second end")
}
