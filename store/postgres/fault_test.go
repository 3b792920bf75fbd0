package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgproxy"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// world is a server, with a proxy before one of the nodes that use it.
type world struct {
	t      *testing.T
	server *pgtest.Server
	proxy  *pgproxy.Proxy
	url    string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, server: pgtest.Start(t)}
	w.url = w.server.Database()
	proxy, err := pgproxy.Start(w.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	w.proxy = proxy
	return w
}

// open opens the hub, through the proxy or not.
func (w *world) open(proxied bool, opts postgres.Options) *postgres.Hub {
	w.t.Helper()
	url := w.url
	if proxied {
		var err error
		if url, err = w.proxy.URL(url); err != nil {
			w.t.Fatal(err)
		}
	}
	opts.Logger = quiet()
	db, err := postgres.Open(w.t.Context(), url, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	})
	h, err := db.Hub("default", true)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// acquire takes the shard of "a".
func (w *world) acquire(h *postgres.Hub, node string) []store.Lease {
	w.t.Helper()
	leases, err := h.Acquire(w.t.Context(), node, []store.Shard{store.ShardOf("a")}, leaseTime)
	if err != nil || len(leases) != 1 {
		w.t.Fatalf("Acquire() = %v, %v, want the shard", leases, err)
	}
	return leases
}

// submit brings "a" to a version, with a message.
func (w *world) submit(h *postgres.Hub, leases []store.Lease, version uint64) store.Receipt {
	w.t.Helper()
	c := &store.Commit{
		ID: "a", Shard: store.ShardOf("a"), Expect: version - 1, Record: &store.Record{ID: "a", Version: version, Name: "n"},
		Branch: "b", Chunk: fmt.Appendf(nil, "chunk %d", version),
		Emit: []store.Message{{Target: "b", ID: store.MessageID{Version: version}, Data: []byte("m")}},
	}
	if version > 1 {
		c.Was = &store.Record{ID: "a", Version: version - 1, Name: "n"}
	}
	r, err := h.Submit(w.t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// applied waits for a group that must apply.
func (w *world) applied(r store.Receipt) {
	w.t.Helper()
	if refused, err := r.Wait(w.t.Context()); err != nil || len(refused) > 0 {
		w.t.Fatalf("Wait() = %v, %v, want the group to apply", refused, err)
	}
}

// refused waits for a group that must not apply.
func (w *world) refused(r store.Receipt, want error) {
	w.t.Helper()
	refused, err := r.Wait(w.t.Context())
	if err != nil || len(refused) != 1 || !errors.Is(refused[0].Err, want) {
		w.t.Fatalf("Wait() = %v, %v, want it refused by %v", refused, err, want)
	}
}

// ended checks that each version was written once.
func (w *world) ended(h *postgres.Hub, version uint64) {
	w.t.Helper()
	ctx := w.t.Context()
	r, err := h.Instance(ctx, "a")
	if err != nil || r.Version != version {
		w.t.Errorf("Instance() = %v, %v, want version %d", r, err, version)
	}
	chunks, err := h.History(ctx, "a", "b", 0, 0)
	if err != nil || len(chunks) != int(version) {
		w.t.Errorf("History() = %d chunks, %v, want %d", len(chunks), err, version)
	}
	messages, err := h.MessagesOf(ctx, "b")
	if err != nil || len(messages) != int(version) {
		w.t.Errorf("MessagesOf() = %d messages, %v, want %d", len(messages), err, version)
	}
	counts, err := h.Counts(ctx)
	if err != nil || len(counts) != 1 || counts[0].N != 1 {
		w.t.Errorf("Counts() = %v, %v, want one instance", counts, err)
	}
}

func ofGroup(c pgproxy.Commit) bool { return c.Has("INSERT INTO perdure.feed") }

// TestCommitCut cuts the connection right before and right after commits: the group is
// looked up, and neither lost nor written twice.
func TestCommitCut(t *testing.T) {
	w := newWorld(t)
	h := w.open(true, postgres.Options{})
	leases := w.acquire(h, "one")
	version := uint64(1)
	w.applied(w.submit(h, leases, version))
	for range 10 {
		for _, where := range []pgproxy.Where{pgproxy.Before, pgproxy.After} {
			struck := w.proxy.Arm(pgproxy.Strike{Where: where, Do: pgproxy.Cut, When: ofGroup})
			version++
			w.applied(w.submit(h, leases, version))
			select {
			case <-struck:
			default:
				t.Fatal("the connection was not cut")
			}
		}
	}
	w.ended(h, version)
}

// TestAnswers has the server refuse commits.
func TestAnswers(t *testing.T) {
	w := newWorld(t)
	h := w.open(true, postgres.Options{})
	leases := w.acquire(h, "one")
	version := uint64(1)
	w.applied(w.submit(h, leases, version))
	for _, code := range []string{"40001", "40P01", "55P03"} {
		w.proxy.Arm(pgproxy.Strike{Do: pgproxy.Fail, State: code, When: ofGroup})
		version++
		w.applied(w.submit(h, leases, version))
	}
	w.proxy.Arm(pgproxy.Strike{Do: pgproxy.Fail, State: "53100", When: ofGroup})
	w.refused(w.submit(h, leases, version+1), store.ErrNoSpace)
	w.ended(h, version)
}

// TestFrozenOwner freezes a node in the middle of a group, before PostgreSQL was told
// that it is complete: another one takes the shard over soon, and the group is refused.
func TestFrozenOwner(t *testing.T) {
	w := newWorld(t)
	one, two := w.open(true, postgres.Options{}), w.open(false, postgres.Options{})
	leases := w.acquire(one, "one")
	w.applied(w.submit(one, leases, 1))
	struck := w.proxy.Arm(pgproxy.Strike{Where: pgproxy.Before, Do: pgproxy.Freeze, When: ofGroup})
	late := w.submit(one, leases, 2)
	<-struck
	w.server.Exec("test1", "UPDATE perdure.nodes SET until = now() - interval '1 s'") // its lease runs out
	began := time.Now()
	now := w.acquire(two, "two")
	if took := time.Since(began); took > leaseTime {
		t.Errorf("the takeover from a frozen node took %v, want less than %v", took, leaseTime)
	}
	w.applied(w.submit(two, now, 2))
	w.proxy.Thaw()
	w.refused(late, store.ErrFenced)
	w.ended(two, 2)
}

// TestRestarts ends the server at once, and in order, while groups are under way.
func TestRestarts(t *testing.T) {
	w := newWorld(t)
	h := w.open(false, postgres.Options{Patience: time.Minute})
	leases := w.acquire(h, "one")
	version := uint64(1)
	w.applied(w.submit(h, leases, version))
	for _, restart := range []func(){w.server.Crash, w.server.Restart} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			restart()
		}()
		for busy := true; busy; {
			select {
			case <-done:
				busy = false
			default:
			}
			version++
			w.applied(w.submit(h, leases, version))
		}
	}
	w.ended(h, version)
}

