package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
	"github.com/perdure/perdure/store/storetest"
)

// harness is a disk under the suite.
type harness struct {
	disk memory.Disk
}

func (h *harness) Open(context.Context) (store.Store, error) {
	s, err := memory.Open(&h.disk)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h *harness) Crash() error {
	h.disk.Crash()
	h.disk.Manual(false)
	return nil
}

var errDisk = errors.New("disk is broken")

func (h *harness) Inject(f storetest.Fault) error {
	switch f.Kind {
	case storetest.FailWrites:
		h.disk.FailNext(errDisk)
	case storetest.Full, storetest.NotFull:
		h.disk.Fill(f.Kind == storetest.Full)
	case storetest.Damage:
		h.disk.Damage(f.ID)
	case storetest.Foreign:
		h.disk.Foreign()
	case storetest.HoldSync:
		h.disk.Manual(true)
	}
	return nil
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness { return new(harness) })
}

func TestModel(t *testing.T) {
	for seed := range uint64(30) {
		if err := storetest.Model(t.Context(), new(harness), seed, 60); err != nil {
			t.Errorf("Model: %v", err)
		}
	}
}

// cluster is a disk that several nodes share.
type cluster struct {
	disk memory.Disk
	hub  *memory.Shared
}

func (c *cluster) Open(context.Context) (storetest.Shared, error) {
	if c.hub == nil {
		h, err := memory.Open(&c.disk)
		if err != nil {
			return nil, err
		}
		c.hub = memory.Share(h)
	}
	return c.hub, nil
}

func (c *cluster) Pass(_ context.Context, d time.Duration) error {
	time.Sleep(d)
	return nil
}

func TestNodes(t *testing.T) {
	for _, c := range storetest.NodeChecks() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := c.Run(t.Context(), new(cluster)); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
