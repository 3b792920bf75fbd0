package agent_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// reading counts the instances that are read.
type reading struct {
	hub.Hub
	instances atomic.Int32
}

func (r *reading) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	r.instances.Add(1)
	return r.Hub.Instance(ctx, id, payloads)
}

// TestOpen follows the open decisions: each is told once, an answer takes one off, and
// those that have not changed cost no look at their runs.
func TestOpen(t *testing.T) {
	var s sink
	m := model.Func(func(_ contextOf, req *model.Request) updates {
		var content model.Content = &model.Text{Text: "Done."}
		if len(req.Messages) == 1 {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"to":"ann","amount":5}`}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{content}}}}).Updates()
	})
	n := begin(t, &memory.Disk{}, registry(t, joker(m, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))))
	counted := &reading{Hub: n.hub}
	open := agent.NewService(client.New(counted)).Open()
	read := func(wantChanged, wantClosed int) []*agent.Decision {
		t.Helper()
		idle(t, n)
		changed, closed, err := open.Read(ctxOf(t))
		if err != nil || len(changed) != wantChanged || len(closed) != wantClosed {
			t.Fatalf("Read() = %d changed, %d closed, %v, want %d and %d", len(changed), len(closed), err, wantChanged, wantClosed)
		}
		return changed
	}
	read(0, 0)
	var turns []agent.Accepted
	for i := range 5 {
		turns = append(turns, send(t, n, fmt.Sprintf("k%d", i), agent.Message{Text: "Pay."}))
	}
	asked := read(5, 0)
	read(0, 0)
	before := counted.instances.Load()
	decide(t, n, asked[2].ID, agent.Answer{Answer: agent.AnswerApprove, ArgsHash: asked[2].ArgsHash})
	read(0, 1)
	turns = append(turns, send(t, n, "k9", agent.Message{Text: "Pay."}))
	more := read(1, 0)
	if slices.ContainsFunc(asked, func(d *agent.Decision) bool { return d.ID == more[0].ID }) {
		t.Errorf("Read() = %+v again", more[0])
	}
	if got := counted.instances.Load() - before; got > 1 {
		t.Errorf("%d runs were looked at for one new decision, want one", got)
	}
	for _, d := range append(slices.Delete(asked, 2, 3), more...) {
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerDeny})
	}
	read(0, 5)
	if len(s.inputs) != 1 || len(turns) != 6 {
		t.Errorf("%d payments of %d turns, want the one that was approved", len(s.inputs), len(turns))
	}
}
