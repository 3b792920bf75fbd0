package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
)

// rewindBody is the body of rewind.
type rewindBody struct {
	Reason string `json:"reason"`
	// To is the number of an event, from 1, of a run that has ended: that event and those
	// after it are given up. 0 = what has failed is, and the run must have failed.
	To int `json:"to"`
	// Execution is the one whose events are counted. If the run is in another one by now,
	// the answer is 409.
	Execution string `json:"execution"`
}

// rewound says what a rewind would do.
type rewound struct {
	// To is the event to which the run would be rewound: an earlier one than asked for, if
	// between both a decision was asked for that has to be made again. 0 = what has failed
	// is given up.
	To        int    `json:"to"`
	Execution string `json:"execution"`
	// Exact says that steps are told from the history as the rewind will cut it; else they
	// are those that failed, and the code may have dealt with some of them.
	Exact  bool     `json:"exact"`
	Reused int      `json:"steps_reused"`
	Again  []string `json:"steps_run_again"` // names of the steps that run again at once
	// Later are the names of the steps that are given up, and run again if the code comes
	// to them.
	Later []string `json:"steps_given_up"`
	// Waits are the names of the events that were raised after the point and are forgotten:
	// they have to be raised again.
	Waits []string `json:"events_forgotten"`
	// Runs are those below it which it had begun after the point, or waits for again, and
	// those below these; of agents too. MoreRuns says that there are others.
	Runs      []rewoundRun    `json:"runs_below"`
	MoreRuns  bool            `json:"more_runs,omitempty"`
	Decisions []rewoundAsking `json:"decisions_open"`
	Steps     []rewoundStep   `json:"steps"`
}

// rewoundStep is a step and what becomes of it.
type rewoundStep struct {
	N    int    `json:"n"` // number of the event that scheduled its newest attempt
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	Fate string `json:"fate" choices:"reused again later"`
}

// rewoundAsking is a decision that will be asked for.
type rewoundAsking struct {
	Kind   string `json:"kind"`
	Tool   string `json:"tool"`
	CallID string `json:"call_id,omitempty"`
	Step   int    `json:"step,omitempty"`
	Run    string `json:"run,omitempty"` // that will ask, if it is one below
}

func (a *API) rewindRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body rewindBody
	c, err := a.command(w, r, hub.Rewind, &body, &body.Reason)
	if err != nil {
		return nil, err
	}
	if body.To < 0 {
		return nil, invalid("event "+strconv.Itoa(body.To)+" is not there", "events are counted from 1")
	}
	q, err := query(r, "dry_run")
	if err != nil {
		return nil, err
	}
	dry, err := q.flag("dry_run")
	if err != nil {
		return nil, err
	}
	c.To, c.Execution = body.To, body.Execution
	if dry {
		plan, err := a.planRewind(r.Context(), c)
		if err != nil {
			return nil, err
		}
		return &reply{body: plan}, nil
	}
	if c.To > 0 {
		c.Asked = &hub.Point{To: c.To, Execution: c.Execution}
		plan, err := a.planRewind(r.Context(), c)
		switch {
		case err != nil && c.RequestID == "": // a repeat by request id must find its answer
			return nil, err
		case err == nil:
			c.To, c.Execution = plan.To, plan.Execution
		}
	}
	r.URL.RawQuery = ""
	return a.run(r, c)
}

