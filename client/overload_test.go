package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store/memory"
)

// TestOverload has a thousand callers start runs of a hub that takes a hundred at a time:
// each run is started, and who cannot wait is told at once when to come again.
func TestOverload(t *testing.T) {
	const runs, waiting = 1000, 100
	synctest.Test(t, func(t *testing.T) {
		reg := perdure.NewRegistry()
		perdure.AddOrchestration(reg, Flaky)
		s, err := memory.Open(&memory.Disk{})
		if err != nil {
			t.Fatal(err)
		}
		h, err := local.New(local.Config{Store: s, Registry: reg, Limits: shard.Limits{Starts: waiting}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := client.New(h)
		var all sync.WaitGroup
		for i := range runs {
			all.Go(func() {
				out, err := client.Run(ctx, c, Flaky, true, client.StartOptions{ID: fmt.Sprint("run-", i)})
				if err != nil || out != "luck" {
					t.Errorf("Run() of caller %d = %q, %v, want luck", i, out, err)
				}
			})
		}
		synctest.Wait() // the hub does not work yet
		if got := h.Stats().Shed.Load(); got != runs-waiting {
			t.Errorf("%d starts were refused, want %d", got, runs-waiting)
		}
		short, cancelShort := context.WithTimeout(ctx, time.Second)
		defer cancelShort()
		for name, start := range map[string]func() (client.Started, error){
			"Impatient().Start()":          func() (client.Started, error) { return c.Impatient().Start(ctx, "Flaky", true, client.StartOptions{}) },
			"Start() with a second's time": func() (client.Started, error) { return c.Start(short, "Flaky", true, client.StartOptions{}) },
		} {
			began := time.Now()
			_, err := start()
			var e *perdure.Error
			if !errors.As(err, &e) || e.Code != perdure.ResourceExhausted || e.RetryAfter < time.Second || time.Since(began) > 0 {
				t.Errorf("%s = %v after %v, want a refusal at once", name, err, time.Since(began))
			}
		}
		done := make(chan error, 1)
		go func() { done <- h.Run(ctx) }()
		all.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
}
