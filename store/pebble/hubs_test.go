package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// instances counts the instances of a hub, and its counters.
func instances(t *testing.T, h *pebble.Hub) (n int) {
	t.Helper()
	page, err := h.List(t.Context(), store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := h.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, c := range counts {
		sum += int(c.N)
	}
	if sum != len(page.Records) {
		t.Errorf("the counters say %d instances, the list has %d", sum, len(page.Records))
	}
	return len(page.Records)
}

func names(t *testing.T, db *pebble.DB) []string {
	t.Helper()
	names, err := db.Hubs()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestDropAndRecreate(t *testing.T) {
	opts := pebble.Options{FS: vfs.NewMem(), Logger: quiet()}
	db, one := openHub(t, opts)
	two, err := db.Hub("two", true)
	if err != nil {
		t.Fatal(err)
	}
	three, err := db.Hub("three", true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		for _, h := range []*pebble.Hub{one, two, three} {
			commitTo(t, h, fmt.Sprint("i", i))
		}
	}
	if diff := cmp.Diff([]string{"default", "three", "two"}, names(t, db)); diff != "" {
		t.Errorf("Hubs (-want +got):\n%s", diff)
	}
	if err := db.Drop("three"); err != nil { // has the highest number, which is given out again
		t.Fatal(err)
	}
	if err := db.Drop("three"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Drop again = %v, want %v", err, store.ErrNotFound)
	}
	if _, err := three.Instance(t.Context(), "i1"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a read of a dropped hub = %v, want %v", err, store.ErrClosed)
	}
	if _, err := db.Recreate("three"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Recreate of an absent hub = %v, want %v", err, store.ErrNotFound)
	}
	before := two.Identity()
	again, err := db.Recreate("two")
	if err != nil {
		t.Fatal(err)
	}
	if again.Identity() == before {
		t.Error("a hub that was made anew has the identity of the old one")
	}
	third, err := db.Hub("three", true)
	if err != nil {
		t.Fatal(err)
	}
	commitTo(t, again, "x")
	check := func(when string, want map[*pebble.Hub]int) {
		t.Helper()
		for h, n := range want {
			if got := instances(t, h); got != n {
				t.Errorf("%s a hub holds %d instances, want %d", when, got, n)
			}
		}
	}
	check("at first", map[*pebble.Hub]int{one: 20, again: 1, third: 0})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, one = openHub(t, opts)
	defer db.Close()
	if two, err = db.Hub("two", false); err != nil {
		t.Fatal(err)
	}
	if three, err = db.Hub("three", false); err != nil {
		t.Fatal(err)
	}
	check("opened again", map[*pebble.Hub]int{one: 20, two: 1, three: 0})
}

// TestDropAtPowerCuts cuts the power before each operation of the disk while hubs
// are dropped and made anew: each is there whole, or not at all.
func TestDropAtPowerCuts(t *testing.T) {
	for _, recreate := range []bool{false, true} {
		mem := vfs.NewCrashableMem()
		fs := &faultyFS{FS: mem}
		opts := smallTables(pebble.Options{FS: fs})
		db, _ := openHub(t, opts)
		two, err := db.Hub("two", true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			commitTo(t, two, fmt.Sprint("i", i))
		}
		var cuts []*vfs.MemFS
		cut := func() error {
			for _, unsynced := range []int{0, 50, 100} {
				cuts = append(cuts, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rand.New(rand.NewPCG(1, uint64(len(cuts))))}))
			}
			return nil
		}
		fs.before = cut
		if recreate {
			_, err = db.Recreate("two")
		} else {
			err = db.Drop("two")
		}
		fs.before = nil
		if err != nil {
			t.Fatal(err)
		}
		acked := len(cuts)
		_ = cut()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for i, disk := range cuts {
			opts.FS = disk
			db, _ := openHub(t, opts)
			h, err := db.Hub("two", false)
			switch {
			case errors.Is(err, store.ErrNotFound):
				if recreate {
					t.Errorf("cut %d: the hub is gone and not made anew", i)
				}
			case err != nil:
				t.Errorf("cut %d: %v", i, err)
			default:
				n := instances(t, h)
				if n != 30 && !(recreate && n == 0) || i >= acked && !(recreate && n == 0) {
					t.Errorf("cut %d of %d, recreate %t: the hub holds %d instances", i, acked, recreate, n)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if acked < 3 {
			t.Errorf("the power was cut at %d points only", acked)
		}
	}
}
