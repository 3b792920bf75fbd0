package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

// deciders says who may decide whether a call is made. The zero deciders let everybody
// who may answer decisions.
type deciders struct {
	// Approvers are the names of who may answer; nil = everybody.
	Approvers []string `json:"approvers,omitempty"`
	// Apart has nobody approve a call that is made in his own name.
	Apart bool `json:"apart,omitempty"`
}

// Approvers names who may decide whether a call of the tool is made, as whoever serves
// decisions vouches for their names: the REST API by the names of their tokens. Those to
// whom an approval is escalated may decide too. The answer of anybody else is refused,
// whatever link has led them to the decision.
func Approvers(names ...string) ToolOption {
	return func(o *toolOptions) {
		if len(names) == 0 || slices.Contains(names, "") {
			o.err = errors.New("the approvers need names")
		}
		o.deciders.Approvers = slices.Clone(names)
	}
}

// SeparateDuties has nobody approve a call of the tool that is made in his own name, that
// of the Message's Principal; he may deny it. A call that an orchestration has asked for is
// in the name of who has started that, as far as the audit tells. It is also refused by
// those whose name is not known, and about calls in nobody's name: a server must know its
// callers by tokens.
func SeparateDuties() ToolOption {
	return func(o *toolOptions) { o.deciders.Apart = true }
}

// Refusal says why an answer is not somebody's to give.
type Refusal struct {
	Answer string
	Reason string
}

// Refusals returns the answers to an open decision that are not for this person to give:
// Decide refuses them.
func (d *Decision) Refusals(by string) (list []Refusal) {
	if d.State != DecisionPending {
		return nil
	}
	for _, answer := range allowed(d.Kind) {
		if why := (deciders{d.Approvers, d.Apart}).why(d, by, answer); why != "" {
			list = append(list, Refusal{answer, why})
		}
	}
	return list
}

// permit returns why an answer is refused to who gives it; nil = it is not. These rules
// hold beside those that stand in the decision.
func (w deciders) permit(d *Decision, by, answer string) error {
	why := w.why(d, by, answer)
	if why == "" {
		return nil
	}
	return &perdure.Error{Code: perdure.PermissionDenied, Op: "decide", Instance: d.Run, Message: "this call of " + d.Tool + " is not yours to decide: " + why}
}

// why says why an answer is refused; "" = it is not.
func (w deciders) why(d *Decision, by, answer string) string {
	if d.Kind != DecisionApproval {
		return ""
	}
	if len(w.Approvers) > 0 && !slices.Contains(w.Approvers, by) && (d.Assignee == "" || by != d.Assignee) {
		why := "it is for " + strings.Join(w.Approvers, ", ") + " to decide"
		if d.Assignee != "" {
			why += ", or for " + d.Assignee
		}
		return why
	}
	if !w.Apart || answer != AnswerApprove {
		return ""
	}
	askers := d.askers()
	switch {
	case len(askers) == 0:
		return "somebody else than who has asked for it must approve it, and who that was is not known"
	case by == "" || by == access.Local:
		return "it is not known who approves it, which must not be who has asked for it"
	case by == d.Originator.Name:
		return fmt.Sprintf("it is made in the name of %s, so somebody else has to approve it", by)
	case slices.Contains(askers, by):
		return fmt.Sprintf("the run that asks was started by %s, so somebody else has to approve it", by)
	}
	return ""
}
