package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// defaultHub is the hub that always exists.
const defaultHub = httpapi.DefaultHub

// open opens where the hubs are kept; the clock is theirs. f is what they are served
// by.
func (a *App) open(ctx context.Context, f *front) (place, clock.Clock, error) {
	switch {
	case remote.Is(a.cfg.Hub):
		return a.openRemote()
	case IsDatabase(a.cfg.Hub):
		return a.openDatabase(ctx, f)
	}
	timeSource := clock.System()
	if a.cfg.TimeScale != 1 {
		timeSource = clock.Scaled(timeSource, a.cfg.TimeScale)
	}
	db, err := pebble.Open(a.cfg.Hub, pebble.Options{Logger: a.cfg.Logger, Now: timeSource.Now})
	if err != nil {
		return nil, nil, openError(a.cfg.Hub, err)
	}
	return &folder{app: a, db: db, clock: timeSource}, timeSource, nil
}

// folder is a data folder of this process.
type folder struct {
	app   *App
	db    *pebble.DB
	clock clock.Clock
}

func (f *folder) names() ([]string, error) { return f.db.Hubs() }

func (f *folder) hub(name string, create bool) (worked, error) {
	kept, err := f.db.Hub(name, create)
	if err != nil {
		return nil, err
	}
	cfg := &f.app.cfg
	return local.New(local.Config{Store: kept, Registry: cfg.Registry, Node: nodeName(), Clock: f.clock, Logger: cfg.Logger.With("hub", name),
		Retention: cfg.Retention.by()})
}

func (f *folder) recreate(name string) error {
	_, err := f.db.Recreate(name)
	return err
}

func (f *folder) drop(name string) error { return f.db.Drop(name) }

func (f *folder) close() error { return f.db.Close() }

// measure implements measured.
func (f *folder) measure(ctx context.Context) (store.Stats, error) {
	h, err := f.db.Hub(defaultHub, false)
	if err != nil {
		return store.Stats{}, err
	}
	return h.Stats(ctx)
}

// openError explains why a data folder cannot be opened.
func openError(dir string, err error) error {
	e := &perdure.Error{Code: perdure.Unavailable, Op: "open " + dir, Message: "the data folder cannot be opened", Cause: err}
	switch {
	case errors.Is(err, store.ErrLocked):
		e.Code, e.Cause = perdure.FailedPrecondition, nil
		e.Message = "another perdure uses this data folder; stop it or choose another (--data)"
	case errors.Is(err, store.ErrFormat):
		e.Code = perdure.FailedPrecondition
		e.Message = "this folder was not written by this version of perdure; choose another (--data)"
	case errors.Is(err, store.ErrNoSpace):
		e.Code, e.Message = perdure.NoSpace, "the disk is full"
	}
	return e
}

// nodeName names this process among those of the hub.
func nodeName() string {
	name, err := os.Hostname()
	if err != nil {
		return "local"
	}
	return name
}

// inUse reports whether a listener failed because its address is taken.
func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), "Only one usage of each socket address")
}
