package memory_test

import (
	"context"
	"errors"
	"testing"

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
