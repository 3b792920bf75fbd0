package agent_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// pass lets time pass, with all that happens meanwhile.
func pass(t *testing.T, n *node, d time.Duration) {
	t.Helper()
	for to := n.clock.Now().Add(d); ; {
		next, err := n.hub.Idle(ctxOf(t))
		if err != nil {
			t.Fatal(err)
		}
		now := n.clock.Now()
		if next.IsZero() || next.After(to) {
			n.clock.Advance(to.Sub(now))
			return
		}
		n.clock.Advance(max(next.Sub(now), 0))
	}
}

// exists reports whether there is a session k1.
func exists(t *testing.T, n *node) bool {
	t.Helper()
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	_, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		t.Fatal(err)
	}
	return err == nil
}

func TestExpiry(t *testing.T) {
	a := joker(newEndless())
	a.TTL = time.Hour
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, a))
	began := n.clock.Now()
	first := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "a"})
	if _, err := n.Wait(ctxOf(t), first.Turn); err != nil {
		t.Fatal(err)
	}
	if !exists(t, n) {
		t.Fatal("there is no session")
	}
	if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || !s.Expires.Equal(began.Add(time.Hour)) {
		t.Errorf("Session() = %+v, %v, want it to expire an hour after %v", s, err, began)
	}
	pass(t, n, 40*time.Minute)
	say(t, n, "k1", "2") // the hour begins again
	pass(t, n, 59*time.Minute)
	if !exists(t, n) {
		t.Fatal("the session expired 59 minutes after it was used")
	}
	pass(t, n, time.Minute)
	if exists(t, n) {
		t.Error("the session is there an hour after it was used")
	}
	if got := leftovers(t, n, first.Turn); got != 0 {
		t.Errorf("%d rows are left, want none", got)
	}
	again := send(t, n, "k1", agent.Message{Text: "3", CorrelationID: "a"})
	if r, err := n.Wait(ctxOf(t), again.Turn); err != nil || r.Text != "Re: 3" {
		t.Errorf("Wait() in the new session = %+v, %v, want Re: 3", r, err)
	}
	if next, err := n.hub.Idle(ctxOf(t)); err != nil || !next.Equal(n.clock.Now().Add(time.Hour)) {
		t.Errorf("next timer = %v, %v, want one, an hour after %v", next, err, n.clock.Now())
	}
}

func TestDefaultTTL(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	say(t, n, "k1", "1")
	pass(t, n, 14*24*time.Hour-time.Second)
	if !exists(t, n) {
		t.Error("the session expired before 14 days were over")
	}
	pass(t, n, time.Second)
	if exists(t, n) {
		t.Error("the session is there after 14 days")
	}
}

func TestForever(t *testing.T) {
	a := joker(newEndless())
	a.TTL = agent.Forever
	n := begin(t, &memory.Disk{}, registry(t, a))
	say(t, n, "k1", "1")
	pass(t, n, 1000*24*time.Hour)
	if !exists(t, n) {
		t.Error("the session expired")
	}
}

// TestNoExpiryWhileOpen shows that a session is kept while a turn waits for a
// decision, and expires after it.
func TestNoExpiryWhileOpen(t *testing.T) {
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { return "paid", nil },
		agent.AlwaysRequireApproval(), agent.ApprovalTimeout(10*time.Hour))
	a := joker(modeltest.Script(t, modeltest.Call("pay", nil), modeltest.Say("It was denied.")), pay)
	a.TTL = time.Hour
	n := begin(t, &memory.Disk{}, registry(t, a))
	send(t, n, "k1", agent.Message{Text: "Pay."})
	pass(t, n, 9*time.Hour)
	if !exists(t, n) {
		t.Fatal("the session expired while a decision was open")
	}
	pass(t, n, 90*time.Minute)
	if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Running != "" || s.Turns != 1 {
		t.Fatalf("Session() = %+v, %v, want the turn to have ended", s, err)
	}
	pass(t, n, 31*time.Minute)
	if exists(t, n) {
		t.Error("the session is there an hour after its turn has ended")
	}
}

// TestPowerCutInSessionExpiry cuts the power at each moment of a session that expires.
func TestPowerCutInSessionExpiry(t *testing.T) {
	agents := func() *agent.Agent {
		a := joker(newEndless())
		a.TTL = time.Hour
		return a
	}
	eachCutTold(t, agents, func(n *node, again bool) error {
		if !again {
			m := agent.Message{Text: "1", CorrelationID: "a"}
			if _, err := n.Send(ctxOf(t), session(t, "k1"), m); err != nil {
				return err
			}
			if _, err := n.Wait(ctxOf(t), session(t, "k1").Turn("a")); err != nil {
				return err
			}
		}
		for passed := time.Duration(0); passed < 3*time.Hour; passed += time.Hour {
			if _, err := n.hub.Idle(ctxOf(t)); err != nil {
				return err
			}
			n.clock.Advance(time.Hour)
		}
		_, err := n.hub.Idle(ctxOf(t))
		return err
	}, func(n *node, at int) {
		if exists(t, n) {
			t.Errorf("cut at %d: the session is there after 3 hours", at)
		}
		if got := leftovers(t, n, session(t, "k1").Turn("a")); got != 0 {
			t.Errorf("cut at %d: %d rows are left, want none", at, got)
		}
	})
}