// planRewind tells what a rewind would do.
func (a *API) planRewind(ctx context.Context, c *hub.Control) (*rewound, error) {
	refuse := func(code perdure.Code, why string) error {
		return &perdure.Error{Code: code, Op: "rewind", Instance: c.InstanceID, Message: why}
	}
	instance, err := a.Hub.Instance(ctx, c.InstanceID, false)
	if err != nil {
		return nil, err
	}
	status := client.StatusName(instance.Status)
	switch {
	case c.Execution != "" && c.Execution != instance.Execution:
		return nil, refuse(perdure.Conflict, "it is in another execution by now: look at it again")
	case instance.Status.Terminal() && instance.Session != "":
		return nil, &problem{Status: http.StatusConflict, Code: perdure.FailedPrecondition.String(), ID: c.InstanceID,
			Detail: "this is a turn of the session " + shown(instance.Session) + ": what it has said is part of the conversation, which goes on from there",
			Hint:   "send the message again, which begins a new turn"}
	case c.To == 0 && status != "failed":
		return nil, refuse(perdure.FailedPrecondition, "only a failed run can be rewound to before its failure, this one is "+status)
	case !instance.Status.Terminal():
		return nil, refuse(perdure.FailedPrecondition, "the run has not ended ("+status+"): terminate it first")
	}
	told, err := a.tell(ctx, c.InstanceID, instance.Execution)
	if err != nil {
		return nil, err
	}
	if c.To > told.total {
		return nil, invalid("event "+strconv.Itoa(c.To)+" is not there", "its history has "+strconv.Itoa(told.total)+" events")
	}
	plan := &rewound{Execution: instance.Execution, Again: []string{}, Later: []string{}, Waits: []string{}, Runs: []rewoundRun{},
		Decisions: []rewoundAsking{}, Steps: []rewoundStep{}}
	if c.To == 0 {
		plan.beforeFailure(told)
		return plan, nil
	}
	plan.To, plan.Exact = c.To, true
	if a.Agents != nil {
		of, err := a.Agents.Service.Rewind(ctx, c.InstanceID, told.events, c.To)
		if err != nil {
			return nil, err
		}
		plan.To = of.To
		for _, d := range of.Asks {
			plan.Decisions = append(plan.Decisions, rewoundAsking{Kind: d.Kind, Tool: d.Tool, CallID: d.CallID, Step: d.Step})
		}
	}
	return plan, a.toEvent(ctx, plan, told)
}

// beforeFailure counts the steps whose outcomes a rewind to before the failure keeps and
// names those that it runs again: the ones that failed for good, whose last attempt that
// was.
func (p *rewound) beforeFailure(t *told) {
	for i := range t.steps {
		switch s := &t.steps[i]; {
		case s.Kind == string(steps.Sent) || s.Kind == string(steps.Signal):
			// Nothing has come of it that could be served again.
		case s.Status == string(steps.Completed):
			p.Reused++
		case s.Status == string(steps.Failed):
			p.add(s, steps.Again)
		}
	}
}

// toEvent tells what a rewind to an event does to each step.
func (a *API) toEvent(ctx context.Context, p *rewound, t *told) error {
	byEvent := map[int]*runStep{}
	for i := range t.steps {
		if s := &t.steps[i]; s.N > 0 {
			byEvent[s.N] = s
		}
	}
	for i, fate := range t.run.Rewind(t.events, p.To) {
		if s := byEvent[t.run.Steps[i].N]; s != nil && s.Kind != "internal" {
			p.add(s, fate)
			if s.Run != "" && fate != steps.Reused {
				if err := a.addRun(ctx, p, s, t.instance.ID, t.events[s.N-1].ID, staysOpen(t.events, s.N, p.To)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add takes a step in with what becomes of it.
func (p *rewound) add(s *runStep, fate steps.Fate) {
	timer := s.Kind == string(steps.Timer)
	switch {
	case s.Kind == string(steps.Event) && fate != steps.Reused:
		p.Waits = append(p.Waits, s.Name)
	case fate == steps.Reused && s.Kind != string(steps.Sent) && s.Kind != string(steps.Signal):
		p.Reused++
	case fate == steps.Again && !timer:
		p.Again = append(p.Again, s.Name)
	case fate == steps.Later && !timer:
		p.Later = append(p.Later, s.Name)
	}
	p.Steps = append(p.Steps, rewoundStep{N: s.N, Kind: s.Kind, Name: s.Name, Fate: string(fate)})
}
