package pattern

import (
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Speaker says which member of a group speaks next, "" = the discussion is over.
// It is part of an orchestration and must be deterministic.
type Speaker func(ctx *perdure.Context, task string, said []Answer) (next string, err error)

// GroupChat has agents discuss a task. Next picks who speaks, at most turns times
// in all. Each member has a session of its own, in which it is told what the
// others have said since it spoke last. The result is all that was said.
func GroupChat(turns int, next Speaker, members ...agent.Ref) func(ctx *perdure.Context, task string) ([]Answer, error) {
	return func(ctx *perdure.Context, task string) ([]Answer, error) {
		key := sessionKey(ctx)
		said := []Answer{}
		heard := make([]int, len(members)) // how much of it each member knows
		for len(said) < turns {
			name, err := next(ctx, task, said)
			if err != nil || name == "" {
				return said, err
			}
			i := slices.IndexFunc(members, func(m agent.Ref) bool { return strings.EqualFold(m.Name(), name) })
			if i < 0 {
				return said, unfinished(ctx, "%q is to speak, who is no member of the group", name)
			}
			text, err := members[i].Run(ctx, news(task, said, heard[i]), agent.InSession(key)).Text()
			if err != nil {
				return said, failed(members[i], err)
			}
			said = append(said, Answer{Agent: members[i].Name(), Text: text})
			heard[i] = len(said)
		}
		return said, nil
	}
}

// news is what a member is told before it speaks.
func news(task string, said []Answer, heard int) string {
	var b strings.Builder
	if heard == 0 {
		fmt.Fprintf(&b, "You take part in a discussion of this task:\n%s\n\n", task)
	}
	for _, a := range said[heard:] {
		fmt.Fprintf(&b, "%s: %s\n", a.Agent, a.Text)
	}
	b.WriteString("It is your turn.")
	return b.String()
}

// RoundRobin has the members speak in turn.
func RoundRobin(members ...agent.Ref) Speaker {
	return func(_ *perdure.Context, _ string, said []Answer) (string, error) {
		if len(members) == 0 {
			return "", nil
		}
		return members[len(said)%len(members)].Name(), nil
	}
}

// choice is whom a manager picks.
type choice struct {
	Next string `json:"next" jsonschema:"the member that speaks next; empty if the discussion is over"`
}

// ChosenBy has an agent pick who speaks next, and end the discussion. A pick that
// is no member is asked for again once.
func ChosenBy(manager agent.Ref, members ...Member) Speaker {
	return func(ctx *perdure.Context, task string, said []Answer) (string, error) {
		prompt := fmt.Sprintf("You lead a discussion of this task:\n%s\n\nThe members are:\n%s\nWhat was said so far:\n", task, roster(members))
		for _, a := range said {
			prompt += fmt.Sprintf("%s: %s\n", a.Agent, a.Text)
		}
		prompt += "Who speaks next? Nobody, if the task is done."
		for range 2 {
			c, err := agent.RunAs[choice](ctx, manager, prompt).Value()
			if err != nil {
				return "", failed(manager, err)
			}
			if m, there := find(members, c.Next); there {
				return m.Agent.Name(), nil
			}
			if strings.TrimSpace(c.Next) == "" {
				return "", nil
			}
			prompt += fmt.Sprintf("\nThere is no member %q.", c.Next)
		}
		return "", unfinished(ctx, "agent %s picks nobody who is there", manager.Name())
	}
}
