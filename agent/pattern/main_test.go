package pattern_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is a model that answers by a function of the prompt and of how many
// prompts came before it in the conversation. An answer that is no string is JSON.
func answering(fn func(prompt string, before int) any) model.Model {
	return model.Func(func(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
		before := 0
		for _, m := range r.Messages[:len(r.Messages)-1] {
			if m.Role == model.RoleUser {
				before++
			}
		}
		var text string
		switch answer := fn(r.Messages[len(r.Messages)-1].Text(), before).(type) {
		case error:
			return func(yield func(*model.Update, error) bool) {
				yield(nil, &model.Error{Provider: "test", Message: answer.Error()})
			}
		case string:
			text = answer
		default:
			data, err := json.Marshal(answer)
			if err != nil {
				panic(err)
			}
			text = string(data)
		}
		return (&model.Response{Messages: []*model.Message{model.AssistantText(text)}}).Updates()
	})
}

func named(name string, fn func(prompt string, before int) any) *agent.Agent {
	return &agent.Agent{Name: name, Model: answering(fn)}
}

// saying is an agent that always says the same.
func saying(name, text string) *agent.Agent {
	return named(name, func(string, int) any { return text })
}

// run runs an orchestration with agents on a hub in memory.
func run[Out any](orchestration func(*perdure.Context, string) (Out, error), task string, agents ...*agent.Agent) (out Out, err error) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "work", orchestration)
	if err := agent.Register(reg, agents...); err != nil {
		return out, err
	}
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		return out, err
	}
	h, err := local.New(local.Config{Store: s, Registry: reg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return out, err
	}
	c := client.New(h)
	ctx, cancel := context.WithCancel(agent.NewService(c).Context(context.Background()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-done)
	}()
	started, err := c.Start(ctx, "work", task, client.StartOptions{})
	if err != nil {
		return out, err
	}
	return client.Result[Out](ctx, c, started.ID)
}
