package postgres_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// parkedLimit is what a waiting instance may cost in the database, indexes included.
const parkedLimit = 2500

// looksLimit is how long a page of a list may take among all that wait.
const looksLimit = 2 * time.Second

// TestParked keeps many instances that wait for an event until a timer, and looks at
// what they cost and whether lists, counters and timers are still fast.
func TestParked(t *testing.T) {
	n := 5_000
	if soak() {
		n = 1_000_000
	}
	w := &world{t: t, server: pgtest.Start(t)}
	w.url = w.server.Database()
	h := w.open(false, postgres.Options{})
	before, err := h.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	park(t, h, n)
	took := time.Since(began)
	after, err := h.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	each := (after.DiskBytes - before.DiskBytes) / int64(n)
	t.Logf("%d instances: %.0f a second, %d bytes each", n, float64(n)/took.Seconds(), each)
	if each > parkedLimit {
		t.Errorf("a parked instance costs %d bytes, want at most %d", each, parkedLimit)
	}
	looks := map[string]func() (int, error){
		"newest": func() (int, error) {
			page, err := h.List(t.Context(), store.Query{Limit: 50})
			return len(page.Records), err
		},
		"by phase": func() (int, error) {
			page, err := h.List(t.Context(), store.Query{Phases: []store.Phase{store.WaitingEvent}, Order: store.CreatedAsc, Limit: 50})
			return len(page.Records), err
		},
		"by name": func() (int, error) {
			page, err := h.List(t.Context(), store.Query{Names: []string{"ContentApproval"}, Limit: 50})
			return len(page.Records), err
		},
		"by id": func() (int, error) {
			page, err := h.List(t.Context(), store.Query{Order: store.IDAsc, IDPrefix: "a", Limit: 50})
			return len(page.Records), err
		},
		"timers": func() (int, error) {
			timers, _, err := h.Timers(t.Context(), 7, time.Time{}, time.Now().Add(48*time.Hour), nil, 10)
			return len(timers), err
		},
		"counters": func() (int, error) {
			counts, err := h.Counts(t.Context())
			if err == nil && counts[0].N != int64(n) {
				err = fmt.Errorf("counted %d", counts[0].N)
			}
			return len(counts), err
		},
	}
	for what, look := range looks {
		began := time.Now()
		found, err := look()
		if took := time.Since(began); err != nil || found == 0 || took > looksLimit {
			t.Errorf("%s: %d found in %v, %v, want some within %v", what, found, took, err, looksLimit)
		} else {
			t.Logf("%s: %v", what, took)
		}
	}
	page, err := h.List(t.Context(), store.Query{WorkOnly: true})
	if err != nil || len(page.Records) != 0 {
		t.Errorf("List(work) = %d, %v, want none", len(page.Records), err)
	}
}

// park commits n waiting instances with random ids, which no compression helps.
func park(t *testing.T, h *postgres.Hub, n int) {
	t.Helper()
	all := make([]store.Shard, store.Shards)
	for i := range all {
		all[i] = store.Shard(i)
	}
	leases, err := h.Acquire(t.Context(), "one", all, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	now := time.Now()
	var last store.Receipt
	wait := func(r store.Receipt) {
		t.Helper()
		if r == nil {
			return
		}
		if refused, err := r.Wait(t.Context()); err != nil || len(refused) > 0 {
			t.Fatalf("Wait() = %v, %v, want all to apply", refused, err)
		}
	}
	for done := 0; done < n; {
		g := &store.Group{Epochs: leases}
		for range min(256, n-done) {
			id := hex.EncodeToString(random(16))
			r := &store.Record{
				ID: id, Incarnation: [16]byte(random(16)), Version: 1, Name: "ContentApproval", Release: "v1",
				Created: now.Add(time.Duration(done) * time.Millisecond), PhaseSince: now, Root: id,
				Execution: hex.EncodeToString(random(16)), Phase: store.WaitingEvent, Packed: random(80),
			}
			g.Commits = append(g.Commits, &store.Commit{
				ID: id, Shard: store.ShardOf(id), Fresh: true, Record: r, Branch: r.Execution,
				Chunk:  append(random(100), fmt.Sprintf("%0100d", done)...),
				Timers: []store.TimerChange{{Timer: store.Timer{Owner: id, Due: now.Add(time.Hour), Execution: r.Execution, Task: 1}}},
			})
			done++
		}
		r, err := h.Submit(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		wait(last)
		last = r
	}
	wait(last)
}
