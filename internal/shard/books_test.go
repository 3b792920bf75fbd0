package shard_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/internal/series"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store/memory"
)

// TestIdleWritesNoCounts has counts written once after a run, and nothing while nothing
// happens.
func TestIdleWritesNoCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := perdure.NewRegistry()
		perdure.AddOrchestrationNamed(reg, "job", func(*perdure.Context, string) (string, error) { return "", nil })
		disk := &memory.Disk{}
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		o, err := shard.New(shard.Config{Store: s, Code: replay.NewRunner(reg, replay.Options{})})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- o.Run(ctx) }()
		if _, err := o.Start(ctx, &hub.Start{InstanceID: "a", Name: "job"}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.WaitCompletion(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		before := o.Stats().Commits.Load()
		commits := func(d time.Duration) int64 {
			time.Sleep(d) // of the bubble
			synctest.Wait()
			return o.Stats().Commits.Load() - before
		}
		if n := commits(10 * time.Second); n != 1 {
			t.Errorf("commits within 10 s after a run = %d, want 1 with the counts", n)
		}
		if n := commits(5 * time.Hour); n != 1 {
			t.Errorf("commits within 5 h after a run = %d, want no more than 1", n)
		}
		started := int64(0)
		err = series.Read(ctx, o, time.Now().Add(-24*time.Hour), time.Now(), func(_ time.Time, b *series.Bucket) {
			started += b.Run(series.RunKey{Name: "job"}).Started
		})
		if err != nil || started != 1 {
			t.Errorf("runs that were counted = %d, %v, want 1", started, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}
