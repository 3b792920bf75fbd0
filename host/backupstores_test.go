package host_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestBackupMovesBetweenStores takes a hub from a data folder into a database and back;
// a run goes on in each.
func TestBackupMovesBetweenStores(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	database := pgtest.Start(t).Database()
	folder, back := t.TempDir(), filepath.Join(t.TempDir(), "back")
	app, stop := start(t, config(folder))
	for _, id := range []string{"here", "there", "back"} {
		if _, err := client.Start(ctx, app.Client(), Approve, id, client.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	approve := func(app *host.App, id string) {
		t.Helper()
		if err := client.Raise(ctx, app.Client(), id, approval, true); err != nil {
			t.Fatal(err)
		}
		if got, err := client.Result[string](ctx, app.Client(), id); err != nil || got != "published "+id {
			t.Errorf("Result(%s) = %q, %v", id, got, err)
		}
	}
	approve(app, "here")
	var first, second bytes.Buffer
	if _, err := app.Backup(ctx, &first, "default"); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	if _, err := host.Restore(ctx, database, &first); err != nil {
		t.Fatal(err)
	}
	app, stop = start(t, config(database))
	approve(app, "there")
	done, err := host.Backup(ctx, database, &second) // while a node is at work on it
	if err != nil || len(done) != 1 || done[0].Instances != 3 {
		t.Fatalf("Backup() of the database = %+v, %v, want three instances", done, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	if _, err := host.Restore(ctx, back, &second); err != nil {
		t.Fatal(err)
	}
	app, _ = start(t, config(back))
	approve(app, "back")
	for _, id := range []string{"here", "there"} {
		if got, err := client.Result[string](ctx, app.Client(), id); err != nil || got != "published "+id {
			t.Errorf("Result(%s) = %q, %v, at the end of the way", id, got, err)
		}
	}
}
