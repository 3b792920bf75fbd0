package agent_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// parrot repeats what it is told.
func parrot() model.Model {
	return model.Func(func(ctx contextOf, req *model.Request) updates {
		last := req.Messages[len(req.Messages)-1].Text()
		return (&model.Response{Messages: []*model.Message{model.AssistantText(strings.ToUpper(last))}}).Updates()
	})
}

func TestRunInOrchestration(t *testing.T) {
	speaker := &agent.Agent{Name: "Parrot", Model: parrot()}
	reg := registry(t, speaker)
	// It returns four answers and three turns.
	perdure.AddOrchestrationNamed(reg, "talk", func(ctx *perdure.Context, in string) ([]string, error) {
		a, b := speaker.Run(ctx, in+"1"), agent.Named("PARROT").Run(ctx, in+"2")
		if err := perdure.All(ctx, a, b); err != nil {
			return nil, err
		}
		first := speaker.Run(ctx, in+"3", agent.InSession("s"))
		second := speaker.Run(ctx, in+"4", agent.InSession("s"))
		if perdure.Any(ctx, second, ctx.Timer(1<<40)) != second {
			return []string{"the timer was first"}, nil
		}
		var texts []string
		for _, task := range []*agent.Task{a, b, first, second} {
			text, err := task.Text()
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		under := speaker.Run(ctx, in+"5", agent.Under(agent.NewPool(ctx, agent.Budget{Calls: 5})))
		_, err := under.Text()
		return append(texts, a.Turn(), second.Turn(), under.Turn()), err
	})
	n := begin(t, &memory.Disk{}, reg)
	s, err := n.client.Start(ctxOf(t), "talk", "x", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.Result[[]string](ctxOf(t), n.client, s.ID)
	if err != nil || len(out) != 7 {
		t.Fatalf("Result() = %s, %v, want four answers and three turns", out, err)
	}
	if got, want := strings.Join(out[:4], " "), "X1 X2 X3 X4"; got != want {
		t.Errorf("the answers are %s, want %s", got, want)
	}
	for i, want := range map[int]string{5: "X4", 6: "X5"} {
		said := ""
		for f, err := range n.Stream(ctxOf(t), out[i], 0) {
			if err != nil {
				t.Fatal(err)
			}
			said += f.Delta
		}
		if said != want {
			t.Errorf("the stream of the turn %q says %q, want %q", out[i], said, want)
		}
	}
	if out[4] != "" {
		t.Errorf("Turn() of a run of its own = %q, want none", out[4])
	}
	id, err := agent.NewSessionID("parrot", "s")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := n.Messages(ctxOf(t), id, 0, 10); err != nil || len(list) != 4 {
		t.Errorf("Messages() = %d messages, %v, want 4", len(list), err)
	}
}

func TestRunFails(t *testing.T) {
	m := modeltest.Script(t, modeltest.Fail(&model.Error{Provider: "p", Message: "no"}), modeltest.Fail(&model.Error{Provider: "p", Message: "no"}))
	reg := registry(t, joker(m))
	perdure.AddOrchestrationNamed(reg, "talk", func(ctx *perdure.Context, in []agent.RunOption) (string, error) {
		_, alone := agent.Named("Joker").Run(ctx, "x").Text()
		_, inside := agent.Named("Joker").Run(ctx, "x", agent.InSession("s")).Text()
		if alone == nil || inside == nil {
			return "no error", nil
		}
		return alone.Error() + "|" + inside.Error(), nil
	})
	n := begin(t, &memory.Disk{}, reg)
	s, err := n.client.Start(ctxOf(t), "talk", nil, client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.Result[string](ctxOf(t), n.client, s.ID)
	if err != nil || strings.Count(out, "p: no") != 2 {
		t.Errorf("Result() = %s, %v, want the provider's error twice", out, err)
	}
}
