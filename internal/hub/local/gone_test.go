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
