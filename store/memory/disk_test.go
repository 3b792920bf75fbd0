package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

func commit(id string, version uint64) *store.Commit {
	return &store.Commit{
		ID: id, Shard: store.ShardOf(id), Expect: version - 1, Record: &store.Record{ID: id, Version: version},
	}
}

// opened opens the disk and takes the shard of "a".
func opened(t *testing.T, d *memory.Disk) (*memory.Hub, []store.Lease) {
	t.Helper()
	h, err := memory.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	leases, err := h.Acquire(t.Context(), "node", []store.Shard{store.ShardOf("a")}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return h, leases
}

func submit(t *testing.T, h *memory.Hub, leases []store.Lease, c *store.Commit) error {
	t.Helper()
	r, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
	if err != nil {
		return err
	}
	_, err = r.Wait(t.Context())
	return err
}

// versionLeft opens the disk anew and returns the version of "a", 0 = none.
func versionLeft(t *testing.T, d *memory.Disk) uint64 {
	t.Helper()
	h, err := memory.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Instance(t.Context(), "a")
	if errors.Is(err, store.ErrNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.Version
}

// TestVerdicts lets the third group meet each end, at both moments.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict memory.Verdict
		durable bool
		want    error
		left    uint64
	}{
		{"crash before", memory.CrashNow, false, memory.ErrCrashed, 2},
		{"crash after", memory.CrashNow, true, memory.ErrCrashed, 3},
		{"fail and lose", memory.FailLost, false, store.ErrFailed, 2},
		{"fail and keep", memory.FailKept, false, store.ErrFailed, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d memory.Disk
			d.OnGroup(func(e memory.GroupEvent) memory.Verdict {
				if e.N == 3 && e.Durable == c.durable {
					return c.verdict
				}
				return memory.Proceed
			})
			h, leases := opened(t, &d)
			for v := range uint64(2) {
				if err := submit(t, h, leases, commit("a", v+1)); err != nil {
					t.Fatal(err)
				}
			}
			if err := submit(t, h, leases, commit("a", 3)); !errors.Is(err, c.want) {
				t.Errorf("third commit: %v, want %v", err, c.want)
			}
			if err := submit(t, h, leases, commit("a", 4)); !errors.Is(err, c.want) {
				t.Errorf("commit after that: %v, want %v", err, c.want)
			}
			d.Crash()
			if got := versionLeft(t, &d); got != c.left {
				t.Errorf("version left = %d, want %d", got, c.left)
			}
		})
	}
}

func TestCrashedHub(t *testing.T) {
	var d memory.Disk
	h, leases := opened(t, &d)
	if _, err := memory.Open(&d); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open(open disk): %v, want %v", err, store.ErrLocked)
	}
	if _, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{commit("a", 1)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Instance(t.Context(), "a"); err != nil {
		t.Errorf("Instance before the crash: %v", err)
	}
	d.Crash()
	if _, err := h.Instance(t.Context(), "a"); !errors.Is(err, memory.ErrCrashed) || !errors.Is(err, store.ErrClosed) {
		t.Errorf("Instance after the crash: %v, want %v", err, memory.ErrCrashed)
	}
	if got := versionLeft(t, &d); got != 0 {
		t.Errorf("version of a commit that nobody waited for = %d, want none", got)
	}
}

func TestManual(t *testing.T) {
	var d memory.Disk
	d.Manual(true)
	h, leases := opened(t, &d)
	done := make(chan error, 1)
	r, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{commit("a", 1)}})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := r.Wait(t.Context())
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("Wait returned %v before Sync", err)
	case <-time.After(20 * time.Millisecond):
	}
	d.Sync()
	if err := <-done; err != nil {
		t.Errorf("Wait after Sync: %v", err)
	}
}
