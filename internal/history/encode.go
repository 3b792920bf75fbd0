package history

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of HistoryEvent besides those of its bodies.
const (
	numID       = 1
	numTime     = 2
	numAttempt  = 1000
	numDequeued = 1001
	numStarted  = 1002
	numWorker   = 1003
	numEffect   = 1004
	numUsage    = 1005
	numPayload  = 1006
	numOptions  = 1007
	numDelivery = 1008
	numSeed     = 1009
	numFork     = 1010
	numClosed   = 1011
	numEvents   = 1 // of HistoryChunk
	maxFailures = maxDepth - 4
)

// encoder is what every Body of this package is.
type encoder interface {
	encode(b []byte) []byte
}

// Append appends the event's message to b, without a length, and returns the
// extended slice. Equal events give equal bytes. What Append writes Decode
// reads: invalid UTF-8 is replaced by U+FFFD, times outside of the years 1 to
// 9999 are moved to the nearest of these, causes of a failure after the 60th
// are left out. Append panics if Body is not a type of this package.
func (e *Event) Append(b []byte) []byte {
	b = appendInt(b, numID, int64(e.ID))
	b = appendTime(b, numTime, e.Time)
	if e.Body != nil {
		var start int
		b, start = open(b, protowire.Number(e.Body.Kind()))
		b = e.Body.(encoder).encode(b)
		b = shut(b, start)
	}
	b = append(b, e.Unknown...)
	if e.Meta != nil {
		b = e.Meta.encode(b)
	}
	return b
}

func (m *Meta) encode(b []byte) []byte {
	b = appendInt(b, numAttempt, int64(m.Attempt))
	b = appendTime(b, numDequeued, m.DequeuedAt)
	b = appendTime(b, numStarted, m.StartedAt)
	b = appendString(b, numWorker, m.Worker)
	b = appendBytes(b, numEffect, m.Effect)
	b = appendBytes(b, numUsage, m.Usage)
	if m.Payload != nil {
		var start int
		b, start = open(b, numPayload)
		b = appendBytes(b, 1, m.Payload.Hash)
		b = appendInt(b, 2, m.Payload.Size)
		b = shut(b, start)
	}
	b = appendBytes(b, numOptions, m.Options)
	b = appendBytes(b, numDelivery, m.Delivery)
	b = appendString(b, numSeed, m.Seed)
	if f := m.Fork; f != nil {
		var start int
		b, start = open(b, numFork)
		b = appendString(b, 1, f.Run)
		b = appendString(b, 2, f.Execution)
		b = appendInt(b, 3, f.Event)
		b = appendString(b, 4, f.Salt)
		b = appendString(b, 5, f.As)
		b = shut(b, start)
	}
	return appendInt(b, numClosed, m.Closed)
}

// AppendChunk appends a HistoryChunk of the events to b and returns the
// extended slice. The chunks of two sequences joined are the chunk of the
// joined sequence.
func AppendChunk(b []byte, events ...*Event) []byte {
	for _, e := range events {
		var start int
		b, start = open(b, numEvents)
		b = e.Append(b)
		b = shut(b, start)
	}
	return b
}
