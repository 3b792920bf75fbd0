package codec

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// Optional is a text in a field that may be absent.
func Optional(t history.Text) *string {
	if !t.Set {
		return nil
	}
	return &t.S
}

// TextOf is the reverse of Optional.
func TextOf(s *string) history.Text {
	if s == nil {
		return history.Text{}
	}
	return history.Some(*s)
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// Narrow8 is a number that must fit into a byte; one that does not becomes the
// highest, which nothing uses.
func Narrow8(n uint32) uint8 { return uint8(min(n, math.MaxUint8)) }

// Narrow16 is Narrow8 for two bytes.
func Narrow16(n uint32) uint16 { return uint16(min(n, math.MaxUint16)) }

// NarrowInt is a count from the wire as an int.
func NarrowInt(n int64) int { return int(max(math.MinInt, min(n, math.MaxInt))) }

func ownFold(f *perdure.Fold) *wirepb.Fold {
	if f == nil {
		return nil
	}
	m := &wirepb.Fold{After: EncodeDuration(f.After)}
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
		f.Rows = append(f.Rows, Narrow16(k))
	}
	return f
}

// EncodeInt is a number in a field that may be absent.
func EncodeInt(n int32) *wrapperspb.Int32Value { return wrapperspb.Int32(n) }
