package local_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
	"github.com/perdure/perdure/store/pebble"
)

// harness runs local hubs over stores that open opens.
type harness struct {
	open   func(testing.TB) store.Store
	limits shard.Limits
}

// Start implements hubtest.Harness.
func (h harness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	s := h.open(t)
	l, err := local.New(local.Config{Store: s, Registry: reg, Clock: c, Limits: h.limits})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return l, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

func TestHubOnMemory(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness { return harness{open: onDisk(&memory.Disk{})} })
}

// TestHubForgets keeps no orchestrator in memory: each turn replays its history.
func TestHubForgets(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness {
		return harness{onDisk(&memory.Disk{}), shard.Limits{CacheBytes: 1, ParkedBytes: 1}}
	})
}

// TestHubInSmallSteps takes few messages a turn and runs four activities at a time.
func TestHubInSmallSteps(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(*testing.T) hubtest.Harness {
		return harness{onDisk(&memory.Disk{}), shard.Limits{TurnMessages: 7, Activities: 4}}
	})
}

// away runs the code of tests at a worker outside of the hub.
type away struct {
	harness
	worker hub.Worker
}

// Start implements hubtest.Harness.
func (h away) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	served, stop := h.harness.Start(t, perdure.NewRegistry(), c)
	leave, err := hubtest.Serve(context.Background(), served, &h.worker, reg, c)
	if err != nil {
		t.Fatal(err)
	}
	return served, func() {
		leave()
		stop()
	}
}

// TestHubWithWorker runs all code at a worker: one of ours, and one that is told the
// whole history each time.
func TestHubWithWorker(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	// These count commits, look before a worker has had time to change anything, or block a turn.
	without := []string{"Start/Completes", "Timer/AfterRestart", "Event/Case", "Entity/Batch", "Feed/Waits", "Upkeep/TerminateNow", "Fault/Blocked", "Token/Wrong",
		"Control/SuspendResume", "Event/Waits", "Lock/Transfer", "Limit/FreedByCancel",
		"Start/ReplacesDuringTurn"} // a worker keeps what it was doing until it is told otherwise
	for _, w := range []hub.Worker{{Own: true, ID: "own"}, {ID: "other"}} {
		t.Run(w.ID, func(t *testing.T) {
			if !w.Own { // others are told neither of activities that are not wanted any more, nor of our own fields
				without = append(without, "Activity/Timeout", "Activity/Heartbeat", "Activity/Canceled", "Token/WhileItRuns",
					"Rows/OfActivity", "Rewind/Retried", "Fold/RewoundParent", "RewindTo/EachEvent", "RewindTo/InsideOfSection",
					"Fork/EachEvent", "Fork/OfFork", "Fork/Rewound", "Fork/NamedRuns", "Fork/ContinuesAsNew") // from RewindTo on: of the seed of ids
			}
			hubtest.RunBut(t, func(*testing.T) hubtest.Harness { return away{harness{open: onDisk(&memory.Disk{})}, w} }, without...)
		})
	}
}

func onDisk(disk *memory.Disk) func(testing.TB) store.Store {
	return func(t testing.TB) store.Store {
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// pebbleStore closes its database with the hub.
type pebbleStore struct {
	store.Store
	db *pebble.DB
}

func (s pebbleStore) Close() error {
	if err := s.Store.Close(); err != nil {
		return err
	}
	return s.db.Close()
}

func TestHubOnPebble(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	hubtest.Run(t, func(t *testing.T) hubtest.Harness {
		dir := t.TempDir()
		return harness{open: func(t testing.TB) store.Store {
			db, err := pebble.Open(dir, pebble.Options{MemTableBytes: 1 << 20, CacheBytes: 4 << 20, BallastBytes: -1})
			if err != nil {
				t.Fatal(err)
			}
			s, err := db.Hub("default", true)
			if err != nil {
				t.Fatal(err)
			}
			return pebbleStore{s, db}
		}}
	})
}
