package wire_test

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// A test plays the worker: it takes items one by one from a stream and answers them
// with actions, as an SDK would.

// turn is an orchestrator's item.
type turn struct {
	*wirepb.OrchestratorRequest
	token     string
	past, new []*history.Event
}

// turn takes the next item, which must be a turn.
func (w *items) turn() *turn {
	w.s.t.Helper()
	item := w.item()
	r := item.GetOrchestratorRequest()
	if r == nil {
		w.s.t.Fatalf("the next item = %v, want a turn", item)
	}
	return &turn{OrchestratorRequest: r, token: item.CompletionToken, past: w.s.events(r.PastEvents), new: w.s.events(r.NewEvents)}
}

func (s *server) events(list [][]byte) (events []*history.Event) {
	s.t.Helper()
	for _, b := range list {
		e, err := history.Decode(b)
		if err != nil {
			s.t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// activity takes the next item, which must be an activity.
func (w *items) activity() (*wirepb.ActivityRequest, string) {
	w.s.t.Helper()
	item := w.item()
	if item.GetActivityRequest() == nil {
		w.s.t.Fatalf("the next item = %v, want an activity", item)
	}
	return item.GetActivityRequest(), item.CompletionToken
}

// batch is an entity's item.
type batch struct {
	*wirepb.EntityRequest
	token string
	ops   []*history.Event
}

// batch takes the next item, which must be operations on an entity.
func (w *items) batch() *batch {
	w.s.t.Helper()
	item := w.item()
	r := item.GetEntityRequestV2()
	if r == nil {
		w.s.t.Fatalf("the next item = %v, want operations on an entity", item)
	}
	return &batch{EntityRequest: r, token: item.CompletionToken, ops: w.s.events(r.OperationRequests)}
}

// silent fails if another item comes within a moment.
func (w *items) silent(why string) {
	w.s.t.Helper()
	got := make(chan *wirepb.WorkItem, 1)
	w.s.calls.Go(func() {
		for {
			item, err := w.receive()
			if err != nil {
				close(got)
				return
			}
			if item.GetHealthPing() == nil {
				got <- item
				return
			}
		}
	})
	select {
	case item, ok := <-got:
		if ok {
			w.s.t.Fatalf("%s there comes %v, want no item", why, item)
		}
	case <-time.After(100 * time.Millisecond):
	}
	// The goroutine has the stream now: it is of no more use.
	w.cancel()
}

// act completes a turn.
func (s *server) act(t *turn, actions ...*wirepb.OrchestratorAction) {
	s.t.Helper()
	s.answer(&wirepb.OrchestratorResponse{InstanceId: t.InstanceId, CompletionToken: t.token, Actions: actions})
}

func (s *server) answer(r *wirepb.OrchestratorResponse) {
	s.t.Helper()
	do[wirepb.CompleteTaskResponse](s, "CompleteOrchestratorTask", r)
}

// result completes an activity.
func (s *server) result(a *wirepb.ActivityRequest, token, output string) {
	s.t.Helper()
	s.settle(&wirepb.ActivityResponse{
		InstanceId: a.OrchestrationInstance.InstanceId, TaskId: a.TaskId, CompletionToken: token, Result: text(output),
	})
}

func (s *server) settle(r *wirepb.ActivityResponse) {
	s.t.Helper()
	do[wirepb.CompleteTaskResponse](s, "CompleteActivityTask", r)
}

// outcome completes a batch: each operation succeeds with its own output.
func (s *server) outcome(b *batch, state *wrapperspb.StringValue, outputs ...string) {
	s.t.Helper()
	r := &wirepb.EntityBatchResult{CompletionToken: b.token, EntityState: state}
	for _, o := range outputs {
		r.Results = append(r.Results, success(o))
	}
	do[wirepb.CompleteTaskResponse](s, "CompleteEntityTask", r)
}

func success(output string) *wirepb.OperationResult {
	return &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Success{Success: &wirepb.OperationResultSuccess{Result: text(output)}}}
}

func failure(kind, message string) *wirepb.OperationResult {
	return &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Failure{Failure: &wirepb.OperationResultFailure{
		FailureDetails: &wirepb.TaskFailureDetails{ErrorType: kind, ErrorMessage: message},
	}}}
}

// Actions.

func schedule(id int32, name, input string) *wirepb.OrchestratorAction {
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_ScheduleTask{
		ScheduleTask: &wirepb.ScheduleTaskAction{Name: name, Input: text(input)},
	}}
}

