package local_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestOutputWhileItIsWrittenAgain waits for a run that has ended, of which something else
// is being written: who waits is told what it has returned all the same.
func TestOutputWhileItIsWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &memory.Disk{}
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		reg := perdure.NewRegistry()
		perdure.AddOrchestrationNamed(reg, "echo", func(_ *perdure.Context, in string) (string, error) { return in, nil })
		h, err := local.New(local.Config{Store: s, Registry: reg})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "echo", Input: history.Some(`"x"`)}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.WaitCompletion(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		disk.Manual(true)
		written := make(chan error, 1)
		go func() {
			written <- h.WriteRows(ctx, &hub.WriteRows{Owner: "a", Rows: []store.Row{{Kind: 300, Owner: "a", Key: []byte("k"), Value: []byte("v")}}})
		}()
		synctest.Wait() // until it is not durable yet
		type answer struct {
			in  *hub.Instance
			err error
		}
		waited := map[string]chan answer{"WaitCompletion": make(chan answer, 1), "WaitStart": make(chan answer, 1)}
		go func() {
			in, err := h.WaitCompletion(ctx, "a")
			waited["WaitCompletion"] <- answer{in, err}
		}()
		go func() {
			in, err := h.WaitStart(ctx, "a")
			waited["WaitStart"] <- answer{in, err}
		}()
		synctest.Wait()
		disk.Sync()
		disk.Manual(false)
		for what, of := range waited {
			if a := <-of; a.err != nil || a.in.Status != store.Completed || a.in.Output != history.Some(`"x"`) {
				t.Errorf("%s(a) = %+v, %v, want what it has returned", what, a.in, a.err)
			}
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run() = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
