package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/steps"
)

// forkBody is the body of fork.
type forkBody struct {
	Reason string `json:"reason"`
	// To is the number of the first event, from 1, that the new run does not have; of its
	// turn what came before it is given to the new run. 0 = the outcome of the step that is
	// changed, else the first that is a failure, else the end.
	To int `json:"to"`
	// Execution is the one whose events are counted; "" = the current one.
	Execution string `json:"execution"`
	ID        string `json:"id"` // of the new run; "" = a random one
	// Input takes the place of the input.
	Input json.RawMessage `json:"input"`
	Step  *forkStep       `json:"step"`
}

// forkStep is a step that is to have another outcome.
type forkStep struct {
	N      int             `json:"n"` // number of the event that has scheduled it, as in steps
	Result json.RawMessage `json:"result"`
	// Failure is why it fails; it has failed for good then, and there is no result.
	Failure string `json:"failure"`
}

// forkedFrom says of what a run is a copy.
type forkedFrom struct {
	Run       string `json:"run"`
	Execution string `json:"execution"`
	Event     int    `json:"event"` // number of the first event that was not copied
}

// forkRun begins a new run as a copy of another, or says what it would do.
func (a *API) forkRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	request, err := requestID(r)
	if err != nil {
		return nil, err
	}
	var body forkBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	o, err := body.options()
	if err != nil {
		return nil, err
	}
	q, err := query(r, "dry_run")
	if err != nil {
		return nil, err
	}
	dry, err := q.flag("dry_run")
	if err != nil {
		return nil, err
	}
	because(r, body.Reason)
	if dry {
		plan, err := a.planFork(r.Context(), id, o)
		if err != nil {
			return nil, err
		}
		return &reply{body: plan}, nil
	}
	forked, err := a.forks().Fork(r.Context(), id, o, client.WithRequestID(request))
	if err != nil {
		return nil, err
	}
	answer, err := a.applied(r.Context(), forked.ID)
	if err != nil {
		return nil, err
	}
	answer.status, answer.header = http.StatusCreated, [2]string{"Location", "/api/v1/runs/" + url.PathEscape(forked.ID)}
	return answer, nil
}

// options returns what the body asks for.
func (b *forkBody) options() (client.ForkOptions, error) {
	o := client.ForkOptions{ID: b.ID, Event: b.To, Execution: b.Execution}
	switch {
	case len(b.Reason) > maxReason:
		return o, invalid("the reason is longer than "+strconv.Itoa(maxReason)+" bytes", "")
	case b.To < 0:
		return o, invalid("event "+strconv.Itoa(b.To)+" is not there", "events are counted from 1")
	}
	if b.ID != "" {
		if err := checkRunID(b.ID); err != nil {
			return o, err
		}
	}
	if b.Input != nil {
		o.Input = b.Input
	}
	if s := b.Step; s != nil {
		switch {
		case s.N < 1:
			return o, invalid("the step that is to have another outcome is not given", `add "n", the number of the event that has scheduled it, from 1`)
		case s.Failure != "" && s.Result != nil:
			return o, invalid("the step has both a result and a failure", "leave one out")
		}
		if o.Step, o.Failure = s.N, s.Failure; s.Result != nil {
			o.Result = s.Result
		}
	}
	return o, nil
}

// forks is who forks runs.
func (a *API) forks() *agent.Service {
	if a.Agents != nil {
		return a.Agents.Service
	}
	return agent.NewService(client.New(a.Hub))
}

// planFork tells what a fork would do.
func (a *API) planFork(ctx context.Context, id string, o client.ForkOptions) (*rewound, error) {
	of, err := a.forks().PlanFork(ctx, id, o)
	if err != nil {
		return nil, err
	}
	told, err := a.tell(ctx, id, o.Execution)
	if err != nil {
		return nil, err
	}
	plan := &rewound{To: of.Event, Execution: told.execution, Exact: true, Unknown: []string{}, Again: []string{}, Later: []string{}, Waits: []string{},
		Runs: []rewoundRun{}, Decisions: []rewoundAsking{}, Steps: []rewoundStep{}}
	for _, d := range of.Asks {
		plan.Decisions = append(plan.Decisions, rewoundAsking{Kind: d.Kind, Tool: d.Tool, CallID: d.CallID, Step: d.Step})
	}
	byEvent := map[int]*runStep{}
	for i := range told.steps {
		if s := &told.steps[i]; s.N > 0 {
			byEvent[s.N] = s
		}
	}
	for i, fate := range told.run.Fork(told.events, plan.To) {
		s := byEvent[told.run.Steps[i].N]
		if s == nil || s.Kind == "internal" {
			continue
		}
		if s.N == o.Step {
			fate = steps.Reused
		}
		plan.add(s, fate)
		if s.Run == "" || fate == steps.Reused {
			continue
		}
		if len(plan.Runs) >= maxRunsBelow {
			plan.MoreRuns = true
			continue
		}
		plan.Runs = append(plan.Runs, rewoundRun{ID: s.Run, Name: s.Name, Becomes: becomesAnew, Later: []string{}, Waits: []string{}})
	}
	return plan, nil
}
