package codec

import (
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeText returns t as the protocol writes it; an absent text is nil.
func EncodeText(t history.Text) *wrapperspb.StringValue {
	if !t.Set {
		return nil
	}
	return &wrapperspb.StringValue{Value: valid(t.S)}
}

// DecodeText reads what EncodeText wrote.
func DecodeText(v *wrapperspb.StringValue) history.Text {
	if v == nil {
		return history.Text{}
	}
	return history.Some(v.Value)
}

// valid mends texts that are not UTF-8, which cannot be sent.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func validStrings(list []string) []string {
	for i, s := range list {
		if !utf8.ValidString(s) {
			mended := append([]string(nil), list...)
			for j := i; j < len(mended); j++ {
				mended[j] = valid(mended[j])
			}
			return mended
		}
	}
	return list
}

func encodeTags(tags map[string]string) map[string]string {
	for k, v := range tags {
		if utf8.ValidString(k) && utf8.ValidString(v) {
			continue
		}
		mended := make(map[string]string, len(tags))
		for k, v := range tags {
			mended[valid(k)] = valid(v)
		}
		return mended
	}
	return tags
}

// The range of google.protobuf.Timestamp.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// EncodeTime returns t as the protocol writes it; the zero time is nil, times
// outside of the years 1 to 9999 are moved to the nearest of these.
func EncodeTime(t time.Time) *timestamppb.Timestamp {
	switch {
	case t.IsZero():
		return nil
	case t.Before(minTime):
		t = minTime
	case t.After(maxTime):
		t = maxTime
	}
	return timestamppb.New(t)
}

// EncodeDuration returns d as the protocol writes it; 0 is nil.
func EncodeDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

// EncodeTrace writes a trace context.
func EncodeTrace(t *history.TraceContext) *wirepb.TraceContext {
	if t == nil {
		return nil
	}
	return &wirepb.TraceContext{TraceParent: valid(t.TraceParent), SpanId: valid(t.SpanID), TraceState: EncodeText(t.TraceState)}
}

// DecodeTrace reads a trace context.
func DecodeTrace(t *wirepb.TraceContext) *history.TraceContext {
	if t == nil {
		return nil
	}
	return &history.TraceContext{TraceParent: t.TraceParent, SpanID: t.SpanId, TraceState: DecodeText(t.TraceState)}
}

func encodeInstance(id string, execution history.Text) *wirepb.OrchestrationInstance {
	return &wirepb.OrchestrationInstance{InstanceId: valid(id), ExecutionId: EncodeText(execution)}
}

// maxCauses bounds the chain of causes of a failure, as package history does.
const maxCauses = 60

// EncodeFailure returns f as the protocol writes it.
func EncodeFailure(f *history.Failure) *wirepb.TaskFailureDetails { return encodeFailure(f, maxCauses) }

func encodeFailure(f *history.Failure, limit int) *wirepb.TaskFailureDetails {
	if f == nil || limit == 0 {
		return nil
	}
	return &wirepb.TaskFailureDetails{
		ErrorType: valid(f.Type), ErrorMessage: valid(f.Message), StackTrace: EncodeText(f.Stack),
		InnerFailure: encodeFailure(f.Inner, limit-1), IsNonRetriable: f.NonRetriable, Properties: f.Properties,
	}
}

// DecodeFailure reads what EncodeFailure wrote. Causes after the 60th are left
// out.
func DecodeFailure(f *wirepb.TaskFailureDetails) *history.Failure { return decodeFailure(f, maxCauses) }

func decodeFailure(f *wirepb.TaskFailureDetails, limit int) *history.Failure {
	if f == nil || limit == 0 {
		return nil
	}
	return &history.Failure{
		Type: f.ErrorType, Message: f.ErrorMessage, Stack: DecodeText(f.StackTrace),
		Inner: decodeFailure(f.InnerFailure, limit-1), NonRetriable: f.IsNonRetriable, Properties: f.Properties,
	}
}
