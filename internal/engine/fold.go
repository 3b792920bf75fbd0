package engine

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
)

// Fold says what a run gives up some time after its end: its history, and its
// rows of some kinds.
type Fold struct {
	After time.Duration
	Rows  []uint16 // kinds
}

// Append appends the form that DecodeFold reads: the delay, then the kinds.
func (f *Fold) Append(b []byte) []byte {
	b = protowire.AppendVarint(b, uint64(f.After))
	for _, kind := range f.Rows {
		b = protowire.AppendVarint(b, uint64(kind))
	}
	return b
}

// DecodeFold reads what Append wrote; nil = it is something else.
func DecodeFold(b []byte) *Fold {
	after, n := protowire.ConsumeVarint(b)
	if n < 0 || int64(after) < 0 {
		return nil
	}
	f := &Fold{After: time.Duration(after)}
	for b = b[n:]; len(b) > 0; b = b[n:] {
		var kind uint64
		if kind, n = protowire.ConsumeVarint(b); n < 0 || kind > 1<<16-1 {
			return nil
		}
		f.Rows = append(f.Rows, uint16(kind))
	}
	return f
}

// FoldOf returns what the start of a run says about its fold; nil = nothing.
func FoldOf(start *history.Event) *Fold { return optionsOf(start).Fold }

// WithFold puts a fold into the event that starts a run, or has one started; with
// nil the event stays as it is.
func WithFold(e *history.Event, f *Fold) *history.Event {
	if f != nil {
		e.Meta = &history.Meta{Options: Options{Fold: f}.encode()}
	}
	return e
}
