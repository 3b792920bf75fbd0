package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

func (s *server) signal(entity, operation string, n int) {
	s.t.Helper()
	do[wirepb.SignalEntityResponse](s, "SignalEntity", &wirepb.SignalEntityRequest{
		InstanceId: entity, Name: operation, Input: text(fmt.Sprint(n)), RequestId: guid(n),
	})
}

// TestW52OperationsAreInOrder sends signals while a batch is out.
func TestW52OperationsAreInOrder(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	const n = 30
	s.signal("@e@k", "add", 0)
	first := w.batch()
	if first.EntityState != nil || first.InstanceId != "@e@k" || first.ExecutionId == "" {
		t.Errorf("the first batch = %v, want it without a state", first.EntityRequest)
	}
	for i := 1; i < n; i++ {
		s.signal("@e@k", "add", i)
	}
	var got []string
	for b := first; ; b = w.batch() {
		if want := fmt.Sprint("after ", len(got)); len(got) > 0 && b.EntityState.GetValue() != want {
			t.Errorf("a batch sees the state %v, want %q", b.EntityState, want)
		}
		for _, o := range bodies[*history.EntityOperationSignaled](b.ops) {
			got = append(got, o.Input.S)
			if o.TargetInstanceID.Set || o.RequestID == "" {
				t.Errorf("operation = %+v, want a request id and no target", o)
			}
		}
		s.outcome(b, text(fmt.Sprint("after ", len(got))), make([]string, len(b.ops))...)
		if len(got) == n {
			break
		}
	}
	for i, v := range got {
		if v != fmt.Sprint(i) {
			t.Fatalf("the operations came as %v, want them in order", got)
		}
	}
	e := do[wirepb.GetEntityResponse](s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: "@e@k", IncludeState: true})
	if want := fmt.Sprint("after ", n); !e.Exists || e.Entity.SerializedState.GetValue() != want || e.Entity.LastModifiedTime == nil || e.Entity.LockedBy != nil {
		t.Errorf("GetEntity() = %v, want the state %q", e, want)
	}
}

