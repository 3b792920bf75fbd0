package pebble_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

const dir = "data"

var errDisk = errors.New("disk is broken")

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// faultyFS is a file system of which a test controls writes and syncs.
type faultyFS struct {
	vfs.FS

	// before, if set, is called before each operation that changes the disk, and
	// may make it fail.
	before func() error

	mu   sync.Mutex // guards the rest
	fail bool
	hold chan struct{} // not nil: syncs wait until it is closed, then fail
}

func (f *faultyFS) write() error {
	if f.before != nil {
		if err := f.before(); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return errDisk
	}
	return nil
}

func (f *faultyFS) sync() error {
	f.mu.Lock()
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		<-hold
		return errDisk
	}
	return f.write()
}

func (f *faultyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.write(); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, c)
	return &faultyFile{File: file, fs: f}, err
}

func (f *faultyFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.write(); err != nil {
		return nil, err
	}
	file, err := f.FS.ReuseForWrite(oldname, newname, c)
	return &faultyFile{File: file, fs: f}, err
}

func (f *faultyFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return &faultyFile{File: file, fs: f}, err
}

func (f *faultyFS) Rename(oldname, newname string) error {
	if err := f.write(); err != nil {
		return err
	}
	return f.FS.Rename(oldname, newname)
}

func (f *faultyFS) Remove(name string) error {
	if err := f.write(); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

type faultyFile struct {
	vfs.File
	fs *faultyFS
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if err := f.fs.write(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.sync(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) SyncData() error {
	if err := f.fs.sync(); err != nil {
		return err
	}
	return f.File.SyncData()
}

// harness is a simulated disk under the suite. It cuts the power with none of
// the unsynced data kept, or with half of it if rng is set.
type harness struct {
	t    *testing.T
	mem  *vfs.MemFS
	fs   *faultyFS
	db   *pebble.DB
	opts pebble.Options
	rng  *rand.Rand
}

func newHarness(t *testing.T) *harness {
	h := &harness{t: t, mem: vfs.NewCrashableMem(), opts: pebble.Options{Logger: quiet()}}
	t.Cleanup(func() { h.closeDB() })
	return h
}

func (h *harness) closeDB() {
	if h.db != nil {
		_ = h.db.Close() // fails if the disk does
		h.db = nil
	}
}

func (h *harness) Open(context.Context) (store.Store, error) {
	h.closeDB()
	h.fs = &faultyFS{FS: h.mem}
	opts := h.opts
	opts.FS = h.fs
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, err
	}
	h.db = db
	hub, err := db.Hub("default", true)
	if err != nil {
		return nil, err
	}
	return hub, nil
}

func (h *harness) Crash() error {
	cfg := vfs.CrashCloneCfg{}
	if h.rng != nil {
		cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: h.rng}
	}
	clone := h.mem.CrashClone(cfg)
	h.fs.mu.Lock()
	h.fs.fail = true
	if h.fs.hold != nil {
		close(h.fs.hold)
		h.fs.hold = nil
	}
	h.fs.mu.Unlock()
	h.closeDB()
	h.mem = clone
	return nil
}

func (h *harness) Inject(f storetest.Fault) error {
	switch f.Kind {
	case storetest.FailWrites:
		h.fs.mu.Lock()
		defer h.fs.mu.Unlock()
		h.fs.fail = true
	case storetest.HoldSync:
		h.fs.mu.Lock()
		defer h.fs.mu.Unlock()
		h.fs.hold = make(chan struct{})
	case storetest.Full:
		h.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 1 << 40})
		return h.look()
	case storetest.NotFull:
		h.mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 35, TotalBytes: 1 << 40})
		return h.look()
	case storetest.Damage:
		h.closeDB()
		return flipRecord(h.mem, f.ID)
	case storetest.Foreign:
		h.closeDB()
		return overwrite(h.mem, h.mem.PathJoin(dir, "FORMAT"), "perdure store 2\n")
	}
	return nil
}

// look makes the store measure the free space now instead of within a second.
func (h *harness) look() error {
	hub, err := h.db.Hub("default", false)
	if err == nil {
		_, err = hub.Stats(h.t.Context())
	}
	return err
}

func overwrite(fs vfs.FS, name, text string) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	return errors.Join(err, f.Sync(), f.Close())
}

// flipRecord flips one bit of the stored record of an instance.
func flipRecord(fs vfs.FS, id string) error {
	db, err := engine.Open(dir, &engine.Options{FS: fs, Logger: discardLog{}})
	if err != nil {
		return err
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if k := it.Key(); k[5] == 'i' && bytes.Contains(k, []byte(id)) && k[len(k)-1] == 'r' {
			v := bytes.Clone(it.Value())
			v[len(v)/2] ^= 1
			return db.Set(k, v, engine.Sync)
		}
	}
	return errors.New("no such record")
}

type discardLog struct{}

func (discardLog) Infof(string, ...any)  {}
func (discardLog) Errorf(string, ...any) {}
func (discardLog) Fatalf(string, ...any) {}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness { return newHarness(t) })
}

func TestListsUseIndexes(t *testing.T) {
	if err := storetest.Indexes(t.Context(), newHarness(t)); err != nil {
		t.Error(err)
	}
}
