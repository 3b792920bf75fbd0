package codec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/store"
)

// travel sends a message over the wire.
func travel[T any, M interface {
	*T
	proto.Message
}](t *testing.T, m M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got := M(new(T))
	if err := proto.Unmarshal(b, got); err != nil {
		t.Fatal(err)
	}
	return got
}

// same checks that what was sent is what came, and that no field of it was left out
// of the test, such as one that the messages do not know yet.
func same(t *testing.T, want, got any) {
	t.Helper()
	empty(t, reflect.TypeOf(want).String(), reflect.Indirect(reflect.ValueOf(want)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a %T does not travel (-want +got):\n%s", want, diff)
	}
}

// empty complains of fields without a value, but for those that do not travel.
func empty(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeOf(time.Time{}) || v.Type() == reflect.TypeOf(history.Text{}) {
		return
	}
	for i := range v.NumField() {
		name := path + "." + v.Type().Field(i).Name
		switch v.Type().Field(i).Name {
		case "Packed", "Match", "Shards", "WorkOnly", "Inner":
			continue
		}
		if v.Field(i).IsZero() {
			t.Errorf("%s is not set: set it, so that the test sees whether it travels", name)
			continue
		}
		empty(t, name, v.Field(i))
	}
}

var at = time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)

func TestCommandsTravel(t *testing.T) {
	trace := &history.TraceContext{TraceParent: "00-1-2-01", SpanID: "2", TraceState: history.Some("")}
	raise := &hub.Raise{RequestID: "r", InstanceID: "i", Name: "Go", Data: history.Some("")}
	start := &hub.Start{
		RequestID: "r", InstanceID: "i", Name: "n", Version: history.Some("v"), Input: history.Some(`"x"`), ExecutionID: "e", StartAt: at,
		Tags: map[string]string{"k": "v"}, Trace: trace, Fold: &perdure.Fold{After: time.Hour, Rows: []uint16{100, 65535}},
		Replace: []history.Status{history.StatusRunning, history.StatusFailed}, OrGet: true, Event: raise,
		Fork: &hub.Fork{
			Run: "s", Execution: "x", To: 7, Asked: &hub.Point{To: 8, Execution: "f"}, Rows: []store.Row{{Kind: 300, Owner: "o", Key: []byte{255}, Value: []byte{0}}},
			Patch: &hub.Patch{Event: 3, Result: history.Some(""), Failure: &history.Failure{Type: "T", Message: "M", Stack: history.Some(""), NonRetriable: true, Properties: [][]byte{{1, 2}}, Inner: &history.Failure{Type: "I"}}},
		},
	}
	same(t, start, codec.DecodeStart(travel(t, codec.EncodeStart(start))))
	bare := &hub.Start{}
	if diff := cmp.Diff(bare, codec.DecodeStart(travel(t, codec.EncodeStart(bare)))); diff != "" {
		t.Errorf("an empty start does not travel (-want +got):\n%s", diff)
	}
	signal := &hub.Signal{RequestID: "r", InstanceID: "@e@k", Operation: "op", Input: history.Some("1"), At: at, Trace: trace, Begins: true}
	same(t, signal, codec.DecodeSignal(travel(t, codec.EncodeSignal(signal))))
	control := &hub.Control{
		RequestID: "r", InstanceID: "i", Kind: hub.Rewind, Reason: history.Some("why"), Recursive: true, NewID: true, Input: history.Some(""),
		To: 7, Execution: "e", Asked: &hub.Point{To: 8, Execution: "f"}, As: "a", Version: history.Some(""),
		Session: "@dafx-a@k", Tell: &hub.Told{Name: "n", Data: history.Some("")},
	}
	same(t, control, codec.DecodeControl(travel(t, codec.EncodeControl(control))))
	ask := &hub.Ask{RequestID: "r", InstanceID: "i", Name: "n", Input: history.Some("1"), Begins: true}
	same(t, ask, codec.DecodeAsk(travel(t, codec.EncodeAsk(ask))))
	query := &store.Query{
		Kind: store.Entity, Statuses: []store.Status{store.Failed, 0}, Phases: []store.Phase{store.Stuck}, Names: []string{"a", ""}, IDPrefix: "p",
		Parent: "pa", Agent: "ag", Session: "s", Tag: [2]string{"k", "v"}, CreatedFrom: at, CreatedTo: at.Add(1), CompletedFrom: at.Add(2),
		CompletedTo: at.Add(3), Order: store.IDAsc, After: []byte{0, 255}, Limit: 5, Budget: 6,
	}
	purge := &hub.Purge{RequestID: "r", IDs: []string{"a", "b"}, Filter: query, Recursive: true, SkipLive: true, Timeout: time.Second, DryRun: true, Force: true}
	same(t, purge, codec.DecodePurge(travel(t, codec.EncodePurge(purge))))
	rows := &hub.WriteRows{
		RequestID: "r", Owner: "o", Activity: "token", Event: raise,
		Rows: []store.Row{
			{Kind: 300, Owner: "o", Key: []byte{255}, Value: []byte{0}, Index: [2][]byte{nil, {1}}, Keep: true},
			{Kind: 99, Key: []byte("k"), Delete: true},
		},
		If: []hub.RowCondition{{Kind: 1, Key: []byte("k")}, {Kind: 2, Key: []byte("k"), Value: []byte{}}},
	}
	same(t, rows, codec.DecodeWriteRows(travel(t, codec.EncodeWriteRows(rows))))
}

