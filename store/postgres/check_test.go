package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// finding is what Check says of a subject, "" = nothing.
func finding(t *testing.T, url, subject string) (store.Severity, string) {
	t.Helper()
	findings, err := postgres.Check(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.Subject == subject {
			return f.Severity, f.Text
		}
	}
	return store.Fine, ""
}

// TestCheckStandbys warns of a standby that commits do not wait for, and of no other.
func TestCheckStandbys(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	if s, text := finding(t, url, "standby"); s != store.Fine {
		t.Errorf("Check() without a standby = %v %q, want nothing to worry about", s, text)
	}
	server.Standby(false)
	for server.Exec("postgres", "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") != "1" {
		time.Sleep(10 * time.Millisecond)
	}
	if s, text := finding(t, url, "standby"); s != store.Warning || !strings.Contains(text, "synchronous_standby_names") {
		t.Errorf("Check() with an asynchronous standby = %v %q, want a warning", s, text)
	}
	server.Exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	server.Exec("postgres", "SELECT pg_reload_conf()")
	for server.Exec("postgres", "SHOW synchronous_standby_names") != "*" {
		time.Sleep(10 * time.Millisecond)
	}
	if s, text := finding(t, url, "standby"); s != store.Fine {
		t.Errorf("Check() with a synchronous standby = %v %q, want nothing to worry about", s, text)
	}
}

// TestS22_Superuser warns of a role that may do more than it needs, and not of one that
// owns the schema only, which is enough for all that a node does.
func TestS22_Superuser(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	if s, text := finding(t, url, "rights"); s != store.Warning || !strings.Contains(text, "superuser") {
		t.Errorf("Check() as a superuser = %v %q, want a warning", s, text)
	}
	server.Exec("postgres", "CREATE ROLE plain LOGIN")
	server.Exec("postgres", "GRANT CREATE ON DATABASE test1 TO plain")
	plain := strings.Replace(url, "perdure@", "plain@", 1)
	h, done := opened(t, plain)
	defer done()
	if leases, err := h.Acquire(t.Context(), "one", []store.Shard{1}, time.Minute); err != nil || len(leases) != 1 {
		t.Errorf("Acquire() as a role that may make its schema = %v, %v, want a lease", leases, err)
	}
	if s, text := finding(t, plain, "rights"); s != store.Fine {
		t.Errorf("Check() as a plain role = %v %q, want nothing to worry about", s, text)
	}
}

// TestS22_SearchPath has somebody put functions with names of PostgreSQL's own into a
// schema that the database says to look into first. None of ours is led to them.
func TestS22_SearchPath(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	for _, sql := range []string{
		"CREATE SCHEMA evil",
		"CREATE TABLE evil.called (what text)",
		"CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ INSERT INTO evil.called VALUES ('now'); SELECT timestamptz '2001-01-01' $$",
		"CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ INSERT INTO evil.called VALUES ('sha256'); SELECT pg_catalog.sha256($1) $$",
		"ALTER DATABASE test1 SET search_path = evil, pg_catalog",
	} {
		server.Exec("test1", sql)
	}
	h, done := opened(t, url)
	defer done()
	leases, err := h.Acquire(t.Context(), "one", []store.Shard{1}, time.Minute)
	if err != nil || len(leases) != 1 || time.Until(leases[0].Until) < 30*time.Second {
		t.Errorf("Acquire() = %v, %v, want a lease for a minute from now", leases, err)
	}
	if got := server.Exec("test1", "SELECT DISTINCT what FROM evil.called"); got != "" {
		t.Errorf("functions of somebody else were called: %s", got)
	}
}

func opened(t *testing.T, url string) (*postgres.Hub, func()) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	h, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	return h, func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestS22_Encryption judges addresses by what they have the server prove.
func TestS22_Encryption(t *testing.T) {
	for _, c := range []struct {
		url  string
		want store.Severity
		says string
	}{
		{"postgres://u@127.0.0.1/d?sslmode=disable", store.Fine, "this machine"},
		{"postgres://u@[::1]/d?sslmode=disable", store.Fine, "this machine"},
		{"postgres://u@localhost/d", store.Fine, "this machine"},
		{"postgres:///d?host=/var/run/postgresql&user=u", store.Fine, "this machine"},
		{"postgres://u@db.example/d?sslmode=verify-full", store.Fine, "proves its name"},
		{"postgres://u@db.example/d?sslmode=verify-ca", store.Warning, "not its name"},
		{"postgres://u@db.example/d?sslmode=require", store.Warning, "nothing proves who answers"},
		{"postgres://u@db.example/d?sslmode=prefer", store.Warning, "unencrypted"},
		{"postgres://u@db.example/d?sslmode=allow", store.Warning, "unencrypted"},
		{"postgres://u@db.example/d?sslmode=disable", store.Warning, "unencrypted"},
		{"postgres://u@db.example/d", store.Warning, "unencrypted"},
		{"postgres://u@10.0.0.7/d?sslmode=require", store.Warning, "nothing proves who answers"},
		{"postgres://u@127.0.0.1:1,db.example:2/d?sslmode=disable", store.Warning, "unencrypted"},
		{"postgres://u@localhost.evil.example/d?sslmode=disable", store.Warning, "unencrypted"},
	} {
		f, err := postgres.Encryption(c.url)
		if err != nil {
			t.Errorf("Encryption(%q) = %v", c.url, err)
			continue
		}
		if f.Severity != c.want || !strings.Contains(f.Text, c.says) || (f.Severity == store.Warning) != strings.Contains(f.Text, "sslmode=verify-full") {
			t.Errorf("Encryption(%q) = %v %q, want %v that says %q, and what to do if it is no good", c.url, f.Severity, f.Text, c.want, c.says)
		}
	}
}
