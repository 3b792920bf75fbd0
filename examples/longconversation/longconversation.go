// Package longconversation has an agent that one person talks with for years. Each
// message is stored once and never sent around again for its own sake: with a window
// the model is given the newest ones only, so that turn 10,000 costs what turn 10
// costs. What the person has asked to be remembered is kept in the session's state,
// beside the conversation, and told to the model in each turn.
//
//	go run ./examples/serve longconversation
//	curl --json '{"message":"Remember: I do not eat nuts.","sessionId":"ann"}' \
//	  http://127.0.0.1:8080/api/agents/Companion/run
//	curl --json '{"message":"What shall I cook?","sessionId":"ann"}' \
//	  http://127.0.0.1:8080/api/agents/Companion/run
//	curl 'http://127.0.0.1:8080/api/v1/agents/Companion/sessions/ann/messages'
package longconversation

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

const (
	// Window is how many messages the model is given beside those of the turn.
	Window = 40
	// maxNotes bounds what is remembered: the oldest goes first.
	maxNotes = 50
	// notes is the member of the session's state that holds it.
	notes = "notes"
)

// Remember notes what begins with "Remember:", and tells the model all notes. It is
// asked once for each turn.
func Remember(_ context.Context, turn agent.TurnInfo) (agent.Addition, error) {
	var known []string
	if text, there := turn.State[notes]; there {
		if err := json.Unmarshal(text, &known); err != nil {
			return agent.Addition{}, err
		}
	}
	for _, m := range turn.Messages {
		if note, ok := strings.CutPrefix(m.Text(), "Remember:"); ok {
			known = append(known, strings.TrimSpace(note))
		}
	}
	if len(known) == 0 {
		return agent.Addition{}, nil
	}
	known = known[max(len(known)-maxNotes, 0):]
	text, err := json.Marshal(known)
	return agent.Addition{
		Instructions: "What you are to remember:\n- " + strings.Join(known, "\n- "),
		State:        map[string]json.RawMessage{notes: text},
	}, err
}

// New returns the agent.
func New(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name: "Companion", Description: "Talks with one person for years.", Model: m,
		Instructions: "You are a friendly companion. Be brief.",
		Window:       Window,
		Context:      []agent.ContextProvider{agent.ContextFunc(Remember)},
		TTL:          agent.Forever,
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error { return agent.Register(reg, New(m)) }
