package agent

import (
	"errors"

	"github.com/perdure/perdure/model"
)

var errNotAnswered = errors.New("the call was given up: its outcome is not known")

// fromUser drops what comes before the first message of the user, so that a view
// that begins inside of a turn begins with the next one.
func fromUser(log []LogMessage) []LogMessage {
	for len(log) > 0 && log[0].Message.Role != model.RoleUser {
		log = log[1:]
	}
	return log
}

// view returns the messages as providers take them: each call of a tool is followed
// by its one result. A result that came later stands with its call; a call that has
// none, as the turn was ended before, gets one that says so; a result without a
// call, or a second one, is left out.
func view(log []LogMessage) []*model.Message {
	var out []*model.Message
	open := map[string]bool{} // calls of the message before whose results follow it
	for i, entry := range log {
		m := entry.Message
		if m.Role == model.RoleTool {
			if m = onlyOpen(m, open); m != nil {
				out = append(out, m)
			}
			continue
		}
		out, open = append(out, m), map[string]bool{}
		calls := m.Contents.Calls()
		if len(calls) == 0 {
			continue
		}
		answered := resultsOf(map[string]bool{}, m) // a wrapped agent may have answered in the message itself
		rest := log[i+1:]
		for len(rest) > 0 && rest[0].Message.Role == model.RoleTool {
			resultsOf(open, rest[0].Message)
			rest = rest[1:]
		}
		for _, call := range calls {
			if !answered[call.CallID] && !open[call.CallID] {
				out = append(out, late(rest, call.CallID))
			}
		}
		for id := range answered {
			delete(open, id)
		}
		for id := range open {
			if !calledIn(calls, id) {
				delete(open, id)
			}
		}
	}
	return out
}

// resultsOf adds the ids of the calls that a message answers.
func resultsOf(ids map[string]bool, m *model.Message) map[string]bool {
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok {
			ids[r.CallID] = true
		}
	}
	return ids
}

func calledIn(calls []*model.FunctionCall, id string) bool {
	for _, c := range calls {
		if c.CallID == id {
			return true
		}
	}
	return false
}

// onlyOpen returns the message without results of calls that are not open, nil if
// nothing is left, and closes those that it answers.
func onlyOpen(m *model.Message, open map[string]bool) *model.Message {
	var kept model.Contents
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok {
			if !open[r.CallID] {
				continue
			}
			delete(open, r.CallID)
		}
		kept = append(kept, c)
	}
	switch len(kept) {
	case 0:
		return nil
	case len(m.Contents):
		return m
	}
	copied := *m
	copied.Contents = kept
	return &copied
}

// late returns the result of a call that other messages came before, else one that
// says that there is none.
func late(log []LogMessage, id string) *model.Message {
	for _, entry := range log {
		if calledIn(entry.Message.Contents.Calls(), id) {
			break // another call
		}
		if entry.Message.Role != model.RoleTool {
			continue
		}
		for _, c := range entry.Message.Contents {
			if r, ok := c.(*model.FunctionResult); ok && r.CallID == id {
				return &model.Message{Role: model.RoleTool, Contents: model.Contents{r}}
			}
		}
	}
	return model.ToolResult(id, errNotAnswered)
}
