package wire_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

func (s *server) rewind(id, reason string) {
	s.t.Helper()
	do[wirepb.RewindInstanceResponse](s, "RewindInstance", &wirepb.RewindInstanceRequest{InstanceId: id, Reason: text(reason)})
}

// rewound answers a rewind as SDKs do: with a history without what has failed, and
// with a new execution id.
func (s *server) rewound(turn *turn, execution string) {
	s.t.Helper()
	all := append(slices.Clone(turn.past), turn.new...)
	failedTasks := map[int32]bool{}
	for _, f := range bodies[*history.TaskFailed](all) {
		failedTasks[f.TaskScheduledID] = true
	}
	r := &wirepb.RewindOrchestrationAction{}
	parentExecution := body[*history.ExecutionRewound](s, turn.new).ParentExecutionID
	for _, e := range all {
		switch b := e.Body.(type) {
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.ExecutionCompleted:
			continue
		case *history.TaskScheduled:
			if failedTasks[e.ID] {
				continue
			}
		case *history.ExecutionStarted:
			c := *b
			c.Instance = &history.Instance{InstanceID: turn.InstanceId, ExecutionID: history.Some(execution)}
			if c.Parent != nil && parentExecution.Set {
				p := *c.Parent
				p.Instance = &history.Instance{InstanceID: p.Instance.InstanceID, ExecutionID: parentExecution}
				c.Parent = &p
			}
			e = &history.Event{ID: e.ID, Time: e.Time, Body: &c}
		}
		r.NewHistory = append(r.NewHistory, e.Append(nil))
	}
	s.act(turn, &wirepb.OrchestratorAction{Id: -1, OrchestratorActionType: &wirepb.OrchestratorAction_RewindOrchestration{RewindOrchestration: r}})
}

func executionID(n string) string { return strings.Repeat(n, 32) }

// TestW44RewindsOfActivities fails an activity twice and rewinds twice in a row.
func TestW44RewindsOfActivities(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	failActivity := func() {
		a, token := w.activity()
		s.settle(&wirepb.ActivityResponse{InstanceId: "i", TaskId: a.TaskId, CompletionToken: token, FailureDetails: &wirepb.TaskFailureDetails{ErrorType: "E"}})
		s.act(w.turn(), fail(3, &wirepb.TaskFailureDetails{ErrorType: "E"}))
	}
	s.remote("i")
	s.act(w.turn(), schedule(1, "good", `1`))
	a, token := w.activity()
	s.result(a, token, `"kept"`)
	s.act(w.turn(), schedule(2, "bad", `1`))
	failActivity()
	old := s.wait("i")
	if old.OrchestrationStatus != failed {
		t.Fatalf("the instance = %v, want it failed", old)
	}
	for round, execution := range []string{executionID("a"), executionID("b")} {
		s.rewind("i", "again")
		turn := w.turn()
		if diff := cmp.Diff([]string{"OrchestratorStarted(-1)", "ExecutionRewound(-1)"}, kinds(turn.new)); diff != "" {
			t.Fatalf("round %d: the rewind is told by (-want +got):\n%s", round, diff)
		}
		if e := body[*history.ExecutionRewound](s, turn.new); e.Reason.S != "again" || e.InstanceID.Set || e.Name.Set {
			t.Errorf("executionRewound = %+v, want the reason only", e)
		}
		body[*history.ExecutionCompleted](s, turn.past)
		s.rewound(turn, execution)
		turn = w.turn()
		if diff := cmp.Diff([]string{"OrchestratorStarted(-1)"}, kinds(turn.new)); diff != "" || turn.ExecutionId.GetValue() != execution {
			t.Errorf("round %d: execution %s goes on with (-want +got):\n%s", round, turn.ExecutionId.GetValue(), diff)
		}
		if r := body[*history.TaskCompleted](s, turn.past); r.Result.S != `"kept"` {
			t.Errorf("after the rewind the result = %+v, want it kept", r)
		}
		if n := len(bodies[*history.ExecutionRewound](turn.past)); n != round+1 {
			t.Errorf("after rewind %d the history has %d rewinds", round+1, n)
		}
		if got := s.get("i"); got.OrchestrationStatus != running_ || got.FailureDetails != nil || got.Output != nil {
			t.Errorf("after the rewind the instance = %v, want it running without a failure", got)
		}
		s.act(turn, schedule(2, "bad", `1`))
		if round == 0 {
			failActivity()
			s.wait("i")
		}
	}
	a, token = w.activity()
	s.result(a, token, `"good at last"`)
	s.act(w.turn(), end(3, completed, `"done"`))
	if got := s.wait("i"); got.Output.GetValue() != `"done"` {
		t.Errorf("at last the instance = %v, want its output", got)
	}
}

// TestW44RewindsOfChildren rewinds a parent whose children failed, of which one was
// purged.
func TestW44RewindsOfChildren(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("p")
	s.act(w.turn(), child(1, "failed", "sub", `"f"`), child(2, "purged", "sub", `"g"`), child(3, "good", "sub", `"h"`))
	p := 0
	for p < 3 { // the parent learns of all three ends
		turn := w.turn()
		switch turn.InstanceId {
		case "p":
			if p += len(turn.new) - 1; p < 3 {
				s.act(turn)
			} else {
				s.act(turn, fail(4, &wirepb.TaskFailureDetails{ErrorType: "E"}))
			}
		case "good":
			s.act(turn, end(1, completed, `"h"`))
		default:
			s.act(turn, fail(1, &wirepb.TaskFailureDetails{ErrorType: "E"}))
		}
	}
	s.wait("p")
	purged := do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: "purged"}})
	if purged.DeletedInstanceCount != 1 {
		t.Fatalf("PurgeInstances(purged) = %v", purged)
	}
	s.rewind("p", "again")
	s.rewound(w.turn(), executionID("a"))
	ended := map[string]bool{}
	done := 0
	for done < 2 {
		turn := w.turn()
		rewound := bodies[*history.ExecutionRewound](turn.new)
		switch {
		case turn.InstanceId == "p":
			for _, c := range bodies[*history.SubOrchestrationInstanceCompleted](turn.new) {
				if done++; c.TaskScheduledID == 3 {
					t.Error("the child that had completed is told of again")
				}
			}
			if done < 2 {
				s.act(turn)
			} else {
				s.act(turn, end(4, completed, `"done"`))
			}
		case turn.InstanceId == "good":
			t.Fatalf("the child that had completed gets %v", kinds(turn.new))
		case len(rewound) > 0:
			if r := rewound[0]; turn.InstanceId != "failed" || r.ParentExecutionID.S != executionID("a") || r.InstanceID.S != "failed" {
				t.Errorf("%s is rewound with %+v, want the failed child with its parent's execution", turn.InstanceId, r)
			}
			s.rewound(turn, executionID("c"))
		default:
			started := body[*history.ExecutionStarted](s, append(slices.Clone(turn.past), turn.new...))
			if started.Parent == nil || started.Parent.Instance.ExecutionID.S != executionID("a") {
				t.Errorf("%s goes on with the parent %+v, want the parent's new execution", turn.InstanceId, started.Parent)
			}
			ended[turn.InstanceId] = true
			s.act(turn, end(1, completed, started.Input.S))
		}
	}
	if got := s.wait("p"); got.Output.GetValue() != `"done"` || !ended["failed"] || !ended["purged"] {
		t.Errorf("at last the parent = %v after %v, want both children done again", got, ended)
	}
}
