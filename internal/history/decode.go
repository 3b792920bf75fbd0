package history

import (
	"iter"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decode reads an event from its message. It keeps no reference to b. Fields of
// the event that this version does not know are kept in Unknown, those inside
// its body are dropped. Malformed input is an error: truncated fields, invalid
// UTF-8, timestamps out of range, more than 64 nested messages, and input that
// would decode to more than 16 times its size plus 64 KiB.
func Decode(b []byte) (*Event, error) {
	d := newDecoder(len(b))
	return d.event(b)
}

// DecodeChunk reads the events of a HistoryChunk, with the rules and limits of
// Decode for the chunk as a whole. Unknown fields of the chunk are dropped.
func DecodeChunk(b []byte) ([]*Event, error) {
	count := 0
	for _, err := range ChunkEvents(b) {
		if err != nil {
			return nil, err
		}
		count++
	}
	if count == 0 {
		return nil, nil
	}
	d := newDecoder(len(b))
	if err := d.charge(count * int(unsafe.Sizeof((*Event)(nil)))); err != nil {
		return nil, err
	}
	events := make([]*Event, 0, count)
	for raw := range ChunkEvents(b) {
		e, err := d.event(raw)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// ChunkEvents returns the messages of the events of a HistoryChunk without
// decoding them. They alias b. An error ends the sequence.
func ChunkEvents(b []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var f field
		for ; len(b) > 0; b = b[len(f.raw):] {
			if err := f.next(b); err != nil {
				yield(nil, err)
				return
			}
			if f.num != numEvents || f.typ != protowire.BytesType {
				continue
			}
			if !yield(f.data, nil) {
				return
			}
		}
	}
}

func (d *decoder) event(b []byte) (*Event, error) {
	if err := d.charge(int(unsafe.Sizeof(Event{}))); err != nil {
		return nil, err
	}
	e := new(Event)
	d.depth = 1
	var f field
	for ; len(b) > 0; b = b[len(f.raw):] {
		if err := f.next(b); err != nil {
			return nil, err
		}
		if err := d.eventField(e, &f); err != nil {
			return nil, err
		}
	}
	if e.Meta != nil && e.Meta.empty() {
		e.Meta = nil
	}
	return e, nil
}

func (d *decoder) eventField(e *Event, f *field) error {
	switch {
	case f.num == numID && f.typ == protowire.VarintType:
		return d.int32(f, &e.ID)
	case f.typ != protowire.BytesType && f.num != numAttempt && f.num != numClosed:
		return d.unknown(e, f)
	case f.num == numTime:
		return d.time(f, &e.Time)
	case f.num >= numAttempt && f.num <= numClosed:
		return d.meta(e, f)
	}
	if e.Body == nil || e.Body.Kind() != Kind(f.num) {
		body, size := newBody(Kind(f.num))
		if body == nil {
			return d.unknown(e, f)
		}
		if err := d.charge(size); err != nil {
			return err
		}
		e.Body = body
	}
	return d.message(e.Body, f.data)
}

// unknown keeps a field. Appending may copy what was kept before, at most to
// twice its size in all.
func (d *decoder) unknown(e *Event, f *field) error {
	if err := d.charge(4 * len(f.raw)); err != nil {
		return err
	}
	e.Unknown = append(e.Unknown, f.raw...)
	return nil
}

func (d *decoder) meta(e *Event, f *field) error {
	if (f.num == numAttempt || f.num == numClosed) != (f.typ == protowire.VarintType) {
		return d.unknown(e, f)
	}
	m, err := alloc(d, &e.Meta)
	if err != nil {
		return err
	}
	switch f.num {
	case numAttempt:
		return d.int32(f, &m.Attempt)
	case numDequeued:
		return d.time(f, &m.DequeuedAt)
	case numStarted:
		return d.time(f, &m.StartedAt)
	case numWorker:
		return d.string(f, &m.Worker)
	case numEffect:
		return d.bytes(f, &m.Effect)
	case numUsage:
		return d.bytes(f, &m.Usage)
	case numPayload:
		p, err := alloc(d, &m.Payload)
		if err != nil {
			return err
		}
		return d.message(p, f.data)
	case numOptions:
		return d.bytes(f, &m.Options)
	case numDelivery:
		return d.bytes(f, &m.Delivery)
	case numSeed:
		return d.string(f, &m.Seed)
	case numClosed:
		return d.int64(f, &m.Closed)
	case numFork:
		p, err := alloc(d, &m.Fork)
		if err != nil {
			return err
		}
		return d.message(p, f.data)
	}
	return nil
}

// empty reports whether nothing of m would be written.
func (m *Meta) empty() bool {
	return m.Attempt == 0 && m.DequeuedAt.IsZero() && m.StartedAt.IsZero() &&
		m.Worker == "" && len(m.Effect) == 0 && len(m.Usage) == 0 && len(m.Options) == 0 && len(m.Delivery) == 0 && m.Seed == "" && m.Fork == nil && m.Closed == 0 && m.Payload == nil
}

func (p *Fork) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &p.Run)
	case 2:
		return d.string(f, &p.Execution)
	case 3:
		return d.int64(f, &p.Event)
	case 4:
		return d.string(f, &p.Salt)
	case 5:
		return d.string(f, &p.As)
	}
	return nil
}

func (p *PayloadReference) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.bytes(f, &p.Hash)
	case 2:
		return d.int64(f, &p.Size)
	}
	return nil
}
