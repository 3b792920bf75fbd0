package pattern

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Sequential has agents work one after the other: the first is given the task,
// each other one the answer of the one before it. The last answer is the result.
func Sequential(agents ...agent.Ref) func(ctx *perdure.Context, task string) (string, error) {
	return func(ctx *perdure.Context, task string) (string, error) {
		text := task
		for _, a := range agents {
			var err error
			if text, err = a.Run(ctx, text).Text(); err != nil {
				return "", failed(a, err)
			}
		}
		return text, nil
	}
}
