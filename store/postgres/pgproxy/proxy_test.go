package pgproxy_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/perdure/perdure/store/postgres/pgproxy"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is a server with a table, and a proxy before it.
type setup struct {
	*testing.T
	server *pgtest.Server
	proxy  *pgproxy.Proxy
	url    string // through the proxy
}

func start(t *testing.T) *setup {
	t.Helper()
	s := &setup{T: t, server: pgtest.Start(t)}
	s.server.Exec("postgres", "CREATE TABLE kept (n int)")
	p, err := pgproxy.Start(s.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if s.url, err = p.URL(s.server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	s.proxy = p
	return s
}

func (s *setup) context() context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	s.Cleanup(cancel)
	return ctx
}

func (s *setup) connect() *pgx.Conn {
	s.Helper()
	c, err := pgx.Connect(s.context(), s.url)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// kept waits until nobody else is in a transaction and returns the rows.
func (s *setup) kept() string {
	s.Helper()
	for s.server.Exec("postgres", "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'") != "0" {
	}
	return s.server.Exec("postgres", "SELECT coalesce(string_agg(n::text, ' ' ORDER BY n), '') FROM kept")
}

// ways are the ways in which pgx writes a row and commits it.
var ways = map[string]func(context.Context, *pgx.Conn) error{
	"a statement": func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "INSERT INTO kept VALUES ($1)", 1)
		return err
	},
	"a simple query": func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "INSERT INTO kept VALUES (1)")
		return err
	},
	"a transaction": func(ctx context.Context, c *pgx.Conn) error {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO kept VALUES ($1)", 1)
			return err
		})
	},
	"a batch": func(ctx context.Context, c *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("SET LOCAL lock_timeout = 1000")
		b.Queue("INSERT INTO kept VALUES ($1)", 1)
		return c.SendBatch(ctx, b).Close()
	},
	"a batch with a block": func(ctx context.Context, c *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		b.Queue("INSERT INTO kept VALUES ($1)", 1)
		b.Queue("COMMIT")
		return c.SendBatch(ctx, b).Close()
	},
}

// TestCut cuts each way to commit before and after: both times the client gets an
// error, and only after is the row there.
func TestCut(t *testing.T) {
	for name, write := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			if err := write(s.context(), s.connect()); err != nil {
				t.Fatalf("without a strike: %v", err)
			}
			s.server.Exec("postgres", "DELETE FROM kept")
			for _, c := range []struct {
				where pgproxy.Where
				want  string
			}{{pgproxy.Before, ""}, {pgproxy.After, "1"}} {
				conn := s.connect()
				struck := s.proxy.Arm(pgproxy.Strike{Where: c.where})
				if err := write(s.context(), conn); err == nil {
					t.Errorf("where %d: the write succeeds", c.where)
				}
				<-struck
				if got := s.kept(); got != c.want {
					t.Errorf("where %d: kept = %q, want %q", c.where, got, c.want)
				}
			}
			if got := s.proxy.Commits(); got != 3 {
				t.Errorf("Commits() = %d, want 3", got)
			}
		})
	}
}

// TestFail has the server refuse a commit: the client is told the SQLSTATE, nothing is
// kept, and the connection works on.
func TestFail(t *testing.T) {
	for name, write := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			conn := s.connect()
			for _, state := range []string{"40001", "40P01", "55P03"} {
				s.proxy.Arm(pgproxy.Strike{Do: pgproxy.Fail, State: state})
				err := write(s.context(), conn)
				var refused *pgconn.PgError
				if !errors.As(err, &refused) || refused.Code != state {
					t.Fatalf("the write fails with %v, want SQLSTATE %s", err, state)
				}
				switch name {
				case "a transaction": // pgx gives its connection up
					conn = s.connect()
				case "a batch with a block": // which is left to its client
					if _, err := conn.Exec(s.context(), "ROLLBACK"); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := write(s.context(), conn); err != nil {
				t.Errorf("after the failures: %v", err)
			}
			if got := s.kept(); got != "1" {
				t.Errorf("kept = %q, want 1", got)
			}
		})
	}
}