func timer(id int32, at time.Time) *wirepb.OrchestratorAction {
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_CreateTimer{
		CreateTimer: &wirepb.CreateTimerAction{FireAt: timestamppb.New(at)},
	}}
}

func child(id int32, instance, name, input string) *wirepb.OrchestratorAction {
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_CreateSubOrchestration{
		CreateSubOrchestration: &wirepb.CreateSubOrchestrationAction{InstanceId: instance, Name: name, Input: text(input)},
	}}
}

func sendEvent(id int32, instance, name, data string) *wirepb.OrchestratorAction {
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_SendEvent{
		SendEvent: &wirepb.SendEventAction{Instance: &wirepb.OrchestrationInstance{InstanceId: instance}, Name: name, Data: text(data)},
	}}
}

func end(id int32, status wirepb.OrchestrationStatus, result string) *wirepb.OrchestratorAction {
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_CompleteOrchestration{
		CompleteOrchestration: &wirepb.CompleteOrchestrationAction{OrchestrationStatus: status, Result: text(result)},
	}}
}

func fail(id int32, details *wirepb.TaskFailureDetails) *wirepb.OrchestratorAction {
	a := end(id, failed, "")
	a.GetCompleteOrchestration().Result, a.GetCompleteOrchestration().FailureDetails = nil, details
	return a
}

// again continues as new, with events carried over.
func again(id int32, input string, carry ...[]byte) *wirepb.OrchestratorAction {
	a := end(id, continued, input)
	a.GetCompleteOrchestration().CarryoverEvents = carry
	return a
}

// toEntity sends a message to an entity.
func toEntity(id int32, body history.Body) *wirepb.OrchestratorAction {
	raw := (&history.Event{Body: body}).Append(nil)
	_, _, n := protowire.ConsumeTag(raw)
	b, _ := protowire.ConsumeBytes(raw[n:])
	m := &wirepb.SendEntityMessageAction{}
	switch body.(type) {
	case *history.EntityOperationSignaled:
		m.EntityMessageType = &wirepb.SendEntityMessageAction_EntityOperationSignaled{EntityOperationSignaled: b}
	case *history.EntityOperationCalled:
		m.EntityMessageType = &wirepb.SendEntityMessageAction_EntityOperationCalled{EntityOperationCalled: b}
	case *history.EntityLockRequested:
		m.EntityMessageType = &wirepb.SendEntityMessageAction_EntityLockRequested{EntityLockRequested: b}
	case *history.EntityUnlockSent:
		m.EntityMessageType = &wirepb.SendEntityMessageAction_EntityUnlockSent{EntityUnlockSent: b}
	}
	return &wirepb.OrchestratorAction{Id: id, OrchestratorActionType: &wirepb.OrchestratorAction_SendEntityMessage{SendEntityMessage: m}}
}

func callEntity(id int32, entity, request, operation, input string) *wirepb.OrchestratorAction {
	return toEntity(id, &history.EntityOperationCalled{
		RequestID: request, Operation: operation, Input: history.Some(input), TargetInstanceID: history.Some(entity),
	})
}

func lock(id int32, section string, set ...string) *wirepb.OrchestratorAction {
	return toEntity(id, &history.EntityLockRequested{CriticalSectionID: section, LockSet: set})
}

func unlock(id int32, section, entity string) *wirepb.OrchestratorAction {
	return toEntity(id, &history.EntityUnlockSent{CriticalSectionID: section, TargetInstanceID: history.Some(entity)})
}

// guid is the n-th of some GUIDs.
func guid(n int) string { return fmt.Sprintf("8f14e45f-ceea-467f-a0e6-%012d", n) }

// kinds names the kinds of events, with their ids.
func kinds(events []*history.Event) []string {
	list := []string{}
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s(%d)", strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*history."), e.ID))
	}
	return list
}

// bodies returns the bodies of a kind.
func bodies[B history.Body](events []*history.Event) (list []B) {
	for _, e := range events {
		if b, ok := e.Body.(B); ok {
			list = append(list, b)
		}
	}
	return list
}

// body returns the only body of a kind.
func body[B history.Body](s *server, events []*history.Event) B {
	s.t.Helper()
	list := bodies[B](events)
	if len(list) != 1 {
		s.t.Fatalf("there are %d %T in %v, want one", len(list), *new(B), kinds(events))
	}
	return list[0]
}

// stamp is a time of whole microseconds, which is what is stored.
func (t *turn) stamp() *timestamppb.Timestamp {
	return timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC))
}
