package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Client is a connection with an MCP server that is made anew when it is lost.
// Its methods may be called concurrently.
type Client struct {
	server Server
	dial   chan struct{} // holds one token: whoever takes it may connect

	mu     sync.Mutex // guards the fields below
	link   *link      // nil = not connected
	pins   map[string]string
	calls  map[*call]struct{}
	closed bool
}

// call is one use of the client.
type call struct{ cancel context.CancelCauseFunc }

// errClosed is why calls end when the client is closed.
var errClosed = &perdure.Error{Code: perdure.Canceled, Op: "call MCP server", Message: "the client was closed"}

// Dial connects with a server and looks at its tools. The client outlives ctx;
// Close ends it, and a child process with it.
func Dial(ctx context.Context, server Server) (*Client, error) {
	if err := server.complete(); err != nil {
		return nil, err
	}
	c := &Client{server: server, dial: make(chan struct{}, 1), pins: server.Pins, calls: map[*call]struct{}{}}
	c.dial <- struct{}{}
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	l, err := c.acquire(ctx)
	if err != nil {
		end()
		_ = c.Close() // always nil
		return nil, err
	}
	c.release(l, false)
	end()
	return c, nil
}

// Close ends the connection: calls that run fail, a child process ends. It waits
// until that is done. A second Close does nothing. It returns nil.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	for k := range c.calls {
		k.cancel(errClosed)
	}
	c.mu.Unlock()
	<-c.dial // never given back: nobody connects any more
	c.mu.Lock()
	l := c.link
	c.link = nil
	c.mu.Unlock()
	if l != nil {
		l.close()
	}
	return nil
}

// Tools returns the tools of the server that Server.Allow lets through, as the
// agent's tools; each is a *Tool. A list that is not the pinned one is a
// *ChangedError.
func (c *Client) Tools(ctx context.Context) ([]agent.Tool, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	l, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.look(ctx, l)
	c.release(l, err != nil && isLost(err))
	if err != nil {
		return nil, err
	}
	tools, seen := make([]agent.Tool, 0, len(list)), map[string]string{}
	for _, d := range list {
		t := newTool(c, d)
		if other, there := seen[t.name]; there {
			return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "list tools", Instance: c.server.Name,
				Message: fmt.Sprintf("the tools %q and %q have the same name for a model, %s", other, d.Name, t.name)}
		}
		seen[t.name] = d.Name
		tools = append(tools, t)
	}
	return tools, nil
}

// Pins returns the hash of each tool by its name. Kept and given back as
// Server.Pins, they hold the server to the tools that it has now.
func (c *Client) Pins() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.pins)
}

// begin registers a use of the client, which Close ends.
func (c *Client) begin(ctx context.Context) (context.Context, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errClosed
	}
	timed, stop := context.WithTimeoutCause(ctx, c.server.Timeout, &perdure.Error{
		Code: perdure.DeadlineExceeded, Op: "call MCP server", Instance: c.server.Name,
		Message: fmt.Sprintf("there was no answer within %v; what was asked for may have happened", c.server.Timeout),
	})
	ctx, cancel := context.WithCancelCause(context.WithValue(timed, meterKey{}, &meter{}))
	k := &call{cancel}
	c.calls[k] = struct{}{}
	return ctx, func() {
		c.mu.Lock()
		delete(c.calls, k)
		c.mu.Unlock()
		cancel(nil)
		stop()
	}, nil
}

// acquire returns a connection that works as far as is known; release returns it.
func (c *Client) acquire(ctx context.Context) (*link, error) {
	if l := c.current(); l != nil {
		return l, nil
	}
	select {
	case <-c.dial:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { c.dial <- struct{}{} }()
	if l := c.current(); l != nil { // somebody else was first
		return l, nil
	}
	c.retire()
	l, err := c.server.connect(ctx)
	if err != nil {
		return nil, c.failure(ctx, nil, err)
	}
	if _, err := c.look(ctx, l); err != nil {
		l.close()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, l.uses = l, 1
	return l, nil
}

// current takes the connection if there is one that has not ended.
func (c *Client) current() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil || c.link.hasEnded() {
		return nil
	}
	c.link.uses++
	return c.link
}

// release gives a connection back. One that is lost is not used again; it is
// closed when the last call that uses it is over.
func (c *Client) release(l *link, lost bool) {
	c.mu.Lock()
	l.uses--
	if lost && c.link == l {
		c.link = nil
	}
	unused := c.link != l && l.uses == 0
	c.mu.Unlock()
	if unused {
		l.close()
	}
}

// retire forgets the connection, which has ended, for a new one.
func (c *Client) retire() {
	c.mu.Lock()
	old := c.link
	c.link = nil
	unused := old != nil && old.uses == 0
	c.mu.Unlock()
	if unused {
		old.close()
	}
}

// failure is an error of a connection as callers get it: why ctx ended, that an
// answer was too large, what the server refused, or that it is lost for now. A nil
// link = there was no connection yet.
func (c *Client) failure(ctx context.Context, l *link, err error) error {
	m := meterOf(ctx)
	var own *perdure.Error
	var refused *jsonrpc.Error
	lost := &perdure.Error{Code: perdure.Unavailable, Op: "call MCP server", Instance: c.server.Name,
		Message: "the connection was lost; what was asked for may have happened", Cause: err}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case l != nil && l.meter.over.Load(), m.over.Load():
		return perdure.NonRetryable(&perdure.Error{Code: perdure.ResourceExhausted, Op: "call MCP server", Instance: c.server.Name, Cause: errTooLarge})
	case errors.As(err, &own):
		return perdure.NonRetryable(err)
	case m.missing.Load():
		lost.Message, lost.Cause = "the server was restarted and did not look at what was asked for", errMissing
	case errors.As(err, &refused) && refused.Code != codeRejected:
		return perdure.NonRetryable(fmt.Errorf("MCP server %s refused it: %s", c.server.Name, clip(refused.Message)))
	case l == nil:
		lost.Op, lost.Message = "connect with MCP server", "the server cannot be reached"
	}
	return lost
}

// codeRejected is the code of errors that the SDK makes itself, of answers such as
// 503 and of requests that could not be sent.
const codeRejected = -32005

// isLost reports whether an error means that the connection is of no more use.
func isLost(err error) bool {
	return perdure.CodeOf(err) == perdure.Unavailable || errors.Is(err, errTooLarge)
}
