package memory

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/perdure/perdure/store"
)

// ErrCrashed is what every call of a Hub returns after its Disk crashed. It
// wraps store.ErrClosed.
var ErrCrashed = fmt.Errorf("%w: crashed", store.ErrClosed)

// Verdict is what a test lets happen to a group.
type Verdict uint8

// The verdicts. Without a hook every group proceeds.
const (
	Proceed  Verdict = iota
	CrashNow         // the power fails at this moment
	FailLost         // the sync fails and the group is lost
	FailKept         // the sync reports a failure and the group is kept all the same
	CutLost          // whoever waits hears store.ErrUnavailable; the group and later ones are lost
	CutKept          // whoever waits hears store.ErrUnavailable, and the group is kept
)

// GroupEvent is a moment in the life of a group.
type GroupEvent struct {
	N       int          // counts the groups of the disk from 1, in order
	Group   *store.Group // not to be kept
	Durable bool         // false: about to become durable; true: it just did
}

// Disk is what survives a crash. Its methods may be called concurrently. The
// zero value is an empty disk whose groups become durable when someone waits for
// them, or for a later one, and not before.
type Disk struct {
	// Now is the clock of leases; nil = time.Now. Set it before the first Open.
	Now func() time.Time

	mu       sync.Mutex // guards the rest
	onGroup  func(GroupEvent) Verdict
	manual   bool
	failNext error
	full     bool
	cut      bool
	format   int // 0 = the one that this package writes
	identity store.Identity
	made     bool
	opens    uint64
	groups   int // that became durable, or tried
	durable  state
	hub      *Hub // open; nil = none
	cluster  cluster
}

func (d *Disk) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

// errCut is what calls of a hub return that cannot be reached.
var errCut = fmt.Errorf("%w: cut off", store.ErrUnavailable)

// errPower is the cause of a failure that a hook asked for.
var errPower = errors.New("sync failed by verdict")

// OnGroup sets a hook that is called right before and right after a group
// becomes durable; nil removes it. It must not call the disk or the hub. At the
// second moment what is said to be lost is kept all the same.
func (d *Disk) OnGroup(hook func(GroupEvent) Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onGroup = hook
}

// Manual makes groups durable only by Sync; Wait and Barrier block until then.
func (d *Disk) Manual(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.manual = on
}

// Sync makes all groups durable that were submitted so far.
func (d *Disk) Sync() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hub != nil {
		d.settle(len(d.hub.pending))
	}
}

// FailNext makes the next group fail to become durable, with err as the cause.
// It is lost and the hub fails (rule R5).
func (d *Disk) FailNext(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failNext = err
}

// Fill sets whether the free space is below the watermark.
func (d *Disk) Fill(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// Cut makes the hub unreachable, as a database is that restarts, until it is
// called with false: calls return store.ErrUnavailable, and the groups that are not
// durable are lost.
func (d *Disk) Cut(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cut = on; on && d.hub != nil {
		d.lose(d.hub.pending)
		d.hub.pending = nil
	}
}

// lose gives up groups that are not durable. Whoever waits is not told which fate
// they had.
func (d *Disk) lose(groups []*pending) {
	d.hub.current = d.durable
	for _, g := range groups {
		g.err = errCut
		close(g.done)
	}
}

// Damage makes the durable record of an instance unreadable.
func (d *Disk) Damage(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.durable.damaged = d.durable.damaged.put(id, true)
}

// Foreign makes the disk look as if a later version of the program wrote it.
func (d *Disk) Foreign() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.format = 1
}

// Crash cuts the power: what is not durable is lost, and the open hub returns
// ErrCrashed from now on.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crash()
}

func (d *Disk) crash() {
	if d.hub != nil {
		d.hub.stop(ErrCrashed)
		d.hub = nil
	}
}

// Open opens the disk's hub as it was durable last. An open hub must be closed
// or crashed before: store.ErrLocked.
func Open(d *Disk) (*Hub, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.format != 0:
		return nil, fmt.Errorf("open: %w: %d", store.ErrFormat, d.format)
	case d.hub != nil:
		return nil, fmt.Errorf("open: %w", store.ErrLocked)
	}
	if !d.made {
		_, _ = rand.Read(d.identity.Lineage[:]) // never fails
		_, _ = rand.Read(d.identity.Timeline[:])
		d.made = true
	}
	d.opens++
	h := &Hub{disk: d, current: d.durable, down: make(chan struct{}), feed: feed{open: d.opens, more: make(chan struct{})}}
	for s := range h.epochs {
		h.epochs[s] = d.opens << 32
	}
	d.hub = h
	return h, nil
}

// settle makes the first n pending groups durable, one after the other.
func (d *Disk) settle(n int) {
	h := d.hub
	for ; n > 0 && d.hub == h && h.err == nil; n-- {
		g := h.pending[0]
		h.pending = h.pending[1:]
		d.groups++
		if !d.decide(g, false) {
			return
		}
		d.durable = g.state
		if !d.decide(g, true) {
			return
		}
		h.arrivals.add(g.group)
		h.commits += int64(len(g.group.Commits) - len(g.refused))
		h.groups++
		h.feed.publish(g.changes)
		close(g.done)
	}
}

// decide asks the hook and reports whether the group goes on.
func (d *Disk) decide(g *pending, durable bool) bool {
	verdict, cause := Proceed, errPower
	if d.failNext != nil && !durable {
		verdict, cause, d.failNext = FailLost, d.failNext, nil
	} else if d.onGroup != nil {
		verdict = d.onGroup(GroupEvent{N: d.groups, Group: g.group, Durable: durable})
	}
	switch verdict {
	case CrashNow:
		d.crash()
	case FailKept:
		d.durable = g.state
		fallthrough
	case FailLost:
		d.hub.stop(fmt.Errorf("%w: %w", store.ErrFailed, cause))
	case CutKept:
		g.err = errCut
		return true
	case CutLost:
		if durable {
			g.err = errCut
			return true
		}
		h := d.hub
		d.lose(append([]*pending{g}, h.pending...))
		h.pending = nil
	}
	return verdict == Proceed
}