// TestW53UnfinishedBatches has fewer results than operations, then none.
func TestW53UnfinishedBatches(t *testing.T) {
	s := serve(t)
	for i := range 4 {
		s.signal("@e@k", "add", i)
	}
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	b := w.batch()
	all := len(b.ops)
	do[wirepb.CompleteTaskResponse](s, "CompleteEntityTask", &wirepb.EntityBatchResult{
		CompletionToken: b.token, FailureDetails: &wirepb.TaskFailureDetails{ErrorType: "E", ErrorMessage: "the framework failed"},
	})
	b = w.batch()
	if len(b.ops) != all || b.EntityState != nil {
		t.Errorf("after the failure of a whole batch there come %d operations with state %v, want all %d without", len(b.ops), b.EntityState, all)
	}
	var got []string
	for len(got) < 4 {
		got = append(got, b.ops[0].Body.(*history.EntityOperationSignaled).Input.S)
		s.outcome(b, text(fmt.Sprint(len(got))), "")
		if len(got) < 4 {
			if b = w.batch(); b.EntityState.GetValue() != fmt.Sprint(len(got)) {
				t.Errorf("the rest sees the state %v, want %d", b.EntityState, len(got))
			}
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

// TestW54RepliesReachTheirCallers has an entity answer and fail.
func TestW54RepliesReachTheirCallers(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	s.act(turn, callEntity(1, "@e@k", guid(1), "get", `1`), callEntity(2, "@e@k", guid(2), "bad", `2`))
	b := w.batch()
	for _, o := range bodies[*history.EntityOperationCalled](b.ops) {
		if o.ParentInstanceID.S != "i" || o.ParentExecutionID.S != turn.ExecutionId.GetValue() || o.TargetInstanceID.Set {
			t.Errorf("operation = %+v, want its caller and no target", o)
		}
	}
	if len(b.ops) == 1 { // the second follows in a batch of its own
		s.outcome(b, text("s"), `"got"`)
		b = w.batch()
	}
	r := &wirepb.EntityBatchResult{CompletionToken: b.token, EntityState: text("s"), Results: []*wirepb.OperationResult{failure("E", "m")}}
	if len(b.ops) == 2 {
		r.Results = slices.Insert(r.Results, 0, success(`"got"`))
	}
	do[wirepb.CompleteTaskResponse](s, "CompleteEntityTask", r)
	var got []*history.Event
	for len(bodies[*history.EntityOperationFailed](got)) == 0 || len(bodies[*history.EntityOperationCompleted](got)) == 0 {
		turn = w.turn()
		got = append(got, turn.new...)
		s.act(turn)
	}
	done, bad := body[*history.EntityOperationCompleted](s, got), body[*history.EntityOperationFailed](s, got)
	if done.RequestID != guid(1) || done.Output.S != `"got"` || bad.RequestID != guid(2) || bad.Failure == nil || bad.Failure.Type != "E" {
		t.Errorf("answers = %+v, %+v, want those of the entity", done, bad)
	}
	for _, e := range got {
		if _, ok := e.Body.(*history.EntityOperationCompleted); ok && e.ID != -1 {
			t.Errorf("the answer has event id %d, want -1", e.ID)
		}
	}
}

var isGUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// TestW55ActionsOfEntities has an entity signal another one and start an
// orchestration, at once and later.
func TestW55ActionsOfEntities(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.signal("@e@k", "go", 1)
	due := time.Now().Add(150 * time.Millisecond)
	do[wirepb.CompleteTaskResponse](s, "CompleteEntityTask", &wirepb.EntityBatchResult{
		CompletionToken: w.batch().token, EntityState: text("s"), Results: []*wirepb.OperationResult{success("")},
		Actions: []*wirepb.OperationAction{
			{Id: 1, OperationActionType: &wirepb.OperationAction_SendSignal{SendSignal: &wirepb.SendSignalAction{InstanceId: "@e@other", Name: "now", Input: text(`1`)}}},
			{Id: 2, OperationActionType: &wirepb.OperationAction_SendSignal{SendSignal: &wirepb.SendSignalAction{InstanceId: "@e@other", Name: "later", ScheduledTime: timestamppb.New(due)}}},
			{Id: 3, OperationActionType: &wirepb.OperationAction_StartNewOrchestration{StartNewOrchestration: &wirepb.StartNewOrchestrationAction{
				Name: "started", Version: text("v"), Input: text(`"in"`),
			}}},
		},
	})
	var now, later, started bool
	for !now || !later || !started {
		item := w.item()
		switch kindOf(item) {
		case "batch":
			b := &batch{token: item.CompletionToken, ops: s.events(item.GetEntityRequestV2().OperationRequests)}
			for _, o := range bodies[*history.EntityOperationSignaled](b.ops) {
				now, later = now || o.Operation == "now", later || o.Operation == "later"
				if !isGUID.MatchString(o.RequestID) {
					t.Errorf("operation = %+v, want a GUID as its request id", o)
				}
				if at := time.Now(); o.Operation == "later" && at.Before(due) {
					t.Errorf("the delayed signal comes at %v, want it not before %v", at, due)
				}
			}
			s.outcome(b, text("s"), make([]string, len(b.ops))...)
		case "turn":
			r := item.GetOrchestratorRequest()
			e := body[*history.ExecutionStarted](s, s.events(r.NewEvents))
			if e.Name != "started" || e.Version.S != "v" || e.Input.S != `"in"` || e.Parent != nil || r.InstanceId == "" {
				t.Errorf("the orchestration is started with %+v, want what the entity said, and no parent", e)
			}
			started = true
			s.answer(&wirepb.OrchestratorResponse{InstanceId: r.InstanceId, CompletionToken: item.CompletionToken})
		}
	}
}

func TestW55DelayedSignalsOfClients(t *testing.T) {
	s := serve(t)
	due := time.Now().Add(100 * time.Millisecond)
	do[wirepb.SignalEntityResponse](s, "SignalEntity", &wirepb.SignalEntityRequest{
		InstanceId: "@e@k", Name: "later", RequestId: guid(1), ScheduledTime: timestamppb.New(due),
	})
	s.hubs.crash("default")
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	b := w.batch()
	if now := time.Now(); now.Before(due) || b.ops[0].Body.(*history.EntityOperationSignaled).RequestID != guid(1) {
		t.Errorf("at %v there comes %+v, want the signal after %v", now, b.ops[0].Body, due)
	}
}

// TestW56LockSets are granted whole, and keep others away.
func TestW56LockSets(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), lock(1, guid(1), "@e@a", "@e@b"))
	turn := w.turn()
	if g := body[*history.EntityLockGranted](s, turn.new); g.CriticalSectionID != guid(1) {
		t.Errorf("granted = %+v, want the section that was asked for", g)
	}
	lockedBy := func(id string) string {
		t.Helper()
		list := do[wirepb.QueryEntitiesResponse](s, "QueryEntities", &wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{
			InstanceIdStartsWith: text(id), IncludeTransient: true,
		}}).Entities
		if len(list) != 1 {
			return ""
		}
		return list[0].LockedBy.GetValue()
	}
	for _, id := range []string{"@e@a", "@e@b"} {
		if got := lockedBy(id); got != "i" {
			t.Errorf("%s is locked by %q, want i", id, got)
		}
	}
	s.signal("@e@a", "of others", 1)
	s.act(turn, callEntity(2, "@e@a", guid(2), "of the holder", `1`))
	b := w.batch()
	if o := body[*history.EntityOperationCalled](s, b.ops); len(b.ops) != 1 || o.Operation != "of the holder" {
		t.Errorf("while it is locked the entity gets %v, want only the holder's operation", kinds(b.ops))
	}
	s.outcome(b, text("s"), `1`)
	s.act(w.turn(), unlock(3, guid(1), "@e@a"), unlock(4, guid(1), "@e@b"), end(5, completed, `1`))
	b = w.batch()
	if o := body[*history.EntityOperationSignaled](s, b.ops); o.Operation != "of others" {
		t.Errorf("after it is free the entity gets %+v, want what has waited", o)
	}
	s.outcome(b, text("s"), "")
	s.wait("i")
	s.until("the locks to be free", func() bool { return lockedBy("@e@a") == "" && lockedBy("@e@b") == "" })
}

