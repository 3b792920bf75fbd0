package shard

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/store"
)

// keeper holds the node's leases: it says that the node lives, renews the leases, takes
// shards that are free, up to the node's share, and gives back what the loop has let go.
// It does the calls of the store for which the loop must not wait. It is the one that
// knows the members and what they hold.
type keeper struct {
	shared *Shared
	clock  *storeClock // nil = the hub has another one
	leases store.Leases
	mail   *mail
	view   *view
	logger *slog.Logger

	base  time.Time    // monotonic origin of until
	until atomic.Int64 // up to when the loop may work under the leases, since base
	wake  chan struct{}

	mu      sync.Mutex // guards what follows
	back    []store.Lease
	looks   []chan<- error
	free    bool                 // shards may have become free
	refused map[string]time.Time // nodes that let nobody in: since when
	closing bool
	cut     context.CancelCauseFunc // of the loop's calls of the store

	// the rest is of run
	held    map[store.Shard]store.Lease
	leaving map[store.Shard]bool // asked back from the loop
	expiry  *time.Timer
	renewed time.Time // when the last renewal that has succeeded began
	beaten  time.Time // when the node last said that it lives
	looked  time.Time
	changed time.Time // when the members last changed
	polled  time.Time
	cursor  []byte // of arrivals
	lost    bool   // shards were lost, or not all that were free could be taken
	left    bool
	failing bool // the last step has failed
}

// Pauses of the keeper.
const (
	// retryPause is between two attempts of what has failed, and between looks at who
	// holds what while that changes.
	retryPause = 200 * time.Millisecond
	// lookPause is the least time between two looks that calls ask for.
	lookPause = 50 * time.Millisecond
	// arrivalsPage is how many arrivals are read at a time.
	arrivalsPage = 1000
)

func newKeeper(s *Shared, leases store.Leases, m *mail, v *view, logger *slog.Logger) *keeper {
	return &keeper{
		shared: s, leases: leases, mail: m, view: v, logger: logger, base: time.Now(), wake: make(chan struct{}, 1),
		held: make(map[store.Shard]store.Lease), leaving: make(map[store.Shard]bool),
	}
}

// valid reports whether the loop may work under its leases.
func (k *keeper) valid() bool { return int64(time.Since(k.base)) < k.until.Load() }

// letGo takes leases back from the loop.
func (k *keeper) letGo(leases []store.Lease) {
	k.mu.Lock()
	k.back = append(k.back, leases...)
	k.mu.Unlock()
	k.ring()
}

// look has the members and the holders looked at, and says how that went.
func (k *keeper) look(seen chan<- error) {
	k.mu.Lock()
	k.looks = append(k.looks, seen)
	k.mu.Unlock()
	k.ring()
}

// tellFree says that shards may have become free.
func (k *keeper) tellFree() {
	k.mu.Lock()
	k.free = true
	k.mu.Unlock()
	k.ring()
}

// close has the node leave once the loop has let all shards go.
func (k *keeper) close() {
	k.mu.Lock()
	k.closing = true
	k.mu.Unlock()
	k.ring()
}

func (k *keeper) ring() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// calls returns a context for the loop's calls of the store, which ends when its leases
// run out, so that a store that does not answer does not hold it.
func (k *keeper) calls(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	k.mu.Lock()
	k.cut = cancel
	k.mu.Unlock()
	return ctx
}

// run works until ctx ends or the node has left.
func (k *keeper) run(ctx context.Context) {
	k.expiry = time.AfterFunc(time.Hour, k.expire)
	defer k.expiry.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !k.left {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-k.wake:
		}
		pause := k.step(ctx)
		timer.Reset(pause)
	}
}

// expire tells the loop that its leases have run out.
func (k *keeper) expire() {
	if k.valid() {
		return // renewed at the last moment
	}
	k.mu.Lock()
	cut := k.cut
	k.mu.Unlock()
	if cut != nil {
		cut(errLease)
	}
	_ = k.mail.add(item{do: func(*loop) {}}) // it looks at its leases by itself
}

// step does what is to be done, and returns when to look again.
func (k *keeper) step(ctx context.Context) time.Duration {
	limit := k.shared.Lease / 3
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	k.mu.Lock()
	back, looks, free, closing := k.back, k.looks, k.free, k.closing
	k.back, k.looks, k.free = nil, nil, false
	suspects := k.suspects()
	k.mu.Unlock()
	early := len(looks) > 0 && time.Since(k.looked) < lookPause
	if early {
		k.mu.Lock()
		k.looks = append(looks, k.looks...)
		k.mu.Unlock()
		looks = nil
	}
	err := k.giveBack(ctx, back)
	switch {
	case err != nil:
	case closing:
		err = k.leave(ctx)
	default:
		var over bool
		if over, err = k.bury(ctx, suspects); err == nil {
			err = k.keep(ctx, free || over, len(looks) > 0)
		}
	}
	for _, seen := range looks {
		seen <- err
	}
	if failing := err != nil; failing != k.failing {
		if k.failing = failing; failing {
			k.logger.Error("the store does not answer: what is held here is kept as long as the leases last", "node", k.shared.Node.Name, "cause", err)
		} else {
			k.logger.Info("the store answers again", "node", k.shared.Node.Name)
		}
	}
	switch {
	case err != nil:
		return retryPause
	case early:
		return lookPause
	case k.lost, len(suspects) > 0, time.Since(k.changed) < k.shared.Lease:
		return min(retryPause, k.shared.Renew)
	}
	return max(k.shared.Renew-time.Since(k.renewed), time.Millisecond)
}

