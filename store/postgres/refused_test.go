package postgres_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestTakenAway takes from an open hub what it may, and what it needs to connect: it
// says what is wrong, as something that can pass, and goes on when that is given back.
func TestTakenAway(t *testing.T) {
	server := pgtest.Start(t)
	address := server.Database()
	if err := postgres.Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	server.Exec("postgres", "CREATE ROLE guest LOGIN")
	server.Exec("test1", "GRANT USAGE ON SCHEMA perdure TO guest")
	rights := "ALL ON ALL TABLES IN SCHEMA perdure"
	server.Exec("test1", "GRANT "+rights+" TO guest")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User("guest")
	db, err := postgres.Open(t.Context(), u.String(), postgres.Options{Patience: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	h, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		_, err := h.Instance(t.Context(), "none")
		return err
	}
	for _, c := range []struct{ take, give, says string }{
		{"REVOKE " + rights + " FROM guest", "GRANT " + rights + " TO guest", "grant"},
		{"ALTER ROLE guest SET default_transaction_read_only = on", "ALTER ROLE guest RESET default_transaction_read_only", "read-only"},
		{"ALTER ROLE guest CONNECTION LIMIT 0", "ALTER ROLE guest CONNECTION LIMIT -1", "max_connections"},
		{"ALTER DATABASE test1 ALLOW_CONNECTIONS false", "ALTER DATABASE test1 ALLOW_CONNECTIONS true", "not currently accepting connections"},
	} {
		run := func(sql string) {
			database := "test1"
			if strings.HasPrefix(sql, "ALTER") {
				database = "postgres"
			}
			server.Exec(database, sql)
			server.Exec("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'guest'")
		}
		run(c.take)
		if err := read(); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("after %s: Instance() = %v, want ErrUnavailable that says %q", c.take, err, c.says)
		}
		run(c.give)
		if err := read(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after %s: Instance() = %v, want ErrNotFound", c.give, err)
		}
	}
}
