package agent

import (
	"fmt"

	"github.com/perdure/perdure/model"
)

// uniqueIDs sees to it that no two calls of tools in a conversation have the same id,
// as far as the model is given it: providers refuse such conversations for good, and
// some models count their calls anew in each answer.
type uniqueIDs struct {
	turn string
	step int
	seen map[string]bool
	made int
}

func newUniqueIDs(turn string, step int, req *model.Request) *uniqueIDs {
	ids := &uniqueIDs{turn: turn, step: step, seen: map[string]bool{"": true}}
	for _, m := range req.Messages {
		for _, call := range m.Contents.Calls() {
			ids.seen[call.CallID] = true
		}
	}
	return ids
}

// apply returns the update with other ids for calls whose ids are taken.
func (ids *uniqueIDs) apply(u *model.Update) *model.Update {
	if ids == nil || u == nil {
		return u
	}
	var copied *model.Update
	for i, c := range u.Contents {
		call, ok := c.(*model.FunctionCall)
		if !ok {
			continue
		}
		if !ids.seen[call.CallID] {
			ids.seen[call.CallID] = true
			continue
		}
		if copied == nil {
			first := *u
			first.Contents = append(model.Contents{}, u.Contents...)
			copied = &first
		}
		ids.made++
		other := *call
		other.CallID = "call-" + digest("call id", ids.turn, fmt.Sprint(ids.step), fmt.Sprint(ids.made))[:20]
		ids.seen[other.CallID] = true
		copied.Contents[i] = &other
	}
	if copied == nil {
		return u
	}
	return copied
}
