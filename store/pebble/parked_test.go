package pebble_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// parkedLimit is what a waiting instance may cost on disk, all included.
const parkedLimit = 700

// parked commits n waiting instances, each with a random id, incarnation and
// branch, which no compression helps.
func parked(tb testing.TB, h store.Store, n int) {
	ctx := context.Background()
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	leases, err := h.Acquire(ctx, "node", shards, time.Hour)
	if err != nil {
		tb.Fatal(err)
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
	for done := 0; done < n; {
		g := &store.Group{Epochs: leases}
		for range min(256, n-done) {
			id := hex.EncodeToString(random(16))
			r := &store.Record{
				ID: id, Incarnation: [16]byte(random(16)), Version: 1, Name: "ContentApproval", Release: "v1",
				Created: now.Add(time.Duration(done) * time.Millisecond), PhaseSince: now, Root: id,
				Execution: hex.EncodeToString(random(16)), Phase: store.WaitingEvent, Packed: random(80),
			}
			chunk := append(random(100), fmt.Sprintf("%0100d", done)...)
			g.Commits = append(g.Commits, &store.Commit{
				ID: id, Shard: store.ShardOf(id), Fresh: true, Record: r, Branch: r.Execution, Chunk: chunk,
				Timers: []store.TimerChange{{Timer: store.Timer{Owner: id, Due: now.Add(time.Hour), Execution: r.Execution, Task: 1}}},
			})
			done++
		}
		r, err := h.Submit(ctx, g)
		if err != nil {
			tb.Fatal(err)
		}
		if refused, err := r.Wait(ctx); err != nil || len(refused) > 0 {
			tb.Fatalf("Wait = %v, %v, want all to apply", refused, err)
		}
	}
}

func TestParkedBytes(t *testing.T) {
	n, ceiling := 10_000, int64(25<<20)
	if soak() {
		n, ceiling = 1_000_000, 250<<20
	}
	memory := int64(math.MaxInt64)
	for range 3 { // what other tests leave to the runtime only adds
		perInstance, now := parkedCost(t, n)
		t.Logf("%d instances: %d bytes each on disk, %d bytes of memory", n, perInstance, now)
		if perInstance > parkedLimit {
			t.Fatalf("a parked instance costs %d bytes on disk, want at most %d", perInstance, parkedLimit)
		}
		if memory = min(memory, now); memory <= ceiling {
			return
		}
	}
	t.Errorf("%d parked instances take %d bytes of memory, want at most %d", n, memory, ceiling)
}

// parkedCost returns what n parked instances cost: bytes on disk each, and of memory
// all together.
func parkedCost(t *testing.T, n int) (perInstance, memory int64) {
	ctx := context.Background()
	h := onDisk(t, pebble.Options{Logger: quiet(), BallastBytes: -1})
	empty := resident(t)
	before, err := h.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	parked(t, h, n)
	if err := h.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := h.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return (after.DiskBytes - before.DiskBytes) / int64(n), resident(t) - empty
}

// soak reports whether long tests were asked for.
func soak() bool { return os.Getenv("PERDURE_SOAK") != "" }

// resident is the memory that the runtime has from the system, after what can be
// given back was. What pools hold takes two collections to go, which the second
// call makes up for.
func resident(tb testing.TB) int64 {
	tb.Helper()
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
