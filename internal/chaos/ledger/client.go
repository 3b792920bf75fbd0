package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Name is the name under which Collect is registered.
const Name = "collect"

var event = perdure.NewEvent[string]("item")

// Collect is the orchestration of the instances: it takes as many events as it is told,
// shows each in its custom status, and returns them.
func Collect(ctx *perdure.Context, want int) ([]string, error) {
	taken := []string{}
	for len(taken) < want {
		item, err := event.Wait(ctx).Await()
		if err != nil {
			return nil, err
		}
		taken = append(taken, item)
		ctx.SetCustomStatus(taken)
	}
	return taken, nil
}

// Register registers Collect.
func Register(r *perdure.Registry) { perdure.AddOrchestrationNamed(r, Name, Collect) }

// Client asks a hub and writes down what it is told. It does one thing at a time.
type Client struct {
	Ledger *Ledger
	Number int
	Want   int // events that the runs take
	// Hubs are ways to the hub, such as its nodes. What fails on one, with nothing
	// definite said, is tried on the next, as long as the context allows.
	Hubs []hub.Hub
	// Try is how long one of them has to answer. 0 = 2 s.
	Try time.Duration

	next int // of Hubs
}

// Start starts an instance.
func (c *Client) Start(ctx context.Context, id, request string) Op {
	sum := sha256.Sum256([]byte("execution " + id + " " + request))
	execution := hex.EncodeToString(sum[:16])
	return c.do(ctx, Op{Kind: Start, Instance: id, RequestID: request, Execution: execution}, func(ctx context.Context, h hub.Hub, o *Op) error {
		started, err := h.Start(ctx, &hub.Start{
			RequestID: request, InstanceID: id, Name: Name, Input: history.Some(fmt.Sprint(c.Want)), ExecutionID: execution,
		})
		if err == nil {
			o.Execution = started.ExecutionID
		}
		return err
	})
}

// Raise raises an event with a value, which has no comma.
func (c *Client) Raise(ctx context.Context, id, request, value string) Op {
	return c.do(ctx, Op{Kind: Raise, Instance: id, RequestID: request, Value: value}, func(ctx context.Context, h hub.Hub, _ *Op) error {
		return h.Raise(ctx, &hub.Raise{RequestID: request, InstanceID: id, Name: event.Name(), Data: history.Some(fmt.Sprintf("%q", value))})
	})
}

// Terminate terminates an instance.
func (c *Client) Terminate(ctx context.Context, id, request string) Op {
	return c.do(ctx, Op{Kind: Terminate, Instance: id, RequestID: request}, func(ctx context.Context, h hub.Hub, _ *Op) error {
		_, err := h.Control(ctx, &hub.Control{RequestID: request, InstanceID: id, Kind: hub.Terminate})
		return err
	})
}

// Purge purges an instance.
func (c *Client) Purge(ctx context.Context, id, request string) Op {
	return c.do(ctx, Op{Kind: Purge, Instance: id, RequestID: request}, func(ctx context.Context, h hub.Hub, _ *Op) error {
		_, err := h.Purge(ctx, &hub.Purge{RequestID: request, IDs: []string{id}})
		return err
	})
}

// Get reads an instance. settled says that it has had the time to take what was raised.
func (c *Client) Get(ctx context.Context, id string, settled bool) Op {
	return c.do(ctx, Op{Kind: Get, Instance: id, Settled: settled}, func(ctx context.Context, h hub.Hub, o *Op) error {
		in, err := h.Instance(ctx, id, false)
		if err != nil {
			return err
		}
		o.Execution, o.Status = in.Execution, in.Status
		if !in.CustomStatus.Set {
			return nil
		}
		return json.Unmarshal([]byte(in.CustomStatus.S), &o.Events)
	})
}

func (c *Client) do(ctx context.Context, o Op, ask func(context.Context, hub.Hub, *Op) error) Op {
	o.Client, o.Call = c.Number, c.Ledger.Now()
	asked, err := c.insist(ctx, func(ctx context.Context, h hub.Hub) error { return ask(ctx, h, &o) })
	o.Return = c.Ledger.Now()
	if err != nil {
		o.Err, o.Code = err.Error(), perdure.Unavailable
		if code := perdure.CodeOf(err); definite(code) {
			o.Code = code
		}
		o.Late = !o.Unknown() && asked > 1
	}
	c.Ledger.Add(o)
	return o
}

func (c *Client) insist(ctx context.Context, ask func(context.Context, hub.Hub) error) (asked int, err error) {
	patience := c.Try
	if patience == 0 {
		patience = 2 * time.Second
	}
	asked, err = Insist(ctx, c.Hubs, c.next, patience, ask)
	c.next += asked
	return asked, err
}

// Insist asks one hub after the other, from number first on, until something definite
// is said or ctx ends, and returns how many it has asked. Each has so long to answer.
func Insist(ctx context.Context, hubs []hub.Hub, first int, patience time.Duration, ask func(context.Context, hub.Hub) error) (asked int, err error) {
	for {
		try, cancel := context.WithTimeout(ctx, patience)
		err = ask(try, hubs[(first+asked)%len(hubs)])
		cancel()
		asked++
		if err == nil || definite(perdure.CodeOf(err)) || ctx.Err() != nil {
			return asked, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// definite reports whether an error with the code says that nothing was done.
func definite(c perdure.Code) bool {
	switch c {
	case 0, perdure.Unavailable, perdure.DeadlineExceeded, perdure.Canceled, perdure.Internal:
		return false
	}
	return true
}
