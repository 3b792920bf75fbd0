package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestUnsafe refuses servers that would lose what they acknowledge.
func TestUnsafe(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	for _, c := range []struct{ set, reset, want string }{
		{"ALTER SYSTEM SET fsync = off", "ALTER SYSTEM RESET fsync", "fsync is off"},
		{"ALTER SYSTEM SET full_page_writes = off", "ALTER SYSTEM RESET full_page_writes", "full_page_writes is off"},
		{"ALTER DATABASE test1 SET synchronous_commit = off", "ALTER DATABASE test1 RESET synchronous_commit", "synchronous_commit is off"},
		{"ALTER DATABASE test1 SET default_transaction_read_only = on", "ALTER DATABASE test1 RESET default_transaction_read_only", "read-only"},
	} {
		server.Exec("postgres", c.set)
		server.Restart()
		_, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet()})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open() with %s = %v, want an error about %q", c.set, err, c.want)
		}
		if findings, err := postgres.Check(t.Context(), url); err != nil || worst(findings) != store.Problem {
			t.Errorf("Check() with %s = %v, %v, want a problem", c.set, findings, err)
		}
		server.Exec("postgres", c.reset)
		server.Restart()
	}
	if got := server.Exec("test1", "SELECT count(*) FROM pg_namespace WHERE nspname = 'perdure'"); got != "0" {
		t.Errorf("a server that was refused has %s schemas, want none", got)
	}
	server.Exec("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	if _, err := postgres.Open(t.Context(), server.URL("latin"), postgres.Options{Logger: quiet()}); err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("Open() of a database in LATIN1 = %v, want an error about it", err)
	}
	standby := server.Standby(false)
	if _, err := postgres.Open(t.Context(), standby.URL("test1"), postgres.Options{Logger: quiet()}); err == nil || !strings.Contains(err.Error(), "standby") {
		t.Errorf("Open() of a standby = %v, want an error about it", err)
	}
	db, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	findings, err := postgres.Check(t.Context(), url)
	if err != nil || worst(findings) == store.Problem {
		t.Errorf("Check() = %v, %v, want no problem", findings, err)
	}
}

func worst(findings []store.Finding) store.Severity {
	s := store.Fine
	for _, f := range findings {
		if f.Severity == store.Problem || f.Severity == store.Warning && s == store.Fine {
			s = f.Severity
		}
	}
	return s
}

// TestRefused says what is wrong, and no password.
func TestRefused(t *testing.T) {
	const secret = "hunter2-in-the-address"
	server := pgtest.Start(t)
	url := server.Database()
	server.Exec("test1", "CREATE ROLE guest LOGIN")
	guest := strings.Replace(url, "perdure@", "guest:"+secret+"@", 1)
	gone := strings.Replace(guest, "test1", "nowhere", 1)
	var log bytes.Buffer
	opts := postgres.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for what, c := range map[string]struct{ url, want string }{
		"a user without rights":   {guest, "migrate --print"},
		"a missing database":      {gone, "create the database"},
		"an address without host": {"postgres://guest:" + secret + "@[::1", "cannot parse"},
	} {
		_, err := postgres.Open(t.Context(), c.url, opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open() with %s = %v, want an error about %q", what, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) || strings.Contains(log.String(), secret) {
			t.Errorf("Open() with %s shows the password: %v\n%s", what, err, log.String())
		}
	}
}

// TestMigrations makes the schema by hand and by many at once.
func TestMigrations(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	if _, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet(), NoMigrate: true}); !errors.Is(err, store.ErrFormat) {
		t.Errorf("Open() without a schema = %v, want %v", err, store.ErrFormat)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), postgres.Migrations()); err != nil {
		t.Fatalf("the migrations by hand: %v", err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet(), NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if secret, err := db.Secret(t.Context()); err != nil || len(secret) != 32 {
		t.Errorf("Secret() = %d bytes, %v, want 32", len(secret), err)
	}

	url = server.Database()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := postgres.Migrate(context.Background(), url); err != nil {
				t.Errorf("Migrate() by several at once = %v", err)
			}
		})
	}
	wg.Wait()
	server.Exec("test2", "UPDATE perdure.meta SET value = '999' WHERE key = 'schema'")
	if err := postgres.Migrate(t.Context(), url); !errors.Is(err, store.ErrFormat) {
		t.Errorf("Migrate() of a newer schema = %v, want %v", err, store.ErrFormat)
	}
}

func TestHubs(t *testing.T) {
	db, err := postgres.Open(t.Context(), pgtest.Start(t).Database(), postgres.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Hub("a", false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Hub(missing) = %v, want %v", err, store.ErrNotFound)
	}
	a, err := db.Hub("a", true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := db.Hub("b", true)
	if err != nil {
		t.Fatal(err)
	}
	write := func(h *postgres.Hub, id string) {
		t.Helper()
		leases, err := h.Acquire(t.Context(), "node", []store.Shard{store.ShardOf(id)}, leaseTime)
		if err != nil {
			t.Fatal(err)
		}
		c := &store.Commit{ID: id, Shard: store.ShardOf(id), Record: &store.Record{ID: id, Version: 1}}
		r, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
		if err != nil {
			t.Fatal(err)
		}
		if refused, err := r.Wait(t.Context()); err != nil || len(refused) > 0 {
			t.Fatalf("Wait() = %v, %v", refused, err)
		}
	}
	write(a, "one")
	write(b, "one")
	old := a.Identity()
	if a, err = db.Recreate("a"); err != nil {
		t.Fatal(err)
	}
	if a.Identity() == old {
		t.Error("Recreate() kept the identity")
	}
	if _, err := a.Instance(t.Context(), "one"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Instance() of a hub made anew = %v, want %v", err, store.ErrNotFound)
	}
	if _, err := b.Instance(t.Context(), "one"); err != nil {
		t.Errorf("Instance() of another hub = %v", err)
	}
	if err := db.Drop("a"); err != nil {
		t.Fatal(err)
	}
	if names, err := db.Hubs(); err != nil || len(names) != 1 || names[0] != "b" {
		t.Errorf("Hubs() = %q, %v, want b", names, err)
	}
}
