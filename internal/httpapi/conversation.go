package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// said is an entry of what agents and people said in a run.
type said struct {
	Kind    string    `json:"kind" choices:"message decision event agent"` // agent: another one was called
	At      time.Time `json:"at"`
	Run     string    `json:"run"`   // id of the turn in which it was said
	Agent   string    `json:"agent"` // whose turn that is
	Session string    `json:"session,omitempty"`

	Position int64          `json:"position"` // of a message in its conversation
	Message  *model.Message `json:"message,omitempty"`
	Decision *decisionView  `json:"decision,omitempty"`
	Event    *saidEvent     `json:"event,omitempty"` // that was raised to the run

	To      string `json:"to,omitempty"`      // name of the agent that was called
	ToRun   string `json:"to_run,omitempty"`  // id of its turn
	Handoff bool   `json:"handoff,omitempty"` // it was given the conversation

	// EventID and Step tell the step of Run that made the message, or called the agent:
	// the id of its event, and the number of the model step.
	EventID    int32  `json:"event_id,omitempty"`
	Step       int    `json:"step,omitempty"`
	Status     string `json:"status,omitempty"` // of the step
	Model      string `json:"model,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
	DurationMS int64  `json:"duration_ms,omitempty"`
	*cost             // of models and agents
}

// saidEvent is an event that somebody has raised to a run.
type saidEvent struct {
	N     int             `json:"n"` // of its entry in the history
	Name  string          `json:"name"`
	Data  json.RawMessage `json:"data,omitempty"`  // up to 4 KB; what is larger is the payload of entry N
	Bytes int             `json:"bytes,omitempty"` // of the data
	By    string          `json:"by,omitempty"`    // who, if it came over an API: name of the token, "local" = none was needed
}

// conversation is the answer to GET /runs/{id}/conversation.
type conversation struct {
	Items []said `json:"items"`
	Next  int    `json:"next,omitempty"` // ?after= of the next page
	Total int    `json:"total"`
	// Partial says that the run has too many below it to look at all.
	Partial bool `json:"partial"`
}

func (a *API) getConversation(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "after", "limit")
	if err != nil {
		return nil, err
	}
	after, err := q.number("after", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", maxMessages, maxMessages)
	if err != nil {
		return nil, err
	}
	if a.Agents == nil {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "read conversation", Message: "this server serves no agents"}
	}
	all, complete, err := a.Agents.Service.Conversation(r.Context(), id)
	if err != nil {
		return nil, err
	}
	body := conversation{Items: []said{}, Total: len(all), Partial: !complete}
	end := min(after+max(limit, 1), len(all))
	who := map[string]raisers{} // by run
	for i := after; i < end; i++ {
		v := a.viewSaid(r.Context(), &all[i])
		if e := v.Event; e != nil {
			if who[v.Run] == nil {
				if who[v.Run], err = a.raisersOf(r.Context(), v.Run); err != nil {
					return nil, err
				}
			}
			e.By = who[v.Run].of(e.Name, all[i].At)
		}
		body.Items = append(body.Items, v)
	}
	if end < len(all) {
		body.Next = end
	}
	return &reply{body: &body}, nil
}

func (a *API) viewSaid(ctx context.Context, s *agent.Said) said {
	v := said{Kind: "message", At: s.At.UTC(), Run: s.Turn, Agent: a.agentName(s.Agent), Session: s.Session, Position: s.Position, Message: s.Message,
		Decision: viewDecision(ctx, s.Decision), To: a.agentName(s.Called), Handoff: s.Handoff}
	switch {
	case s.Decision != nil:
		v.Kind = "decision"
	case s.Raised != nil:
		v.Kind, v.Event = "event", &saidEvent{N: s.Raised.N, Name: s.Raised.Name, Bytes: s.Raised.Size}
		if data := s.Raised.Data; len(data) <= inlinePayload && json.Valid([]byte(data)) {
			v.Event.Data = json.RawMessage(data)
		}
	case s.Called != "":
		v.Kind, v.ToRun = "agent", s.Step.Run
	}
	if step := s.Step; step != nil {
		v.EventID, v.Step, v.Status, v.Model, v.Attempt, v.DurationMS = step.ID, step.Step, step.Status, step.Model, step.Attempt, took(step)
		if step.Kind != agent.StepTool {
			c := viewCost(step.Usage, step.Spent)
			v.cost = &c
		}
	}
	return v
}

// agentName is the name of an agent as it is written where it is known; ids have it
// in lower case.
func (a *API) agentName(name string) string {
	if a.Agents != nil && name != "" {
		for _, info := range a.Agents.all() {
			if strings.EqualFold(info.Name, name) {
				return info.Name
			}
		}
	}
	return name
}
