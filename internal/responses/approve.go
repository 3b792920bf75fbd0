package responses

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// answer answers the approvals that the previous response asks for, by their ids
// alone: what is called, and with which arguments, is in the decisions. It returns
// the segment that this opens.
func (c *creation) answer(ctx context.Context) (responseID, error) {
	before, err := c.asking(ctx)
	if err != nil {
		return responseID{}, err
	}
	t := before.translator(nil)
	if err := before.soFar(ctx, t); err != nil {
		return responseID{}, err
	}
	next := before.id.next()
	open := map[string]bool{}
	for _, a := range c.given.approvals {
		is := func(i *item) bool { return i.Type == itemApprovalRequest && i.ID == approvalPrefix+a.decision }
		if t.ended != outcomePaused || !slices.ContainsFunc(t.output, is) {
			return responseID{}, invalid("input", "The previous response does not ask for an approval with the id %s.", shown(approvalPrefix+a.decision))
		}
		if _, twice := open[a.decision]; twice {
			return responseID{}, invalid("input", "The approval request %s is answered twice.", shown(approvalPrefix+a.decision))
		}
		if open[a.decision], err = c.isOpen(ctx, a, next); err != nil {
			return responseID{}, err
		}
	}
	var with []string
	for _, a := range c.given.approvals {
		with = append(with, a.decision)
	}
	for _, a := range c.given.approvals {
		if !open[a.decision] {
			continue
		}
		d, err := c.Service.Decide(ctx, a.decision, agent.Answer{Answer: a.word(), Comment: a.reason, By: c.signature(), With: with})
		switch perdure.CodeOf(err) {
		case perdure.Conflict:
			return responseID{}, tooLate(a, d, next)
		case perdure.NotFound:
			return responseID{}, noApproval(a)
		}
		if err != nil {
			return responseID{}, err
		}
	}
	return next, nil
}

// word is the answer to a decision.
func (a approval) word() string {
	if a.approve {
		return agent.AnswerApprove
	}
	return agent.AnswerDeny
}

// signature is who answers; by it a repeated request knows its own answer.
func (c *creation) signature() string {
	if c.key == "" {
		return "responses"
	}
	return "responses " + c.key
}

// isOpen reports whether an approval is still to be answered. If it was, this is
// an error, but for the same answer of the same request.
func (c *creation) isOpen(ctx context.Context, a approval, next responseID) (bool, error) {
	d, err := c.Service.Decision(ctx, a.decision)
	switch {
	case perdure.CodeOf(err) == perdure.NotFound:
		return false, noApproval(a)
	case err != nil:
		return false, err
	case d.State == agent.DecisionPending:
		return true, nil
	case c.key != "" && d.AnsweredBy == c.signature() && d.Answer == a.word() && strings.TrimSpace(d.Comment) == strings.TrimSpace(a.reason):
		return false, nil
	}
	return false, tooLate(a, d, next)
}

func noApproval(a approval) *problem {
	return invalid("input", "There is no approval request %s.", shown(approvalPrefix+a.decision))
}

func tooLate(a approval, d *agent.Decision, next responseID) *problem {
	return &problem{status: http.StatusConflict, Type: typeInvalid, Param: "input", Code: "approval_not_open",
		Message: "The approval request " + shown(approvalPrefix+a.decision) + " cannot be answered any more: it is " + d.State + ". What followed is response " + next.String() + "."}
}

// asking returns the response that asks for the approvals: the previous one, or,
// if none is named, the last one of the turn that waits for the first of them.
func (c *creation) asking(ctx context.Context) (*segment, error) {
	if c.previous != nil {
		return c.previous, nil
	}
	first := c.given.approvals[0]
	d, err := c.Service.Decision(ctx, first.decision)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, noApproval(first)
	}
	if err != nil {
		return nil, err
	}
	session, err := agent.ParseSessionID("", d.Session)
	if err != nil || idOf(session, d.Turn, 0).turnID() != d.Turn {
		return nil, invalid("previous_response_id", "Name the response that asks for the approval.")
	}
	s, err := c.segment(ctx, idOf(session, d.Turn, 0))
	if err != nil {
		return nil, err
	}
	t := s.translator(nil)
	t.segment = maxSegment // that is never reached
	if err := s.soFar(ctx, t); err != nil {
		return nil, err
	}
	s.id.segment = max(t.current-1, 0)
	return s, nil
}

// answers returns the answers that have opened the segment.
func (s *segment) answers(ctx context.Context) ([]*item, error) {
	before, now := s.translator(nil), s.translator(nil)
	before.segment--
	for _, t := range []*translator{before, now} {
		if err := s.soFar(ctx, t); err != nil {
			return nil, err
		}
	}
	var items []*item
	for _, asked := range before.output {
		again := func(i *item) bool { return i.ID == asked.ID }
		if asked.Type != itemApprovalRequest || slices.ContainsFunc(now.output, again) {
			continue
		}
		id := strings.TrimPrefix(asked.ID, approvalPrefix)
		d, err := s.Service.Decision(ctx, id)
		if err != nil {
			return nil, err
		}
		if d.State == agent.DecisionAnswered {
			items = append(items, &item{
				Type: itemApprovalResponse, ID: answerPrefix + id, ApprovalRequestID: asked.ID,
				Approve: d.Answer == agent.AnswerApprove, Reason: d.Comment,
			})
		}
	}
	return items, nil
}

// answerPrefix begins the ids of answers to approval requests; a decision's id
// follows.
const answerPrefix = "mcpa_"