// TestW57LocksAreFreed however their holder ends.
func TestW57LocksAreFreed(t *testing.T) {
	ends := map[string]func(*server, *items, *turn){
		"completion":      func(s *server, _ *items, t *turn) { s.act(t, end(2, completed, `1`)) },
		"failure":         func(s *server, _ *items, t *turn) { s.act(t, fail(2, &wirepb.TaskFailureDetails{ErrorType: "E"})) },
		"continue as new": func(s *server, _ *items, t *turn) { s.act(t, again(2, `1`)) },
		"termination": func(s *server, w *items, t *turn) {
			s.act(t)
			do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "i"})
			s.act(w.turn(), end(2, terminated, `1`))
		},
		"replacement": func(s *server, _ *items, t *turn) {
			s.act(t)
			s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote", OrchestrationIdReusePolicy: &wirepb.OrchestrationIdReusePolicy{
				ReplaceableStatus: []wirepb.OrchestrationStatus{running_, terminated},
			}})
		},
	}
	for name, finish := range ends {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			w := s.connect(&wirepb.GetWorkItemsRequest{})
			s.remote("i")
			s.act(w.turn(), lock(1, guid(1), "@e@a", "@e@b"))
			turn := w.turn()
			body[*history.EntityLockGranted](s, turn.new)
			finish(s, w, turn)
			s.remote("next")
			granted := false
			for !granted {
				turn := w.turn()
				granted = len(bodies[*history.EntityLockGranted](turn.new)) > 0
				if turn.InstanceId == "next" && !granted {
					s.act(turn, lock(1, guid(2), "@e@a", "@e@b"))
					continue
				}
				s.act(turn)
			}
		})
	}
}

// TestW57LocksOfThoseThatEndWhileAcquiring must not stay: the holder is terminated
// while it waits for the second of two locks.
func TestW57LocksOfThoseThatEndWhileAcquiring(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("holder")
	s.act(w.turn(), lock(1, guid(1), "@e@b"))
	holder := w.turn()
	s.remote("i")
	s.act(w.turn(), lock(1, guid(2), "@e@a", "@e@b"))
	do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "i"})
	s.act(w.turn(), end(2, terminated, `1`))
	s.act(holder, end(2, completed, `1`))
	s.remote("next")
	s.act(w.turn(), lock(1, guid(3), "@e@a", "@e@b"))
	turn := w.turn()
	if turn.InstanceId != "next" || len(bodies[*history.EntityLockGranted](turn.new)) != 1 {
		t.Errorf("there comes a turn of %s with %v, want the locks granted to the next", turn.InstanceId, kinds(turn.new))
	}
}