func TestReadsTravel(t *testing.T) {
	operations := []hub.Operation{{Name: "n", At: at, From: "f", Called: true, Failure: "x"}, {Name: "m", At: at}}
	instance := &hub.Instance{
		Record: store.Record{
			ID: "i", Kind: store.Entity, Incarnation: [16]byte{1, 15: 2}, Version: 1 << 63, Name: "n", Release: "v", Created: at, Parent: "p", Root: "r",
			Agent: "a", Session: "s", Tags: map[string]string{"k": ""}, Execution: "e", Status: store.Canceled, Phase: store.WaitingTimer,
			PhaseSince: at, Completed: at, Work: true,
		},
		AppVersion: history.Some(""), Started: at, Updated: at, StartAt: at, CustomStatus: history.Some("c"), Input: history.Some(""),
		Output: history.Some("o"), ParentTask: -1, PhaseCause: "pc", Step: "s", WaitName: "w", Waits: []string{"w", "x"}, NextFireAt: at, Attempt: 3,
		Failure: &history.Failure{
			Type: "T", Message: "M", Stack: history.Some(""), NonRetriable: true, Properties: [][]byte{{1, 2}},
			Inner: &history.Failure{Type: "I"},
		},
		Pending: hub.Pending{Activities: 1, Timers: 2, Children: 3, Entities: 4, Events: 5, Messages: 6}, HistoryEvents: 7, HistoryBytes: 8, Folded: at,
		Usage: history.Usage{In: 1, Out: 2, Cached: 3, Nano: 4, Model: "m"}, Below: history.Usage{In: 5, Out: 6, Cached: 7, Nano: 8, Model: "b"}, Worker: "w", TraceID: "t",
		StateBytes: 10, LockedBy: "l", Operations: operations, Forked: hub.ForkedFrom{Run: "f", Execution: "g", Event: 4},
	}
	same(t, instance, codec.DecodeInstance(travel(t, codec.EncodeInstance(instance))))
	page := hub.Page{Items: []*hub.Instance{instance, {}}, Next: []byte{1}, Partial: true, Scanned: 9}
	same(t, page, codec.DecodePage(travel(t, codec.EncodePage(&page))))
	entity := &hub.Entity{ID: "@e@k", Modified: at, Queue: 2, LockedBy: "i", State: history.Some(""), Operations: operations}
	same(t, entity, codec.DecodeOwnEntity(travel(t, codec.EncodeOwnEntity(entity))))
	counts := []store.Count{{Kind: store.Entity, Name: "n", Status: store.Failed, Phase: store.Active, N: 3}}
	same(t, counts, codec.DecodeCounts(travel(t, codec.EncodeCounts(counts))))
	changes := []store.Change{{ID: "i", Incarnation: [16]byte{9}, Version: 4, Gone: true}}
	same(t, changes, codec.DecodeChanges(travel(t, codec.EncodeChanges(changes, "p", true))))
	rows := store.RowQuery{
		Kind: 300, Owner: "o", Prefix: []byte("p"), Index: 1, From: []byte{0}, To: []byte{}, After: []byte("a"), Limit: 3, Desc: true,
	}
	same(t, rows, codec.DecodeRowQuery(travel(t, codec.EncodeRowQuery(&rows))))
	ended := &hub.EndedQuery{Statuses: []store.Status{store.Failed}, From: at, To: at, Limit: 1, After: "a"}
	same(t, ended, codec.DecodeEndedQuery(travel(t, codec.EncodeEndedQuery(ended))))
	entities := &hub.EntityQuery{Prefix: "@", From: at, To: at, State: true, Transient: true, Limit: 1, After: "a"}
	same(t, entities, codec.DecodeEntityQuery(travel(t, codec.EncodeEntityQuery(entities))))
}

// TestNumbersTooHigh: what does not fit becomes what nobody knows, never something
// else.
func TestNumbersTooHigh(t *testing.T) {
	m := codec.EncodeControl(&hub.Control{Kind: hub.Terminate})
	m.Kind += 256
	if got := codec.DecodeControl(m).Kind; got == hub.Terminate {
		t.Errorf("DecodeControl(kind %d) = %v, want no known kind", m.Kind, got)
	}
	q := codec.EncodeRowQuery(&store.RowQuery{Kind: 7})
	q.Kind += 1 << 16
	if got := codec.DecodeRowQuery(q).Kind; got == 7 {
		t.Errorf("DecodeRowQuery(kind %d) = %v, want no known kind", q.Kind, got)
	}
}
