package history_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/perdure/perdure/internal/history"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// bodies returns an empty body of each kind.
func bodies() []history.Body {
	return []history.Body{
		&history.ExecutionStarted{}, &history.ExecutionCompleted{}, &history.ExecutionTerminated{},
		&history.TaskScheduled{}, &history.TaskCompleted{}, &history.TaskFailed{},
		&history.SubOrchestrationInstanceCreated{}, &history.SubOrchestrationInstanceCompleted{},
		&history.SubOrchestrationInstanceFailed{}, &history.TimerCreated{}, &history.TimerFired{},
		&history.OrchestratorStarted{}, &history.OrchestratorCompleted{}, &history.EventSent{},
		&history.EventRaised{}, &history.GenericEvent{}, &history.HistoryState{}, &history.ContinueAsNew{},
		&history.ExecutionSuspended{}, &history.ExecutionResumed{}, &history.EntityOperationSignaled{},
		&history.EntityOperationCalled{}, &history.EntityOperationCompleted{},
		&history.EntityOperationFailed{}, &history.EntityLockRequested{}, &history.EntityLockGranted{},
		&history.EntityUnlockSent{}, &history.ExecutionRewound{},
	}
}

func kindName(b history.Body) string { return b.Kind().String() }

// filler gives every field a value of its own, so that swapped or forgotten
// fields show.
type filler struct{ n int }

func (f *filler) event(body history.Body) *history.Event {
	e := &history.Event{Body: body, Meta: &history.Meta{}}
	f.fill(reflect.ValueOf(body).Elem(), 0)
	f.fill(reflect.ValueOf(e.Meta).Elem(), 0)
	f.fill(reflect.ValueOf(&e.ID).Elem(), 0)
	f.fill(reflect.ValueOf(&e.Time).Elem(), 0)
	return e
}

// fill sets v; depth counts the causes of a failure.
func (f *filler) fill(v reflect.Value, depth int) {
	f.n++
	text := fmt.Sprintf("value-%d-é", f.n)
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(f.n), 1_000*int64(f.n)).UTC()))
		return
	case history.Text:
		v.Set(reflect.ValueOf(history.Some(text)))
		return
	case [][]byte: // entries of map<string, Value>: key and a string
		entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), text)
		value := protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), text)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), value)
		v.Set(reflect.ValueOf([][]byte{entry}))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"b": text, "a": "", "": text + "c"}))
		return
	case []string:
		v.Set(reflect.ValueOf([]string{text, "", text + "b"}))
		return
	case []byte: // also a valid message: of an orchestration's id
		v.SetBytes(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), text))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), depth)
		}
	case reflect.Pointer:
		if depth < 3 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth+1)
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

func checkRoundTrip(t interface {
	Helper()
	Errorf(string, ...any)
}, e *history.Event) {
	t.Helper()
	b := e.Append([]byte("prefix"))[len("prefix"):]
	got, err := history.Decode(b)
	if err != nil {
		t.Errorf("Decode(%x) = %v, want %v", b, err, e)
		return
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Errorf("Decode(Append(%v)) differs (-want +got):\n%s", e, diff)
	}
}

func TestRoundTripOfFullEvents(t *testing.T) {
	kinds := map[history.Kind]bool{}
	for _, body := range bodies() {
		kinds[body.Kind()] = true
		t.Run(kindName(body), func(t *testing.T) {
			checkRoundTrip(t, new(filler).event(body))
		})
	}
	for k := history.KindExecutionStarted; k <= history.KindExecutionRewound; k++ {
		if !kinds[k] {
			t.Errorf("kinds tested: %v missing", k)
		}
	}
}

func TestRoundTripOfEdges(t *testing.T) {
	bare := func(b history.Body) *history.Event { return &history.Event{Body: b} }
	events := map[string]*history.Event{
		"nothing":          {},
		"negative id":      {ID: -1},
		"smallest id":      {ID: math.MinInt32},
		"epoch":            {Time: time.Unix(0, 0).UTC()},
		"before the epoch": {Time: time.Unix(-1, 999_999_999).UTC()},
		"year 9999":        {Time: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)},
		"empty texts":      bare(&history.TaskScheduled{Version: history.Some(""), Input: history.Some("")}),
		"empty messages": bare(&history.ExecutionStarted{Instance: &history.Instance{},
			Parent: &history.ParentInstance{Instance: &history.Instance{}}, ParentTrace: &history.TraceContext{}}),
		"empty failure":  bare(&history.TaskFailed{Failure: &history.Failure{Inner: &history.Failure{}}}),
		"empty state":    bare(&history.HistoryState{State: []byte{}}),
		"empty property": bare(&history.TaskFailed{Failure: &history.Failure{Properties: [][]byte{{}}}}),
		"empty payload":  {Meta: &history.Meta{Payload: &history.PayloadReference{}}},
		"long body":      bare(&history.EventRaised{Name: "e", Input: history.Some(strings.Repeat("x", 1<<20))}),
		"long by a byte": bare(&history.EventRaised{Name: strings.Repeat("x", 126)}),
		"short by one":   bare(&history.EventRaised{Name: strings.Repeat("x", 125)}),
		"unknown field":  {Unknown: []byte{0xf8, 0x01, 0x07}, Body: &history.OrchestratorStarted{}},
		"many tags": bare(&history.TaskScheduled{Tags: map[string]string{
			"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": "", "9": "", "10": ""}}),
	}
	for name, e := range events {
		t.Run(name, func(t *testing.T) { checkRoundTrip(t, e) })
	}
}

