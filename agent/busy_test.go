package agent_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

func TestReject(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	a := send(t, n, "k1", agent.Message{Text: "hang", Busy: agent.BusyReject, CorrelationID: "a"})
	if err := hears(t, n, a.Turn); err != nil {
		t.Fatal(err)
	}
	late := agent.Message{Text: "late", Busy: agent.BusyReject, CorrelationID: "b"}
	if _, err := n.Send(ctxOf(t), session(t, "k1"), late); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Send() to a busy session = %v, want failed_precondition", err)
	}
	if _, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "x", Busy: "later"}); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Send() with an unknown policy = %v, want invalid_argument", err)
	}
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	again, err := n.Send(ctxOf(t), session(t, "k1"), late)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := n.Wait(ctxOf(t), again.Turn); err != nil || r.Text != "Re: late" {
		t.Errorf("Wait() for the message that was refused before = %+v, %v, want Re: late", r, err)
	}
}

// interrupts has a turn interrupted while another message waits.
func interrupts(t *testing.T, n *node) error {
	id := session(t, "k1")
	for _, m := range []agent.Message{
		{Text: "hang 1", CorrelationID: "a"}, {Text: "2", CorrelationID: "b"},
		{Text: "3", CorrelationID: "c", Busy: agent.BusyInterrupt}, {Text: "4", CorrelationID: "d", Busy: agent.BusyInterrupt},
	} {
		if _, err := n.Send(ctxOf(t), id, m); err != nil {
			return err
		}
		if m.CorrelationID == "a" {
			if err := hears(t, n, id.Turn("a")); err != nil {
				return err
			}
		}
	}
	if _, err := n.Wait(ctxOf(t), id.Turn("a")); isCanceled(err) != nil {
		return isCanceled(err)
	}
	for _, key := range []string{"b", "c"} {
		if _, err := n.Wait(ctxOf(t), id.Turn(key)); err != nil && isCanceled(err) != nil {
			return err
		}
	}
	_, err := n.Wait(ctxOf(t), id.Turn("d"))
	return err
}

func TestInterrupt(t *testing.T) {
	entered, gate := make(chan struct{}), make(chan struct{})
	first := modeltest.Say("no").Check(func(*model.Request) error { close(entered); <-gate; return nil })
	m := modeltest.Script(t, first, modeltest.Say("three"), modeltest.Say("two"))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	a := send(t, n, "k1", agent.Message{Text: "1"})
	<-entered
	b := send(t, n, "k1", agent.Message{Text: "2"})
	c := send(t, n, "k1", agent.Message{Text: "3", Busy: agent.BusyInterrupt})
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() for the interrupted turn = %v, want canceled", err)
	}
	close(gate)
	if r, err := n.Wait(ctxOf(t), c.Turn); err != nil || r.Text != "three" {
		t.Errorf("Wait() = %+v, %v, want three", r, err)
	}
	if r, err := n.Wait(ctxOf(t), b.Turn); err != nil || r.Text != "two" {
		t.Errorf("Wait() = %+v, %v, want two", r, err)
	}
	if got, want := transcript(t, n, "k1"), "user 1\nuser 3\nassistant three\nuser 2\nassistant two\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestPowerCutInInterrupt shows that no message is lost or answered twice.
func TestPowerCutInInterrupt(t *testing.T) {
	eachCut(t, func() *agent.Agent { return joker(newEndless()) }, func(n *node) error { return interrupts(t, n) }, func(n *node, at int) {
		got := map[string]int{}
		list, err := n.Messages(ctxOf(t), session(t, "k1"), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			got[line(m.Message)]++
		}
		for _, want := range []string{"user hang 1", "user 2", "user 3", "user 4", "assistant Re: 4"} {
			if got[want] != 1 {
				t.Errorf("cut at %d: %q is there %d times, want once", at, want, got[want])
			}
		}
		if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Turns != 4 || s.Running != "" {
			t.Errorf("cut at %d: Session() = %+v, %v, want 4 turns and none running", at, s, err)
		}
	})
}

