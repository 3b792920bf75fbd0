package modeltest

import (
	"context"
	"fmt"
	"iter"

	"github.com/perdure/perdure/model"
)

// Reply returns a model that answers each request as fn says, however often it is
// asked: for tests in which calls are repeated, such as after a crash, where a
// [Script] would be at another step. Equal requests should get equal answers; the
// ids of their tool calls are equal then, too. An error of a check ends the call.
// The model may be used concurrently if fn may.
func Reply(fn func(*model.Request) Step) model.Model { return replying(fn) }

type replying func(*model.Request) Step

// Describe names the model.
func (fn replying) Describe() model.Info { return model.Info{Provider: Provider, Model: "reply"} }

// Generate plays the step that is made for the request.
func (fn replying) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		step := fn(req)
		for _, check := range step.checks {
			if err := check(req); err != nil {
				yield(nil, &model.Error{Provider: Provider, Status: 400, Code: "script_check", Err: err})
				return
			}
		}
		p := player{yield: yield, id: fmt.Sprintf("reply-%d", len(req.Messages)), req: req, pace: step.pace}
		p.play(ctx, step)
	}
}
