package agent_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// node is a hub with the agents of a registry over a simulated disk.
type node struct {
	*agent.Service
	hub    *local.Hub
	client *client.Client
	clock  *clock.Virtual
	full   chan struct{} // a write of rows found the disk full
	before func() error  // runs before each rewind, which its error refuses; nil = nothing does
	after  func()        // runs after each rewind that was accepted; nil = nothing does
	cancel context.CancelFunc
	done   chan error
}

// watched is the hub of a node, which tells when rows cannot be written.
type watched struct {
	hub.Hub
	*node
}

func (w *watched) Control(ctx context.Context, c *hub.Control) (string, error) {
	if c.Kind == hub.Rewind && w.before != nil {
		if err := w.before(); err == errAccepted {
			return c.InstanceID, nil
		} else if err != nil {
			return "", err
		}
	}
	id, err := w.Hub.Control(ctx, c)
	if c.Kind == hub.Rewind && w.after != nil && err == nil {
		w.after()
	}
	return id, err
}

// errAccepted has a hub accept a rewind of which nothing comes.
var errAccepted = errors.New("accepted")

func (w *watched) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	err := w.Hub.WriteRows(ctx, r)
	if perdure.CodeOf(err) == perdure.NoSpace {
		select {
		case w.full <- struct{}{}:
		default:
		}
	}
	return err
}

// begin starts a node over a disk; it is stopped at the end of the test at the
// latest. Its clock starts at the same time each time.
func begin(t *testing.T, disk *memory.Disk, reg *perdure.Registry, observed ...agent.Telemetry) *node {
	t.Helper()
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	return beginOn(t, s, reg, observed...)
}

// beginOn starts a node over a store.
func beginOn(t *testing.T, s store.Store, reg *perdure.Registry, observed ...agent.Telemetry) *node {
	t.Helper()
	n := &node{clock: clock.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)), done: make(chan error, 1)}
	var err error
	n.hub, err = local.New(local.Config{Store: s, Registry: reg, Clock: n.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n.full = make(chan struct{}, 1)
	n.client = client.New(&watched{n.hub, n})
	n.Service = agent.NewService(n.client)
	for _, o := range observed {
		if err := n.Observe(o); err != nil {
			t.Fatal(err)
		}
	}
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(context.Background())
	go func() { n.done <- n.hub.Run(n.Context(ctx)) }()
	t.Cleanup(func() { n.stop() })
	return n
}

// stop ends the node and returns what Run did.
func (n *node) stop() error {
	n.cancel()
	err := <-n.done
	n.done <- err // for who stops it again
	return err
}

// registry returns a registry with the agents.
func registry(t *testing.T, agents ...*agent.Agent) *perdure.Registry {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, agents...); err != nil {
		t.Fatal(err)
	}
	return reg
}

func session(t *testing.T, key string) agent.SessionID {
	t.Helper()
	id, err := agent.NewSessionID("Joker", key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// ctxOf returns a context that ends before the test runner loses its patience.
func ctxOf(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func send(t *testing.T, n *node, key string, m agent.Message) agent.Accepted {
	t.Helper()
	a, err := n.Send(ctxOf(t), session(t, key), m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// say sends a message and waits for its answer.
func say(t *testing.T, n *node, key, text string) *agent.Response {
	t.Helper()
	a := send(t, n, key, agent.Message{Text: text})
	r, err := n.Wait(ctxOf(t), a.Turn)
	if err != nil {
		t.Fatalf("Wait(%s) = %v\n%s", a.Turn, err, script(t, n, a.Turn))
	}
	return r
}

// script shows the history of a run.
func script(t *testing.T, n *node, id string) string {
	events, err := n.hub.History(context.WithoutCancel(t.Context()), id, "")
	if err != nil {
		return err.Error()
	}
	return history.Script(events)
}

// transcript shows the messages of a session, one a line.
func transcript(t *testing.T, n *node, key string) string {
	t.Helper()
	list, err := n.Messages(ctxOf(t), session(t, key), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, m := range list {
		if m.Position != int64(i) {
			t.Errorf("message %d has position %d", i, m.Position)
		}
		b.WriteString(line(m.Message) + "\n")
	}
	return b.String()
}

// line shows a message.
func line(m *model.Message) string {
	parts := []string{string(m.Role)}
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.Text:
			parts = append(parts, c.Text)
		case *model.FunctionCall:
			parts = append(parts, fmt.Sprintf("%s(%s)", c.Name, c.Arguments))
		case *model.FunctionResult:
			parts = append(parts, "= "+string(c.Result)+c.Error)
		}
	}
	return strings.Join(parts, " ")
}

// skip moves the clock to the next timer until done is closed. Timers that are
// days away, such as those of sessions that expire, are left alone.
func skip(t *testing.T, n *node, done <-chan struct{}) {
	t.Helper()
	ctx := ctxOf(t)
	for {
		select {
		case <-done:
			return
		default:
		}
		next, err := n.hub.Idle(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		if now := n.clock.Now(); next.After(now) && next.Sub(now) < 24*time.Hour {
			n.clock.Advance(next.Sub(now))
		}
	}
}
