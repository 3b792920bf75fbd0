package agent_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// runs returns the ids of the runs whose id begins with prefix.
func runs(t *testing.T, n *node, prefix string) []string {
	t.Helper()
	page, err := n.hub.List(ctxOf(t), store.Query{IDPrefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, i := range page.Items {
		ids = append(ids, i.ID)
	}
	return ids
}

// leftovers returns how many messages and frames are stored under the hub.
func leftovers(t *testing.T, n *node, turn string) int {
	t.Helper()
	count := 0
	for _, kind := range []store.RowKind{100, 101} {
		rows, _, err := n.hub.ReadRows(ctxOf(t), store.RowQuery{Kind: kind, Owner: turn, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		count += len(rows)
	}
	return count
}

// TestDelete deletes a session in the middle of a call of the model, with another
// message in the queue, and begins it anew with the same correlation ids. The key
// of a second session begins like the ids of the first one's turns.
func TestDelete(t *testing.T) {
	m := newEndless()
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	if err := n.Delete(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Delete() of no session = %v, want not_found", err)
	}
	say(t, n, "k1~x", "Leave me alone.")
	say(t, n, "k1", "1")
	a := send(t, n, "k1", agent.Message{Text: "hang", CorrelationID: "a"})
	b := send(t, n, "k1", agent.Message{Text: "2", CorrelationID: "b"})
	if err := hears(t, n, a.Turn); err != nil {
		t.Fatal(err)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	<-m.ended
	if _, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() = %v, want not_found", err)
	}
	if got, want := fmt.Sprint(runs(t, n, "dafx-joker~k1~")), fmt.Sprint(runs(t, n, "dafx-joker~k1~x~")); got != want {
		t.Errorf("runs = %s, want only that of the other session %s", got, want)
	}
	if got := leftovers(t, n, a.Turn) + leftovers(t, n, b.Turn); got != 0 {
		t.Errorf("%d rows are left, want none", got)
	}
	if got, want := transcript(t, n, "k1~x"), "user Leave me alone.\nassistant Re: Leave me alone.\n"; got != want {
		t.Errorf("transcript of the other session = %s, want %s", got, want)
	}
	for _, id := range []string{"a", "b"} {
		again := send(t, n, "k1", agent.Message{Text: "new " + id, CorrelationID: id})
		if r, err := n.Wait(ctxOf(t), again.Turn); err != nil || r.Text != "Re: new "+id {
			t.Errorf("Wait() in the new session = %+v, %v, want Re: new %s", r, err, id)
		}
	}
	if got, want := transcript(t, n, "k1"), "user new a\nassistant Re: new a\nuser new b\nassistant Re: new b\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestDeleteTerminated deletes a session whose turn was ended from outside.
func TestDeleteTerminated(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	a := send(t, n, "k1", agent.Message{Text: "hang"})
	if err := hears(t, n, a.Turn); err != nil {
		t.Fatal(err)
	}
	if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.hub.WaitCompletion(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Errorf("Delete() = %v, want nil", err)
	}
	if got := runs(t, n, "dafx-joker~k1~"); len(got) != 0 {
		t.Errorf("runs = %v, want none", got)
	}
}

func TestReset(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	say(t, n, "k1", "1")
	if err := n.Reset(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if got := transcript(t, n, "k1"); got != "" {
		t.Errorf("transcript = %s, want none", got)
	}
	say(t, n, "k1", "2")
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	e, err := n.Export(ctxOf(t), session(t, "k1"))
	if err != nil || e.Session.Turns != 2 || len(e.Messages) != 2 || line(e.Messages[0].Message) != "user 2" {
		t.Errorf("Export() = %+v, %v, want 2 turns of which one left its 2 messages", e, err)
	}
}

// TestDropped shows that an orchestration that waits for a message that was
// dropped is told.
func TestDropped(t *testing.T) {
	reg := registry(t, joker(newEndless()))
	perdure.AddOrchestrationNamed(reg, "talk", func(ctx *perdure.Context, _ string) (string, error) {
		_, err := agent.Named("Joker").Run(ctx, "2", agent.InSession("k1")).Text()
		return fmt.Sprint(perdure.CodeOf(err)), nil
	})
	n := begin(t, &memory.Disk{}, reg)
	a := send(t, n, "k1", agent.Message{Text: "hang"})
	if err := hears(t, n, a.Turn); err != nil {
		t.Fatal(err)
	}
	s, err := n.client.Start(ctxOf(t), "talk", "", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for ctx := ctxOf(t); ; runtime.Gosched() { // until its message waits
		if s, err := n.Session(ctx, session(t, "k1")); err != nil {
			t.Fatal(err)
		} else if len(s.Queue) == 1 {
			break
		}
	}
	if err := n.Delete(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if out, err := client.Result[string](ctxOf(t), n.client, s.ID); err != nil || out != "canceled" {
		t.Errorf("Result() = %s, %v, want canceled", out, err)
	}
}

// TestPowerCutInDelete cuts the power at each moment of a deletion and of the
// session that follows it.
func TestPowerCutInDelete(t *testing.T) {
	eachCutTold(t, func() *agent.Agent { return joker(newEndless()) }, func(n *node, again bool) error {
		id := session(t, "k1")
		for _, m := range []agent.Message{{Text: "hang 1", CorrelationID: "a"}, {Text: "2", CorrelationID: "b"}} {
			if again {
				break
			}
			if _, err := n.Send(ctxOf(t), id, m); err != nil {
				return err
			}
		}
		if !again {
			if err := hears(t, n, id.Turn("a")); err != nil {
				return err
			}
		}
		if err := n.Delete(ctxOf(t), id); err != nil && perdure.CodeOf(err) != perdure.NotFound {
			return err
		}
		if _, err := n.Send(ctxOf(t), id, agent.Message{Text: "new", CorrelationID: "c"}); err != nil {
			return err
		}
		_, err := n.Wait(ctxOf(t), id.Turn("c"))
		return err
	}, func(n *node, at int) {
		if got, want := transcript(t, n, "k1"), "user new\nassistant Re: new\n"; got != want {
			t.Errorf("cut at %d: transcript = %s, want %s", at, got, want)
		}
		turn := session(t, "k1").Turn("c")
		for _, id := range runs(t, n, "dafx-joker~k1~") { // a cleanup whose caller died is left
			if id != turn && !strings.Contains(id, "~end-") {
				t.Errorf("cut at %d: run %s is left, want only %s", at, id, turn)
			}
		}
		if got := leftovers(t, n, session(t, "k1").Turn("a")); got != 0 {
			t.Errorf("cut at %d: %d rows are left, want none", at, got)
		}
		if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Turns != 1 || s.Running != "" || len(s.Queue) != 0 {
			t.Errorf("cut at %d: Session() = %+v, %v, want one turn", at, s, err)
		}
	})
}
