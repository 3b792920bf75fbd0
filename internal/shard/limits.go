package shard

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

func overActions(id string, n, limit int) string {
	return fmt.Sprintf("orchestration %s asked for %d actions in one turn; the limit is %d", id, n, limit)
}

// payloadOf names an action that carries data, and the data's size.
func payloadOf(a *engine.Action) (who string, size int) {
	switch do := a.Do.(type) {
	case *engine.ScheduleTask:
		return fmt.Sprintf("the input of activity %q", do.Name), len(do.Input.S)
	case *engine.CreateSubOrchestration:
		return fmt.Sprintf("the input of sub-orchestration %q", do.Name), len(do.Input.S)
	case *engine.SendEvent:
		return fmt.Sprintf("the data of event %q", do.Name), len(do.Data.S)
	case *engine.Complete:
		return "its output", len(do.Result.S)
	case *engine.Reply:
		return "a reply", len(do.Result.S)
	case *engine.SendEntityMessage:
		if p := history.Payload(do.Body); p != nil {
			return "the input of an entity operation", len(p.S)
		}
	}
	return "", 0
}

// checkID refuses ids that no instance can have.
func (l Limits) checkID(op, id string, entity bool) error {
	switch {
	case id == "":
		return invalid(op, id, "the instance id is empty")
	case id == hubRow:
		return invalid(op, id, "this id is reserved")
	case utf8.RuneCountInString(id) > l.ID:
		return invalid(op, clip(id, 120), fmt.Sprintf("the id's length is %d; at most %d characters are allowed", utf8.RuneCountInString(id), l.ID))
	case !utf8.ValidString(id):
		return invalid(op, fmt.Sprintf("%q", id), "the id is not valid UTF-8")
	case entity != (id[0] == '@'):
		if entity {
			return invalid(op, id, "the id of an entity has the form @name@key")
		}
		return invalid(op, id, "ids that begin with @ are those of entities")
	}
	for _, r := range id {
		if unicode.IsControl(r) {
			return invalid(op, fmt.Sprintf("%q", id), "the id has a control character")
		}
	}
	if entity {
		if name, key := splitEntity(id); name == "" || key == "" {
			return invalid(op, id, "the id of an entity has the form @name@key")
		}
	}
	return nil
}

// maxTarget is the longest id, in bytes, that a message can have as its target. It
// is longer than the ids that clients may use, since children's are made of their
// parents'.
const maxTarget = 1024

// checkTarget refuses ids that no instance can have.
func (l Limits) checkTarget(op, id string, entity bool) error {
	l.ID = max(l.ID, maxTarget)
	return l.checkID(op, id, entity)
}

// refuseChildren refuses the children of a turn whose ids no orchestration can have.
func (l Limits) refuseChildren(r *engine.TurnResult) {
	for i := range r.Actions {
		do, ok := r.Actions[i].Do.(*engine.CreateSubOrchestration)
		if !ok || do.InstanceID == "" {
			continue
		}
		if err := l.checkTarget("start", do.InstanceID, false); err != nil {
			c := *do
			c.Refused = perdure.FailureOf(err)
			r.Actions[i].Do = &c
		}
	}
}

// checkPayload refuses data that is too large.
func (l Limits) checkPayload(op, id, what string, p history.Text) error {
	if len(p.S) > l.Payload {
		return &perdure.Error{Code: perdure.ResourceExhausted, Op: op, Instance: id, Message: fmt.Sprintf(
			"%s has %d bytes; the limit is %d", what, len(p.S), l.Payload)}
	}
	if !utf8.ValidString(p.S) {
		return invalid(op, id, what+" is not valid UTF-8")
	}
	return nil
}
