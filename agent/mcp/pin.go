package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
)

// maxTools bounds the tools of a server.
const maxTools = 1000

// ChangedError is a list of tools that is not the pinned one. Its tools are not
// called any more, until the server has the pinned ones again.
type ChangedError struct {
	Server  string   // its name
	Added   []string // tools that are not pinned
	Removed []string // pinned tools that are gone
	Changed []string // pinned tools that are not what they were
}

// Error implements error.
func (e *ChangedError) Error() string {
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"changed", e.Changed}, {"added", e.Added}, {"removed", e.Removed}} {
		if len(p.names) > 0 {
			parts = append(parts, p.what+": "+strings.Join(p.names, ", "))
		}
	}
	return fmt.Sprintf("MCP server %s has other tools than those that are pinned (%s)", e.Server, strings.Join(parts, "; "))
}

// look lists the tools that may be used and compares them with the pins; the
// first list is what is pinned if nothing is.
func (c *Client) look(ctx context.Context, l *link) ([]*sdk.Tool, error) {
	var list []*sdk.Tool
	n := 0
	for d, err := range l.session.Tools(ctx, nil) {
		if err != nil {
			return nil, c.failure(ctx, l, err)
		}
		if n++; n > maxTools {
			return nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: "list tools", Instance: c.server.Name,
				Message: fmt.Sprintf("the server has more than %d tools", maxTools)}
		}
		if d != nil && (len(c.server.Allow) == 0 || slices.Contains(c.server.Allow, d.Name)) {
			list = append(list, d)
		}
	}
	if err := c.compare(list); err != nil {
		return nil, err
	}
	l.looked.Store(time.Now().UnixNano())
	return list, nil
}

// compare pins a list of tools, or compares it with the pins.
func (c *Client) compare(list []*sdk.Tool) error {
	now := make(map[string]string, len(list))
	for _, d := range list {
		hash, err := hashOf(d)
		if err != nil {
			return err
		}
		if _, twice := now[d.Name]; twice {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: "list tools", Instance: c.server.Name,
				Message: fmt.Sprintf("the server has the tool %q twice", d.Name)}
		}
		now[d.Name] = hash
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pins == nil {
		for _, name := range slices.Concat(c.server.Allow, slices.Sorted(maps.Keys(c.server.Effects))) {
			if _, there := now[name]; !there {
				return &perdure.Error{Code: perdure.NotFound, Op: "list tools", Instance: c.server.Name,
					Message: fmt.Sprintf("Allow or Effects names the tool %q, which the server does not have", name)}
			}
		}
	}
	if c.pins == nil || c.server.AllowChanges {
		c.pins = now
		return nil
	}
	return perdure.NonRetryable(changes(c.server.Name, c.pins, now))
}

// changes returns how tools differ from pins; nil = they do not.
func changes(server string, pins, now map[string]string) error {
	e := &ChangedError{Server: server}
	for name, hash := range now {
		if pin, ok := pins[name]; !ok {
			e.Added = append(e.Added, name)
		} else if pin != hash {
			e.Changed = append(e.Changed, name)
		}
	}
	for name := range pins {
		if _, ok := now[name]; !ok {
			e.Removed = append(e.Removed, name)
		}
	}
	if len(e.Added)+len(e.Changed)+len(e.Removed) == 0 {
		return nil
	}
	slices.Sort(e.Added)
	slices.Sort(e.Changed)
	slices.Sort(e.Removed)
	return e
}

// hashOf is the hash of all that a model or a person is told about a tool.
func hashOf(d *sdk.Tool) (string, error) {
	text, err := json.Marshal(struct {
		Name, Title, Description string
		Input, Output            any
		Annotations              *sdk.ToolAnnotations
	}{d.Name, d.Title, d.Description, d.InputSchema, d.OutputSchema, d.Annotations})
	if err != nil {
		return "", fmt.Errorf("tool %q: %w", d.Name, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