// TestAway goes on without the database until patience ends: a group that may have been
// written is unknown, one that was not sent is refused, and so is a read.
func TestAway(t *testing.T) {
	w := newWorld(t)
	h := w.open(true, postgres.Options{Patience: 500 * time.Millisecond})
	leases := w.acquire(h, "one")
	w.applied(w.submit(h, leases, 1))
	struck := w.proxy.Arm(pgproxy.Strike{Where: pgproxy.After, Do: pgproxy.Freeze, When: ofGroup})
	unknown := w.submit(h, leases, 2)
	<-struck
	w.proxy.Refuse(true)
	if _, err := unknown.Wait(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Wait() without an answer = %v, want %v", err, store.ErrUnavailable)
	}
	w.refused(w.submit(h, leases, 3), store.ErrUnavailable)
	w.proxy.Cut()
	if _, err := h.Instance(t.Context(), "a"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Instance() = %v, want %v", err, store.ErrUnavailable)
	}
	w.proxy.Refuse(false)
	w.proxy.Thaw()
	w.applied(w.submit(h, leases, 3))
	w.ended(h, 3)
}

// TestOldSnapshot holds a snapshot open while groups are written: what they change
// often must not pile up in the way.
func TestOldSnapshot(t *testing.T) {
	if !soak() {
		t.Skip("it compares times, for which the machine must be free; PERDURE_SOAK=1 runs it")
	}
	const groups = 20_000
	w := newWorld(t)
	h := w.open(false, postgres.Options{})
	leases := w.acquire(h, "one")
	rounds := func(prefix string) time.Duration {
		began := time.Now()
		for n := range groups {
			id := fmt.Sprintf("%s-%d", prefix, n)
			c := &store.Commit{ID: id, Shard: store.ShardOf(id), Record: &store.Record{ID: id, Version: 1, Name: "n"}}
			r, err := h.Submit(t.Context(), &store.Group{Epochs: leases, Commits: []*store.Commit{c}})
			if err != nil {
				t.Fatal(err)
			}
			w.applied(r)
		}
		return time.Since(began)
	}
	all := make([]store.Shard, store.Shards)
	for i := range all {
		all[i] = store.Shard(i)
	}
	leases, err := h.Acquire(t.Context(), "one", all, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	rounds("warm")
	free := rounds("free")
	holder := w.session()
	if _, err := holder.Exec(context.Background(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM perdure.instances"); err != nil {
		t.Fatal(err)
	}
	rounds("held before")
	held := rounds("held")
	t.Logf("%d groups took %v, and %v with an old snapshot open", groups, free, held)
	if held > 2*free {
		t.Errorf("%d groups took %v with an old snapshot open and %v without, want at most twice", groups, held, free)
	}
}

// session connects to the database.
func (w *world) session() *pgx.Conn {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestFailover promotes a standby that lacks the last groups. Every node is fenced,
// what is missing is reported, and work goes on with what there is.
func TestFailover(t *testing.T) {
	w := newWorld(t)
	standby := w.server.Standby(false)
	var log syncBuffer
	url, err := w.proxy.URL(w.url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), url, postgres.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h, err := db.Hub("default", true)
	if err != nil {
		t.Fatal(err)
	}
	leases := w.acquire(h, "one")
	w.applied(w.submit(h, leases, 1))
	for standby.Exec("test1", "SELECT count(*) FROM perdure.chunks") != "1" { // until it has the first
		time.Sleep(10 * time.Millisecond)
	}
	standby.Exec("postgres", "ALTER SYSTEM SET primary_conninfo = ''") // and no more
	standby.Exec("postgres", "SELECT pg_reload_conf()")
	for w.server.Exec("postgres", "SELECT count(*) FROM pg_stat_replication") != "0" {
		time.Sleep(10 * time.Millisecond)
	}
	w.applied(w.submit(h, leases, 2))
	w.server.Kill()
	standby.Promote()
	w.proxy.Retarget(standby.Address())

	w.refused(w.submit(h, leases, 3), store.ErrFenced)
	if held, err := h.Renew(t.Context(), "one", leases, leaseTime); err != nil || len(held) != 0 {
		t.Errorf("Renew() after the failover = %v, %v, want none", held, err)
	}
	now := w.acquire(h, "one")
	if !now[0].Orphaned || now[0].Epoch <= leases[0].Epoch {
		t.Errorf("Acquire() after the failover = %+v, want it orphaned, above epoch %d", now[0], leases[0].Epoch)
	}
	w.applied(w.submit(h, now, 2))
	w.ended(h, 2)
	if text := log.String(); !strings.Contains(text, "another one than before") || !strings.Contains(text, "lacks commits") {
		t.Errorf("the log does not tell of the failover and what is missing:\n%s", text)
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestStandbyGone ends the wait of a commit for a synchronous standby, as operators do:
// the commit is there and may be gone after a failover, so it is not acknowledged.
func TestStandbyGone(t *testing.T) {
	w := newWorld(t)
	standby := w.server.Standby(true)
	h := w.open(false, postgres.Options{Patience: time.Minute})
	leases := w.acquire(h, "one")
	w.applied(w.submit(h, leases, 1))
	standby.Kill()
	waits := w.submit(h, leases, 2)
	const canceled = `SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for w.server.Exec("postgres", canceled) == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	if refused, err := waits.Wait(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Wait() of a commit that may not be on the standby = %v, %v, want %v", refused, err, store.ErrUnavailable)
	}
	standby.Resume()
	w.applied(w.submit(h, leases, 3))
	w.ended(h, 3)
}
