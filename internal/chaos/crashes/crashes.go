// Package crashes runs the scenarios of crash tests over PostgreSQL, as perduretest does
// in memory. It is for tests only.
package crashes

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// Long reports whether there is time for all scenarios: in make check and make soak.
func Long() bool { return os.Getenv("PERDURE_LONG") != "" || os.Getenv("PERDURE_SOAK") != "" }

// LongOnPostgres is OnPostgres where there is time for it, and does nothing else.
func LongOnPostgres(t *testing.T, s perduretest.Scenario) {
	t.Helper()
	if Long() {
		OnPostgres(t, s)
	}
}

// OnPostgres runs a scenario on a database of its own with the process dropped right
// before and right after each of its commits. The next one takes all shards over from
// it, which has not released them.
func OnPostgres(t *testing.T, s perduretest.Scenario) {
	t.Helper()
	t.Run("PostgreSQL", func(t *testing.T) {
		s.Options = append(s.Options[:len(s.Options):len(s.Options)], Over(t), perduretest.Limit(time.Minute))
		done := perduretest.CrashEverywhere(t, s)
		t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
		if done.Commits < 2 && !t.Failed() {
			t.Errorf("%d commits: too few to mean anything", done.Commits)
		}
	})
}

// Over starts a server and has each hub be one of a database there.
func Over(t testing.TB) perduretest.Option {
	t.Helper()
	url := pgtest.Start(t).Database()
	var hubs atomic.Int64
	return perduretest.Over(func(testing.TB) func() (store.Store, error) {
		name := fmt.Sprint("hub", hubs.Add(1))
		return func() (store.Store, error) { return open(url, name) }
	})
}

// closing closes the connections with the hub.
type closing struct {
	store.Store
	db *postgres.DB
}

// Close implements store.Admin.
func (s closing) Close() error { return s.db.Close() }

// open opens a hub as a process does that begins when the one before is known to be gone.
func open(url, name string) (store.Store, error) {
	db, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err != nil {
		return nil, err
	}
	h, err := db.Hub(name, true)
	if err == nil {
		_, err = h.Expire(context.Background(), "local", time.Hour)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return closing{h, db}, nil
}
