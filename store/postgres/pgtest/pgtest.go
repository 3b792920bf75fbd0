// Package pgtest runs real PostgreSQL servers for tests.
//
// Start makes a server of a test's own from the machine's PostgreSQL: its data
// lies in a temporary folder, it listens on a free port of the loopback, trusts
// whoever connects, writes durably as by default, and ends with the test. A test
// on a machine without PostgreSQL is skipped and says so. As root the servers
// run as the user postgres, else nobody, as PostgreSQL demands.
package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// owner is the role that owns the server; it needs no password.
const owner = "perdure"

// Server is a PostgreSQL server. Its methods end the test when they fail. They
// are called by one goroutine at a time.
type Server struct {
	t         testing.TB
	bin       string // folder of the programs
	data      string
	port      int
	process   *process // nil = stopped
	databases int
}

// Start starts a new server with an empty database.
func Start(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	s.must("copy of an empty server", s.copyTemplate())
	s.Resume()
	return s
}

// newServer finds the programs and makes the folder.
func newServer(t testing.TB) *Server {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Skip(err)
	}
	root, err := os.MkdirTemp("", "pgtest-")
	if err == nil {
		err = give(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: bin, data: filepath.Join(root, "data"), port: freePort(t)}
	t.Cleanup(func() {
		s.end(killed)
		if t.Failed() {
			t.Logf("the end of the log of PostgreSQL:\n%s", s.logEnd())
		}
		if err := os.RemoveAll(root); err != nil {
			t.Errorf("%v", err)
		}
	})
	return s
}

// programs returns the folder of the newest PostgreSQL of this machine.
func programs() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // only fails for a bad pattern
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 = not one of Debian's
		return n
	}
	if len(found) == 0 {
		return "", errors.New("SKIPPED: no PostgreSQL on this machine; install the package postgresql")
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// copyTemplate fills the data folder with what initdb makes. That takes seconds,
// so it is made once and kept in the machine's temporary folder.
func (s *Server) copyTemplate() error {
	version, err := exec.Command(filepath.Join(s.bin, "postgres"), "--version").Output()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("pgtest-template-1-%d-%s", os.Getuid(), strings.ReplaceAll(strings.TrimSpace(string(version)), " ", "-"))
	template := filepath.Join(os.TempDir(), strings.Map(plain, name))
	if _, err := os.Stat(template); err != nil {
		made := s.data + ".new"
		if err := s.run("initdb", "-D", made, "-U", owner, "-A", "trust", "-E", "UTF8", "--locale=C", "--data-checksums"); err != nil {
			return err
		}
		if err := os.Rename(made, template); err != nil && !exists(template) { // else another test was faster
			return err
		}
	}
	return command("cp", "-a", template, s.data)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// plain keeps what a file name may hold.
func plain(r rune) rune {
	if r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
		return r
	}
	return '_'
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(program string, args ...string) error {
	return command(filepath.Join(s.bin, program), args...)
}

// command runs a program as the user of the servers.
func command(path string, args ...string) error {
	_, err := output(path, args...)
	return err
}

func output(path string, args ...string) (string, error) {
	cmd := exec.Command(path, args...)
	cmd.Dir = os.TempDir()
	if err := unprivileged(cmd); err != nil {
		return "", err
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", filepath.Base(path), err, problems.String())
	}
	return out.String(), nil
}

func (s *Server) must(what string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("PostgreSQL, %s: %v", what, err)
	}
}

// Address is where the server listens.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL returns the address of a database, of the kind that every client of
// PostgreSQL takes. The server's owner connects, without a password.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(owner), Host: s.Address(), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Database makes a new, empty database and returns its address.
func (s *Server) Database() string {
	s.t.Helper()
	s.databases++
	name := fmt.Sprintf("test%d", s.databases)
	s.Exec("postgres", "CREATE DATABASE "+name)
	return s.URL(name)
}

// Exec runs SQL in a database, each statement by itself, and returns the rows, with
// columns parted by "|".
func (s *Server) Exec(database, sql string) string {
	s.t.Helper()
	out, err := output(filepath.Join(s.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", s.URL(database), "-c", sql)
	s.must(sql, err)
	return strings.TrimSpace(out)
}