// giveBack releases leases, and tells the others of them that shards are free.
func (k *keeper) giveBack(ctx context.Context, leases []store.Lease) error {
	if len(leases) == 0 {
		return nil
	}
	asked := false
	for _, l := range leases {
		asked = asked || k.leaving[l.Shard]
	}
	if err := k.leases.Release(ctx, k.shared.Node.Name, leases); err != nil {
		k.mu.Lock()
		k.back = append(leases, k.back...)
		k.mu.Unlock()
		return err
	}
	for _, l := range leases {
		if k.held[l.Shard].Epoch == l.Epoch {
			delete(k.held, l.Shard)
			delete(k.leaving, l.Shard)
		}
	}
	if asked {
		k.tellOthers()
	} else {
		k.lost = true // to be taken again
	}
	return nil
}

func (k *keeper) tellOthers() {
	if k.shared.Tell == nil {
		return
	}
	k.view.mu.Lock()
	nodes := k.view.nodes
	k.view.mu.Unlock()
	for _, n := range nodes {
		if n.Name != k.shared.Node.Name {
			k.shared.Tell(n, nil)
		}
	}
}

// leave ends the node once nothing is held any more.
func (k *keeper) leave(ctx context.Context) error {
	if len(k.held) > 0 {
		return k.renew(ctx)
	}
	if err := k.shared.Nodes.Leave(ctx, k.shared.Node.Name); err != nil {
		return err
	}
	k.tellOthers() // who must know that this node takes none any more
	k.left = true
	_ = k.mail.add(item{do: func(l *loop) { l.left = true }})
	return nil
}

// abandon gives back what the node still holds when it stops.
func (k *keeper) abandon(ctx context.Context) {
	if k.left {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, k.shared.Lease/3)
	defer cancel()
	all := make([]store.Lease, 0, len(k.held))
	for _, l := range k.held {
		all = append(all, l)
	}
	err := k.leases.Release(ctx, k.shared.Node.Name, all)
	if err == nil {
		err = k.leave(ctx)
	}
	if err != nil {
		k.logger.Warn("leases were not given back; they run out", "node", k.shared.Node.Name, "cause", err)
	}
}

// keep renews what is held and evens out how many shards this node has.
func (k *keeper) keep(ctx context.Context, free, asked bool) error {
	if k.cursor == nil { // before the first shard is taken over, so that nothing is missed
		var err error
		if _, k.cursor, err = k.shared.Nodes.Arrivals(ctx, nil, nil, 1); err != nil {
			return err
		}
	}
	if err := k.renew(ctx); err != nil {
		return err
	}
	if err := k.beat(ctx, free || asked); err != nil {
		return err
	}
	if free || asked || k.lost || time.Since(k.changed) < k.shared.Lease || time.Since(k.looked) >= k.lookEvery() {
		if err := k.take(ctx); err != nil {
			return err
		}
	}
	k.shed()
	return k.poll(ctx)
}

// lookEvery is the time between two looks at who holds what when nothing is known to
// change: others may have lost shards and not said so.
func (k *keeper) lookEvery() time.Duration {
	if share, _ := k.share(); len(k.held) < share*3/4 { // others have shared out about evenly what is left
		return k.shared.Renew
	}
	return k.shared.Lease
}

// due reports whether it is time for what is done every Renew. What was done a little
// later than the rest the last time is done with it this time, so that the node wakes once.
func (k *keeper) due(done time.Time) bool {
	return time.Since(done) >= k.shared.Renew-k.shared.Renew/10
}

// renew prolongs the leases when it is time. What was taken by others meanwhile is lost.
func (k *keeper) renew(ctx context.Context) error {
	began := time.Now()
	if !k.due(k.renewed) {
		return nil
	}
	if len(k.held) > 0 {
		all := make([]store.Lease, 0, len(k.held))
		for _, l := range k.held {
			all = append(all, l)
		}
		kept, err := k.leases.Renew(ctx, k.shared.Node.Name, all, k.shared.Lease)
		if err != nil {
			return err
		}
		k.learn(kept, began)
		k.keptOnly(all, kept)
	}
	k.renewed = began
	k.extend(began)
	return nil
}

// learn sets the hub's clock by what the store says of leases.
func (k *keeper) learn(leases []store.Lease, asked time.Time) {
	if k.clock == nil || len(leases) == 0 {
		return
	}
	if k.clock.learn(leases[0].Until.Add(-k.shared.Lease), asked) {
		_ = k.mail.add(item{do: func(l *loop) { l.timers.set = time.Time{} }})
	}
}