// TestSteer gives a turn a message while its tool runs.
func TestSteer(t *testing.T) {
	entered, gate := make(chan struct{}), make(chan struct{})
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) {
		close(entered)
		<-gate
		return "here", nil
	})
	m := modeltest.Script(t, modeltest.Call("look", nil), modeltest.Say("Both."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "One thing."})
	<-entered
	more := agent.Message{Text: "And another.", Busy: agent.BusySteer, CorrelationID: "more"}
	b := send(t, n, "k1", more)
	if b.Steers != a.Turn || b.Turn == a.Turn {
		t.Errorf("Send() = %+v, want a turn that steers %s", b, a.Turn)
	}
	close(gate)
	for _, turn := range []string{b.Turn, a.Turn} {
		if r, err := n.Wait(ctxOf(t), turn); err != nil || r.Text != "Both." || r.Turn != a.Turn {
			t.Errorf("Wait(%s) = %+v, %v, want the answer of the turn that took the message", turn, r, err)
		}
	}
	if f := lastFrame(t, n, b.Turn); f.Status != "completed" {
		t.Errorf("last frame of the message = %+v, want that of the turn that took it", f)
	}
	if again := send(t, n, "k1", more); !again.Duplicate {
		t.Errorf("Send() again = %+v, want a duplicate", again)
	}
	if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Turns != 1 || len(s.Queue) != 0 {
		t.Errorf("Session() = %+v, %v, want one turn", s, err)
	}
	want := "user One thing.\nassistant look({})\ntool = \"here\"\nuser And another.\nassistant Both.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestSteerTooLate gives a turn a message that no call of the model takes any
// more: it is the next turn, before those that wait.
func TestSteerTooLate(t *testing.T) {
	entered, gate := make(chan struct{}), make(chan struct{})
	first := modeltest.Say("one").Check(func(*model.Request) error { close(entered); <-gate; return nil })
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, first, modeltest.Say("three"), modeltest.Say("two")))))
	send(t, n, "k1", agent.Message{Text: "1"})
	<-entered
	send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "b"})
	c := send(t, n, "k1", agent.Message{Text: "3", Busy: agent.BusySteer})
	if err := n.Known(ctxOf(t), session(t, "k1"), c.Turn, 0); err != nil {
		t.Errorf("Known() = %v, want nil", err)
	}
	close(gate)
	if r, err := n.Wait(ctxOf(t), c.Turn); err != nil || r.Text != "three" || r.Turn != c.Turn {
		t.Errorf("Wait() = %+v, %v, want three of its own turn", r, err)
	}
	if r, err := n.Wait(ctxOf(t), session(t, "k1").Turn("b")); err != nil || r.Text != "two" {
		t.Errorf("Wait() = %+v, %v, want two", r, err)
	}
}

// TestPowerCutInSteer shows that a message that was given to a turn is answered
// once, by that turn or by its own.
func TestPowerCutInSteer(t *testing.T) {
	agents := func() *agent.Agent {
		m := &slow{}
		look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
		return joker(m, look)
	}
	eachCut(t, agents, func(n *node) error {
		id := session(t, "k1")
		for _, m := range []agent.Message{{Text: "1", CorrelationID: "a"}, {Text: "2", CorrelationID: "b", Busy: agent.BusySteer}} {
			if _, err := n.Send(ctxOf(t), id, m); err != nil {
				return err
			}
		}
		for _, key := range []string{"a", "b"} {
			if _, err := n.Wait(ctxOf(t), id.Turn(key)); err != nil {
				return err
			}
		}
		return nil
	}, func(n *node, at int) {
		list, err := n.Messages(ctxOf(t), session(t, "k1"), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, m := range list {
			if m.Message.Role == model.RoleUser {
				said += line(m.Message) + ";"
			}
		}
		if want := "user 1;user 2;"; said != want {
			t.Errorf("cut at %d: said = %s, want %s\n%s", at, said, want, fmt.Sprint(transcript(t, n, "k1")))
		}
		if last := line(list[len(list)-1].Message); last != "assistant There it is." {
			t.Errorf("cut at %d: last message = %s, want the answer", at, last)
		}
	})
}

// TestAfter sends messages that are meant to follow a turn: they are refused when
// another one is newer.
func TestAfter(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	first := send(t, n, "k1", agent.Message{Text: "1", CorrelationID: "c1"})
	for i, c := range []struct {
		after, id string
		ok        bool
	}{
		{first.Turn, "c2", true},
		{first.Turn, "c3", false},
		{first.Turn, "c2", true}, // a repeat
		{first.Session.Turn("c2"), "c4", true},
		{first.Session.Turn("c9"), "c5", false},
		{"", "c6", true},
	} {
		a, err := n.Send(ctxOf(t), first.Session, agent.Message{Text: c.id, CorrelationID: c.id, After: c.after})
		if c.ok && err != nil || !c.ok && perdure.CodeOf(err) != perdure.FailedPrecondition {
			t.Fatalf("message %d after %s = %v, want it taken: %v", i, c.after, err, c.ok)
		}
		if c.ok {
			if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := session(t, "k2")
	if _, err := n.Send(ctxOf(t), other, agent.Message{Text: "x", After: first.Turn}); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("message to a new session after a turn of another = %v, want FailedPrecondition", err)
	}
}
