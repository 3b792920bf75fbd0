package host_test

import (
	"bytes"
	"context"
	"fmt"
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

// TestOperationsOfDatabase finds what nodes on a database count, and backs one up through
// a node.
func TestOperationsOfDatabase(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	database := pgtest.Start(t).Database()
	app, _ := start(t, config(database))
	other, _ := start(t, config(database))
	for i := range 20 {
		if _, err := client.Start(ctx, app.Client(), Approve, "x", client.StartOptions{ID: fmt.Sprint("run-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	sum := func(name string) float64 {
		return metric(t, scrape(t, app, ""), name) + metric(t, scrape(t, other, ""), name)
	}
	until(t, "both nodes to hold all shards", func() bool { return sum(`perdure_leases_held{hub="default"}`) == 256 })
	until(t, "both nodes to know each other", func() bool { return sum(`perdure_nodes{hub="default"}`) == 4 })
	if got := sum(`perdure_commits_total{hub="default"}`); got < 20 {
		t.Errorf("%v commits on both nodes, want 20 or more", got)
	}
	if got := sum(`perdure_store_disk_bytes`); got <= 0 {
		t.Errorf("the database takes %v bytes", got)
	}
	for _, node := range []*host.App{app, other} {
		var file bytes.Buffer
		if c, err := node.Backup(ctx, &file, "default"); err != nil || c.Instances != 20 {
			t.Errorf("Backup() through a node = %+v, %v, want all 20 runs", c, err)
		}
	}
}
