package pattern

import (
	"errors"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// order is what a manager decides after each step of the work.
type order struct {
	Done   bool   `json:"done" jsonschema:"whether the task is done"`
	Answer string `json:"answer" jsonschema:"the answer to the task, if it is done"`
	Agent  string `json:"agent" jsonschema:"the agent that works next, if it is not"`
	Work   string `json:"work" jsonschema:"what that agent is to do; it knows only what you tell it"`
}

// Managed has an agent manage a team: it makes a plan, gives work to one agent at
// a time, looks at each result, changes its mind, and answers the task itself in
// the end. After so many rounds it must answer with what there is. An agent that
// fails is a result too; only a failure of the manager fails the run.
func Managed(manager agent.Ref, rounds int, team ...Member) func(ctx *perdure.Context, task string) (string, error) {
	return func(ctx *perdure.Context, task string) (string, error) {
		own := agent.InSession(sessionKey(ctx)) // of each agent
		_, err := manager.Run(ctx, fmt.Sprintf("You manage a team:\n%s\nThe task is:\n%s\n\n"+
			"Write down what is known, what has to be found out, and a short plan of who does what. Do not answer the task yet.", roster(team), task), own).Text()
		if err != nil {
			return "", failed(manager, err)
		}
		report := "Begin."
		for range rounds {
			o, err := agent.RunAs[order](ctx, manager, report+"\n\nIs the task done? If not, who works next, and on what?", own).Value()
			if err != nil {
				return "", failed(manager, err)
			}
			if o.Done {
				return o.Answer, nil
			}
			if report, err = delegate(ctx, team, o, own); err != nil {
				return "", err
			}
		}
		text, err := manager.Run(ctx, report+"\n\nThere is no time left. Answer the task as well as you can now.", own).Text()
		if err != nil {
			return "", failed(manager, err)
		}
		return text, nil
	}
}

// delegate has an agent of the team work and returns what the manager is told.
func delegate(ctx *perdure.Context, team []Member, o order, own agent.RunOption) (report string, err error) {
	m, there := find(team, o.Agent)
	if !there {
		return fmt.Sprintf("There is no agent %q in the team.", o.Agent), nil
	}
	text, err := m.Agent.Run(ctx, o.Work, own).Text()
	var step *perdure.StepError
	switch {
	case errors.As(err, &step):
		return fmt.Sprintf("%s has failed: %s", m.Agent.Name(), step.Message), nil
	case err != nil:
		return "", failed(m.Agent, err)
	}
	return fmt.Sprintf("%s answers:\n%s", m.Agent.Name(), text), nil
}
