package local_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
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

// counted is a hub with a log.
func counted(t *testing.T, cfg local.Config) (h *local.Hub, log *bytes.Buffer, stop func() error) {
	t.Helper()
	log = new(bytes.Buffer)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil)) // read when the hub has stopped
	h, err := local.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- h.Run(ctx) }()
	return h, log, func() error { cancel(); return <-ended }
}

func TestStatsOfRuns(t *testing.T) {
	s := onDisk(&memory.Disk{})(t)
	h, _, stop := counted(t, local.Config{Store: s, Registry: registry(t)})
	defer stop()
	ctx := wait(t, 10*time.Second)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "chain", Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WaitCompletion(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	st := h.Stats()
	if got := st.Commits.Load(); got != 6 {
		t.Errorf("Commits = %d after a chain of five activities, want 6", got)
	}
	if hits, misses := st.WarmHits.Load(), st.WarmMisses.Load(); hits != 5 || misses != 0 {
		t.Errorf("warm hits, misses = %d, %d, want 5, 0", hits, misses)
	}
	if got := st.Leases.Load(); got != store.Shards {
		t.Errorf("Leases = %d, want all", got)
	}
	if d := st.CommitTime.Read(); d.Count != 6 || d.Sum <= 0 || d.UpTo[30] != 6 {
		t.Errorf("CommitTime = %+v, want 6 that took some time, less than 30 s", d)
	}
	if d := st.GroupSize.Read(); d.Sum != 6 || d.UpTo[512] != d.Count {
		t.Errorf("GroupSize = %+v, want 6 commits in all", d)
	}
	if d := st.StoreTime.Read(); d.Count != st.GroupSize.Read().Count {
		t.Errorf("StoreTime counts %d groups, GroupSize %d", d.Count, st.GroupSize.Read().Count)
	}
}

// TestStatsOfColdRuns keeps no code in memory: each turn but the first is a miss.
func TestStatsOfColdRuns(t *testing.T) {
	h, _, stop := counted(t, local.Config{Store: onDisk(&memory.Disk{})(t), Registry: registry(t), Limits: shard.Limits{CacheBytes: 1, ParkedBytes: 1}})
	defer stop()
	ctx := wait(t, 10*time.Second)
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "chain", Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WaitCompletion(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if hits, misses := h.Stats().WarmHits.Load(), h.Stats().WarmMisses.Load(); hits != 0 || misses != 5 {
		t.Errorf("warm hits, misses = %d, %d, want 0, 5", hits, misses)
	}
}

// TestBacklogAndLostWorkers has a run wait for workers, gives it one, and loses that.
func TestBacklogAndLostWorkers(t *testing.T) {
	h, log, stop := counted(t, local.Config{Store: onDisk(&memory.Disk{})(t), Registry: perdure.NewRegistry()})
	ctx := wait(t, 10*time.Second)
	backlog := func(want ...hub.Backlog) {
		t.Helper()
		for {
			got, err := h.Backlog(ctx)
			for i := range got {
				if at := got[i].Oldest; !at.IsZero() && time.Since(at) > time.Minute {
					t.Fatalf("the oldest waits since %v", at)
				}
				got[i].Oldest = time.Time{}
			}
			diff := cmp.Diff(want, got)
			switch {
			case err != nil:
				t.Fatalf("Backlog() never becomes (-want +got), %v\n%s", err, diff)
			case diff == "":
				return
			}
		}
	}
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "far", Version: history.Some("2")}); err != nil {
		t.Fatal(err)
	}
	backlog(hub.Backlog{Kind: "orchestration", Name: "far", Version: "2", Waiting: 1})
	for at := (time.Time{}); at.IsZero(); { // until it has come to wait for a worker
		got, err := h.Backlog(ctx)
		if err != nil {
			t.Fatalf("Backlog() never tells since when the oldest waits: %v", err)
		}
		at = got[0].Oldest
	}
	s, err := h.Connect(ctx, &hub.Worker{ID: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(ctx); err != nil {
		t.Fatal(err)
	}
	backlog(hub.Backlog{Kind: "orchestration", Name: "far", Version: "2", Running: 1, Served: true})
	if got := h.Stats().Workers.Load(); got != 1 {
		t.Errorf("Workers = %d, want 1", got)
	}
	s.Close(true)
	backlog(hub.Backlog{Kind: "orchestration", Name: "far", Version: "2", Waiting: 1})
	if workers, lost := h.Stats().Workers.Load(), h.Stats().WorkersLost.Load(); workers != 0 || lost != 1 {
		t.Errorf("Workers, WorkersLost = %d, %d, want 0, 1", workers, lost)
	}
	incidents, err := h.Incidents(ctx)
	if err != nil || len(incidents.Workers) != 1 || incidents.Workers[0].Items != 1 || incidents.Workers[0].At.IsZero() || len(incidents.Takeovers) != 0 {
		t.Errorf("Incidents() = %+v, %v, want a lost worker that had an item", incidents, err)
	}
	if err := stop(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	if !strings.Contains(log.String(), `msg="worker lost" worker=w1 items=1`) {
		t.Errorf("the log is %s, want the loss of w1 in it", log)
	}
}

// TestTakeoverIsCounted opens a store that its last holder has not left in order.
func TestTakeoverIsCounted(t *testing.T) {
	disk := &memory.Disk{}
	h, _, stop := counted(t, local.Config{Store: onDisk(disk)(t), Registry: registry(t)})
	if got := h.Stats().Takeovers.Load(); got != 0 {
		t.Errorf("Takeovers = %d of a new store, want 0", got)
	}
	if _, err := h.Start(wait(t, 10*time.Second), &hub.Start{InstanceID: "a", Name: "chain", Input: history.Some(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	_ = stop() // it has failed
	h, log, stop := counted(t, local.Config{Store: onDisk(disk)(t), Registry: registry(t), Node: "n2"})
	if _, err := h.WaitCompletion(wait(t, 10*time.Second), "a"); err != nil {
		t.Fatal(err)
	}
	incidents, err := h.Incidents(t.Context())
	sum := 0
	for _, k := range incidents.Takeovers {
		sum += k.Shards
	}
	if err != nil || sum != store.Shards {
		t.Errorf("Incidents() = %+v, %v, want takeovers of %d shards", incidents, err, store.Shards)
	}
	if err := stop(); err != nil {
		t.Errorf("Run() = %v", err)
	}
	if got := h.Stats().Takeovers.Load(); got != store.Shards {
		t.Errorf("Takeovers = %d after a crash, want %d", got, store.Shards)
	}
	if !strings.Contains(log.String(), `msg="shards taken over" node=n2 shards=256`) {
		t.Errorf("the log is %s, want the takeover in it", log)
	}
}

// TestLateTimers has a timer fire an hour late.
func TestLateTimers(t *testing.T) {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := &clocked{disk: &memory.Disk{}, clock: clock.NewVirtual(begin)}
	c.open(t)
	ctx := wait(t, time.Minute)
	c.sleep(t, ctx, "a", begin.Add(time.Minute))
	c.idle(t, ctx)
	c.clock.Advance(time.Minute + time.Hour)
	c.idle(t, ctx)
	if d := c.hub.Stats().TimerLate.Read(); d.Count != 1 || d.Sum != 3600 || d.UpTo[30] != 0 {
		t.Errorf("TimerLate = %+v, want one that was 3600 s late", d)
	}
	c.stop()
}
