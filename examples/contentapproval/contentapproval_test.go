package contentapproval_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/contentapproval"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

const (
	draft      = "The sea comes and goes."
	reviewTime = 24 * time.Hour
)

// node is a hub with the sample on a clock of its own.
type node struct {
	*client.Client
	hub    *local.Hub
	clock  *clock.Virtual
	cancel context.CancelFunc
	done   chan error
}

func begin(t *testing.T, disk *memory.Disk, m model.Model, now time.Time) *node {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := contentapproval.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{clock: clock.NewVirtual(now), done: make(chan error, 1)}
	if n.hub, err = local.New(local.Config{Store: s, Registry: reg, Clock: n.clock}); err != nil {
		t.Fatal(err)
	}
	n.Client = client.New(n.hub)
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(agent.NewService(n.Client).Context(context.Background()))
	go func() { n.done <- n.hub.Run(ctx) }()
	t.Cleanup(n.stop)
	return n
}

// stop ends the hub, whose disk may have failed.
func (n *node) stop() {
	n.cancel()
	n.done <- <-n.done
}

// waiting starts the sample and returns when the draft waits for its reviewer.
func waiting(t *testing.T, n *node) {
	t.Helper()
	if _, err := client.Start(t.Context(), n.Client, contentapproval.ContentApproval, "tides", client.StartOptions{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	rest(t, n, reviewTime)
}

// rest waits until nothing moves and checks when the next timer fires.
func rest(t *testing.T, n *node, want time.Duration) {
	t.Helper()
	next, err := n.hub.Idle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Sub(n.clock.Now()); got != want {
		t.Fatalf("the next timer fires in %v, want %v", got, want)
	}
}

func result(t *testing.T, n *node) string {
	t.Helper()
	out, err := client.Result[string](t.Context(), n.Client, "run")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		approved bool
		want     string
	}{
		{true, "Content published: " + draft},
		{false, "Content rejected"},
	} {
		n := begin(t, &memory.Disk{}, modeltest.Script(t, modeltest.Say(draft)), start)
		waiting(t, n)
		if err := client.Raise(t.Context(), n.Client, "run", contentapproval.ApprovalDecision, c.approved); err != nil {
			t.Fatal(err)
		}
		if got := result(t, n); got != c.want {
			t.Errorf("result with the decision %v = %q, want %q", c.approved, got, c.want)
		}
	}
}

func TestEscalation(t *testing.T) {
	n := begin(t, &memory.Disk{}, modeltest.Script(t, modeltest.Say(draft)), start)
	waiting(t, n)
	n.clock.Advance(reviewTime - time.Second)
	rest(t, n, time.Second)
	n.clock.Advance(time.Second)
	if got, want := result(t, n), "Content escalated for review: "+draft; got != want {
		t.Errorf("result after 24 hours = %q, want %q", got, want)
	}
}

// TestPowerCut cuts the power while the draft waits: the draft is not written
// again, and the decision publishes it.
func TestPowerCut(t *testing.T) {
	disk := &memory.Disk{}
	m := modeltest.Script(t, modeltest.Say(draft))
	n := begin(t, disk, m, start)
	waiting(t, n)
	disk.Crash()
	n.stop()
	n = begin(t, disk, m, start.Add(time.Hour))
	rest(t, n, reviewTime-time.Hour)
	if err := client.Raise(t.Context(), n.Client, "run", contentapproval.ApprovalDecision, true); err != nil {
		t.Fatal(err)
	}
	if got, want := result(t, n), "Content published: "+draft; got != want {
		t.Errorf("result = %q, want %q", got, want)
	}
}
