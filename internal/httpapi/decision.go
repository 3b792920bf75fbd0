package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// decisionView is a decision as the API shows it to who asks.
type decisionView struct {
	agent.Decision
	// Refused are the answers that are not for who reads this to give, with why.
	Refused []refusal `json:"refused,omitempty"`
}

// viewDecision returns what the API shows of a decision; nil of nil.
func viewDecision(ctx context.Context, d *agent.Decision) *decisionView {
	if d == nil {
		return nil
	}
	v := &decisionView{Decision: *d}
	for _, r := range d.Refusals(principal(ctx)) {
		v.Refused = append(v.Refused, refusal{Action: r.Answer, Reason: r.Reason})
	}
	return v
}

func viewDecisions(ctx context.Context, list []*agent.Decision) []*decisionView {
	views := make([]*decisionView, len(list))
	for i, d := range list {
		views[i] = viewDecision(ctx, d)
	}
	return views
}

// decisionRoutes is the table of the routes of decisions, under both names.
func (a *API) decisionRoutes() map[string]endpoint {
	routes := map[string]endpoint{}
	for _, path := range []string{"/api/v1/decisions", "/api/v1/approvals"} {
		routes["GET "+path] = a.listDecisions
		routes["GET "+path+"/{id}"] = a.getDecision
		routes["POST "+path+"/{id}"] = a.decide
	}
	return routes
}

func (a *API) listDecisions(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, limit, after, err := pageQuery(r, "kind", "state", "run", "assignee")
	if err != nil {
		return nil, err
	}
	kind, err := choice(q, "kind", agent.DecisionApproval, agent.DecisionOutcomeUnknown, agent.DecisionBudget, agent.DecisionRestoreHold)
	if err != nil {
		return nil, err
	}
	state, err := choice(q, "state", agent.DecisionPending, agent.DecisionAnswered, agent.DecisionExpired, agent.DecisionSuperseded)
	if err != nil {
		return nil, err
	}
	page, err := a.Agents.Service.Decisions(r.Context(), agent.DecisionFilter{
		Kind: kind, State: state, Run: q.Get("run"), Assignee: q.Get("assignee"), After: after, Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	return &reply{body: &items[*decisionView]{Items: viewDecisions(r.Context(), page.Decisions), Next: cursorText(page.Next)}}, nil
}

// choice returns a parameter that is one of several values, "" if it is not given.
func choice(q values, name string, known ...string) (string, error) {
	v := q.Get(name)
	if v == "" || slices.Contains(known, v) {
		return v, nil
	}
	return "", invalid("query parameter "+name+" is "+shown(v)+", must be one of "+strings.Join(known, ", "), "")
}

func (a *API) getDecision(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	d, err := a.Agents.Service.Decision(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, decisionError(err, nil)
	}
	return &reply{body: viewDecision(r.Context(), d)}, nil
}

// decisionAnswer is the body of an answer to a decision.
type decisionAnswer struct {
	Answer string `json:"answer"`
	// ArgsHash is that of the arguments that were shown: if they are others, 409. Without
	// it the answer is about whatever they are; decision and audit say so.
	ArgsHash string          `json:"args_hash"`
	Args     json.RawMessage `json:"args"` // with approve: instead of those of the call
	Result   json.RawMessage `json:"result"`
	Raise    *raise          `json:"raise"` // with raise: by how much
	Comment  string          `json:"comment"`
}

// raise is by how much a budget is raised.
type raise struct {
	Tokens int64         `json:"tokens"`
	USD    model.NanoUSD `json:"usd"` // dollars
	Calls  int64         `json:"calls"`
	Time   string        `json:"time"` // such as 10m
}

func (r *raise) budget() (*agent.Budget, error) {
	if r == nil {
		return nil, nil
	}
	b := &agent.Budget{Tokens: r.Tokens, USD: r.USD, Calls: r.Calls}
	if r.Time != "" {
		d, err := time.ParseDuration(r.Time)
		if err != nil {
			return nil, invalid("raise.time is "+shown(r.Time)+", must be a duration such as 10m or 1h30m", "")
		}
		b.Time = d
	}
	return b, nil
}

func (a *API) decide(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	var body decisionAnswer
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	more, err := body.Raise.budget()
	if err != nil {
		return nil, err
	}
	if body.ArgsHash == "" {
		because(r, "without args_hash")
	}
	d, err := a.Agents.Service.Decide(r.Context(), r.PathValue("id"), agent.Answer{
		Answer: body.Answer, ArgsHash: body.ArgsHash, Args: body.Args, Result: body.Result, Raise: more, Comment: body.Comment,
		By: principal(r.Context()),
	})
	if err != nil {
		return nil, decisionError(err, viewDecision(r.Context(), d))
	}
	return &reply{body: viewDecision(r.Context(), d)}, nil
}

// decisionError tells what a decision looks like that was not answered, and where
// to find others.
func decisionError(err error, current *decisionView) error {
	p := *problemOf(err)
	if current != nil {
		p.Current = current
		if current.State != agent.DecisionPending {
			p.Hint = "nothing was changed: a decision is answered once, current shows how it has ended"
		}
	}
	if p.Code == perdure.NotFound.String() {
		p.Hint = "GET /api/v1/decisions?state=pending lists what is open"
	}
	return &p
}
