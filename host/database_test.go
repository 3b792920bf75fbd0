package host_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// until polls for what a test waits for.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

func TestDatabaseSurvivesRestart(t *testing.T) {
	pg := pgtest.Start(t)
	cfg := config(pg.Database())
	cfg.TaskHubs = []string{"orders"}
	app, stop := start(t, cfg)
	if _, err := client.Start(t.Context(), app.Client(), Approve, "durability", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(app.TaskHubs()); got != "[default orders]" {
		t.Errorf("TaskHubs() = %s, want default and orders", got)
	}
	if err := stop(); err != nil {
		t.Fatalf("Run() = %v, want nil", err)
	}
	began := time.Now()
	app, _ = start(t, cfg)
	if err := app.Client().Raise(t.Context(), "a", "ApprovalDecision", true); err != nil {
		t.Fatal(err)
	}
	got, err := client.Result[string](t.Context(), app.Client(), "a")
	if err != nil || got != "published durability" {
		t.Errorf("Result() = %q, %v, want published durability", got, err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("a node that was stopped in order is replaced after %v, want less than a lease", took)
	}
}

// node is how a node says that it is.
type node struct {
	Name            string
	Members, Shards int
	LastBeat        time.Time `json:"last_beat"`
	Error           string
}

// health asks a node how it is, and whether it is ready.
func health(t *testing.T, app *host.App) (node, bool) {
	t.Helper()
	status, body := ask(t, "GET", app.URL()+"/healthz", "")
	var answer struct{ Node node }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("healthz = %d %s, want 200 with the node", status, body)
	}
	status, _ = ask(t, "GET", app.URL()+"/readyz", "")
	return answer.Node, status == http.StatusOK
}

// TestDatabaseMessages has apps meet databases that cannot be used: they say why, and
// what to do, and never the password.
func TestDatabaseMessages(t *testing.T) {
	pg := pgtest.Start(t)
	const password = "hunter2-%2Fsecret"
	as := func(user, database string) string {
		return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password, pg.Address(), database)
	}
	made := func() string {
		u, err := url.Parse(pg.Database())
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(u.Path, "/")
	}
	pg.Exec("postgres", `CREATE ROLE reader LOGIN; CREATE ROLE locked LOGIN PASSWORD 'x'`)
	pg.Exec("postgres", `COPY (VALUES ('host all locked 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')) TO '`+
		pg.Exec("postgres", `SHOW hba_file`)+`'; SELECT pg_reload_conf()`)
	fresh, newer, readOnly := made(), made(), made()
	migrated := config(pg.URL(newer))
	_, stop := start(t, migrated)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	pg.Exec(newer, `UPDATE perdure.meta SET value = '999' WHERE key = 'schema'`)
	pg.Exec("postgres", `ALTER DATABASE `+readOnly+` SET default_transaction_read_only = on`)

	for name, c := range map[string]struct {
		hub       string
		noMigrate bool
		want      []string
	}{
		"newer schema":   {hub: as("perdure", newer), want: []string{"version 999"}},
		"no schema":      {hub: as("perdure", fresh), noMigrate: true, want: []string{"perdure migrate"}},
		"no permission":  {hub: as("reader", fresh), want: []string{"right", "perdure migrate --print"}},
		"read-only":      {hub: as("perdure", readOnly), want: []string{"default_transaction_read_only"}},
		"no database":    {hub: as("perdure", "nowhere"), want: []string{"create the database"}},
		"no user":        {hub: as("nobody", fresh), want: []string{"user or password"}},
		"wrong password": {hub: as("locked", fresh), want: []string{"user or password"}},
		"nobody listens": {hub: "postgres://perdure:" + password + "@127.0.0.1:1/x", want: []string{"is it running", "127.0.0.1:1"}},
		"no such host":   {hub: "postgres://perdure:" + password + "@no-such-host.invalid/x", want: []string{"is it running", "no-such-host.invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			cfg := config(c.hub)
			cfg.NoMigrate, cfg.Logger = c.noMigrate, slog.New(slog.NewTextHandler(&log, nil))
			app, err := host.New(cfg)
			if err == nil {
				err = app.Run(t.Context())
			}
			if err == nil {
				t.Fatal("Run() = nil, want an error")
			}
			t.Log(err)
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Run() = %v, want it to say %q", err, want)
				}
			}
			if all := err.Error() + log.String(); strings.Contains(all, "hunter2") {
				t.Errorf("the password is told: %s", all)
			}
		})
	}
}
