package pattern

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Concurrent gives all agents the same task at the same time. The result are their
// answers, in the order of the agents; it fails when one of them does, after all
// have ended.
func Concurrent(agents ...agent.Ref) func(ctx *perdure.Context, task string) ([]Answer, error) {
	return func(ctx *perdure.Context, task string) ([]Answer, error) {
		running := make([]*agent.Task, len(agents))
		for i, a := range agents {
			running[i] = a.Run(ctx, task)
		}
		answers := make([]Answer, len(agents))
		var first error
		for i, a := range agents {
			text, err := running[i].Text()
			if err != nil && first == nil {
				first = failed(a, err)
			}
			answers[i] = Answer{Agent: a.Name(), Text: text}
		}
		if first != nil {
			return nil, first
		}
		return answers, nil
	}
}
