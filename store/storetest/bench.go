package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
)

// Sizes of the commits that Benchmark writes.
const (
	benchGroup = 64  // commits of a group
	benchChunk = 300 // bytes of a chunk
	benchSteps = 6   // commits of an instance, of which the last ends it
)

// Benchmark measures commits as a sequence of activities makes them: groups of
// 64, one chunk of 300 bytes each, an instance of six commits, two groups in
// flight. It reports commits per second and syncs per group. open returns a new
// store on the medium to be measured.
func Benchmark(b *testing.B, open func(b *testing.B) store.Store) {
	ctx := context.Background()
	s := open(b)
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	leases, err := s.Acquire(ctx, "bench", shards, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	before, err := s.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var inFlight store.Receipt
	chunk := make([]byte, benchChunk)
	for n := 0; n < b.N; n += benchGroup {
		g := &store.Group{Epochs: leases}
		for i := range benchGroup {
			g.Commits = append(g.Commits, benchCommit(n/benchGroup/benchSteps*benchGroup+i, n/benchGroup%benchSteps+1, chunk))
		}
		r, err := s.Submit(ctx, g)
		if err != nil {
			b.Fatal(err)
		}
		benchWait(ctx, b, inFlight)
		inFlight = r
	}
	benchWait(ctx, b, inFlight)
	b.StopTimer()
	after, err := s.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(after.Commits-before.Commits)/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(after.Syncs-before.Syncs)/float64(max(1, after.Groups-before.Groups)), "syncs/group")
}

func benchWait(ctx context.Context, b *testing.B, r store.Receipt) {
	if r == nil {
		return
	}
	if refused, err := r.Wait(ctx); err != nil || len(refused) > 0 {
		b.Fatalf("Wait = %v, %v, want all to apply", refused, err)
	}
}

func benchCommit(instance, step int, chunk []byte) *store.Commit {
	id := fmt.Sprintf("bench-%08d", instance)
	c := change(id, uint64(step))
	c.Record.Parent, c.Record.Agent, c.Record.Session, c.Record.Tags, c.Record.Root = "", "", "", nil, id
	c.Was, c.Fresh, c.Chunk = nil, step == 1, chunk
	if step > 1 {
		was := *c.Record
		was.Version--
		c.Was = &was
	}
	if step == benchSteps {
		c.Record.Status, c.Record.Phase, c.Record.Work = store.Completed, store.NoPhase, false
		c.Record.Completed = c.Record.Created.Add(time.Second)
	}
	return c
}
