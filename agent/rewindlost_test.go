package agent_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestRewinderTerminated terminates the run that has a turn rewound, before the hub has
// done so and after: the session goes on all the same, and who has asked is told.
func TestRewinderTerminated(t *testing.T) {
	for name, late := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			var answers atomic.Int64
			n := begin(t, &memory.Disk{}, registry(t, joker(counting(&answers))))
			a := send(t, n, "k1", agent.Message{Text: "Hello."})
			waitText(t, n, a.Turn, "Done.")
			idle(t, n)
			stop := func() {
				if err := n.client.Terminate(context.WithoutCancel(t.Context()), rewinderOf(t, n), client.Ending{}); err != nil {
					t.Error(err)
				}
			}
			if late {
				n.after = stop
			} else {
				n.before = func() error {
					stop()
					return &perdure.Error{Code: perdure.Unavailable, Op: "rewind", Message: "not now"}
				}
			}
			told := make(chan error, 1)
			go func() {
				_, err := n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 3})
				told <- err
			}()
			for ctx := ctxOf(t); ; {
				if in, err := n.hub.Instance(ctx, rewinderOf(t, n), false); err == nil && in.Status == store.Terminated {
					break
				} else if ctx.Err() != nil {
					t.Fatalf("the rewinder is %+v, %v", in, err)
				}
			}
			if r := say(t, n, "k1", "Bye."); r.Text != "Done." {
				t.Errorf("the next turn says %q", r.Text)
			}
			if err := <-told; (err == nil) != late {
				t.Errorf("RewindTo() = %v", err)
			}
			want := "user Hello.\nassistant Done.\nuser Bye.\nassistant Done.\n"
			if got := transcript(t, n, "k1"); got != want {
				t.Errorf("transcript = %s, want %s", got, want)
			}
		})
	}
}

// rewinderOf waits for the run that has a turn rewound, and returns its id.
func rewinderOf(t *testing.T, n *node) string {
	t.Helper()
	for ctx := ctxOf(t); ; {
		page, err := n.hub.List(ctx, store.Query{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range page.Items {
			if strings.HasPrefix(in.Name, "perdure.rewind/") {
				return in.ID
			}
		}
	}
}

// TestRewindOfWhichNothingComes has the hub accept a rewind that a terminate undoes before
// it is carried out: the session is as before.
func TestRewindOfWhichNothingComes(t *testing.T) {
	var answers atomic.Int64
	n := begin(t, &memory.Disk{}, registry(t, joker(counting(&answers))))
	a := send(t, n, "k1", agent.Message{Text: "Hello."})
	waitText(t, n, a.Turn, "Done.")
	idle(t, n)
	n.before = func() error { return errAccepted }
	if _, err := n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 3}); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("RewindTo() = %v, want %v", err, perdure.FailedPrecondition)
	}
	if r := say(t, n, "k1", "Bye."); r.Text != "Done." {
		t.Errorf("the next turn says %q", r.Text)
	}
	if err := n.Rewindable(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Rewindable(not the last) = %v", err)
	}
}

// TestRewindsCountOnce rewinds a turn to behind its first call of the model, terminates it,
// and rewinds it again: what it has spent is counted once.
func TestRewindsCountOnce(t *testing.T) {
	var hold atomic.Bool
	entered := make(chan struct{}, 9)
	m := model.Func(func(ctx contextOf, req *model.Request) updates {
		contents := model.Contents{&model.Text{Text: "Done."}}
		if len(req.Messages) == 1 {
			contents = model.Contents{&model.FunctionCall{CallID: "c", Name: "look", Arguments: `{}`}}
		} else if hold.Load() {
			entered <- struct{}{}
			<-ctx.Done()
		}
		contents = append(contents, &model.UsageContent{Details: model.Usage{InputTokenCount: 1}})
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: contents}}}).Updates()
	})
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Hello."})
	waitText(t, n, a.Turn, "Done.")
	idle(t, n)
	toTool := func() int { // the event that has scheduled the call of the tool
		events, err := n.hub.History(ctxOf(t), a.Turn, "")
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		return 1 + slices.IndexFunc(events, func(e *history.Event) bool {
			if _, ok := e.Body.(*history.TaskScheduled); ok {
				steps++
			}
			return steps == 2
		})
	}
	hold.Store(true)
	rewindLast(t, n, a.Turn, toTool(), agent.NewSessionKey())
	<-entered
	if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	waitFailed(t, n, a.Turn, "terminated")
	hold.Store(false)
	rewindLast(t, n, a.Turn, toTool(), agent.NewSessionKey())
	waitText(t, n, a.Turn, "Done.")
	idle(t, n)
	s, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil || s.Usage.InputTokenCount != 3 {
		t.Errorf("Session() = %+v, %v; want the three calls that were answered, and no more", s, err)
	}
}

// TestRewindKeepsLittle has providers set a state that is too big to be kept twice.
func TestRewindKeepsLittle(t *testing.T) {
	var answers atomic.Int64
	size := 10
	a := joker(counting(&answers))
	a.Context = []agent.ContextProvider{agent.ContextFunc(func(context.Context, agent.TurnInfo) (agent.Addition, error) {
		return agent.Addition{State: map[string]json.RawMessage{"memory": json.RawMessage(`"` + strings.Repeat("x", size) + `"`)}}, nil
	})}
	n := begin(t, &memory.Disk{}, registry(t, a))
	turn := func() error {
		t.Helper()
		sent := send(t, n, "k1", agent.Message{Text: "Hello."})
		waitText(t, n, sent.Turn, "Done.")
		idle(t, n)
		return n.Rewindable(ctxOf(t), sent.Turn)
	}
	if err := turn(); err != nil {
		t.Errorf("Rewindable() = %v", err)
	}
	size = 100 << 10
	if err := turn(); err != nil {
		t.Errorf("Rewindable(of little before) = %v", err)
	}
	if err := turn(); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Rewindable(of much before) = %v, want %v", err, perdure.FailedPrecondition)
	}
}
