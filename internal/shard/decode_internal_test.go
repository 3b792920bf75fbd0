package shard

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The decoders are not exported, so these tests look from inside.

// checkAllocation checks that f, given n bytes, allocates at most factor times as
// much, besides a constant for small inputs and the test itself.
func checkAllocation(t *testing.T, n, factor int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, want := after.TotalAlloc-before.TotalAlloc, uint64(factor*n+256<<10); got > want {
		t.Errorf("decoding %d bytes allocated %d, want at most %d", n, got, want)
	}
}

var sampleTime = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func sampleSummary() *summary {
	return &summary{
		Updated: sampleTime, Started: sampleTime, StartAt: sampleTime, AppVersion: history.Some("1"), Custom: history.Some(""),
		ParentTask: -1, ParentExec: "e", Cause: "c", Step: "s", Waits: []string{"a", "b"}, NextAt: sampleTime, Attempt: 3,
		Pending:   hub.Pending{Activities: 1, Timers: 2, Children: 3, Entities: 4, Events: 5, Messages: 6},
		ErrorType: "t", ErrorText: "m", Events: 7, Bytes: 8, Losses: map[int32]int32{1: 2, -3: 4}, Queue: 9, Holder: "h", Stateless: true,
		Fold: &engine.Fold{After: time.Hour, Rows: []uint16{100, 101}}, Folded: sampleTime,
		Done: delivery{1, 1 << 40}, Trace: hub.OrchestrationTrace{SpanID: history.Some("span"), Start: sampleTime.Add(7)},
		Usage: history.Usage{In: 1, Out: 2, Cached: 3, Nano: 4, Model: "m"}, Below: history.Usage{In: 5}, Told: history.Usage{Out: 6}, Worker: "w", TraceID: "t",
		StateBytes: 11, Operations: []hub.Operation{{Name: "n", At: sampleTime, From: "f", Called: true, Failure: "x"}, {Name: "m", At: sampleTime}},
	}
}

func TestSummaryRoundTrip(t *testing.T) {
	want := sampleSummary()
	got, err := decodeSummary(want.append(nil))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(delivery{})); err != nil || diff != "" {
		t.Errorf("decodeSummary(append()) = %v (-want +got):\n%s", err, diff)
	}
}

// FuzzSummary reads the packed part of records. An empty wait takes 2 bytes and
// is a string of 16 in a slice that grows, so the bound of memory is wider here;
// the bytes are our own and have a checksum.
func FuzzSummary(f *testing.F) {
	f.Add(sampleSummary().append(nil))
	f.Add((&summary{}).append(nil))
	f.Add([]byte{0x08})
	f.Add(bytes.Repeat([]byte{sumWait<<3 | 2, 0}, 10_000))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s *summary
		var err error
		checkAllocation(t, len(b), 64, func() { s, err = decodeSummary(b) })
		if err != nil {
			if !errors.Is(err, errSummary) {
				t.Errorf("decodeSummary(%x) = %v, want %v", b, err, errSummary)
			}
			return
		}
		for task, n := range s.Losses {
			if n <= 0 {
				delete(s.Losses, task) // what is not counted is not stored
			}
		}
		if len(s.Losses) == 0 {
			s.Losses = nil
		}
		s.Waits = slices.DeleteFunc(s.Waits, func(w string) bool { return w == "" })
		if len(s.Waits) == 0 {
			s.Waits = nil // what has no name is not stored
		}
		if s.Trace.Start.UnixNano() == 0 {
			s.Trace.Start = time.Time{}
		}
		for _, at := range []*time.Time{&s.Updated, &s.Started, &s.StartAt, &s.NextAt} {
			if at.UnixMicro() == 0 {
				*at = time.Time{} // the start of 1970 stands for no time
			}
		}
		again, err := decodeSummary(s.append(nil))
		if diff := cmp.Diff(s, again, cmp.AllowUnexported(delivery{})); err != nil || diff != "" {
			t.Errorf("decodeSummary(%x) changes when stored again: %v (-want +got):\n%s", b, err, diff)
		}
	})
}