// TestW57LocksSurviveACrash of the worker and of the hub.
func TestW57LocksSurviveACrash(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), lock(1, guid(1), "@e@a"))
	w.turn()
	w.cancel()
	s.hubs.crash("default")
	w = s.connect(&wirepb.GetWorkItemsRequest{})
	turn := w.turn()
	body[*history.EntityLockGranted](s, turn.new)
	s.act(turn, end(2, completed, `1`))
	s.remote("next")
	s.act(w.turn(), lock(1, guid(2), "@e@a"))
	body[*history.EntityLockGranted](s, w.turn().new)
}

// TestW58EntitiesAreDeletedByNull deletes and recreates one.
func TestW58EntitiesAreDeletedByNull(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	get := func() *wirepb.GetEntityResponse {
		return do[wirepb.GetEntityResponse](s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: "@e@k", IncludeState: true})
	}
	query := func() []*wirepb.EntityMetadata {
		return do[wirepb.QueryEntitiesResponse](s, "QueryEntities", &wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{IncludeState: true}}).Entities
	}
	if got := get(); got.Exists {
		t.Errorf("before its first operation GetEntity() = %v, want exists false", got)
	}
	s.signal("@e@k", "o", 1)
	s.outcome(w.batch(), text(""), "")
	if got := get(); !got.Exists || got.Entity.SerializedState == nil || len(query()) != 1 {
		t.Errorf("with an empty state GetEntity() = %v, want it to exist", got)
	}
	if got := do[wirepb.GetInstanceResponse](s, "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "@e@k"}); got.Exists {
		t.Errorf("GetInstance(an entity) = %v, want exists false", got)
	}
	s.signal("@e@k", "o", 2)
	s.outcome(w.batch(), nil, "")
	if got := get(); got.Exists || len(query()) != 0 {
		t.Errorf("after its deletion GetEntity() = %v and the list has %d, want none", got, len(query()))
	}
	s.signal("@e@k", "o", 3)
	b := w.batch()
	if b.EntityState != nil {
		t.Errorf("after its deletion the entity sees the state %v, want none", b.EntityState)
	}
	s.outcome(b, text("new"), "")
	if got := get(); got.Entity.GetSerializedState().GetValue() != "new" {
		t.Errorf("after it was made again GetEntity() = %v, want its new state", got)
	}
	if got := do[wirepb.GetEntityResponse](s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: "@e@k"}); got.Entity.SerializedState != nil {
		t.Errorf("GetEntity(without state) = %v, want none", got)
	}
	_, err := call[wirepb.GetEntityResponse](s.ctx, s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: "no entity"})
	wantStatus(t, "GetEntity(an orchestration's id)", err, codes.InvalidArgument)
	clean := do[wirepb.CleanEntityStorageResponse](s, "CleanEntityStorage", &wirepb.CleanEntityStorageRequest{RemoveEmptyEntities: true, ReleaseOrphanedLocks: true})
	if clean.EmptyEntitiesRemoved != 0 || clean.OrphanedLocksReleased != 0 {
		t.Errorf("CleanEntityStorage() = %v, want nothing left to do", clean)
	}
}

