package host_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
)

// team are three nodes with the agent Clerk, of which it is known whose model works.
type team struct {
	*clerks
	nodes []*host.App
	model atomic.Int32 // node whose model was asked last
}

func startTeam(t *testing.T) *team {
	c := &clerks{t: t, paid: make(chan payment, 10), ended: make(chan error, 10), release: make(chan struct{}, 10)}
	m := &team{clerks: c}
	cfgs := nodes(3)
	for i := range cfgs {
		at := *c // with the channels of c
		at.asked = func() { m.model.Store(int32(i)) }
		cfgs[i].Registry = at.registry()
	}
	m.nodes, _ = cluster(t, cfgs...)
	return m
}

// TestNodesStream reads the stream of a turn at other nodes than that which runs it,
// from its beginning and from an offset.
func TestNodesStream(t *testing.T) {
	m := startTeam(t)
	for i := range 6 { // some of them are run elsewhere than they are asked for
		a := m.say(m.nodes[i%3], fmt.Sprint("stream-", i), "slow", "")
		first := m.frames(m.nodes[i%3], a.Stream)
		f, said := m.hears(first, agent.FrameText)
		if said != "Now " {
			t.Errorf("first text = %q, want Now", said)
		}
		runs := int(m.model.Load())
		t.Logf("asked at node %d, run by node %d", i%3, runs)
		for _, other := range []int{(runs + 1) % 3, (runs + 2) % 3} {
			again := m.frames(m.nodes[other], a.Stream)
			if _, said := m.hears(again, agent.FrameText); said != "Now " {
				t.Errorf("first text at node %d = %q, want Now", other, said)
			}
		}
		resumed := m.frames(m.nodes[(runs+1)%3], fmt.Sprintf("%s?offset=%d", a.Stream, f.Offset+1))
		m.release <- struct{}{}
		for what, list := range map[string]<-chan agent.Frame{"the first reader": first, "who has come again": resumed} {
			if f, said := m.hears(list, agent.FrameEnd); f.Status != "completed" || said != "then." {
				t.Errorf("for %s the stream ends with %+v after %q, want completed after then.", what, f, said)
			}
		}
		if text, err := m.wait(m.nodes[(i+1)%3], a.Turn); err != nil || text != "Now then." {
			t.Errorf("Wait() at another node = %q, %v, want Now then.", text, err)
		}
	}
}

// TestNodesApproval has a call approved at another node than that which was asked and
// that which runs it; a second answer is refused everywhere.
func TestNodesApproval(t *testing.T) {
	m := startTeam(t)
	for i := range 3 {
		a := m.say(m.nodes[i], fmt.Sprint("approve-", i), "pay", "")
		d := m.pending(m.nodes[(i+1)%3], agent.DecisionApproval)
		runs := int(m.model.Load())
		if status, body := m.http(m.nodes[(runs+1)%3], "POST", "/api/v1/decisions/"+d.ID, fmt.Sprintf(`{"answer":"approve","args_hash":%q}`, d.ArgsHash)); status != http.StatusOK {
			t.Errorf("answer = %d, %s, want 200", status, body)
		}
		if text, err := m.wait(m.nodes[(i+2)%3], a.Turn); err != nil || text != "Done." || len(m.paid) != 1 {
			t.Errorf("Wait() = %q, %v with %d payments, want Done. with 1", text, err, len(m.paid))
		}
		<-m.paid
		for n, at := range m.nodes {
			if status, body := m.http(at, "POST", "/api/v1/decisions/"+d.ID, `{"answer":"deny"}`); status != http.StatusConflict {
				t.Errorf("second answer at node %d = %d, %s, want 409", n, status, body)
			}
		}
	}
}

// TestNodesSession says things in one session at three nodes in turn: they are one
// conversation.
func TestNodesSession(t *testing.T) {
	m := startTeam(t)
	for i := range 6 {
		text := fmt.Sprint("word ", i)
		a := m.say(m.nodes[i%3], "talk", text, "")
		if got, err := m.wait(m.nodes[(i+1)%3], a.Turn); err != nil || got != "Re: "+text {
			t.Errorf("Wait() = %q, %v, want Re: %s", got, err, text)
		}
	}
	id, err := agent.NewSessionID("Clerk", "talk")
	if err != nil {
		t.Fatal(err)
	}
	for n, at := range m.nodes {
		list, err := agent.NewService(at.Client()).Messages(t.Context(), id, 0, 100)
		if err != nil || len(list) != 12 {
			t.Errorf("node %d has %d messages, %v, want 12", n, len(list), err)
		}
	}
}
