package local_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// TestTakeoverRunsOnce: an activity that was lost in a crash runs once more, also
// when its instance is loaded again before the takeover is through.
func TestTakeoverRunsOnce(t *testing.T) {
	const runs = 8000
	s := newStage(t)
	s.lim.Drain = time.Millisecond
	s.lim.StartWait = time.Minute // all begin at once
	s.ctx = wait(t, 40*time.Second)
	var mu sync.Mutex
	ran := map[string]int{}
	gate, second := make(chan struct{}), false
	perdure.AddActivityNamed(s.reg, "act", func(_ context.Context, in string) (string, error) {
		mu.Lock()
		again := second
		if again {
			ran[in]++
		}
		mu.Unlock()
		if !again {
			<-gate
		}
		return in, nil
	})
	perdure.AddOrchestrationNamed(s.reg, "behind", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "act", in).Await()
	})
	s.open()
	for i := range runs {
		s.Start(posted(), &hub.Start{InstanceID: fmt.Sprint("r", i), Name: "behind", Input: history.Some(fmt.Sprintf(`"%d"`, i))})
	}
	s.until("all run", func() bool { _, err := s.store.Instance(s.ctx, fmt.Sprint("r", runs-1)); return err == nil })
	s.disk.Sync()
	s.kill()
	mu.Lock()
	second = true
	mu.Unlock()
	close(gate)
	s.open()
	for i := range runs {
		if _, err := s.WaitCompletion(s.ctx, fmt.Sprint("r", i)); err != nil {
			t.Fatal(err)
		}
	}
	s.idle()
	more := 0
	for _, n := range ran {
		if n > 1 {
			more++
		}
	}
	if more > 0 {
		t.Errorf("%d of %d activities ran more than once after the crash", more, runs)
	}
}

// TestTimersOfPurged: a signal that waits for its time is gone with its entity
// and does not disturb those of the next one.
func TestTimersOfPurged(t *testing.T) {
	s := newStage(t)
	var mu sync.Mutex
	var got []string
	perdure.AddEntityFunc(s.reg, "e", func(ctx *perdure.EntityContext) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, ctx.Operation())
		return nil, ctx.SetState(1)
	})
	s.open()
	signal := func(op string, after time.Duration) {
		t.Helper()
		if err := s.Signal(s.ctx, &hub.Signal{InstanceID: "@e@a", Operation: op, At: s.clock.Now().Add(after)}); err != nil {
			t.Fatal(err)
		}
	}
	signal("old", 20*time.Second)
	if _, err := s.Purge(s.ctx, &hub.Purge{IDs: []string{"@e@a"}}); err != nil {
		t.Fatal(err)
	}
	signal("new", 40*time.Second)
	for range 5 {
		s.clock.Advance(10 * time.Second)
		s.idle()
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"new"}; !slices.Equal(got, want) {
		t.Errorf("operations = %q, want %q", got, want)
	}
}

// TestReplaceByASlowTurn: what is written to an instance while the first turn of
// the one that replaces it takes long stays.
func TestReplaceByASlowTurn(t *testing.T) {
	s := newStage(t)
	gate := make(chan struct{})
	perdure.AddOrchestrationNamed(s.reg, "slow", func(ctx *perdure.Context, in string) (string, error) { <-gate; return in, nil })
	s.open()
	s.start("x", "end")
	if _, err := s.WaitCompletion(s.ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(s.ctx, &hub.Start{
		InstanceID: "x", Name: "slow", Input: history.Some(`"x"`), Replace: []history.Status{history.StatusCompleted},
	}); err != nil {
		t.Fatal(err)
	}
	row := store.Row{Kind: 200, Key: []byte("k"), Value: []byte("x")}
	if err := s.WriteRows(s.ctx, &hub.WriteRows{Owner: "x", Rows: []store.Row{row}}); err != nil {
		t.Fatal(err)
	}
	close(gate)
	if _, err := s.WaitCompletion(s.ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := s.ReadRows(s.ctx, store.RowQuery{Kind: 200, Owner: "x"}); err != nil || len(rows) != 1 {
		t.Errorf("ReadRows() = %v, %v, want the row", rows, err)
	}
}