// TestFreezeAtCommit freezes a batch right before and right after its commit: the
// server holds the locks of the first and those of the second no more; after the thaw
// both go on as if nothing had been.
func TestFreezeAtCommit(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		where pgproxy.Where
		open  string
	}{{pgproxy.Before, "1"}, {pgproxy.After, "0"}} {
		conn := s.connect()
		struck := s.proxy.Arm(pgproxy.Strike{Where: c.where, Do: pgproxy.Freeze, When: func(c pgproxy.Commit) bool { return c.Has("INSERT INTO kept") }})
		done := make(chan error, 1)
		go func() { done <- ways["a batch"](s.context(), conn) }()
		<-struck
		held := "SELECT count(*) FROM pg_locks WHERE relation = 'kept'::regclass AND mode = 'RowExclusiveLock'"
		for end := time.Now().Add(10 * time.Second); s.server.Exec("postgres", held) != c.open; {
			if time.Now().After(end) {
				t.Fatalf("where %d: %s transactions have the table open, want %s", c.where, s.server.Exec("postgres", held), c.open)
			}
		}
		select {
		case err := <-done:
			t.Errorf("where %d: the write ends with %v while it is frozen", c.where, err)
		default:
		}
		s.proxy.Thaw()
		if err := <-done; err != nil {
			t.Errorf("where %d: the write ends with %v after the thaw", c.where, err)
		}
	}
	if got := s.kept(); got != "1 1" {
		t.Errorf("kept = %q, want 1 1", got)
	}
}

// TestFreeze freezes everything, as a network does that drops all packets.
func TestFreeze(t *testing.T) {
	s := start(t)
	conn := s.connect()
	s.proxy.Freeze()
	short, cancel := context.WithTimeout(s.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pgx.Connect(short, s.url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect() = %v while all is frozen, want that time runs out", err)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := ways["a statement"](s.context(), conn); err != nil {
			t.Errorf("the write ends with %v", err)
		}
	})
	s.proxy.Thaw()
	writing.Wait()
	s.proxy.Freeze()
	s.proxy.Cut()
	if err := ways["a statement"](s.context(), conn); err == nil {
		t.Error("a connection that was cut works")
	}
}

// TestFreezeOpen freezes the connections that there are: new ones work meanwhile.
func TestFreezeOpen(t *testing.T) {
	s := start(t)
	old := s.connect()
	s.proxy.FreezeOpen()
	answered := make(chan error, 1)
	go func() {
		_, err := old.Exec(s.context(), "INSERT INTO kept VALUES (1)")
		answered <- err
	}()
	if _, err := s.connect().Exec(s.context(), "INSERT INTO kept VALUES (2)"); err != nil {
		t.Errorf("Exec() on a new connection = %v, want that it passes", err)
	}
	select {
	case err := <-answered:
		t.Errorf("Exec() on a frozen connection = %v, want no answer", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.proxy.Thaw()
	if err := <-answered; err != nil {
		t.Errorf("Exec() after Thaw = %v, want that it goes on", err)
	}
	if got := s.server.Exec("postgres", "SELECT count(*) FROM kept"); got != "2" {
		t.Errorf("%s rows are kept, want 2", got)
	}
}

// TestRefuse refuses connections, and counts those that there are.
func TestRefuse(t *testing.T) {
	s := start(t)
	conn := s.connect()
	s.proxy.Refuse(true)
	if _, err := pgx.Connect(s.context(), s.url); err == nil {
		t.Error("Connect() succeeds while connections are refused")
	}
	if err := ways["a statement"](s.context(), conn); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
	if got := s.proxy.Connections(); got != 1 {
		t.Errorf("Connections() = %d, want 1", got)
	}
	s.proxy.Refuse(false)
	s.connect()
}

// TestRetarget moves from a server to the next.
func TestRetarget(t *testing.T) {
	s := start(t)
	conn := s.connect()
	next := pgtest.Start(t)
	s.proxy.Retarget(next.Address())
	if _, err := conn.Exec(s.context(), "SELECT 1"); err == nil {
		t.Error("a connection to the server before works on")
	}
	var port string
	if err := s.connect().QueryRow(s.context(), "SHOW port").Scan(&port); err != nil || !strings.HasSuffix(s.proxy.Target(), ":"+port) {
		t.Errorf("SHOW port = %s, %v, want that of %s", port, err, s.proxy.Target())
	}
}

// TestDelay has messages take their time.
func TestDelay(t *testing.T) {
	s := start(t)
	conn := s.connect()
	s.proxy.Delay(20 * time.Millisecond)
	began := time.Now()
	if err := ways["a statement"](s.context(), conn); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 80*time.Millisecond {
		t.Errorf("a statement takes %v, want that each of its messages waits for 20 ms", took)
	}
}

// TestNth strikes at the third commit of those that are meant.
func TestNth(t *testing.T) {
	s := start(t)
	conn := s.connect()
	struck := s.proxy.Arm(pgproxy.Strike{Nth: 3, When: func(c pgproxy.Commit) bool { return strings.HasPrefix(c.SQL[0], "INSERT") }})
	for n := 1; n <= 3; n++ {
		if _, err := conn.Exec(s.context(), "DELETE FROM kept WHERE n = $1", -1); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(s.context(), "INSERT INTO kept VALUES ($1)", n); (err != nil) != (n == 3) {
			t.Errorf("write %d = %v, want that the third fails", n, err)
		}
	}
	<-struck
	if got := s.kept(); got != "1 2" {
		t.Errorf("kept = %q, want 1 2", got)
	}
}
