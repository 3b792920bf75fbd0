package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
)

// Shared is a store that several nodes share.
type Shared interface {
	store.Store
	store.Nodes
	store.Letters
}

// Cluster keeps one hub that several processes share. Its methods are not called
// concurrently.
type Cluster interface {
	// Open opens the hub as one more process would.
	Open(ctx context.Context) (Shared, error)
	// Pass lets time pass by the store's clock.
	Pass(ctx context.Context, d time.Duration) error
}

// NodeCheck is a test of what package store says of stores that nodes share.
type NodeCheck struct {
	Name string
	// Run works on a cluster of its own and returns what is wrong.
	Run func(ctx context.Context, c Cluster) error
}

// NodeChecks returns all checks of stores that several nodes share.
func NodeChecks() []NodeCheck {
	return []NodeCheck{
		{"leases", checkLeases},
		{"leases_wanted_by_many", checkRace},
		{"zombie", checkZombie},
		{"members", checkMembers},
		{"expired", checkExpired},
		{"arrivals", checkArrivals},
		{"arrivals_by_pages", checkArrivalPages},
		{"arrivals_while_many_write", checkArrivalGaps},
		{"letters", checkLetters},
		{"letters_once", checkLettersOnce},
	}
}

// RunNodes runs all NodeChecks, each on a new cluster.
func RunNodes(t *testing.T, open func(t *testing.T) Cluster) {
	for _, c := range NodeChecks() {
		t.Run(c.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := c.Run(ctx, open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// leaseTime is how long the nodes of checks hold shards.
const leaseTime = 5 * time.Second

// member is a process of a cluster, with what it holds.
type member struct {
	session
	shared Shared
	name   string
}

// join opens the hub for one more node.
func join(ctx context.Context, c Cluster, name string) (*member, error) {
	s, err := c.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open for %s: %w", name, err)
	}
	return &member{session: session{ctx: ctx, store: s}, shared: s, name: name}, nil
}

func pair(ctx context.Context, c Cluster) (one, two *member, err error) {
	if one, err = join(ctx, c, "one"); err == nil {
		two, err = join(ctx, c, "two")
	}
	return one, two, err
}

// acquire takes shards and checks how many it got.
func (m *member) acquire(want int, orphaned bool, shards ...store.Shard) error {
	got, err := m.store.Acquire(m.ctx, m.name, shards, leaseTime)
	if err != nil || len(got) != want {
		return fmt.Errorf("%s: Acquire(%v) = %+v, %v, want %d", m.name, shards, got, err, want)
	}
	for _, l := range got {
		if l.Orphaned != orphaned {
			return fmt.Errorf("%s: Acquire(%v) = %+v, want orphaned %v", m.name, shards, l, orphaned)
		}
	}
	m.leases = append(m.leases, got...)
	return nil
}

// renew renews everything and checks how many leases still hold.
func (m *member) renew(want int) error {
	got, err := m.store.Renew(m.ctx, m.name, m.leases, leaseTime)
	if err != nil || len(got) != want {
		return fmt.Errorf("%s: Renew() = %+v, %v, want %d leases", m.name, got, err, want)
	}
	return nil
}

func (m *member) release() error {
	if err := m.store.Release(m.ctx, m.name, m.leases); err != nil {
		return fmt.Errorf("%s: Release(): %w", m.name, err)
	}
	return nil
}

// checkRace lets several nodes, some of them new, ask for all shards at the same time:
// each goes to one of them, and none seems to have been left behind by a node.
func checkRace(ctx context.Context, c Cluster) error {
	all := make([]store.Shard, store.Shards)
	for i := range all {
		all[i] = store.Shard(i)
	}
	var members []*member
	for i := range 4 {
		m, err := join(ctx, c, fmt.Sprint("node", i))
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	for round := range 5 {
		var wg sync.WaitGroup
		errs := make([]error, len(members))
		for i, m := range members {
			m.name = fmt.Sprint("node", round, i) // a new start of the process
			wg.Go(func() { m.leases, errs[i] = m.store.Acquire(ctx, m.name, all, leaseTime) })
		}
		wg.Wait()
		total := 0
		for i, m := range members {
			if errs[i] != nil {
				return fmt.Errorf("Acquire() of %s: %w", m.name, errs[i])
			}
			for _, l := range m.leases {
				if total++; l.Orphaned {
					return fmt.Errorf("%s: lease %+v is orphaned, but no node was lost", m.name, l)
				}
			}
			if err := m.renew(len(m.leases)); err != nil {
				return err
			}
		}
		if total != store.Shards {
			return fmt.Errorf("%d leases were granted at once, want %d", total, store.Shards)
		}
		for _, m := range members {
			if err := m.release(); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkLeases(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	s := store.ShardOf("a")
	err = first(
		func() error { return one.acquire(1, false, s) },
		func() error { return two.acquire(0, false, s) },
		func() error { return two.acquire(1, false, s+1) },
		func() error { return c.Pass(ctx, 4*time.Second) },
		func() error { return one.renew(1) },
		func() error { return two.renew(1) },
		func() error { return c.Pass(ctx, 4*time.Second) },
		func() error { return two.acquire(0, false, s) },
		func() error { return two.renew(1) },
		func() error { return c.Pass(ctx, 2*time.Second) },
		func() error { return two.acquire(1, true, s) },
		func() error { return one.renew(0) },
	)
	if err != nil {
		return err
	}
	if old, now := one.leases[0], two.leases[1]; now.Epoch <= old.Epoch {
		return fmt.Errorf("epoch after a takeover = %d, want above %d", now.Epoch, old.Epoch)
	}
	holders, err := one.shared.Holders(ctx)
	want := []store.Holder{
		{Shard: s, Epoch: two.leases[1].Epoch, Node: "two"}, {Shard: s + 1, Epoch: two.leases[0].Epoch, Node: "two"},
	}
	if err := errors.Join(err, same("Holders", holders, want)); err != nil {
		return err
	}
	return first(
		one.release, // no longer its own
		func() error { return two.renew(2) },
		two.release,
		func() error { return two.renew(0) },
		func() error { return one.acquire(2, false, s, s+1) },
	)
}

// checkZombie commits by a lease that another node has taken meanwhile.
func checkZombie(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	a, b := store.ShardOf("a"), store.ShardOf("b")
	return first(
		func() error { return one.acquire(2, false, a, b) },
		func() error { return one.commit(change("a", 1), change("b", 1)) },
		func() error { return c.Pass(ctx, leaseTime+time.Second) },
		func() error { return two.acquire(1, true, a) },
		func() error { return one.refused(change("a", 2), store.ErrFenced) },
		func() error { return one.commit(change("b", 2)) }, // nobody has taken this one
		func() error { return two.instance("a", record("a", 1)) },
		func() error { return two.commit(change("a", 2)) },
		two.release,
		func() error { return two.refused(change("a", 3), store.ErrFenced) },
		func() error { return one.refused(change("a", 3), store.ErrFenced) },
	)
}

func (m *member) beat(want ...string) error {
	nodes, err := m.shared.Beat(m.ctx, store.Node{Name: m.name, Advertise: "http://" + m.name, Detail: []byte(m.name), Since: created()}, leaseTime)
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
		if n.Advertise != "http://"+n.Name || string(n.Detail) != n.Name || !n.Since.Equal(created()) {
			return fmt.Errorf("%s: Beat() = %+v, not as it was told", m.name, n)
		}
	}
	return errors.Join(err, same(m.name+": Beat", names, want))
}

// checkExpired ends the time of a node before it has run out: only when little of it is
// left, and not for good if the node lives.
func checkExpired(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	a, b := store.ShardOf("a"), store.ShardOf("b")
	expire := func(want bool, left time.Duration) func() error {
		return func() error {
			over, err := two.shared.Expire(ctx, "one", left)
			if err == nil && over != want {
				err = fmt.Errorf("Expire(%v) = %v, want %v", left, over, want)
			}
			return err
		}
	}
	return first(
		expire(true, time.Second), // nobody knows it
		func() error { return one.beat("one") },
		func() error { return one.acquire(2, false, a, b) },
		func() error { return one.commit(change("a", 1), change("b", 1)) },
		func() error { return c.Pass(ctx, 3*time.Second) },
		expire(false, time.Second), // it has two
		func() error { return two.acquire(0, false, a) },
		func() error { return one.renew(2) },
		expire(false, 3*time.Second),
		func() error { return c.Pass(ctx, 3*time.Second) },
		func() error { return one.beat("one") }, // it beats, though it does not renew
		expire(false, 3*time.Second),
		func() error { return one.renew(2) },
		func() error { return c.Pass(ctx, 3*time.Second) },
		expire(true, 3*time.Second),
		expire(true, 3*time.Second),
		func() error { return two.beat("two") },
		func() error { return two.acquire(1, true, a) },
		func() error { return one.refused(change("a", 2), store.ErrFenced) },
		func() error { return one.renew(1) }, // it lives, and goes on with what nobody has taken
		func() error { return one.commit(change("b", 2)) },
		func() error { return two.acquire(0, false, b) },
		func() error { return two.commit(change("a", 2)) },
	)
}

func checkMembers(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	return first(
		func() error { return two.beat("two") },
		func() error { return c.Pass(ctx, 3*time.Second) },
		func() error { return one.beat("one", "two") },
		func() error { return c.Pass(ctx, 3*time.Second) },
		func() error { return one.beat("one") },
		func() error { return two.beat("one", "two") },
		func() error { return one.shared.Leave(ctx, "one") },
		func() error { return two.beat("two") },
	)
}

// send commits messages for a target, from an instance that may be new.
func (m *member) send(from string, version uint64, target string, ns ...uint64) error {
	c := change(from, version)
	for _, n := range ns {
		c.Emit = append(c.Emit, message(target, n))
	}
	return m.commit(c)
}

// arrivals reads all that came for some targets after a cursor.
func (m *member) arrivals(after []byte, limit int, targets ...string) (ns []uint64, next []byte, err error) {
	var shards []store.Shard
	for _, id := range targets {
		shards = append(shards, store.ShardOf(id))
	}
	list, next, err := m.shared.Arrivals(m.ctx, shards, after, limit)
	if err == nil && len(list) > limit {
		err = fmt.Errorf("Arrivals(limit %d) = %d messages", limit, len(list))
	}
	for _, one := range list {
		ns = append(ns, one.ID.Version)
	}
	return ns, next, err
}

func checkArrivals(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	err = first(
		func() error { return one.acquire(1, false, store.ShardOf("a")) },
		func() error { return two.acquire(2, false, store.ShardOf("x"), store.ShardOf("y")) },
		func() error { return one.send("a", 1, "x", 1) },
	)
	if err != nil {
		return err
	}
	_, cursor, err := two.arrivals(nil, 1000, "x", "y")
	if err != nil {
		return err
	}
	consume := touch("x", 0)
	consume.Consume = []store.MessageID{message("x", 2).ID}
	err = first(
		func() error { return one.send("a", 2, "x", 2, 3) },
		func() error { return one.send("a", 3, "elsewhere", 4) },
		func() error { return one.send("a", 4, "y", 5) },
	)
	if err != nil {
		return err
	}
	ns, next, err := two.arrivals(cursor, 1000, "x", "y")
	if err := errors.Join(err, same("Arrivals", ns, []uint64{2, 3, 5})); err != nil {
		return err
	}
	if err := two.commit(consume); err != nil {
		return err
	}
	ns, _, err = two.arrivals(cursor, 1000, "x", "y")
	if err := errors.Join(err, same("Arrivals after one was consumed", ns, []uint64{3, 5})); err != nil {
		return err
	}
	ns, _, err = two.arrivals(next, 1000, "x", "y")
	return errors.Join(err, same("Arrivals after all were read", ns, []uint64(nil)))
}

func checkArrivalPages(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	_, cursor, err := two.arrivals(nil, 1000, "x")
	err = first(
		func() error { return err },
		func() error { return one.acquire(1, false, store.ShardOf("a")) },
		func() error { return one.send("a", 1, "x", 1, 2, 3, 4, 5) },
		func() error { return one.send("a", 2, "x", 6, 7, 8) },
	)
	if err != nil {
		return err
	}
	var all []uint64
	for range 5 {
		ns, next, err := two.arrivals(cursor, 2, "x")
		if err != nil {
			return err
		}
		all, cursor = append(all, ns...), next
	}
	return same("Arrivals by pages", all, []uint64{1, 2, 3, 4, 5, 6, 7, 8})
}

// checkArrivalGaps reads while several committers write: every message must come.
func checkArrivalGaps(ctx context.Context, c Cluster) error {
	const committers, each = 4, 40
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	_, cursor, err := two.arrivals(nil, 1000, "x")
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, committers)
	for n := range uint64(committers) {
		id := fmt.Sprintf("sender %d", n)
		if err := one.acquire(1, false, store.ShardOf(id)); err != nil {
			return err
		}
		leases := slices.Clone(one.leases)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for v := range uint64(each) {
				commit := change(id, v+1)
				commit.Emit = []store.Message{message("x", n*each+v)}
				r, err := one.store.Submit(ctx, &store.Group{Committer: int(n), Epochs: leases, Commits: []*store.Commit{commit}})
				var refused []store.Refused
				if err == nil {
					refused, err = r.Wait(ctx)
				}
				if err == nil && len(refused) > 0 {
					err = refused[0].Err
				}
				if err != nil {
					errs <- fmt.Errorf("committer %d: %w", n, err)
					return
				}
			}
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen := make(map[uint64]bool)
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		ns, next, err := two.arrivals(cursor, 1000, "x")
		if err != nil {
			return err
		}
		cursor = next
		for _, n := range ns {
			seen[n] = true
		}
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	if len(seen) != committers*each {
		return fmt.Errorf("Arrivals() while others write = %d messages, want %d", len(seen), committers*each)
	}
	return nil
}

func letter(from, to, text string) *store.Letter {
	return &store.Letter{From: from, To: to, Data: []byte(text), Until: time.Now().Add(leaseTime)}
}

func checkLetters(ctx context.Context, c Cluster) error {
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	got := make(chan []store.Letter, 1)
	failed := make(chan error, 1)
	go func() {
		list, err := two.shared.Receive(ctx, "two", 10)
		got <- list
		failed <- err
	}()
	err = first(
		func() error { return one.shared.Send(ctx, letter("one", "three", "late")) },
		func() error { return one.shared.Send(ctx, letter("one", "two", "hello")) },
	)
	if err != nil {
		return err
	}
	list := <-got
	if err := <-failed; err != nil || len(list) != 1 || list[0].From != "one" || list[0].To != "two" || string(list[0].Data) != "hello" {
		return fmt.Errorf("Receive() = %+v, %w, want the letter", list, err)
	}
	if err := c.Pass(ctx, leaseTime+time.Second); err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	if list, err := two.shared.Receive(short, "three", 10); err == nil {
		return fmt.Errorf("Receive() of what is too old = %+v, want to wait", list)
	}
	return nil
}

// checkLettersOnce has two readers fetch the letters of one node.
func checkLettersOnce(ctx context.Context, c Cluster) error {
	const letters = 60
	one, two, err := pair(ctx, c)
	if err != nil {
		return err
	}
	for n := range letters {
		if err := one.shared.Send(ctx, letter("one", "two", fmt.Sprint(n))); err != nil {
			return err
		}
	}
	counts := make(chan map[string]int, 2)
	for _, m := range []*member{one, two} {
		go func() {
			seen := make(map[string]int)
			for {
				short, cancel := context.WithTimeout(ctx, 4*holdTime)
				list, err := m.shared.Receive(short, "two", 7)
				cancel()
				for _, l := range list {
					seen[string(l.Data)]++
				}
				if err != nil {
					break
				}
			}
			counts <- seen
		}()
	}
	all := <-counts
	for text, n := range <-counts {
		all[text] += n
	}
	for n := range letters {
		if all[fmt.Sprint(n)] != 1 {
			return fmt.Errorf("letter %d was given %d times, want once", n, all[fmt.Sprint(n)])
		}
	}
	return nil
}
