package perduretest

import (
	"fmt"
	"regexp"

	"github.com/perdure/perdure/agent"
)

// Agents returns a service with which the test talks to the hub's agents. Its
// methods wait for turns, but not for the time that these may need to pass: use
// Answer for that.
func (e *Env) Agents() *agent.Service { return agent.NewService(e.client) }

// Tell says something to an agent, in the session with this key, and waits until
// nothing moves by itself. It returns the turn, whose end Answer waits for. A
// message without a correlation id gets one that is the same in each run of a test.
func (e *Env) Tell(agentName, key string, m agent.Message) (turn string) {
	e.t.Helper()
	session, err := agent.NewSessionID(agentName, key)
	if err != nil {
		e.t.Fatal(err)
	}
	if e.told++; m.CorrelationID == "" {
		m.CorrelationID = fmt.Sprintf("message %d", e.told)
	}
	a, err := e.Agents().Send(e.ctx, session, m)
	if err != nil {
		e.t.Fatal(err)
	}
	e.settle()
	return a.Turn
}

// Answer lets time pass until a turn has ended and returns the agent's response, or
// the *perdure.StepError that says why it has none.
func (e *Env) Answer(turn string) (*agent.Response, error) {
	e.t.Helper()
	e.Wait(turn)
	return e.Agents().Wait(e.ctx, turn)
}

// Ask says a text to an agent, in the session with this key, and lets time pass
// until it has answered.
func (e *Env) Ask(agentName, key, text string) (*agent.Response, error) {
	e.t.Helper()
	return e.Answer(e.Tell(agentName, key, agent.Message{Text: text}))
}

// Decisions returns the questions to people that are open, those with the earliest
// deadline first.
func (e *Env) Decisions() []*agent.Decision {
	e.t.Helper()
	page, err := e.Agents().Decisions(e.ctx, agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil {
		e.t.Fatal(err)
	}
	return page.Decisions
}

// Decide answers a decision and waits until nothing moves by itself.
func (e *Env) Decide(id string, a agent.Answer) {
	e.t.Helper()
	if _, err := e.Agents().Decide(e.ctx, id, a); err != nil {
		e.t.Fatal(err)
	}
	e.settle()
}

// StreamOffsets matches the offsets of streams in the histories of agents' turns.
// They count the attempts of calls of models, and so the crashes: it is for
// Scenario.Ignore.
func StreamOffsets() *regexp.Regexp { return regexp.MustCompile(`"(next|offset)":\d+`) }
