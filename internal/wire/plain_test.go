package wire_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// javaWorker is a worker that replays as that of Microsoft's SDK for Java does: it fails an
// orchestration on events that it does not know, and on those that its code has not asked
// for. Its orchestrations call what programs lists, one after the other, and fail with the
// first call that fails; a name that begins with "@" is that of a child.
type javaWorker struct {
	*items
	programs map[string][]string // by instance id
	broken   bool                // activities called "bad" fail, and so does what is called "!"
	ran      []string            // activities
	turns    int
}

func connectJava(s *server, programs map[string][]string) *javaWorker {
	return &javaWorker{items: s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-java/1.5.0"), programs: programs, broken: true}
}

// replay returns what a turn asks for.
func (j *javaWorker) replay(t *turn) []*wirepb.OrchestratorAction {
	calls, next := j.programs[t.InstanceId], int32(0)
	pending := map[int32]*wirepb.OrchestratorAction{}
	failing := func(why string) []*wirepb.OrchestratorAction {
		return []*wirepb.OrchestratorAction{fail(99, &wirepb.TaskFailureDetails{ErrorType: "E", ErrorMessage: why})}
	}
	failedBy := ""
	goOn := func() {
		switch {
		case int(next) == len(calls):
			pending[next] = end(next, completed, `"done"`)
		case calls[next] == "!":
			if failedBy = "by itself"; !j.broken {
				failedBy, pending[next] = "", end(next, completed, `"done"`)
			}
		case calls[next][0] == '@':
			pending[next] = child(next, calls[next][1:], "remote", `"in"`)
		default:
			pending[next] = schedule(next, calls[next], `"in"`)
		}
		next++
	}
	for _, e := range append(slices.Clone(t.past), t.new...) {
		switch b := e.Body.(type) {
		case *history.OrchestratorStarted:
		case *history.ExecutionStarted, *history.TaskCompleted, *history.SubOrchestrationInstanceCompleted:
			goOn()
		case *history.TaskScheduled, *history.SubOrchestrationInstanceCreated:
			if pending[e.ID] == nil {
				return failing(fmt.Sprintf("non-deterministic: event %d was not asked for", e.ID))
			}
			delete(pending, e.ID)
		case *history.TaskFailed:
			failedBy = b.Failure.Message
		case *history.SubOrchestrationInstanceFailed:
			failedBy = b.Failure.Message
		default:
			return failing(fmt.Sprintf("Don't know how to handle history type %T", b))
		}
	}
	if failedBy != "" {
		return failing(failedBy)
	}
	var actions []*wirepb.OrchestratorAction
	for _, id := range slices.Sorted(maps.Keys(pending)) {
		actions = append(actions, pending[id])
	}
	return actions
}

// until works until an instance has ended with a status.
func (j *javaWorker) until(id string, want wirepb.OrchestrationStatus) {
	s := j.s
	s.t.Helper()
	for {
		if got := s.get(id); got.OrchestrationStatus == want {
			return
		} else if got.OrchestrationStatus != running_ && got.OrchestrationStatus != pending {
			s.t.Fatalf("%s = %v, want it %v", id, got, want)
		}
		item := j.item()
		if a := item.GetActivityRequest(); a != nil {
			j.ran = append(j.ran, a.Name)
			r := &wirepb.ActivityResponse{InstanceId: a.OrchestrationInstance.InstanceId, TaskId: a.TaskId, CompletionToken: item.CompletionToken}
			if r.Result = text(`"x"`); j.broken && a.Name == "bad" {
				r.Result, r.FailureDetails = nil, &wirepb.TaskFailureDetails{ErrorType: "E", ErrorMessage: "not yet"}
			}
			s.settle(r)
			continue
		}
		r := item.GetOrchestratorRequest()
		t := &turn{OrchestratorRequest: r, token: item.CompletionToken, past: s.events(r.PastEvents), new: s.events(r.NewEvents)}
		j.turns++
		s.act(t, j.replay(t)...)
	}
}

// ranSince checks which activities ran since the last check.
func (j *javaWorker) ranSince(what string, want ...string) {
	j.s.t.Helper()
	if !slices.Equal(j.ran, want) {
		j.s.t.Errorf("%s: activities %q ran, want %q", what, j.ran, want)
	}
	j.ran = nil
}

// TestW44JavaIsRewound rewinds what workers run that know no rewinds: to before the failure,
// again and again, to an event, and with a failed child.
func TestW44JavaIsRewound(t *testing.T) {
	s := serve(t)
	j := connectJava(s, map[string][]string{
		"row": {"good", "bad", "last"}, "own": {"good", "!"}, "top": {"good", "@low"}, "low": {"good", "bad"},
	})
	rewindTo := func(id string, event int32) {
		t.Helper()
		do[wirepb.RewindInstanceResponse](s, "RewindInstance", &wirepb.RewindInstanceRequest{InstanceId: id, To: event})
	}
	s.remote("row")
	j.until("row", failed)
	j.ranSince("at first", "good", "bad")
	for range 2 {
		s.rewind("row", "again")
		j.until("row", failed)
		j.ranSince("rewound too early", "bad")
	}
	j.broken = false
	s.rewind("row", "again")
	j.until("row", completed)
	j.ranSince("rewound", "bad", "last")
	rewindTo("row", 1)
	j.until("row", completed)
	j.ranSince("rewound to the beginning", "good", "bad", "last")
	rewindTo("row", 8) // in the turn that has called bad
	j.until("row", completed)
	j.ranSince("rewound to the second activity", "bad", "last")

	j.broken = true
	s.remote("own")
	j.until("own", failed)
	j.ranSince("a failure of its own", "good")
	s.remote("top")
	j.until("top", failed)
	j.ranSince("a failure below", "good", "good", "bad")
	j.broken = false
	s.rewind("own", "again")
	j.until("own", completed)
	j.ranSince("rewound after a failure of its own")
	s.rewind("top", "again")
	j.until("top", completed)
	j.ranSince("rewound with its child", "bad")
	if got := s.get("low"); got.OrchestrationStatus != completed {
		t.Errorf("the child = %v, want it completed", got)
	}
}
