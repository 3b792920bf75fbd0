package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// hubName is the name of the one hub of a data folder.
const hubName = "default"

// opened is a hub with what belongs to it.
type opened struct {
	hub   hub.Hub
	now   func() time.Time            // the hub's time
	run   func(context.Context) error // blocks until ctx ends
	close func() error                // after run has returned
}

// open opens the data folder and its hub.
func (a *App) open() (*opened, error) {
	timeSource := clock.System()
	if a.cfg.TimeScale != 1 {
		timeSource = clock.Scaled(timeSource, a.cfg.TimeScale)
	}
	db, err := pebble.Open(a.cfg.Hub, pebble.Options{Logger: a.cfg.Logger, Now: timeSource.Now})
	if err != nil {
		return nil, openError(a.cfg.Hub, err)
	}
	kept, err := db.Hub(hubName, true)
	if err != nil {
		return nil, errors.Join(openError(a.cfg.Hub, err), db.Close())
	}
	h, err := local.New(local.Config{Store: kept, Registry: a.cfg.Registry, Node: nodeName(), Clock: timeSource, Logger: a.cfg.Logger})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &opened{hub: h, now: timeSource.Now, run: h.Run, close: db.Close}, nil
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