// extend lets the loop work for two thirds of the time of a lease from began on.
func (k *keeper) extend(began time.Time) {
	until := began.Add(2 * k.shared.Lease / 3)
	k.until.Store(int64(until.Sub(k.base)))
	k.expiry.Reset(time.Until(until))
}

// keptOnly forgets the leases that were not renewed, and has the loop lose them.
func (k *keeper) keptOnly(all, kept []store.Lease) {
	if len(kept) == len(all) {
		return
	}
	still := make(map[store.Shard]bool, len(kept))
	for _, l := range kept {
		still[l.Shard] = true
	}
	var lost []store.Lease
	for _, l := range all {
		if !still[l.Shard] {
			lost = append(lost, l)
			delete(k.held, l.Shard)
			delete(k.leaving, l.Shard)
		}
	}
	k.lost = true
	_ = k.mail.add(item{do: func(l *loop) { l.lose(lost) }})
}

// beat says that the node lives, when it is time or at once.
func (k *keeper) beat(ctx context.Context, now bool) error {
	if !now && !k.due(k.beaten) {
		return nil
	}
	began := time.Now()
	nodes, err := k.shared.Nodes.Beat(ctx, k.shared.Node, k.shared.Lease)
	if err != nil {
		return err
	}
	k.beaten = began
	if k.view.meet(nodes) {
		k.changed = began
	}
	return nil
}

// take looks who holds what and takes what is free, as far as this node's share goes.
func (k *keeper) take(ctx context.Context) error {
	k.looked = time.Now()
	holders, err := k.shared.Nodes.Holders(ctx)
	if err != nil {
		return err
	}
	free := k.view.read(holders)
	free = slices.DeleteFunc(free, func(s store.Shard) bool { _, held := k.held[s]; return held })
	k.lost = len(free) > 0
	if err := k.straysBack(ctx, holders); err != nil {
		return err
	}
	share, rank := k.share()
	n := min(share-len(k.held), len(free))
	if n <= 0 {
		return nil
	}
	wanted := make([]store.Shard, n) // each node begins elsewhere
	for i := range wanted {
		wanted[i] = free[(rank+i)%len(free)]
	}
	began := time.Now()
	taken, err := k.leases.Acquire(ctx, k.shared.Node.Name, wanted, k.shared.Lease)
	if err != nil {
		return err
	}
	k.learn(taken, began)
	if len(taken) == 0 {
		return nil
	}
	for _, l := range taken {
		k.held[l.Shard] = l
	}
	_ = k.mail.add(item{do: func(l *loop) { l.acquired(taken) }})
	return nil
}

// straysBack releases what this node holds without knowing of it: the answer to the
// taking was lost.
func (k *keeper) straysBack(ctx context.Context, holders []store.Holder) error {
	var strays []store.Lease
	for _, h := range holders {
		if h.Node == k.shared.Node.Name && k.held[h.Shard].Epoch != h.Epoch {
			strays = append(strays, store.Lease{Shard: h.Shard, Epoch: h.Epoch})
		}
	}
	if len(strays) == 0 {
		return nil
	}
	k.lost = true
	return k.leases.Release(ctx, k.shared.Node.Name, strays)
}

// share is how many shards this node is to hold, and where it begins to take: nodes
// take from different ends.
func (k *keeper) share() (share, from int) {
	k.view.mu.Lock()
	defer k.view.mu.Unlock()
	n := max(len(k.view.nodes), 1)
	rank := slices.IndexFunc(k.view.nodes, func(n store.Node) bool { return n.Name == k.shared.Node.Name })
	return (store.Shards + n - 1) / n, max(rank, 0) * store.Shards / n
}

// shed asks the loop for what this node holds beyond its share.
func (k *keeper) shed() {
	share, _ := k.share()
	over := len(k.held) - len(k.leaving) - share
	var shards []store.Shard
	for s := store.Shards - 1; s >= 0 && over > 0; s-- {
		shard := store.Shard(s)
		if _, held := k.held[shard]; held && !k.leaving[shard] {
			k.leaving[shard] = true
			shards = append(shards, shard)
			over--
		}
	}
	if len(shards) > 0 {
		_ = k.mail.add(item{do: func(l *loop) { l.moveAway(shards) }})
	}
}

// poll reads what has come into inboxes, in case that a notice was lost.
func (k *keeper) poll(ctx context.Context) error {
	if len(k.held) == 0 || !k.due(k.polled) {
		return nil
	}
	began := time.Now()
	shards := make([]store.Shard, 0, len(k.held))
	for s := range k.held {
		shards = append(shards, s)
	}
	slices.Sort(shards)
	for {
		list, next, err := k.shared.Nodes.Arrivals(ctx, shards, k.cursor, arrivalsPage)
		if err != nil {
			return err
		}
		k.cursor = next
		_ = k.mail.add(item{do: func(l *loop) { l.cameIn(list) }})
		if len(list) < arrivalsPage {
			break
		}
	}
	k.polled = began
	return nil
}
