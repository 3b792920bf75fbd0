package memory_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// shared opens a disk's hub for several nodes.
func shared(t *testing.T, d *memory.Disk) *memory.Shared {
	t.Helper()
	h, err := memory.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	return memory.Share(h)
}

func acquire(t *testing.T, h *memory.Shared, node string, shards ...store.Shard) []store.Lease {
	t.Helper()
	leases, err := h.Acquire(t.Context(), node, shards, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return leases
}

func TestLeasesOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shared(t, &memory.Disk{})
		ctx := t.Context()
		s := store.ShardOf("a")
		first := acquire(t, h, "one", s)
		if len(first) != 1 || first[0].Orphaned {
			t.Fatalf("Acquire() of a free shard = %+v, want it, not orphaned", first)
		}
		if l := acquire(t, h, "two", s); len(l) != 0 {
			t.Fatalf("Acquire() of a held shard = %+v, want none", l)
		}
		time.Sleep(4 * time.Second)
		if l, err := h.Renew(ctx, "one", first, 5*time.Second); err != nil || len(l) != 1 {
			t.Fatalf("Renew() = %+v, %v, want the lease", l, err)
		}
		time.Sleep(4 * time.Second)
		if l := acquire(t, h, "two", s); len(l) != 0 {
			t.Fatalf("Acquire() of a renewed shard = %+v, want none", l)
		}
		time.Sleep(time.Second)
		second := acquire(t, h, "two", s)
		if len(second) != 1 || !second[0].Orphaned || second[0].Epoch <= first[0].Epoch {
			t.Fatalf("Acquire() of an expired shard = %+v, want it orphaned, with an epoch above %d", second, first[0].Epoch)
		}
		if l, err := h.Renew(ctx, "one", first, 5*time.Second); err != nil || len(l) != 0 {
			t.Errorf("Renew() after a takeover = %+v, %v, want none", l, err)
		}
		if err := submitTo(t, h, first, commit("a", 1)); !errors.Is(err, store.ErrFenced) {
			t.Errorf("commit under the old lease = %v, want %v", err, store.ErrFenced)
		}
		if err := submitTo(t, h, second, commit("a", 1)); err != nil {
			t.Errorf("commit under the new lease = %v", err)
		}
		holders, err := h.Holders(ctx)
		if want := []store.Holder{{Shard: s, Epoch: second[0].Epoch, Node: "two"}}; err != nil || !cmp.Equal(holders, want) {
			t.Errorf("Holders() = %+v, %v, want %+v", holders, err, want)
		}
		if err := h.Release(ctx, "one", first); err != nil {
			t.Fatal(err)
		}
		if err := h.Release(ctx, "two", second); err != nil {
			t.Fatal(err)
		}
		if err := submitTo(t, h, second, commit("a", 2)); !errors.Is(err, store.ErrFenced) {
			t.Errorf("commit under a released lease = %v, want %v", err, store.ErrFenced)
		}
		if third := acquire(t, h, "one", s); len(third) != 1 || third[0].Orphaned {
			t.Errorf("Acquire() of a released shard = %+v, want it, not orphaned", third)
		}
	})
}

// submitTo commits and returns why it was refused.
func submitTo(t *testing.T, h *memory.Shared, leases []store.Lease, c *store.Commit) error {
	t.Helper()
	r, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
	if err != nil {
		return err
	}
	refused, err := r.Wait(t.Context())
	if err == nil && len(refused) > 0 {
		err = refused[0].Err
	}
	return err
}

func TestMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shared(t, &memory.Disk{})
		names := func(n string) (list []string) {
			t.Helper()
			nodes, err := h.Beat(t.Context(), store.Node{Name: n}, 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				list = append(list, n.Name)
			}
			return list
		}
		names("b")
		time.Sleep(3 * time.Second)
		if got, want := names("a"), []string{"a", "b"}; !slices.Equal(got, want) {
			t.Errorf("Beat() = %q, want %q", got, want)
		}
		time.Sleep(3 * time.Second)
		if got, want := names("c"), []string{"a", "c"}; !slices.Equal(got, want) {
			t.Errorf("Beat() without b's = %q, want %q", got, want)
		}
		if err := h.Leave(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got, want := names("c"), []string{"c"}; !slices.Equal(got, want) {
			t.Errorf("Beat() after a has left = %q, want %q", got, want)
		}
	})
}

