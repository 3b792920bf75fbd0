package pebble

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS watches every write below the store's directory. The first that fails
// fails the store, and from then on nothing reaches the disk (R5).
//
// Pebble 2.1.7 does not survive a failed write: an error of the log or of the
// manifest ends the process or leaves a lock taken, and an error of a table is
// tried again at once and for ever. So once the store has failed the log and the
// manifest see success, of writes that are dropped, which is safe because nobody
// hears of it: Wait and Barrier look at the failure first. Tables are held until
// the store closes, so that what memory holds stays readable; for ever if it never
// opened.
type guardFS struct {
	vfs.FS
	dir   string
	state *failState
	syncs *atomic.Int64
	sink  *vfs.MemFS // holds files that are created after a failure
	reuse sync.Mutex // keeps names of old logs while they are emptied
}

func newGuardFS(fs vfs.FS, dir string, state *failState, syncs *atomic.Int64) *guardFS {
	return &guardFS{FS: fs, dir: dir, state: state, syncs: syncs, sink: vfs.NewMem()}
}

// lockFree stands for Pebble's own lock: the directory is locked by openLock,
// which is released even if a failed Pebble cannot be closed.
type lockFree struct{}

// Close implements io.Closer.
func (lockFree) Close() error { return nil }

// Lock implements vfs.FS.
func (g *guardFS) Lock(string) (io.Closer, error) { return lockFree{}, nil }

// Unwrap implements vfs.FS.
func (g *guardFS) Unwrap() vfs.FS { return g.FS }

func (g *guardFS) ours(name string) bool { return strings.HasPrefix(name, g.dir) }

func isTable(name string) bool { return filepath.Ext(name) == ".sst" }

// write runs an operation on name. dropped says that it was not run, or in vain,
// and that the engine is to take it for a success.
func (g *guardFS) write(name string, op func() error) (dropped bool, err error) {
	if !g.ours(name) {
		return false, op()
	}
	if !g.state.failed() {
		if err = op(); err == nil {
			return false, nil
		}
		g.state.fail(err)
	} else {
		err = g.state.err()
	}
	if isTable(name) {
		<-g.state.closing
		return false, err
	}
	return true, nil
}

// file makes a file by open, or one that leads nowhere.
func (g *guardFS) file(name string, open func() (vfs.File, error)) (f vfs.File, err error) {
	dropped, err := g.write(name, func() error { f, err = open(); return err })
	if dropped {
		f, err = g.sink.Create("dropped", vfs.WriteCategoryUnspecified)
	}
	if err != nil {
		return nil, err
	}
	unnamed := !dropped && strings.HasPrefix(g.PathBase(name), "MANIFEST-")
	return &guardFile{File: f, name: name, fs: g, unnamed: unnamed}, nil
}

// Create implements vfs.FS.
func (g *guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

// OpenReadWrite implements vfs.FS.
func (g *guardFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, opts...) })
}

// ReuseForWrite implements vfs.FS.
func (g *guardFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	g.reuse.Lock()
	defer g.reuse.Unlock()
	return g.file(newname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, c) })
}

// empty makes files of the directory empty that still have these names.
func (g *guardFS) empty(names []string) error {
	g.reuse.Lock()
	defer g.reuse.Unlock()
	for _, name := range names {
		path := g.PathJoin(g.dir, name)
		if info, err := g.Stat(path); err != nil || info.Size() == 0 {
			continue
		}
		f, err := g.Create(path, vfs.WriteCategoryUnspecified)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return fmt.Errorf("empty %s: %w", path, err)
		}
	}
	return nil
}

// OpenDir implements vfs.FS.
func (g *guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardFile{File: f, name: name, fs: g}, nil
}

// Rename implements vfs.FS.
func (g *guardFS) Rename(oldname, newname string) error {
	_, err := g.write(newname, func() error { return g.FS.Rename(oldname, newname) })
	return err
}

// Link implements vfs.FS.
func (g *guardFS) Link(oldname, newname string) error {
	_, err := g.write(newname, func() error { return g.FS.Link(oldname, newname) })
	return err
}

// MkdirAll implements vfs.FS.
func (g *guardFS) MkdirAll(dir string, perm os.FileMode) error {
	_, err := g.write(dir, func() error { return g.FS.MkdirAll(dir, perm) })
	return err
}

// Remove implements vfs.FS. A file that stays is no loss; after a failure
// nothing is removed, as recovery may need it.
func (g *guardFS) Remove(name string) error {
	if g.ours(name) && g.state.failed() {
		return nil
	}
	return g.FS.Remove(name)
}

type guardFile struct {
	vfs.File
	name    string
	fs      *guardFS
	unnamed bool // a new manifest, whose name is not durable yet
}

// Write implements vfs.File.
func (f *guardFile) Write(p []byte) (n int, err error) {
	dropped, err := f.fs.write(f.name, func() error { n, err = f.File.Write(p); return err })
	if dropped {
		n = len(p)
	}
	return n, err
}

// WriteAt implements vfs.File.
func (f *guardFile) WriteAt(p []byte, off int64) (n int, err error) {
	dropped, err := f.fs.write(f.name, func() error { n, err = f.File.WriteAt(p, off); return err })
	if dropped {
		n = len(p)
	}
	return n, err
}

// Preallocate implements vfs.File. It is a hint: its failure is none.
func (f *guardFile) Preallocate(offset, length int64) error {
	if !f.fs.state.failed() {
		_ = f.File.Preallocate(offset, length)
	}
	return nil
}

// Sync implements vfs.File. That of a manifest makes its name durable too:
// Pebble does so only together with the marker that points to it, so that a
// power cut could leave the marker and take the manifest.
func (f *guardFile) Sync() error {
	f.fs.syncs.Add(1)
	_, err := f.fs.write(f.name, func() error {
		if err := f.File.Sync(); err != nil || !f.unnamed {
			return err
		}
		f.unnamed = false
		return syncDir(f.fs.FS, f.fs.dir)
	})
	return err
}

// SyncData implements vfs.File.
func (f *guardFile) SyncData() error {
	f.fs.syncs.Add(1)
	_, err := f.fs.write(f.name, f.File.SyncData)
	return err
}

// SyncTo implements vfs.File.
func (f *guardFile) SyncTo(length int64) (full bool, err error) {
	_, err = f.fs.write(f.name, func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close implements vfs.File. A log whose close fails may have lost a write.
func (f *guardFile) Close() error {
	err := f.File.Close()
	if err == nil || !f.fs.ours(f.name) {
		return err
	}
	f.fs.state.fail(err)
	return nil
}