// TestW59LegacyMessagesOfDotnet calls, signals and locks entities as the plain .NET
// worker does, by events.
func TestW59LegacyMessagesOfDotnet(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	execution := turn.ExecutionId.GetValue()
	s.act(turn,
		sendEvent(1, "@e@k", "op", fmt.Sprintf(`{"op":"add","signal":true,"input":"5","id":%q}`, guid(1))),
		sendEvent(2, "@e@k", "op", fmt.Sprintf(`{"op":"get","input":"6","id":%q,"parent":"i","parentExecution":%q}`, guid(2), execution)))
	b := w.batch()
	signaled := bodies[*history.EntityOperationSignaled](b.ops)
	if len(signaled) != 1 || signaled[0].Operation != "add" || signaled[0].Input.S != "5" || signaled[0].RequestID != guid(1) {
		t.Fatalf("the signal arrives as %v, want it as any other", kinds(b.ops))
	}
	if len(b.ops) == 1 {
		s.outcome(b, text("5"), "")
		b = w.batch()
		s.outcome(b, text("11"), `"11"`)
	} else {
		s.outcome(b, text("11"), "", `"11"`)
	}
	turn = w.turn()
	answer := body[*history.EventRaised](s, turn.new)
	if answer.Name != guid(2) {
		t.Errorf("the answer is event %q, want it named by its request", answer.Name)
	}
	sameJSON(t, "the answer", answer.Input.S, `{"result": "\"11\""}`)
	s.act(turn, sendEvent(3, "@e@k", "op", fmt.Sprintf(`{"id":%q,"lockset":[{"name":"e","key":"k"}],"pos":0,"parent":"i","parentExecution":%q}`, guid(3), execution)))
	turn = w.turn()
	granted := body[*history.EventRaised](s, turn.new)
	if granted.Name != guid(3) {
		t.Errorf("the grant is event %q, want it named by its section", granted.Name)
	}
	sameJSON(t, "the grant", granted.Input.S, `{"result": "Lock Acquisition Completed"}`)
	s.act(turn, sendEvent(4, "@e@k", "release", fmt.Sprintf(`{"id":%q,"parent":"i"}`, guid(3))), end(5, completed, `1`))
	s.wait("i")
	sent := bodies[*history.EventSent](s.history("i"))
	if len(sent) != 4 || sent[0].Name != "op" || sent[3].Name != "release" {
		t.Errorf("the history has the sent events %+v, want all four as they were", sent)
	}
	s.remote("next")
	s.act(w.turn(), lock(1, guid(4), "@e@k"))
	body[*history.EntityLockGranted](s, w.turn().new)
}

// sameJSON checks that got has what want has.
func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w map[string]any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%s = %s: %v", what, got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	for k, v := range w {
		if !cmp.Equal(g[k], v) {
			t.Errorf("%s = %s, want %s", what, got, want)
		}
	}
}

// TestDocumentsInPlaceOfStates shows something else for the entities of agents.
func TestDocumentsInPlaceOfStates(t *testing.T) {
	s := serve(t, documents(func(_ context.Context, hub, id string) (json.RawMessage, bool, error) {
		switch {
		case !strings.HasPrefix(id, "@dafx-"):
			return nil, false, nil
		case strings.HasSuffix(id, "gone"):
			return nil, true, &perdure.Error{Code: perdure.NotFound}
		}
		return json.RawMessage(`{"of":"` + hub + id + `"}`), true, nil
	}))
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for n, id := range []string{"@counter@k", "@dafx-joker@k", "@dafx-joker@gone"} {
		s.signal(id, "o", n)
		s.outcome(w.batch(), text("state"), "")
	}
	get := func(id string, state bool) *wirepb.GetEntityResponse {
		return do[wirepb.GetEntityResponse](s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: id, IncludeState: state})
	}
	const document = `{"of":"default@dafx-joker@k"}`
	if got := get("@dafx-joker@k", true).Entity.SerializedState.GetValue(); got != document {
		t.Errorf("state of a session = %s, want its document %s", got, document)
	}
	if got := get("@dafx-joker@k", false); !got.Exists || got.Entity.SerializedState != nil {
		t.Errorf("GetEntity(without state) = %v, want none", got)
	}
	if got := get("@counter@k", true).Entity.SerializedState.GetValue(); got != "state" {
		t.Errorf("state of another entity = %s, want it as it is", got)
	}
	if got := get("@dafx-joker@gone", true); got.Exists {
		t.Errorf("GetEntity(a session that is deleted meanwhile) = %v, want exists false", got)
	}
	list := do[wirepb.QueryEntitiesResponse](s, "QueryEntities", &wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{IncludeState: true}}).Entities
	if len(list) != 2 || list[0].SerializedState.GetValue() != "state" || list[1].SerializedState.GetValue() != document {
		t.Errorf("QueryEntities() = %v, want the counter and the session with its document", list)
	}
}
