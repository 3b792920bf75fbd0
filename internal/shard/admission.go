package shard

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/hub"
)

// Work that begins waits in front of the engine while the next group has no room for it:
// what runs already, with its results, events and timers, goes first. It waits for a
// short time only. Beyond that it is refused at once, before anything of it is stored:
// a queue that is served in order and too long answers callers who have given up, and
// does no useful work at all (decision 0026).

const (
	// leastWaiting may always wait, for as long as it takes: a store that stands still for
	// a moment is no overload.
	leastWaiting = 16
	// groupTime is how long a group should take: of a store that is slow, the next one has
	// less room, but for leastRoom, since what is in it waits for those before it.
	groupTime = 100 * time.Millisecond
	leastRoom = 8
	// beginShare is the part of a group that work which begins has, however much runs.
	beginShare = 8
	// paceTime is how long it is counted how much begins, before it is judged how long
	// what comes has to wait.
	paceTime = 250 * time.Millisecond
	// maxBeginBytes bounds the inputs of the work that waits to begin.
	maxBeginBytes = 64 << 20
	// maxSentBytes bounds what clients are sending to what runs, callSize for each
	// included.
	maxSentBytes = 256 << 20
	callSize     = 1 << 10
	// toldOverload is how often an overload is reported while it lasts.
	toldOverload = 10 * time.Second
)

// begin is work that waits to begin.
type begin struct {
	do   func(*loop)
	ctx  context.Context // of who waits for it
	call *call
	at   time.Time
	size int
}

// given reports whether nobody waits for it any more.
func (b *begin) given() bool {
	if b.ctx.Err() != nil {
		return true
	}
	select {
	case <-b.call.over:
		return true
	default:
		return false
	}
}

// overload is what an Owner refuses because there is too much.
type overload struct {
	sent    atomic.Int64 // bytes that clients are sending to what runs
	refused atomic.Int64 // spreads the advice when to come again
	toldAt  atomic.Int64 // when it was last reported, in ns since 1970
}

// begins are what waits to begin, in the order in which it came.
type begins struct {
	list  []begin
	bytes int
	// pace is how long one takes while others wait behind it, 0 = not known: it is counted
	// how many have begun since.
	pace  time.Duration
	begun int
	since time.Time // zero = nothing waits
}

// full reports whether one more would wait for too long, or take too much memory.
func (b *begins) full(next *begin, limits *Limits) bool {
	n := len(b.list)
	if fault.Mutant(fault.NothingRefused) {
		return false
	}
	if n >= limits.Starts || n > 0 && b.bytes+next.size > maxBeginBytes {
		return true
	}
	return n >= leastWaiting && max(time.Duration(n)*b.pace, next.at.Sub(b.list[0].at)) > limits.StartWait
}

func (b *begins) add(next begin) {
	b.list = append(b.list, next)
	b.bytes += next.size
}

// take appends what there is room for, and returns how much that is. What nobody waits
// for any more does not begin.
func (b *begins) take(items []item, room int) ([]item, int) {
	if len(b.list) == 0 {
		return items, 0
	}
	begun := 0
	for begun < room && len(b.list) > 0 {
		first := b.list[0]
		b.list[0] = begin{}
		b.list = b.list[1:]
		b.bytes -= first.size
		if !first.given() {
			items = append(items, item{do: first.do})
			begun++
		}
	}
	b.begun += begun
	switch now := time.Now(); {
	case len(b.list) == 0:
		b.list, b.since = nil, time.Time{}
	case b.since.IsZero():
		b.since, b.begun = now, 0
	case b.begun > 0 && now.Sub(b.since) >= paceTime:
		b.pace = now.Sub(b.since) / time.Duration(b.begun)
		b.since, b.begun = now, 0
	}
	return items, begun
}

// begin is call for work that begins, with an input of that many bytes. It is refused
// while too much waits.
func (o *Owner) begin(ctx context.Context, id string, size int, f func(*loop, *call)) (any, error) {
	c := o.newCall()
	c.actor = hub.ActorOf(ctx)
	if err := o.queue(ctx, c, size, func(l *loop) { l.carryOut(id, c, f) }); err != nil {
		return nil, err
	}
	return o.wait(ctx, c)
}

// queue has work wait to begin.
func (o *Owner) queue(ctx context.Context, c *call, size int, do func(*loop)) error {
	waiting, err := o.mail.begin(begin{do: do, ctx: ctx, call: c, at: time.Now(), size: size + callSize}, &o.cfg.Limits)
	if err == nil && waiting > 0 {
		err = o.tooMuch(fmt.Sprintf("%d others wait to begin", waiting))
	}
	return err
}

// send is call for what a client sends to an instance. It is refused only when so much
// is on its way that memory is at stake.
func (o *Owner) send(ctx context.Context, id string, size int, f func(*loop, *call)) (any, error) {
	n := int64(size + callSize)
	defer o.sent.Add(-n)
	if o.sent.Add(n) > o.cfg.Limits.SentBytes {
		return nil, o.tooMuch("too much is on its way to instances")
	}
	return o.call(ctx, id, f)
}

// tooMuch is the error of what is refused. The advice differs from caller to caller, so
// that they do not come again all at once.
func (o *Owner) tooMuch(what string) error {
	const spread = 64
	n := o.refused.Add(1)
	o.stats.Shed.Add(1)
	now := time.Now().UnixNano()
	if last := o.toldAt.Load(); now-last > int64(toldOverload) && o.toldAt.CompareAndSwap(last, now) {
		o.cfg.Logger.Warn("there is more to do than this node can: work that would begin is refused", "cause", what, "refused", n)
	}
	return &perdure.Error{
		Code: perdure.ResourceExhausted, RetryAfter: time.Second + time.Duration(n%spread)*time.Second/spread,
		Message: "the hub has more to do than it can: " + what + "; nothing was accepted, try again in a second or two",
	}
}

// room is how much work may begin now.
func (l *loop) room() int {
	if l.noSpace != nil {
		return maxGroup // it is refused
	}
	most := maxGroup
	if l.pace > 0 {
		most = min(maxGroup, max(leastRoom, int(groupTime/l.pace)))
	}
	return max(most-len(l.ready)-len(l.pending), most/beginShare-l.newcomers)
}
