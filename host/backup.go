package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/backup"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/postgres"
)

// Copied says what was backed up or restored of a hub.
type Copied struct {
	Hub       string    `json:"hub"`
	Taken     time.Time `json:"taken"` // when the backup was begun
	Instances int64     `json:"instances"`
	Items     int64     `json:"items"` // records, chunks of histories, rows, timers and messages
}

// archive is where hubs are kept that no App of this process has open.
type archive interface {
	Hubs() ([]string, error)
	// Import makes a hub of a copy; store.ErrExists if there is one.
	Import(ctx context.Context, name string, next func() (*store.Item, error)) error
	Close() error
	open(name string) (store.Copier, error)
}

// dataFolder is an archive in a directory.
type dataFolder struct{ *pebble.DB }

func (f dataFolder) open(name string) (store.Copier, error) { return f.Hub(name, false) }

// databaseArchive is an archive in a database, which nodes may be at work on.
type databaseArchive struct{ *postgres.DB }

func (d databaseArchive) open(name string) (store.Copier, error) { return d.Hub(name, false) }

// openArchive opens where hubs are kept, which is made if create is set.
func openArchive(ctx context.Context, hub string, create bool) (archive, error) {
	if hub == "" {
		hub = DefaultHub
	}
	if remote.Is(hub) {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "open " + hub, Message: "that is a server; name a data folder or a database"}
	}
	if err := checkHub(hub); err != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "open " + hub, Message: err.Error()}
	}
	if IsDatabase(hub) {
		db, err := postgres.Open(ctx, hub, postgres.Options{NoMigrate: !create})
		if err != nil {
			return nil, databaseError(err)
		}
		return databaseArchive{db}, nil
	}
	if _, err := os.Stat(hub); err != nil && !create {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "open " + hub, Message: "there is no such data folder"}
	}
	db, err := pebble.Open(hub, pebble.Options{})
	if err != nil {
		return nil, openError(hub, err)
	}
	return dataFolder{db}, nil
}

