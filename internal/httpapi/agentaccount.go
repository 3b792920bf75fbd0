package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// cost is what calls of models took.
type cost struct {
	Tokens tokens  `json:"tokens"`
	Calls  int64   `json:"calls"`    // of models
	USD    float64 `json:"cost_usd"` // without calls of models whose price is not known
}

func viewCost(u model.Usage, s agent.Spending) cost {
	return cost{Tokens: viewTokens(u), Calls: s.Calls, USD: float64(s.USD) / 1e9}
}

// add adds what other calls took.
func (c *cost) add(o *cost) {
	c.Tokens.In += o.Tokens.In
	c.Tokens.Out += o.Tokens.Out
	c.Tokens.Cached += o.Tokens.Cached
	c.Tokens.Total += o.Tokens.Total
	c.Calls += o.Calls
	c.USD += o.USD
}

// turnAccount is a turn as lists show it.
type turnAccount struct {
	Turn          string `json:"turn"`
	CorrelationID string `json:"correlation_id,omitempty"`
	Status        string `json:"status"`
	Agent         string `json:"agent"`
	Model         string `json:"model,omitempty"`
	Steps         int    `json:"steps"` // model steps
	cost
	Created    time.Time `json:"created"`
	Ended      time.Time `json:"ended,omitzero"`
	DurationMS int64     `json:"duration_ms,omitempty"` // of turns that have ended
	TraceID    string    `json:"trace_id,omitempty"`
	Error      string    `json:"error,omitempty"`
	Folded     bool      `json:"folded,omitempty"` // what it took is given up
}

// listTurns lists the turns of a session, the newest first.
func (a *API) listTurns(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	_, limit, after, err := pageQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := a.Agents.Service.Accounts(r.Context(), id, after, limit)
	if err != nil {
		return nil, err
	}
	body := items[turnAccount]{Items: []turnAccount{}, Next: cursorText(page.Next)}
	for _, t := range page.Turns {
		body.Items = append(body.Items, turnAccount{
			Turn: t.Turn, CorrelationID: t.CorrelationID, Status: t.Status, Agent: t.Agent, Model: t.Model, Steps: t.Steps,
			cost: viewCost(t.Usage, t.Spent), Created: t.Created, Ended: t.Ended, DurationMS: millis(t.Created, t.Ended),
			TraceID: t.TraceID, Error: t.Error, Folded: t.Folded,
		})
	}
	return &reply{body: &body}, nil
}

// turnStep is a step of a turn.
type turnStep struct {
	ID        int32     `json:"event_id"`
	Kind      string    `json:"kind"`
	Name      string    `json:"name,omitempty"`
	Status    string    `json:"status"`
	Step      int       `json:"step,omitempty"`
	CallID    string    `json:"call_id,omitempty"`
	Run       string    `json:"run,omitempty"`
	Provider  string    `json:"provider,omitempty"`
	Model     string    `json:"model,omitempty"`
	*cost               // of models and agents
	*sent               // of a call of a tool that was marked before it was sent
	Attempt   int       `json:"attempt"`
	Scheduled time.Time `json:"scheduled"`
	Started   time.Time `json:"started,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
	// DurationMS is the time from the start, or from the scheduling where the start
	// is not known, to the end.
	DurationMS int64  `json:"duration_ms,omitempty"`
	Error      string `json:"error,omitempty"`
}

// listSteps lists the steps of a turn.
func (a *API) listSteps(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	_, id, err := a.sessionOf(r)
	if err != nil {
		return nil, err
	}
	if _, err := query(r); err != nil {
		return nil, err
	}
	turn, err := turnOf(r, id)
	if err != nil {
		return nil, err
	}
	steps, err := a.Agents.Service.Steps(r.Context(), turn)
	if perdure.CodeOf(err) == perdure.NotFound { // it may wait, or have been taken by another
		t, known := a.Agents.Service.Turn(r.Context(), turn)
		if known != nil {
			return nil, known
		}
		if t.Status != agent.TurnQueued {
			steps, err = a.Agents.Service.Steps(r.Context(), t.ID)
		} else {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	sends, err := a.sendsOf(r.Context(), turn)
	if err != nil {
		return nil, err
	}
	body := items[turnStep]{Items: []turnStep{}}
	for _, s := range steps {
		v := turnStep{
			ID: s.ID, Kind: s.Kind, Name: s.Name, Status: s.Status, Step: s.Step, CallID: s.CallID, Run: s.Run, Provider: s.Provider,
			Model: s.Model, Attempt: s.Attempt, Scheduled: s.Scheduled, Started: s.Started, Ended: s.Ended, Error: s.Error,
		}
		v.DurationMS = took(&s)
		if s.Kind == agent.StepModel || s.Kind == agent.StepAgent {
			c := viewCost(s.Usage, s.Spent)
			v.cost = &c
		}
		if s.Kind == agent.StepTool && s.Status != agent.StepAsked {
			v.sent = sends[call{s.CallID, s.Step}]
		}
		body.Items = append(body.Items, v)
	}
	return &reply{body: &body}, nil
}

// took is how long a step ran, from its scheduling where the start is not known.
func took(s *agent.TurnStep) int64 {
	if s.Started.IsZero() {
		return millis(s.Scheduled, s.Ended)
	}
	return millis(s.Started, s.Ended)
}

// millis is the time between two moments, 0 if one is not known.
func millis(from, to time.Time) int64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return to.Sub(from).Milliseconds()
}

// turnOf returns the turn of a session that the path names, by its instance id or
// the last part of it.
func turnOf(r *http.Request, id agent.SessionID) (string, error) {
	prefix := strings.TrimSuffix(id.Turn(""), turnName(id.Turn("")))
	turn := prefix + strings.TrimPrefix(r.PathValue("turn"), prefix)
	return turn, checkRunID(turn)
}
