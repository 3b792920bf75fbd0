package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// TestStoreGoneInARead has a call find the store gone before the hub has noticed: the
// caller is told to try again, as whatever ends the hub is not the call's fault.
func TestStoreGoneInARead(t *testing.T) {
	ctx := wait(t, 30*time.Second)
	disk := &memory.Disk{}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.Run(running) }()
	defer func() { stop(); <-ended }()
	if _, err := h.Start(ctx, &hub.Start{InstanceID: "a", Name: "run"}); err != nil {
		t.Fatal(err)
	}
	disk.Crash()
	var told *perdure.Error
	if err := h.Raise(ctx, &hub.Raise{InstanceID: "elsewhere", Name: "go"}); !errors.As(err, &told) || told.Code != perdure.Unavailable {
		t.Errorf("Raise over a store that is gone = %v, want %s", err, perdure.Unavailable)
	}
}

// TestGivenUpBeforeItBegan: what a caller has given up before the hub came to it is not
// done.
func TestGivenUpBeforeItBegan(t *testing.T) {
	inCluster(t, func(string) *perdure.Registry { return perdure.NewRegistry() }, func(c *cluster) {
		c.join("a")
		c.settled()
		a := c.alive()[0]
		a.line.hold() // the loop stands still with what it has to write
		begun := make(chan error, 1)
		go func() {
			_, err := a.Start(c.ctx, &hub.Start{InstanceID: "first", Name: "run"})
			begun <- err
		}()
		time.Sleep(time.Millisecond)
		brief, cancel := context.WithTimeout(c.ctx, time.Second)
		defer cancel()
		if _, err := a.Start(brief, &hub.Start{InstanceID: "late", Name: "run"}); perdure.CodeOf(err) != perdure.DeadlineExceeded {
			t.Errorf("Start over a store that stands still = %v, want %s", err, perdure.DeadlineExceeded)
		}
		a.line.release()
		if err := <-begun; err != nil {
			t.Errorf("Start = %v", err)
		}
		if _, err := a.Instance(c.ctx, "late", false); perdure.CodeOf(err) != perdure.NotFound {
			t.Errorf("Instance of what was given up = %v, want %s", err, perdure.NotFound)
		}
	})
}
