package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/engine"
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
	// Exact says that the history tells all; else the code decides on something, which
	// Unknown names in sentences.
	Exact   bool     `json:"exact"`
	Unknown []string `json:"unknown"`
	Reused  int      `json:"steps_reused"`
	Again   []string `json:"steps_run_again"` // names of the steps that run again at once
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
	r.URL.RawQuery = ""
	if a.isTurn(r.Context(), c.InstanceID) {
		if err := a.rewindTurn(r.Context(), c); err != nil {
			return nil, err
		}
		return a.applied(r.Context(), c.InstanceID)
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
	return a.run(r, c)
}

// isTurn reports whether a run is a turn of a session that knows of rewinds.
func (a *API) isTurn(ctx context.Context, id string) bool {
	if a.Agents == nil {
		return false
	}
	i, err := a.Hub.Instance(ctx, id, false) // an error is told by who does something to it
	return err == nil && i.Session != ""
}

// rewindTurn has a session rewind its last turn.
func (a *API) rewindTurn(ctx context.Context, c *hub.Control) error {
	var opts []client.Option
	if c.RequestID != "" {
		opts = append(opts, client.WithRequestID(c.RequestID))
	}
	_, err := a.Agents.Service.RewindTo(ctx, c.InstanceID, client.RewindPoint{Event: c.To, Execution: c.Execution, Reason: c.Reason.S}, opts...)
	return err
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
	case instance.Status.Terminal() && instance.Session != "" && a.Agents == nil:
		return nil, &problem{Status: http.StatusConflict, Code: perdure.FailedPrecondition.String(), ID: c.InstanceID,
			Detail: "this is a turn of the session " + shown(instance.Session) + ": what it has said is part of the conversation, which goes on from there",
			Hint:   "send the message again, which begins a new turn"}
	case c.To == 0 && status != "failed":
		return nil, refuse(perdure.FailedPrecondition, "only a failed run can be rewound to before its failure, this one is "+status)
	case !instance.Status.Terminal():
		return nil, refuse(perdure.FailedPrecondition, "the run has not ended ("+status+"): terminate it first")
	}
	to := c.To
	if instance.Session != "" {
		if to, err = a.Agents.Service.RewindableTo(ctx, c.InstanceID, client.RewindPoint{Event: to, Execution: c.Execution}); err != nil {
			return nil, err
		}
	}
	told, err := a.tell(ctx, c.InstanceID, instance.Execution)
	if err != nil {
		return nil, err
	}
	if c.To > told.total {
		return nil, invalid("event "+strconv.Itoa(c.To)+" is not there", "its history has "+strconv.Itoa(told.total)+" events")
	}
	plan := &rewound{To: to, Execution: instance.Execution, Exact: true, Unknown: []string{}, Again: []string{}, Later: []string{}, Waits: []string{},
		Runs: []rewoundRun{}, Decisions: []rewoundAsking{}, Steps: []rewoundStep{}}
	if plan.To, err = a.addAsking(ctx, plan, told, to, ""); err != nil {
		return nil, err
	}
	return plan, a.addSteps(ctx, plan, told)
}

// addAsking tells which decisions a rewind of a run to an event, or to before its failure
// (0), will ask for, below = the run's id if it is one below that which the plan is of. It
// returns the event to which that goes back.
func (a *API) addAsking(ctx context.Context, p *rewound, t *told, to int, below string) (int, error) {
	if a.Agents == nil {
		return to, nil
	}
	of, err := a.Agents.Service.Rewind(ctx, t.instance.ID, t.events, to)
	if err != nil {
		return 0, err
	}
	for _, d := range of.Asks {
		p.Decisions = append(p.Decisions, rewoundAsking{Kind: d.Kind, Tool: d.Tool, CallID: d.CallID, Step: d.Step, Run: below})
	}
	return of.To, nil
}

// addSteps tells what the rewind does to each step.
func (a *API) addSteps(ctx context.Context, p *rewound, t *told) error {
	for _, s := range p.fates(t, p.To) {
		p.add(s.step, s.fate)
		if s.step.Run != "" && s.fate != steps.Reused {
			if err := a.addRun(ctx, p, t, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// fated is a step with what becomes of it.
type fated struct {
	step *runStep
	fate steps.Fate
	open bool // the step stays as it was scheduled, and is open again
}

// fates tells what becomes of the steps of a run that is rewound to an event, or to before
// its failure (0), and takes in what cannot be known of that.
func (p *rewound) fates(t *told, to int) []fated {
	byEvent := map[int]*runStep{}
	for i := range t.steps {
		if s := &t.steps[i]; s.N > 0 && s.Kind != "internal" {
			byEvent[s.N] = s
		}
	}
	var all []steps.Fate
	var kept int // events
	if to > 0 {
		all = t.run.Rewind(t.events, to)
		kept = engine.TurnOf(t.events, min(to, len(t.events))-1)
	} else {
		var doubt *steps.Doubt
		all, kept, doubt = t.run.BeforeFailure(t.events)
		p.doubt(t, doubt)
	}
	var list []fated
	for i, fate := range all {
		if s := byEvent[t.run.Steps[i].N]; s != nil {
			list = append(list, fated{s, fate, s.N <= kept})
		}
	}
	return list
}

// doubt says what only the code can tell.
func (p *rewound) doubt(t *told, d *steps.Doubt) {
	if d.Exact() {
		return
	}
	p.Exact = false
	for _, i := range d.Handled {
		s := &t.run.Steps[i]
		p.Unknown = append(p.Unknown, fmt.Sprintf("whether %s (event %d of %s) runs again, which failed before the last turn: "+
			"it does if the code fits a history without that failure, and stays failed if not", s.Name, s.N, t.instance.ID))
	}
	if d.Turn {
		p.Unknown = append(p.Unknown, fmt.Sprintf("whether what failed last in %s runs again, as the turn that was told of it did more than fail: "+
			"it does if the code fits a history without the failure; if not, that turn is made anew with it", t.instance.ID))
	}
}

// add takes a step in with what becomes of it.
func (p *rewound) add(s *runStep, fate steps.Fate) {
	p.Steps = append(p.Steps, rewoundStep{N: s.N, Kind: s.Kind, Name: s.Name, Fate: string(fate)})
	timer := s.Kind == string(steps.Timer)
	switch {
	case s.Kind == string(steps.Event) && fate != steps.Reused:
		p.Waits = append(p.Waits, s.Name)
	case fate == steps.Reused:
		if s.Kind != string(steps.Sent) && s.Kind != string(steps.Signal) && s.Status != string(steps.Canceled) { // which have no outcome
			p.Reused++
		}
	case fate == steps.Again && !timer:
		p.Again = append(p.Again, s.Name)
	case fate == steps.Later && !timer:
		p.Later = append(p.Later, s.Name)
	}
}