// Backup writes a copy of hubs to w, of all if none is named; see Config.Hub for where.
// No other process may have a data folder open; nodes may be at work on a database. The copy of each hub is the state after
// some prefix of its commits. Package store/backup has the format.
func Backup(ctx context.Context, where string, w io.Writer, hubs ...string) (done []Copied, err error) {
	a, err := openArchive(ctx, where, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if len(hubs) == 0 {
		if hubs, err = a.Hubs(); err != nil {
			return nil, err
		}
	}
	for _, name := range hubs {
		from, err := a.open(name)
		if err != nil {
			return done, archiveError("back up", name, err)
		}
		c, err := copyHub(ctx, name, time.Now(), from.Copy, w)
		if err != nil {
			return done, archiveError("back up", name, err)
		}
		done = append(done, c)
	}
	return done, nil
}

// copyHub writes a copy of a hub.
func copyHub(ctx context.Context, name string, now time.Time, from func(context.Context, func(*store.Item) error) error, w io.Writer) (Copied, error) {
	c := Copied{Hub: name, Taken: now.UTC()}
	to := backup.NewWriter(w)
	if err := to.Begin(backup.Hub{Name: name, Taken: c.Taken}); err != nil {
		return c, err
	}
	err := from(ctx, func(it *store.Item) error {
		c.count(it)
		return to.Write(it)
	})
	if err != nil {
		return c, err
	}
	return c, to.End()
}

func (c *Copied) count(it *store.Item) {
	if c.Items++; it.Record != nil {
		c.Instances++
	}
}

// Restore makes hubs of a backup, of all in it if none is named, in a data folder that
// no other process has open, or a database, in which there are no hubs of these names.
// The backup may be of another store. Each goes on
// as a new timeline: tokens of the old one hold no more, and activities that were to be
// completed by them run again. A hub is restored whole or not at all.
//
// Agents of a restored hub call no tool whose effect must not be repeated before a person
// has allowed it: whether the call was made after the backup is not known there. See
// agent.DecisionRestoreHold.
func Restore(ctx context.Context, where string, r io.Reader, hubs ...string) ([]Copied, error) {
	return restoreInto(ctx, where, r, false, hubs)
}

// Move is Restore for hubs that nobody has worked on since the backup: their agents go on
// without asking.
func Move(ctx context.Context, where string, r io.Reader, hubs ...string) ([]Copied, error) {
	return restoreInto(ctx, where, r, true, hubs)
}

func restoreInto(ctx context.Context, where string, r io.Reader, moved bool, hubs []string) (done []Copied, err error) {
	a, err := openArchive(ctx, where, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return restore(hubs, r, func(h backup.Hub, next func() (*store.Item, error)) error {
		return a.Import(ctx, h.Name, shard.NewRestore(h.Taken, moved, next).Next)
	})
}

// Verify reads a backup through and says what is in it, or what is wrong with it.
func Verify(r io.Reader) ([]Copied, error) {
	return restore(nil, r, func(_ backup.Hub, next func() (*store.Item, error)) error { return drain(next) })
}

// drain takes all items.
func drain(next func() (*store.Item, error)) error {
	for {
		if _, err := next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// restore has each hub of a backup made that is wanted, and the others read.
func restore(wanted []string, r io.Reader, make func(backup.Hub, func() (*store.Item, error)) error) (done []Copied, err error) {
	from := backup.NewReader(r)
	for {
		h, err := from.Hub()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return done, archiveError("read the backup", "", err)
		}
		if len(wanted) > 0 && !slices.Contains(wanted, h.Name) {
			if err := drain(from.Next); err != nil {
				return done, archiveError("read the backup", h.Name, err)
			}
			continue
		}
		c := Copied{Hub: h.Name, Taken: h.Taken}
		next := func() (*store.Item, error) {
			it, err := from.Next()
			if err == nil {
				c.count(it)
			}
			return it, err
		}
		if err := make(h, next); err != nil {
			return done, archiveError("restore", h.Name, err)
		}
		done = append(done, c)
	}
	if len(done) == 0 {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "restore", Message: fmt.Sprintf("the backup has none of the hubs %q", wanted)}
	}
	return done, nil
}

// archiveError explains why a hub could not be copied.
func archiveError(op, hub string, err error) error {
	e := &perdure.Error{Code: perdure.Internal, Op: op, Message: "it went wrong", Cause: err}
	if hub != "" {
		e.Op += " hub " + hub
	}
	switch {
	case errors.Is(err, store.ErrExists):
		e.Code, e.Cause = perdure.AlreadyExists, nil
		e.Message = "there is a hub of this name already; restore into a new data folder, or delete that hub first"
	case errors.Is(err, store.ErrNotFound):
		e.Code, e.Cause, e.Message = perdure.NotFound, nil, "there is no such hub"
	case errors.Is(err, store.ErrCorrupt):
		e.Code, e.Message = perdure.InvalidArgument, "the backup is damaged; use another one"
	case errors.Is(err, store.ErrFormat):
		e.Code, e.Message = perdure.InvalidArgument, "that is no backup that this version of perdure can read"
	case errors.Is(err, store.ErrNoSpace):
		e.Code, e.Message = perdure.NoSpace, "the disk is full"
	}
	return e
}

// Backup writes a copy of one of the app's hubs to w while the app works; see the
// function Backup.
func (a *App) Backup(ctx context.Context, w io.Writer, hub string) (Copied, error) {
	select {
	case <-a.opened:
	default:
		return Copied{}, &perdure.Error{Code: perdure.Unavailable, Op: "back up", Message: "the app does not serve yet"}
	}
	s, err := a.hubs.get(ctx, hub)
	if err != nil {
		return Copied{}, err
	}
	return s.backup(ctx, w)
}

// backup writes a copy of the hub.
func (s *served) backup(ctx context.Context, w io.Writer) (Copied, error) {
	from, ok := s.hub.(interface {
		Copy(ctx context.Context, fn func(*store.Item) error) error
	})
	if !ok {
		return Copied{}, &perdure.Error{Code: perdure.Unimplemented, Op: "back up", Message: "the hub is kept by another server; back it up there"}
	}
	if !s.copying.TryLock() {
		return Copied{}, &perdure.Error{Code: perdure.ResourceExhausted, Op: "back up", Message: "a backup of the hub is being made already"}
	}
	defer s.copying.Unlock()
	return copyHub(ctx, s.name, s.now(), from.Copy, w)
}

// backupTo is backup for httpapi.Config.
func (s *served) backupTo(ctx context.Context, w io.Writer) error {
	_, err := s.backup(ctx, w)
	return err
}
