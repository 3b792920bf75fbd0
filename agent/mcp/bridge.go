package mcp

import (
	"context"
	"errors"
	"io"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
)

// Bridge serves over in and out, as ServeStdio does, the tools that another server
// has, a running Perdure for example. The tools are those that it has when Bridge
// begins; results and errors pass as they are. A connection that is lost is made
// anew for the next call.
func Bridge(ctx context.Context, in io.ReadCloser, out io.WriteCloser, to Server) error {
	to.AllowChanges = true // callers here see what there was, and are told what is gone
	c, err := Dial(ctx, to)
	if err != nil {
		return errors.Join(err, in.Close(), out.Close())
	}
	defer func() { _ = c.Close() }() // always nil
	tools, err := c.descriptions(ctx)
	if err != nil {
		return errors.Join(err, in.Close(), out.Close())
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "perdure", Version: "1"}, &sdk.ServerOptions{
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
	})
	for _, t := range tools {
		offered := *t
		offered.OutputSchema = nil // results are passed on as they are, not checked again
		s.AddTool(&offered, c.forward)
	}
	return serveStdio(ctx, in, out, s)
}

// descriptions lists the tools as the server describes them.
func (c *Client) descriptions(ctx context.Context) ([]*sdk.Tool, error) {
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
	return list, err
}

// forward passes a call on.
func (c *Client) forward(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	for again := false; ; again = true {
		result, err := c.forwardOnce(ctx, r)
		if err == nil {
			return result, nil
		}
		if again || !errors.Is(err, errMissing) {
			return refusal(err), nil
		}
	}
}

func (c *Client) forwardOnce(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	l, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	params := &sdk.CallToolParams{Meta: r.Params.Meta, Name: r.Params.Name, Arguments: r.Params.Arguments}
	result, err := l.session.CallTool(ctx, params)
	if err != nil {
		err = c.failure(ctx, l, err)
	}
	c.release(l, err != nil && isLost(err))
	if err != nil {
		return nil, err
	}
	if result.NeedsInput() {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "call tool", Message: "the tool asks for input, which cannot be passed on"}
	}
	return result, nil
}
