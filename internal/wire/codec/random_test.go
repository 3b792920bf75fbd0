package codec_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// random fills in values of any type with random ones that survive a round trip.
type random struct{ *rand.Rand }

func (r random) text() string {
	texts := []string{"", "a", "näme", `{"x":1}`, "\x00", "long long long long"}
	return texts[r.IntN(len(texts))]
}

// fill sets v, at most depth levels deep.
func (r random) fill(v reflect.Value, depth int) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if r.IntN(3) > 0 {
			*x = time.Unix(r.Int64N(4_000_000_000), r.Int64N(1_000_000_000)).UTC()
		}
		return
	case *history.Text:
		if r.IntN(3) > 0 {
			*x = history.Some(r.text())
		}
		return
	case *history.Body:
		bodies := []history.Body{
			&history.EventRaised{Name: r.text(), Input: history.Some(r.text())}, &history.TaskCompleted{TaskScheduledID: 7},
			&history.ExecutionStarted{Name: "n", Tags: map[string]string{"k": "v"}},
		}
		*x = bodies[r.IntN(len(bodies))]
		return
	case *engine.Op:
		ops := []engine.Op{
			&engine.ScheduleTask{}, &engine.CreateTimer{}, &engine.CreateSubOrchestration{}, &engine.SendEvent{}, &engine.SendEntityMessage{},
			&engine.Complete{}, &engine.Terminate{}, &engine.Rewind{}, &engine.Cancel{}, &engine.Mark{}, &engine.Reply{}, &engine.PutRows{},
		}
		*x = ops[r.IntN(len(ops))]
		r.fill(reflect.ValueOf(*x).Elem(), depth-1)
		r.legal(*x)
		return
	case *engine.EntityAction:
		actions := []engine.EntityAction{
			&engine.SendSignal{}, &engine.StartOrchestration{}, &engine.RaiseEvent{}, &engine.TerminateOrchestration{},
			&engine.ResolveReply{}, &engine.PutEntityRows{},
		}
		*x = actions[r.IntN(len(actions))]
		r.fill(reflect.ValueOf(*x).Elem(), depth-1)
		if s, ok := (*x).(*engine.SendSignal); ok {
			s.InstanceID = "@n@k"
		}
		return
	case *history.Meta:
		*x = history.Meta{Attempt: 3, Worker: "w"}
		return
	}
	r.fillKind(v, depth)
}

func (r random) fillKind(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.text())
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64N(1 << 31))
	case reflect.Uint16:
		v.SetUint(r.Uint64N(1 << 16))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(r.Uint64N(256))
	case reflect.Pointer:
		if depth > 0 && r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			r.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), r.IntN(3), 3))
			for i := range v.Len() {
				r.fill(v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			r.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		if depth > 0 && r.IntN(2) == 0 {
			v.Set(reflect.ValueOf(map[string]string{r.text(): r.text()}))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.fill(v.Field(i), depth-1)
		}
	default:
		panic(fmt.Sprintf("no random %v", v.Type()))
	}
}

// legal gives an op what no op can be without, and takes away what does not
// travel.
func (r random) legal(op engine.Op) {
	switch do := op.(type) {
	case *engine.CreateTimer:
		do.FireAt = time.Unix(r.Int64N(1<<31), 0).UTC()
	case *engine.CreateSubOrchestration:
		do.Refused = nil // is not said by workers
	case *engine.SendEvent:
		do.InstanceID = "target"
	case *engine.Terminate:
		do.InstanceID = "target"
	case *engine.Complete:
		do.Status = []history.Status{history.StatusCompleted, history.StatusContinuedAsNew, history.StatusFailed}[r.IntN(3)]
		r.known(do.Carryover)
	case *engine.Rewind:
		r.known(do.NewHistory)
		r.known(do.Redeliver)
	case *engine.SendEntityMessage:
		target := history.Some("@n@k")
		bodies := []history.Body{
			&history.EntityOperationSignaled{RequestID: r.text(), Operation: r.text(), Input: history.Some(r.text()), TargetInstanceID: target},
			&history.EntityOperationCalled{RequestID: r.text(), Operation: r.text(), TargetInstanceID: target},
			&history.EntityLockRequested{CriticalSectionID: r.text(), LockSet: []string{"@n@k", "@n@l"}},
			&history.EntityUnlockSent{CriticalSectionID: r.text(), TargetInstanceID: target},
		}
		do.Body = bodies[r.IntN(len(bodies))]
	}
}

// known takes the unknown fields away, which random bytes are not.
func (r random) known(events []*history.Event) {
	for i, e := range events {
		if e == nil {
			e = &history.Event{Body: &history.OrchestratorStarted{}}
			events[i] = e
		}
		e.Unknown = nil
	}
}

// filled returns a random T.
func filled[T any](r random) *T {
	v := new(T)
	r.fill(reflect.ValueOf(v).Elem(), 6)
	return v
}