// drawn fills v with random values.
func drawn(t *rapid.T, v reflect.Value, depth int) {
	if !rapid.Bool().Draw(t, "set") {
		return
	}
	text := rapid.StringN(0, 40, -1)
	switch v.Interface().(type) {
	case time.Time:
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"),
			rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		v.Set(reflect.ValueOf(at))
		return
	case history.Text:
		v.Set(reflect.ValueOf(history.Some(text.Draw(t, "text"))))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(rapid.MapOfN(text, text, 1, 20).Draw(t, "map")))
		return
	case []string:
		v.Set(reflect.ValueOf(rapid.SliceOfN(text, 1, 5).Draw(t, "list")))
		return
	case [][]byte:
		v.Set(reflect.ValueOf(rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 1, 5).Draw(t, "entries")))
		return
	case []byte:
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "bytes"))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text.Draw(t, "string"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			drawn(t, v.Field(i), depth)
		}
	case reflect.Pointer:
		if depth < 5 {
			v.Set(reflect.New(v.Type().Elem()))
			drawn(t, v.Elem(), depth+1)
		}
	default:
		panic("drawn: " + v.Type().String())
	}
}

func drawEvent(t *rapid.T) *history.Event {
	e := &history.Event{Body: rapid.SampledFrom(bodies()).Draw(t, "body")}
	drawn(t, reflect.ValueOf(e.Body).Elem(), 0)
	drawn(t, reflect.ValueOf(&e.ID).Elem(), 0)
	drawn(t, reflect.ValueOf(&e.Time).Elem(), 0)
	var m history.Meta
	drawn(t, reflect.ValueOf(&m).Elem(), 0)
	if !reflect.ValueOf(m).IsZero() {
		e.Meta = &m
	}
	return e
}

func TestRoundTripOfRandomEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		checkRoundTrip(t, e)
		if a, b := e.Append(nil), e.Append(nil); !bytes.Equal(a, b) {
			t.Fatalf("Append(%v) = %x, then %x, want equal bytes", e, a, b)
		}
	})
}

func TestChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []*history.Event
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			events = append(events, drawEvent(t))
		}
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		chunk := history.AppendChunk(nil, events[:cut]...)
		chunk = append(chunk, 0x12, 0x01, 0xff) // an unknown field
		chunk = history.AppendChunk(chunk, events[cut:]...)
		got, err := history.DecodeChunk(chunk)
		if err != nil {
			t.Fatalf("DecodeChunk(%x) = %v", chunk, err)
		}
		if diff := cmp.Diff(events, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("DecodeChunk(AppendChunk(events)) differs (-want +got):\n%s", diff)
		}
		i := 0
		for raw, err := range history.ChunkEvents(chunk) {
			if err != nil || !bytes.Equal(raw, events[i].Append(nil)) {
				t.Fatalf("ChunkEvents: event %d = %x, %v, want %x", i, raw, err, events[i].Append(nil))
			}
			i++
		}
		if i != len(events) {
			t.Fatalf("ChunkEvents gave %d events, want %d", i, len(events))
		}
	})
}

func TestDecodeCopies(t *testing.T) {
	for _, body := range bodies() {
		want := new(filler).event(body)
		want.Unknown = []byte{0xf8, 0x01, 0x07}
		b := want.Append(nil)
		got, err := history.Decode(b)
		if err != nil {
			t.Fatalf("Decode(%x) = %v", b, err)
		}
		for i := range b {
			b[i] = 0xff
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event after its input was overwritten (-want +got):\n%s", diff)
		}
	}
}

func TestAppendRepairs(t *testing.T) {
	deep := &history.Failure{}
	for range 100 {
		deep = &history.Failure{Type: "E", Inner: deep}
	}
	for name, test := range map[string]struct{ in, want history.Body }{
		"string": {&history.EventRaised{Name: "a\xffb"}, &history.EventRaised{Name: "a\uFFFDb"}},
		"text": {&history.ExecutionResumed{Input: history.Some("\xff")},
			&history.ExecutionResumed{Input: history.Some("\uFFFD")}},
		"tag": {&history.TaskScheduled{Tags: map[string]string{"\xff": "\xfe"}},
			&history.TaskScheduled{Tags: map[string]string{"\uFFFD": "\uFFFD"}}},
		"late time": {&history.TimerCreated{FireAt: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
			&history.TimerCreated{FireAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}},
	} {
		got, err := history.Decode((&history.Event{Body: test.in}).Append(nil))
		if err != nil {
			t.Errorf("%s: Decode = %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got.Body); diff != "" {
			t.Errorf("%s: decoded body differs (-want +got):\n%s", name, diff)
		}
	}
	got, err := history.Decode((&history.Event{Body: &history.TaskFailed{Failure: deep}}).Append(nil))
	if err != nil {
		t.Fatalf("Decode(failure with 100 causes) = %v", err)
	}
	n := 0
	for f := got.Body.(*history.TaskFailed).Failure; f != nil; f = f.Inner {
		n++
	}
	if n != 60 {
		t.Errorf("failures kept = %d, want 60", n)
	}
}
