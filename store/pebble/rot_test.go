package pebble_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// TestT02_LogRot flips one bit in the last block of the newest log of a store
// that lost its power after 100 durable commits. Pebble alone takes most of this
// for the log's end and opens without the commits behind it.
func TestT02_LogRot(t *testing.T) {
	const commits = 100
	disk := powerLost(t, commits)
	log := newestLog(t, disk)
	raw, err := disk.UnsafeGetFileDataBuffer(log)
	if err != nil {
		t.Fatal(err)
	}
	size := len(raw)
	engineOpens, silent, last := 0, 0, 0
	for at := 20; at < size; at += 97 {
		rotten := disk.CrashClone(vfs.CrashCloneCfg{})
		flip(t, rotten, log, at)
		if db, err := engine.Open(dir, &engine.Options{FS: rotten.CrashClone(vfs.CrashCloneCfg{}), Logger: discardLog{}}); err == nil {
			engineOpens++
			_ = db.Close()
		}
		db, err := pebble.Open(dir, pebble.Options{FS: rotten, Logger: quiet()})
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), filepath.Base(log)) {
				t.Errorf("bit %d: Open: %v, want %v and the name of the log", at, err, store.ErrCorrupt)
			}
			continue
		}
		if n := count(t, db); n < commits-1 {
			silent++
			t.Errorf("bit %d: opens with %d of %d commits", at, n, commits)
		} else if n < commits {
			last++ // looks like an unfinished write: nothing follows that tells
		}
		_ = db.Close()
	}
	t.Logf("log of %d bytes: Pebble alone opens %d times, silent losses %d, of the last commit %d", size, engineOpens, silent, last)
	if engineOpens == 0 {
		t.Error("Pebble alone notices all of it, want the check to be needed")
	}
}

// powerLost returns the disk of a store that was not closed.
func powerLost(t *testing.T, commits int) *vfs.MemFS {
	mem := vfs.NewCrashableMem()
	db, hub := openHub(t, pebble.Options{FS: mem, Logger: quiet()})
	leases := allLeases(t, hub)
	for i := range commits {
		id := fmt.Sprintf("i%d", i)
		c := &store.Commit{ID: id, Shard: store.ShardOf(id), Record: &store.Record{ID: id, Version: 1}}
		r, err := hub.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return clone
}

func newestLog(t *testing.T, fs vfs.FS) string {
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	logs := slices.DeleteFunc(names, func(name string) bool { return filepath.Ext(name) != ".log" })
	return fs.PathJoin(dir, slices.Max(logs))
}

func flip(t *testing.T, fs *vfs.MemFS, name string, at int) {
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, int64(at)); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, int64(at)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *pebble.DB) int {
	hub, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	page, err := hub.List(t.Context(), store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Records)
}
