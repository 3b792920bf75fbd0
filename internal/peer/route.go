package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
)

// call is a call that goes to the holder of a shard.
type call struct {
	op, instance string
	// request is the id by which a repeat is harmless, given by the caller or made when
	// the call leaves the process; nil = the call needs none, "" = there is none.
	request *string
	once    bool // it is not repeated once it may have happened
	waits   bool // it is repeated as long as the context allows, not only for a while
}

// repeatable reports whether the call may be tried again when it may have happened.
func (c *call) repeatable() bool { return !c.once && (c.request == nil || *c.request != "") }

// Pauses between attempts of a call.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// errElsewhere says that a node has done nothing, for it does not hold the shard.
var errElsewhere = errors.New("the shard is held elsewhere")

// elsewhere reports whether a call has found that the shard is not held where it went.
func elsewhere(err error) bool {
	var e *shard.ElsewhereError
	return errors.Is(err, errElsewhere) || errors.As(err, &e)
}

// route has the holder of a shard do something: the one that the newest view names,
// and if that has changed the next one.
func (h *Hub) route(ctx context.Context, s store.Shard, c call, do func(ctx context.Context, n node) error) error {
	began := time.Now()
	var blind error // why it cannot be seen who holds the shard
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := h.attempt(ctx, s, &c, do)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ended(ctx, c.op, c.instance)
		}
		nobody := elsewhere(err)
		if h.ctx.Err() != nil {
			e := *errStopped
			e.Op, e.Instance = c.op, c.instance
			return &e
		}
		if !nobody && (!c.repeatable() || !passes(err)) {
			return err
		}
		if !c.waits && time.Since(began) > h.cfg.Patience {
			if !nobody {
				return err
			}
			return &perdure.Error{Code: perdure.Unavailable, Op: c.op, Instance: c.instance, Message: fmt.Sprintf(
				"no node has taken its shard over for %v; nothing was done: try again", h.cfg.Patience), Cause: blind}
		}
		h.sleep(ctx, jitter(pause))
		blind = h.refresh(ctx)
	}
}

// attempt has who holds the shard now do something. A call to another node ends when
// that is not the holder any more.
func (h *Hub) attempt(ctx context.Context, s store.Shard, c *call, do func(context.Context, node) error) error {
	holder, epoch, local, ok := h.owner.Holder(s)
	switch {
	case local:
		return do(ctx, h.here)
	case !ok:
		return errElsewhere
	}
	calling, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.tenureOf(s, holder.Name, epoch), cancel)()
	if c.request != nil && *c.request == "" {
		*c.request = newRequestID()
	}
	err := do(calling, h.neighbour(holder))
	if err != nil && calling.Err() != nil && ctx.Err() == nil && !elsewhere(err) {
		return &perdure.Error{Code: perdure.Unavailable, Op: c.op, Instance: c.instance, Message: "the node that was asked does not hold the shard any more; whether it has done it is not known"}
	}
	return err
}

// passes reports whether an error is one of the moment, after which it is not known
// what became of the call.
func passes(err error) bool {
	switch perdure.CodeOf(err) {
	case perdure.Unavailable, perdure.Canceled, perdure.DeadlineExceeded: // not by the caller, whose context has not ended
		return true
	}
	return false
}

// refresh has the view made anew, or returns why it cannot be.
func (h *Hub) refresh(ctx context.Context) error {
	err := h.owner.Refresh(ctx)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	h.logger.Debug("the view of the nodes cannot be refreshed", "err", err)
	return err
}

// sleep waits, but not longer than ctx and the hub allow.
func (h *Hub) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
}

// ended is the error of a call whose context has ended.
func ended(ctx context.Context, op, id string) error {
	code := perdure.Canceled
	if ctx.Err() == context.DeadlineExceeded {
		code = perdure.DeadlineExceeded
	}
	return &perdure.Error{Code: code, Op: op, Instance: id, Message: "the caller has stopped waiting", Cause: context.Cause(ctx)}
}

// jitter is a duration from d/2 to d.
func jitter(d time.Duration) time.Duration { return d/2 + mathrand.N(d/2+1) }

// newRequestID makes the id, a GUID, of a request to which the caller has given none,
// so that it may be repeated.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
