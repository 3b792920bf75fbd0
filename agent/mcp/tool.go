package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Tool is a tool of an MCP server, for agents. Its methods may be called
// concurrently.
type Tool struct {
	client       *Client
	name, remote string
	description  string
	schema       any
	effect       agent.Effect
}

var oddName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

func newTool(c *Client, d *sdk.Tool) *Tool {
	t := &Tool{
		client: c, remote: d.Name, name: c.server.Prefix + oddName.ReplaceAllString(d.Name, "_"),
		description: d.Description, schema: d.InputSchema,
	}
	if t.description == "" {
		t.description = d.Title
	}
	t.effect = c.server.effectOf(d)
	return t
}

// effectOf is the class of a tool's effects: what the user says, else what the
// server hints at.
func (s *Server) effectOf(d *sdk.Tool) agent.Effect {
	if e, ok := s.Effects[d.Name]; ok {
		return e
	}
	switch a := d.Annotations; {
	case a == nil || s.IgnoreHints:
		return agent.Irreversible
	case a.ReadOnlyHint:
		return agent.Pure
	case a.IdempotentHint:
		return agent.Idempotent
	}
	return agent.Irreversible
}

// Name returns the tool's name for models: Server.Prefix and the server's name
// for it, in which '_' stands for what models do not take.
func (t *Tool) Name() string { return t.name }

// Description returns what the server tells models about the tool.
func (t *Tool) Description() string { return t.description }

// Schema returns the schema of the arguments.
func (t *Tool) Schema() any { return t.schema }

// Effect returns the class of the tool's effects: that of Server.Effects; else Pure
// or Idempotent if the server hints at it, which nothing proves; else
// Irreversible.
func (t *Tool) Effect() agent.Effect { return t.effect }

// Call calls the tool on the server. The result is its structured content; else
// its text, if it is nothing but text; else the list of its contents. An error of
// the tool is final. A server that is lost (Unavailable) or too slow
// (DeadlineExceeded) is an error that may be retried; if the call was sent, it is an
// agent.ErrOutcomeUnknown, if there was no connection, an agent.NotDone. The server gets the effect id of the step, as perdure/effectId in
// _meta and, over HTTP, as Idempotency-Key.
func (t *Tool) Call(ctx context.Context, arguments string) (any, error) {
	effect := perdure.Activity(ctx).EffectID
	for again := false; ; again = true {
		value, err := t.callOnce(ctx, arguments, effect)
		if again || !errors.Is(err, errMissing) {
			return value, err
		}
	}
}

func (t *Tool) callOnce(ctx context.Context, arguments, effect string) (any, error) {
	ctx, end, err := t.client.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	l, err := t.client.acquire(ctx)
	if err != nil {
		return nil, agent.NotDone(err)
	}
	value, err := t.callOver(ctx, l, arguments, effect)
	t.client.release(l, err != nil && isLost(err))
	return value, err
}

func (t *Tool) callOver(ctx context.Context, l *link, arguments, effect string) (any, error) {
	c := t.client
	if l.age() > c.server.Recheck {
		if _, err := c.look(ctx, l); err != nil {
			return nil, err
		}
	}
	if strings.TrimSpace(arguments) == "" {
		arguments = "{}"
	}
	if !json.Valid([]byte(arguments)) {
		return nil, perdure.NonRetryable(fmt.Errorf("the arguments of %s are no JSON", t.remote))
	}
	params := &sdk.CallToolParams{Name: t.remote, Arguments: json.RawMessage(arguments)}
	if effect != "" {
		params.Meta = sdk.Meta{"perdure/effectId": effect}
	}
	result, err := l.session.CallTool(context.WithValue(ctx, effectKey{}, effect), params)
	if err != nil {
		return nil, unsure(c.failure(ctx, l, err))
	}
	return t.valueOf(result)
}

// unsure is the error of a call that was sent. Unless the server has refused it, it
// may have been carried out.
func unsure(err error) error {
	var own *perdure.Error
	if !errors.As(err, &own) || errors.Is(err, errMissing) {
		return err
	}
	switch own.Code {
	case perdure.Unavailable, perdure.DeadlineExceeded, perdure.Canceled:
		told := *own
		told.Cause = errors.Join(agent.ErrOutcomeUnknown, own.Cause)
		return &told
	}
	return err
}

// valueOf is a result as the model gets it.
func (t *Tool) valueOf(r *sdk.CallToolResult) (any, error) {
	text, plain := textOf(r.Content)
	if r.IsError {
		if text == "" {
			text = "it does not say why"
		}
		return nil, perdure.NonRetryable(fmt.Errorf("the tool %s failed: %s", t.remote, clip(text)))
	}
	if r.NeedsInput() {
		return nil, perdure.NonRetryable(fmt.Errorf("the tool %s asks for input, which nobody can give it here", t.remote))
	}
	var value any = r.Content
	if r.StructuredContent != nil {
		value = r.StructuredContent
	} else if plain {
		value = text
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, perdure.NonRetryable(fmt.Errorf("the result of %s: %w", t.remote, err))
	}
	if limit := t.client.server.MaxResult; len(data) > limit {
		return nil, perdure.NonRetryable(fmt.Errorf("the result of %s has %d bytes; at most %d are allowed", t.remote, len(data), limit))
	}
	return json.RawMessage(data), nil
}

// textOf is the text of contents, and whether there is nothing else.
func textOf(contents []sdk.Content) (text string, plain bool) {
	var parts []string
	for _, c := range contents {
		if t, ok := c.(*sdk.TextContent); ok {
			parts = append(parts, t.Text)
		}
	}
	return strings.Join(parts, "\n"), len(parts) == len(contents)
}

// maxReason bounds the text of an error, in bytes.
const maxReason = 4 << 10

func clip(text string) string {
	if len(text) <= maxReason {
		return text
	}
	return strings.ToValidUTF8(text[:maxReason], "") + " ..."
}
