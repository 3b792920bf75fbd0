package engine_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

const (
	callID    = "0123456789ABCDEF0123456789ABCDEF"
	callName  = "01234567-89ab-cdef-0123-456789abcdef"
	otherName = "11111111-89ab-cdef-0123-456789abcdef"
	lockName  = "22222222-89ab-cdef-0123-456789abcdef"
)

// toEntity sends an entity an event, as the plain .NET worker does.
func toEntity(id int32, name, data string) engine.Action {
	return act(id, &engine.SendEvent{InstanceID: "@n@k", Name: name, Data: history.Some(data)})
}

// TestW59Legacy has an orchestration of the plain .NET worker signal, call and lock
// entities.
func TestW59Legacy(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		toEntity(0, "op", `{"op":"add","signal":true,"input":"5","id":"`+otherName+`","Timestamp":"2026-01-02T03:04:05Z"}`),
		toEntity(1, "op@2026-01-02T04:04:05.0000000Z", `{"op":"add","signal":true,"id":"r","due":"2026-01-03T04:04:05.0000000Z"}`),
		toEntity(2, "op@2026-01-02T04:04:05.0000000Z", `{"op":"add","signal":true,"id":"r"}`),
		toEntity(3, "op", `{"op":"get","input":null,"id":"`+callID+`","parent":"run","parentExecution":"e0"}`),
		toEntity(4, "op", `{"op":"get","id":"`+otherName+`"}`),
		toEntity(5, "op", `{"op":null,"id":"`+lockName+`","lockset":[{"name":"N","key":"k"},{"name":"n","key":"A"}],"pos":0}`),
		toEntity(6, "something else", `{}`),
		toEntity(7, "op", `not JSON`))
	s.turn(bodies(&history.EntityOperationCompleted{RequestID: callName, Output: history.Some(`"x"`)}), act(8, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.EntityOperationFailed{RequestID: otherName, Failure: &history.Failure{
		Type: "T", Message: "m", Stack: history.Some("at"), Inner: failure, NonRetriable: true, Properties: [][]byte{stringProperty("k", "v")},
	}}))
	s.turn(bodies(&history.EntityLockGranted{CriticalSectionID: lockName, LockSet: []string{"@n@A", "@n@k"}}))
	s.turn(bodies(&history.EventRaised{Name: "e"}), toEntity(9, "release", `{"parent":"run","id":"`+lockName+`"}`))
	s.turn(bodies(&history.EventRaised{Name: "e"}), act(10, &engine.Complete{Status: history.StatusCompleted}))
	s.golden("w59-legacy")
}

// stringProperty is an entry of a failure's properties.
func stringProperty(key, value string) []byte {
	v := protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), value)
	b := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
	return protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), v)
}

// TestW59Reload folds the history of such an orchestration: what is open is known
// again.
func TestW59Reload(t *testing.T) {
	s := newScript(t)
	past := s.record()
	s.turn(bodies(started(nil)), toEntity(3, "op", `{"op":"get","id":"`+callID+`"}`),
		toEntity(5, "op", `{"id":"`+lockName+`","lockset":[{"name":"n","key":"k"}]}`))
	s.turn(bodies(&history.EntityLockGranted{CriticalSectionID: lockName}))
	again := engine.NewOrchestration("run", "e0")
	for _, e := range *past {
		again.Fold(e)
	}
	if len(again.Tasks()) != 1 || !again.HasSection(lockName) {
		t.Errorf("read again it has the tasks %v, locks %v; want the call, and the locks", again.Tasks(), again.HoldsLocks())
	}
	answer := &engine.Message{Event: &history.Event{Body: &history.EntityOperationCompleted{RequestID: callName}}}
	if got := again.Accept(answer); got != engine.Deliver {
		t.Errorf("Accept(answer) = %v, want it delivered", got)
	}
	if _, ok := again.Local(answer).Event.Body.(*history.EventRaised); !ok {
		t.Errorf("Local(answer) = %v, want an event", again.Local(answer).Event)
	}
}