// TestArrivals reads what comes after a cursor, of some shards, until it is consumed.
func TestArrivals(t *testing.T) {
	h := shared(t, &memory.Disk{})
	ctx := t.Context()
	leases := acquire(t, h, "one", store.ShardOf("a"))
	targets := []store.Shard{store.ShardOf("x"), store.ShardOf("y")}
	send := func(version uint64, target string) store.MessageID {
		t.Helper()
		c := commit("a", version)
		id := store.MessageID{Source: [16]byte{1}, Version: version}
		c.Emit = []store.Message{{Target: target, ID: id, Data: []byte("m")}}
		if err := submitTo(t, h, leases, c); err != nil {
			t.Fatal(err)
		}
		return id
	}
	send(1, "x")
	_, cursor, err := h.Arrivals(ctx, targets, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	second := send(2, "x")
	send(3, "z")
	third := send(4, "y")
	read := func(after []byte, limit int) (ids []store.MessageID, next []byte) {
		t.Helper()
		list, next, err := h.Arrivals(ctx, targets, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			ids = append(ids, m.ID)
		}
		return ids, next
	}
	ids, next := read(cursor, 1)
	if want := []store.MessageID{second}; !slices.Equal(ids, want) {
		t.Errorf("Arrivals(limit 1) = %v, want %v", ids, want)
	}
	if ids, _ = read(next, 10); !slices.Equal(ids, []store.MessageID{third}) {
		t.Errorf("Arrivals() after it = %v, want %v", ids, third)
	}
	c := commit("x", 1)
	c.Consume = []store.MessageID{second}
	if err := submitTo(t, h, acquire(t, h, "one", store.ShardOf("x")), c); err != nil {
		t.Fatal(err)
	}
	if ids, _ = read(cursor, 10); !slices.Equal(ids, []store.MessageID{third}) {
		t.Errorf("Arrivals() after one was consumed = %v, want %v", ids, third)
	}
}

func TestLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := shared(t, &memory.Disk{})
		got := make(chan []store.Letter, 1)
		go func() {
			list, err := h.Receive(t.Context(), "two", 10)
			if err != nil {
				t.Error(err)
			}
			got <- list
		}()
		synctest.Wait()
		letter := store.Letter{From: "one", To: "two", Data: []byte("hello"), Until: time.Now().Add(time.Second)}
		for _, to := range []string{"three", "two"} {
			letter.To = to
			if err := h.Send(t.Context(), &letter); err != nil {
				t.Fatal(err)
			}
		}
		if list := <-got; len(list) != 1 || string(list[0].Data) != "hello" {
			t.Errorf("Receive() = %+v, want the letter", list)
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if list, err := h.Receive(ctx, "three", 10); err == nil {
			t.Errorf("Receive() of what is too old = %+v, want none", list)
		}
	})
}

// TestCut lets the connection break: whoever waits is not told the group's fate.
func TestCut(t *testing.T) {
	for verdict, want := range map[memory.Verdict]uint64{memory.CutLost: 0, memory.CutKept: 1} {
		d := &memory.Disk{}
		h := shared(t, d)
		leases := acquire(t, h, "one", store.ShardOf("a"))
		d.OnGroup(func(e memory.GroupEvent) memory.Verdict {
			if e.Durable {
				return memory.Proceed
			}
			return verdict
		})
		if err := submitTo(t, h, leases, commit("a", 1)); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("verdict %d: commit = %v, want %v", verdict, err, store.ErrUnavailable)
		}
		d.OnGroup(nil)
		var version uint64
		if r, err := h.Instance(t.Context(), "a"); err == nil {
			version = r.Version
		}
		if version != want {
			t.Errorf("verdict %d: version = %d, want %d", verdict, version, want)
		}
		if err := submitTo(t, h, leases, commit("a", want+1)); err != nil {
			t.Errorf("verdict %d: commit after it = %v", verdict, err)
		}
		d.Cut(true)
		if _, err := h.Instance(t.Context(), "a"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("read while cut off = %v, want %v", err, store.ErrUnavailable)
		}
		d.Cut(false)
		if _, err := h.Instance(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
}
