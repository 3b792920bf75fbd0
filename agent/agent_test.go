package agent_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// node is a hub with the agents of a registry over a simulated disk.
type node struct {
	*agent.Service
	hub    *local.Hub
	client *client.Client
	clock  *clock.Virtual
	stop   func()
}

// begin starts a node over a disk; it is stopped at the end of the test at the
// latest.
func begin(t *testing.T, disk *memory.Disk, reg *perdure.Registry) *node {
	t.Helper()
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{clock: clock.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))}
	n.hub, err = local.New(local.Config{Store: s, Registry: reg, Clock: n.clock, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	n.client = client.New(n.hub)
	n.Service = agent.NewService(n.client)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.hub.Run(n.Context(ctx)) }()
	stopped := false
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}
	t.Cleanup(n.stop)
	return n
}

// say sends a message and waits for its answer.
func say(t *testing.T, n *node, key, text string) *agent.Response {
	t.Helper()
	id, err := agent.NewSessionID("Joker", key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.Send(ctxOf(t), id, agent.Message{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Wait(ctxOf(t), a.Turn)
	if err != nil {
		events, _ := n.hub.History(context.Background(), a.Turn, "")
		t.Fatalf("Wait() = %v\n%s", err, history.Script(events))
	}
	return r
}

// ctxOf returns a context that ends before the test runner loses its patience.
func ctxOf(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}
