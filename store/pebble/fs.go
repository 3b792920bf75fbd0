package pebble

import (
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guardFS watches every write below the store's directory. The first that fails
// fails the store, after which nothing more is written (R5): what would go to
// the log gets the failure, what works in the background is held until the store
// closes, because Pebble would try it again at once and for ever.
type guardFS struct {
	vfs.FS
	dir   string
	state *failState
	syncs *atomic.Int64
}

// lockFree stands for Pebble's own lock: the directory is locked by openLock,
// which is released even if a failed Pebble cannot be closed.
type lockFree struct{}

func (lockFree) Close() error { return nil }

// Lock implements vfs.FS.
func (g *guardFS) Lock(string) (io.Closer, error) { return lockFree{}, nil }

// Unwrap implements vfs.FS.
func (g *guardFS) Unwrap() vfs.FS { return g.FS }

func (g *guardFS) ours(name string) bool { return strings.HasPrefix(name, g.dir) }

// write runs an operation on name unless the store has failed.
func (g *guardFS) write(name string, op func() error) error {
	if !g.ours(name) {
		return op()
	}
	if err := g.state.admit(name); err != nil {
		return err
	}
	err := op()
	if err != nil {
		g.state.fail(err)
	}
	return err
}

func (g *guardFS) guardFile(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardFile{File: f, name: name, fs: g}, nil
}

// Create implements vfs.FS.
func (g *guardFS) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = g.write(name, func() error { f, err = g.FS.Create(name, c); return err })
	return g.guardFile(name, f, err)
}

// OpenReadWrite implements vfs.FS.
func (g *guardFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (f vfs.File, err error) {
	err = g.write(name, func() error { f, err = g.FS.OpenReadWrite(name, c, opts...); return err })
	return g.guardFile(name, f, err)
}

// OpenDir implements vfs.FS.
func (g *guardFS) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	return g.guardFile(name, f, err)
}

// ReuseForWrite implements vfs.FS.
func (g *guardFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = g.write(newname, func() error { f, err = g.FS.ReuseForWrite(oldname, newname, c); return err })
	return g.guardFile(newname, f, err)
}

// Rename implements vfs.FS.
func (g *guardFS) Rename(oldname, newname string) error {
	return g.write(newname, func() error { return g.FS.Rename(oldname, newname) })
}

// Link implements vfs.FS.
func (g *guardFS) Link(oldname, newname string) error {
	return g.write(newname, func() error { return g.FS.Link(oldname, newname) })
}

// MkdirAll implements vfs.FS.
func (g *guardFS) MkdirAll(dir string, perm os.FileMode) error {
	return g.write(dir, func() error { return g.FS.MkdirAll(dir, perm) })
}

// Remove implements vfs.FS. A file that stays is no loss, but after a failure
// nothing is removed: recovery may need it.
func (g *guardFS) Remove(name string) error {
	if g.ours(name) && g.state.failed() {
		return g.state.err()
	}
	return g.FS.Remove(name)
}

type guardFile struct {
	vfs.File
	name string
	fs   *guardFS
}

// Write implements vfs.File.
func (f *guardFile) Write(p []byte) (n int, err error) {
	err = f.fs.write(f.name, func() error { n, err = f.File.Write(p); return err })
	return n, err
}

// WriteAt implements vfs.File.
func (f *guardFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.fs.write(f.name, func() error { n, err = f.File.WriteAt(p, off); return err })
	return n, err
}

// Preallocate implements vfs.File. Only a hint: its failure is none.
func (f *guardFile) Preallocate(offset, length int64) error {
	if f.fs.state.failed() {
		return nil
	}
	return f.File.Preallocate(offset, length)
}

// Sync implements vfs.File.
func (f *guardFile) Sync() error {
	f.fs.syncs.Add(1)
	return f.fs.write(f.name, f.File.Sync)
}

// SyncData implements vfs.File.
func (f *guardFile) SyncData() error {
	f.fs.syncs.Add(1)
	return f.fs.write(f.name, f.File.SyncData)
}

// SyncTo implements vfs.File.
func (f *guardFile) SyncTo(length int64) (full bool, err error) {
	err = f.fs.write(f.name, func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}
