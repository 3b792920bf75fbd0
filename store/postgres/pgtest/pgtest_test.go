package pgtest_test

import (
	"testing"

	"github.com/perdure/perdure/store/postgres/pgtest"
)

func TestServer(t *testing.T) {
	s := pgtest.Start(t)
	s.Database()
	s.Exec("test1", "CREATE TABLE kept (n int)")
	s.Exec("test1", "INSERT INTO kept VALUES (1)")
	for _, end := range []func(){s.Restart, s.Crash} {
		end()
		if got := s.Exec("test1", "SELECT n FROM kept"); got != "1" {
			t.Fatalf("kept = %q, want 1", got)
		}
	}
	if got := s.Exec("test1", "SHOW fsync"); got != "on" {
		t.Errorf("fsync = %q, want on", got)
	}
}

func TestStandby(t *testing.T) {
	s := pgtest.Start(t)
	standby := s.Standby(true)
	s.Exec("postgres", "CREATE TABLE kept AS SELECT 7 AS n")
	s.Kill()
	standby.Promote()
	if got := standby.Exec("postgres", "SELECT n FROM kept"); got != "7" {
		t.Fatalf("kept = %q on the promoted standby, want 7", got)
	}
	standby.Exec("postgres", "INSERT INTO kept VALUES (8)")
}
