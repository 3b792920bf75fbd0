package pebble

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
)

const (
	formatName = "FORMAT"
	formatText = "perdure store 1\n"
	lockName   = "IN-USE"

	// dirMode lets only the owner in: histories hold what users said.
	dirMode = 0o700

	// engineFormat has checksums of the log that tell damage from its end.
	engineFormat = engine.FormatTableFormatV6

	// bloomBits per key: 1 % of the reads of absent keys touch a table.
	bloomBits = 10
)

// Open opens a directory, and makes it if there is none. Errors wrap
// store.ErrLocked if another process has it open and store.ErrFormat if a newer
// or other program wrote it; then nothing was written.
func Open(dir string, opts Options) (*DB, error) {
	opts = opts.withDefaults()
	if opts.MemTableBytes >= opts.CacheBytes {
		return nil, fmt.Errorf("open %s: memtables of %d bytes do not fit a cache of %d", dir, opts.MemTableBytes, opts.CacheBytes)
	}
	if opts.FS == vfs.Default {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		dir = abs
	}
	db, err := open(dir, opts)
	if engine.IsCorruptionError(err) {
		err = fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return db, nil
}

func open(dir string, opts Options) (*DB, error) {
	created, err := checkFormat(opts.FS, dir)
	if err != nil {
		return nil, err
	}
	if err := opts.FS.MkdirAll(dir, dirMode); err != nil {
		return nil, err
	}
	if opts.FS == vfs.Default && !opts.AllowNetworkFS {
		if err := refuseNetworkFS(dir); err != nil {
			return nil, err
		}
	}
	lock, err := openLock(opts.FS, dir)
	if err != nil {
		return nil, err
	}
	db, err := openLocked(dir, opts, created)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	db.lock = lock
	return db, nil
}

func openLocked(dir string, opts Options, created bool) (*DB, error) {
	if created {
		if err := writeFormat(opts.FS, dir); err != nil {
			return nil, err
		}
	}
	if err := checkLog(opts.FS, dir); err != nil {
		return nil, err
	}
	db := &DB{
		dir: dir, opts: opts, state: newFailState(opts.Logger), hubs: make(map[string]*Hub),
		apply: make(chan *applyJob), settle: make(chan *group, settleQueue),
	}
	db.fs = newGuardFS(opts.FS, dir, db.state, &db.syncs)
	db.space = newSpaceGuard(dir, &opts, db.state)
	_, _ = rand.Read(db.openID[:]) // never fails
	if err := db.openEngine(created); err != nil {
		return nil, err
	}
	db.workers.Add(2)
	go db.runApplier()
	go db.runSettler()
	return db, nil
}

// openEngine opens Pebble, a new store twice: its first log is of the oldest
// format, in which damage looks like the log's end.
func (db *DB) openEngine(created bool) error {
	db.space.free() // gives up the ballast if recovery needs the room
	for range 2 {
		eng, err := db.startEngine()
		if err != nil {
			return err
		}
		if !created {
			db.eng = eng
			return nil
		}
		created = false
		if err := db.state.leavable(eng.Close); err != nil {
			return err
		}
	}
	return nil
}

// startEngine opens Pebble once. A write that fails in recovery may leave it
// waiting for ever; it is left behind then, parked by guardFS.
func (db *DB) startEngine() (*engine.DB, error) {
	type result struct {
		eng *engine.DB
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		var refused error // by the engine, with a sound disk
		r.err = db.state.guarded(func() error {
			o := db.engineOptions()
			defer o.Cache.Unref()
			r.eng, refused = engine.Open(db.dir, o)
			return nil
		})
		if r.err == nil {
			r.err = refused
		}
		if r.err != nil && r.eng != nil { // a write failed and was dropped
			db.state.beginClose()
			r.err = errors.Join(r.err, db.state.guarded(r.eng.Close))
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.eng, r.err
	case <-db.state.down:
	}
	select {
	case r := <-done:
		return nil, r.err
	case <-time.After(closeLimit):
		return nil, db.state.err()
	}
}

func (db *DB) engineOptions() *engine.Options {
	log := engineLog{logger: db.opts.Logger, state: db.state}
	o := &engine.Options{
		FS:                          db.fs,
		Cache:                       engine.NewCache(db.opts.CacheBytes),
		MemTableSize:                uint64(db.opts.MemTableBytes),
		MemTableStopWritesThreshold: 4,
		FormatMajorVersion:          engineFormat,
		Logger:                      log,
		EventListener: &engine.EventListener{
			BackgroundError: func(err error) { log.Errorf("background: %v", err) },
			DataCorruption:  func(info engine.DataCorruptionInfo) { log.Errorf("%v", info) },
		},
	}
	o.ApplyCompressionSettings(func() engine.DBCompressionSettings { return engine.DBCompressionFastest })
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}

// checkFormat reads the marker and reports whether the store is yet to be made.
// It writes nothing.
func checkFormat(fsys vfs.FS, dir string) (create bool, err error) {
	f, err := fsys.Open(fsys.PathJoin(dir, formatName))
	if err == nil {
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, 2*int64(len(formatText))))
		if err != nil {
			return false, err
		}
		if string(text) != formatText {
			return false, fmt.Errorf("%w: marker %q", store.ErrFormat, text)
		}
		return false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	names, err := fsys.List(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, name := range names {
		if name != lockName && name != formatName+newSuffix {
			return false, fmt.Errorf("%w: the directory holds %q and no marker", store.ErrFormat, name)
		}
	}
	return true, nil
}

const newSuffix = ".new"

// writeFormat makes the marker durable before anything else exists.
func writeFormat(fsys vfs.FS, dir string) error {
	path := fsys.PathJoin(dir, formatName)
	f, err := fsys.Create(path+newSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(formatText))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(path+newSuffix, path); err != nil {
		return err
	}
	for _, d := range []string{dir, fsys.PathDir(dir)} {
		if err := syncDir(fsys, d); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fsys vfs.FS, dir string) error {
	f, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// openLock takes the directory for this process.
func openLock(fsys vfs.FS, dir string) (io.Closer, error) {
	lock, err := fsys.Lock(fsys.PathJoin(dir, lockName))
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, fs.ErrPermission) && !isHeld(err), errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return nil, fmt.Errorf("%w: %s (%v)", store.ErrLocked, dir, err)
}

// isHeld tells a lock that another process holds from a file that this process
// may not open: the latter names a path.
func isHeld(err error) bool {
	var path *os.PathError
	return !errors.As(err, &path)
}
