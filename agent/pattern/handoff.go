package pattern

import (
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// move is what an agent does with a task that it was given.
type move struct {
	To  string `json:"to" jsonschema:"the agent that is to go on with the task; empty if you answer it"`
	Say string `json:"say" jsonschema:"your answer, or what the next agent must know"`
}

// Handoff gives the task to the first agent of a team. Whoever has it answers it,
// or hands it over to another one with a note, at most hops times in all. An
// agent that gets the task back remembers it.
//
// It is for orchestrations that want to see each hand-over. Within one
// conversation, agents hand over by themselves: see agent.Agent.Handoffs.
func Handoff(hops int, team ...Member) func(ctx *perdure.Context, task string) (Answer, error) {
	return func(ctx *perdure.Context, task string) (Answer, error) {
		if len(team) == 0 {
			return Answer{}, unfinished(ctx, "the team has no agents")
		}
		key := sessionKey(ctx)
		has, note := team[0], ""
		for range hops + 1 {
			prompt := fmt.Sprintf("The task is:\n%s\n\nAnswer it, or hand it over to the agent that should:\n%s", task, roster(team))
			if note != "" {
				prompt += "\n" + note
			}
			m, err := agent.RunAs[move](ctx, has.Agent, prompt, agent.InSession(key)).Value()
			if err != nil {
				return Answer{}, failed(has.Agent, err)
			}
			next, there := find(team, m.To)
			switch {
			case strings.TrimSpace(m.To) == "" || there && next.Agent == has.Agent:
				return Answer{Agent: has.Agent.Name(), Text: m.Say}, nil
			case !there:
				note = fmt.Sprintf("There is no agent %q.", m.To)
			default:
				note = fmt.Sprintf("%s hands it over to you: %s", has.Agent.Name(), m.Say)
				has = next
			}
		}
		return Answer{}, unfinished(ctx, "the task was handed over %d times, and nobody has answered it", hops)
	}
}
