package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestDatabaseAsHub works with the hubs of a database by its address: who can read it
// needs no token.
func TestDatabaseAsHub(t *testing.T) {
	database := pgtest.Start(t).Database()
	cli := func(args string) result {
		t.Helper()
		return perdureCLI(t.Context(), database, screen{}, strings.Fields(args)...)
	}
	if got := cli("run list"); got.Code != exitUnreachable || !strings.Contains(got.Err, "perdure migrate") {
		t.Errorf("run list on an empty database = %+v, want that it has no schema", got)
	}
	if got := cli("migrate"); got.Code != exitDone {
		t.Fatalf("migrate = %+v, want it done", got)
	}
	if got := cli("run list"); got.Code != exitUnreachable || !strings.Contains(got.Err, "no node runs on this database") {
		t.Errorf("run list without a node = %+v, want that none runs", got)
	}
	h, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	app, stop := startApp(t, host.Config{Hub: database, Addr: "127.0.0.1:0", Registry: h.registry, Tokens: tokens, NoMigrate: true})
	if got := cli("run start Approve --id a --input \"x\""); got.Code != exitDone {
		t.Errorf("run start = %+v, want it done", got)
	}
	if got := cli("run list"); got.Code != exitDone || !strings.Contains(got.Out, `"id":"a"`) {
		t.Errorf("run list = %+v, want the run", got)
	}
	if got := cli("hub create orders"); got.Code != exitDone {
		t.Errorf("hub create = %+v, want it done", got)
	}
	if got := perdureCLI(t.Context(), app.URL(), screen{}, "run", "list"); got.Code != exitNotAllowed {
		t.Errorf("run list without a token by URL = %+v, want it refused", got)
	}
	if got := cli("mcp"); got.Code != exitUsage || !strings.Contains(got.Err, "URL") {
		t.Errorf("mcp = %+v, want that it takes a URL", got)
	}
	stop()
	if got := cli("run list"); got.Code != exitUnreachable {
		t.Errorf("run list after the node has gone = %+v, want that none runs", got)
	}
}

func TestMigrate(t *testing.T) {
	pg := pgtest.Start(t)
	got := perdureCLI(t.Context(), "", screen{}, "migrate", "--print")
	if got.Code != exitDone || !strings.Contains(got.Out, "CREATE TABLE perdure.hubs") {
		t.Fatalf("migrate --print = %+v, want the statements", got)
	}
	pg.Exec("postgres", got.Out) // as psql runs them
	if got := perdureCLI(t.Context(), "", screen{}, "migrate", "--hub", pg.URL("postgres")); got.Code != exitDone {
		t.Errorf("migrate of a database that has the schema = %+v, want nothing to do", got)
	}
	for args, want := range map[string]string{"migrate": "no PostgreSQL database is named", "migrate --hub ./data": "no PostgreSQL database is named"} {
		if got := perdureCLI(t.Context(), "", screen{}, strings.Fields(args)...); got.Code != exitUsage || !strings.Contains(got.Err, want) {
			t.Errorf("%s = %+v, want %q", args, got, want)
		}
	}
	empty := pg.Database()
	if got := perdureCLI(t.Context(), "", screen{}, "server", "--migrate=false", "--addr", "127.0.0.1:0", "--hub", empty); got.Code != exitError || !strings.Contains(got.Err, "perdure migrate") {
		t.Errorf("server --migrate=false on an empty database = %+v, want what to do", got)
	}
}

func TestBenchNodes(t *testing.T) {
	database := pgtest.Start(t).Database()
	got := perdureCLI(t.Context(), "", screen{}, "bench", "sequence", "--hub", database, "--count", "5", "--in-flight", "2", "--quiet")
	var line struct {
		Store        string
		Count, Nodes int
	}
	if got.Code != exitDone || json.Unmarshal([]byte(got.Out), &line) != nil || line.Store != "postgres" || line.Count != 5 || line.Nodes != 1 {
		t.Errorf("bench sequence on a database = %+v, want a line of JSON with count 5 of 1 node", got)
	}
	if got := perdureCLI(t.Context(), "", screen{}, "bench", "sequence", "--nodes", "2"); got.Code != exitUsage {
		t.Errorf("bench sequence with nodes and no database = %+v, want it refused", got)
	}
}
