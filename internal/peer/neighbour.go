package peer

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// neighbour is another node, which is called over a connection, or by letter while it
// cannot be reached.
type neighbour struct {
	hub  *Hub
	node store.Node
	tell *tells

	mu      sync.Mutex // guards what follows
	link    Link       // nil = there is none
	state   reach
	attempt chan struct{} // closed when the attempt under way has ended
	closed  bool
	ctx     context.Context // ends when the neighbour is closed
	end     context.CancelFunc
}

// reach says whether a neighbour can be reached.
type reach uint8

const (
	unknown reach = iota
	up
	down // letters until the attempts in the background succeed
)

const (
	// firstReach is how long the first calls wait for a connection.
	firstReach = time.Second
	// The pauses between attempts to reach a neighbour.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
	// soon is for how long the first pause is kept: if the node is gone, others take its
	// shards over by then.
	soon = 5 * time.Second
	// strangerRetry is the pause after somebody has answered who is not the neighbour.
	strangerRetry = 30 * time.Second
)

func newNeighbour(h *Hub, node store.Node) *neighbour {
	n := &neighbour{hub: h, node: node, state: down, tell: &tells{targets: make(map[string]bool)}}
	n.ctx, n.end = context.WithCancel(h.ctx)
	if h.cfg.Dial == nil || node.Advertise == "" || h.ctx.Err() != nil { // a hub that has ended would not close the connection
		return n
	}
	link, err := h.cfg.Dial(node)
	if err != nil {
		h.logger.Warn("node cannot be called, and gets letters", "node", node.Name, "address", node.Advertise, "err", err)
		return n
	}
	n.link, n.state = link, unknown
	return n
}

// close ends the calls that run.
func (n *neighbour) close() {
	n.mu.Lock()
	link := n.link
	n.link, n.closed, n.state = nil, true, down
	n.mu.Unlock()
	n.end()
	if link == nil {
		return
	}
	if err := link.Close(); err != nil {
		n.hub.logger.Debug("connection to node closed badly", "node", n.node.Name, "err", err)
	}
}

// over returns the connection to the neighbour; nil = there is none now. It waits for
// the first attempt to make one, no longer.
func (n *neighbour) over(ctx context.Context) Link {
	if attempt := n.begin(); attempt != nil {
		select {
		case <-attempt:
		case <-ctx.Done():
			return nil
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == down {
		return nil
	}
	return n.link
}

// begin begins the first attempt to reach the neighbour, or returns the one that is
// under way; nil = there was one, or there can be none now.
func (n *neighbour) begin() (attempt <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == unknown && n.attempt == nil {
		link, attempt := n.link, make(chan struct{})
		if n.hub.start(func() { n.first(link, attempt) }) {
			n.attempt = attempt
		}
	}
	return n.attempt
}

// first makes the first attempt to reach the neighbour.
func (n *neighbour) first(link Link, attempt chan struct{}) {
	defer close(attempt)
	ctx, cancel := context.WithTimeout(n.ctx, firstReach)
	defer cancel()
	err := link.Reach(ctx)
	n.mu.Lock()
	if err == nil && n.state == unknown {
		n.state = up
	}
	n.mu.Unlock()
	if err != nil {
		n.lost(err, firstRetry)
	}
}

// check looks whether the connection still stands, in the background.
func (n *neighbour) check() {
	n.mu.Lock()
	link := n.link
	if n.state != up {
		link = nil
	}
	n.mu.Unlock()
	if link == nil {
		return
	}
	n.hub.start(func() {
		ctx, cancel := context.WithTimeout(n.ctx, firstReach)
		defer cancel()
		if err := link.Reach(ctx); err != nil && n.ctx.Err() == nil {
			n.lost(err, firstRetry)
		}
	})
}

// reach tries to make a connection, and has the Owner know whether the node's machine
// refuses that: then the process is gone.
func (n *neighbour) reach(link Link) error {
	ctx, cancel := context.WithTimeout(n.ctx, firstReach)
	defer cancel()
	err := link.Reach(ctx)
	if n.ctx.Err() == nil {
		n.hub.owner.Refused(n.node.Name, errors.Is(err, syscall.ECONNREFUSED))
	}
	return err
}

// lost notes that the neighbour cannot be reached, and has that tried in the
// background.
func (n *neighbour) lost(why error, pause time.Duration) {
	n.mu.Lock()
	link, before := n.link, n.state
	if n.closed || link == nil || before == down {
		n.mu.Unlock()
		return
	}
	n.state = down
	n.mu.Unlock()
	n.hub.logger.Warn("node cannot be reached, and gets letters", "node", n.node.Name, "address", n.node.Advertise, "err", why)
	n.hub.start(func() {
		defer n.hub.owner.Refused(n.node.Name, false) // it is another one that is gone, or is there
		for began := time.Now(); ; {
			n.hub.sleep(n.ctx, jitter(pause))
			if n.ctx.Err() != nil {
				return
			}
			if n.reach(link) == nil {
				break
			}
			if time.Since(began) > soon {
				pause = min(2*pause, max(pause, lastRetry))
			}
		}
		n.mu.Lock()
		if !n.closed {
			n.state = up
		}
		n.mu.Unlock()
		n.hub.logger.Info("node can be reached", "node", n.node.Name, "address", n.node.Advertise)
	})
}

func (n *neighbour) unreached() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state == down
}

// call has the neighbour answer a call. errElsewhere says that nothing was done;
// Unavailable that it is not known what became of it. long says that the answer may
// take a while: a letter is then answered too when it has none yet, with
// DeadlineExceeded.
func (n *neighbour) call(ctx context.Context, c *wirepb.NodeCall, long bool) (*wirepb.NodeAnswer, error) {
	c.From = n.hub.cfg.Node.Name
	if a := hub.ActorOf(ctx); a != nil {
		c.Actor = &wirepb.NodeActor{By: a.By, For: a.For, From: a.From, Client: a.Client, Action: a.Action, Reason: a.Reason}
	}
	if until, ok := ctx.Deadline(); ok && c.Patience == nil {
		c.Patience = durationpb.New(max(time.Until(until), time.Millisecond))
	}
	if link := n.over(ctx); link != nil {
		answer, err := link.Call(ctx, c, long)
		if err == nil {
			return answer, failure(answer)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		switch perdure.CodeOf(err) {
		case perdure.Unavailable:
			n.lost(err, firstRetry)
			return nil, err
		case perdure.Unauthenticated, perdure.PermissionDenied, perdure.Unimplemented, perdure.NotFound:
			n.lost(err, strangerRetry) // nothing was done: whoever that was, it is not the neighbour
		case perdure.Canceled, perdure.DeadlineExceeded:
			return nil, &perdure.Error{Code: perdure.Unavailable, Op: "call node " + n.node.Name, Message: "it was given up there", Cause: err}
		default:
			return nil, err
		}
	}
	answer, err := n.hub.post.call(ctx, n.node.Name, c)
	if err != nil {
		return nil, err
	}
	return answer, failure(answer)
}

// failure is the error that an answer is.
func failure(a *wirepb.NodeAnswer) error {
	switch {
	case a.Elsewhere:
		return errElsewhere
	case a.Error != nil:
		return codec.DecodeOwnError(a.Error)
	}
	return nil
}
