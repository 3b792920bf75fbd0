package codec

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// optional is a text in a field that may be absent.
func optional(t history.Text) *string {
	if !t.Set {
		return nil
	}
	return &t.S
}

func textOf(s *string) history.Text {
	if s == nil {
		return history.Text{}
	}
	return history.Some(*s)
}

func ownTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func ownDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// narrow8 is a number that must fit into a byte; one that does not becomes the
// highest, which nothing uses.
func narrow8(n uint32) uint8 { return uint8(min(n, math.MaxUint8)) }

func narrow16(n uint32) uint16 { return uint16(min(n, math.MaxUint16)) }

// narrowInt is a count from the wire as an int.
func narrowInt(n int64) int { return int(max(math.MinInt, min(n, math.MaxInt))) }

func ownTrace(t *history.TraceContext) *wirepb.TraceContext {
	if t == nil {
		return nil
	}
	m := &wirepb.TraceContext{TraceParent: t.TraceParent, SpanId: t.SpanID}
	if t.TraceState.Set {
		m.TraceState = wrapperspb.String(t.TraceState.S)
	}
	return m
}

func traceOf(m *wirepb.TraceContext) *history.TraceContext {
	if m == nil {
		return nil
	}
	t := &history.TraceContext{TraceParent: m.TraceParent, SpanID: m.SpanId}
	if m.TraceState != nil {
		t.TraceState = history.Some(m.TraceState.Value)
	}
	return t
}

func ownFailure(f *history.Failure) *wirepb.TaskFailureDetails {
	if f == nil {
		return nil
	}
	m := &wirepb.TaskFailureDetails{
		ErrorType: f.Type, ErrorMessage: f.Message, InnerFailure: ownFailure(f.Inner), IsNonRetriable: f.NonRetriable, Properties: f.Properties,
	}
	if f.Stack.Set {
		m.StackTrace = wrapperspb.String(f.Stack.S)
	}
	return m
}

func failureOf(m *wirepb.TaskFailureDetails) *history.Failure {
	if m == nil {
		return nil
	}
	f := &history.Failure{
		Type: m.ErrorType, Message: m.ErrorMessage, Inner: failureOf(m.InnerFailure), NonRetriable: m.IsNonRetriable, Properties: m.Properties,
	}
	if m.StackTrace != nil {
		f.Stack = history.Some(m.StackTrace.Value)
	}
	return f
}

func ownFold(f *perdure.Fold) *wirepb.Fold {
	if f == nil {
		return nil
	}
	m := &wirepb.Fold{After: ownDuration(f.After)}
	for _, k := range f.Rows {
		m.Rows = append(m.Rows, uint32(k))
	}
	return m
}

func foldOf(m *wirepb.Fold) *perdure.Fold {
	if m == nil {
		return nil
	}
	f := &perdure.Fold{After: m.After.AsDuration()}
	for _, k := range m.Rows {
		f.Rows = append(f.Rows, narrow16(k))
	}
	return f
}