func FuzzChunk(f *testing.F) {
	event := &history.Event{ID: 1, Time: sampleTime, Body: &history.TaskScheduled{Name: "A", Input: history.Some(`"x"`)}}
	chunk, _ := appendChunk(nil, "a", []*history.Event{event, refer(event, make([]byte, 32), 1<<20)}, []int32{1, -1})
	f.Add(chunk)
	f.Add(protowire.AppendVarint(protowire.AppendTag(nil, fieldClosed, protowire.VarintType), 1<<40))
	f.Fuzz(func(t *testing.T, b []byte) {
		var events []*history.Event
		var closed []int32
		var err error
		checkAllocation(t, len(b), 16, func() { events, closed, err = decodeChunk(b) })
		if err != nil {
			return
		}
		stored, rows := appendChunk(nil, "a", events, closed)
		if len(rows) > 0 {
			return // payloads that are stored apart now
		}
		gotEvents, gotClosed, err := decodeChunk(stored)
		if err != nil {
			t.Fatalf("decodeChunk(appendChunk(decodeChunk(%x))) = %v", b, err)
		}
		if diff := cmp.Diff(events, gotEvents) + cmp.Diff(closed, gotClosed); diff != "" {
			t.Errorf("decodeChunk(%x) changes when stored again (-want +got):\n%s", b, diff)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add(replyRow("a", engine.Answer{Request: "q", Result: history.Some("1")}, time.Time{}).Value)
	f.Add(replyRow("a", engine.Answer{Request: "q", Failure: &history.Failure{Type: "T", Message: "m"}}, time.Time{}).Value)
	f.Add((&history.Event{Body: &history.OrchestratorStarted{}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r *reply
		var err error
		checkAllocation(t, len(b), 16, func() { r, err = decodeReply(b) })
		if err != nil {
			return
		}
		again, err := decodeReply(replyRow("a", engine.Answer{Result: r.result, Failure: r.failure}, time.Time{}).Value)
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(reply{})); err != nil || diff != "" {
			t.Errorf("decodeReply(%x) changes when stored again: %v (-want +got):\n%s", b, err, diff)
		}
	})
}

// FuzzToken reads what callers give as the token of an activity.
func FuzzToken(f *testing.F) {
	r := &running{key: activityKey{"order-1", "0123456789abcdef0123456789abcdef", -1}, delivery: delivery{1 << 40, 3}}
	f.Add(r.token())
	f.Add((&running{}).token())
	f.Add(token{key: activityKey{id: "@a@b"}, delivery: delivery{7, 1}, kind: ofBatch, at: -1, data: 1 << 31}.String())
	f.Add("AAAA")
	f.Add("_____________w")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		var got token
		var err error
		checkAllocation(t, len(text), 16, func() { got, err = parseToken(text) })
		if err != nil {
			if !errors.Is(err, errToken) {
				t.Errorf("parseToken(%q) = %v, want %v", text, err, errToken)
			}
			return
		}
		if again, err := parseToken(got.String()); err != nil || again != got {
			t.Errorf("parseToken(%v) = %+v, %v, want %+v", got, again, err, got)
		}
	})
}

// oneRow is a store that has one row, whatever is asked for.
type oneRow struct {
	store.Store
	row store.Row
}

func (s oneRow) Rows(context.Context, store.RowQuery) ([]store.Row, []byte, error) {
	return []store.Row{s.row}, nil, nil
}

func FuzzPendingRow(f *testing.F) {
	r := &running{key: activityKey{"a", "e", 7}, delivery: delivery{5, 1}, dequeued: sampleTime}
	f.Add(pendingRowOf(r, pendingOpen).Value)
	f.Add(pendingRowOf(r, pendingDone).Value)
	f.Add([]byte{1, 1, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		read := func(value []byte) (pendingState, error) {
			l := &loop{ctx: t.Context(), store: oneRow{row: store.Row{Kind: rowPending, Owner: "a", Key: pendingKey(r.key), Value: value}}}
			return l.pendingRow(r.key)
		}
		got, err := read(value)
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("pendingRow(%x) = %v, want %v", value, err, store.ErrCorrupt)
			}
			return
		}
		state := pendingOpen
		if got.done {
			state = pendingDone
		}
		stored := pendingRowOf(&running{key: r.key, delivery: got.delivery, dequeued: got.began}, state).Value
		if again, err := read(stored); err != nil || again != got {
			t.Errorf("pendingRow(%x) = %+v, %v, want %+v", stored, again, err, got)
		}
	})
}

// FuzzRequestRow reads the answer that a request row keeps for a repeated start.
func FuzzRequestRow(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef", true)
	f.Add("", false)
	f.Fuzz(func(t *testing.T, execution string, existing bool) {
		want := hub.Started{InstanceID: "a", ExecutionID: execution, Existing: existing}
		rows := []store.Row{{Kind: rowRequest}}
		remember(rows, want)
		if got, err := answerOf("a", "start", rows[0].Value); err != nil || got != want {
			t.Errorf("answerOf(%x) = %+v, %v, want %+v", rows[0].Value, got, err, want)
		}
	})
}
