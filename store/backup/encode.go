package backup

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/store"
)

// Times are microseconds since 1970, 0 = none; numbers that may be negative are zigzag.

func appendInt(b []byte, n protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), protowire.EncodeZigZag(v))
}

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

// appendBytes writes bytes that may be empty; nil is left out.
func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	if v == nil {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendText(b []byte, n protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func appendTime(b []byte, n protowire.Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendInt(b, n, t.UnixMicro())
}

func appendFlag(b []byte, n protowire.Number, v bool) []byte {
	if !v {
		return b
	}
	return appendUint(b, n, 1)
}

// fields calls visit with each field that is a number or bytes, and reports whether
// the message is one.
func fields(b []byte, visit func(n protowire.Number, v uint64, data []byte)) bool {
	for len(b) > 0 {
		n, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return false
		}
		b = b[size:]
		switch typ {
		case protowire.VarintType:
			v, size := protowire.ConsumeVarint(b)
			if size < 0 {
				return false
			}
			visit(n, v, nil)
			b = b[size:]
		case protowire.BytesType:
			data, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return false
			}
			visit(n, 0, data)
			b = b[size:]
		default:
			size := protowire.ConsumeFieldValue(n, typ, b)
			if size < 0 {
				return false
			}
			b = b[size:]
		}
	}
	return true
}

func timeOf(v uint64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(protowire.DecodeZigZag(v)).UTC()
}

func appendHub(b []byte, h Hub) []byte {
	return appendTime(appendText(b, 1, h.Name), 2, h.Taken)
}

func decodeHub(body []byte) (h Hub, ok bool) {
	ok = fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			h.Name = string(b)
		case 2:
			h.Taken = timeOf(v)
		}
	})
	return h, ok
}

// appendItem encodes an item.
func appendItem(b []byte, it *store.Item) (kind, []byte, error) {
	switch {
	case it.Origin != nil:
		o := it.Origin
		b = appendBytes(b, 1, o.Identity.Lineage[:])
		b = appendBytes(b, 2, o.Identity.Timeline[:])
		return kindOrigin, appendUint(b, 3, o.Epoch), nil
	case it.Record != nil:
		return kindRecord, appendRecord(b, it.Record), nil
	case it.Chunk != nil:
		c := it.Chunk
		b = appendText(appendText(b, 1, c.ID), 2, c.Branch)
		return kindChunk, appendBytes(appendUint(b, 3, c.Seq), 4, c.Data), nil
	case it.Message != nil:
		m := it.Message
		b = appendBytes(appendText(b, 1, m.Target), 2, m.ID.Source[:])
		b = appendUint(appendUint(b, 3, m.ID.Version), 4, uint64(m.ID.Index))
		return kindMessage, appendBytes(b, 5, m.Data), nil
	case it.Timer != nil:
		t := it.Timer
		b = appendText(appendInt(appendText(b, 1, t.Owner), 2, t.Due.UnixMicro()), 3, t.Execution)
		return kindTimer, appendBytes(appendInt(b, 4, int64(t.Task)), 5, t.Data), nil
	case it.Row != nil:
		r := it.Row
		b = appendText(appendUint(b, 1, uint64(r.Kind)), 2, r.Owner)
		b = appendBytes(appendBytes(b, 3, r.Key), 4, r.Value)
		b = appendBytes(appendBytes(b, 5, r.Index[0]), 6, r.Index[1])
		return kindRow, appendFlag(b, 7, r.Keep), nil
	}
	return 0, nil, errors.New("backup: an item of no kind")
}

func appendRecord(b []byte, r *store.Record) []byte {
	b = appendText(b, 1, r.ID)
	b = appendUint(b, 2, uint64(r.Kind))
	b = appendBytes(b, 3, r.Incarnation[:])
	b = appendUint(b, 4, r.Version)
	b = appendText(appendText(b, 5, r.Name), 6, r.Release)
	b = appendTime(b, 7, r.Created)
	b = appendText(appendText(b, 8, r.Parent), 9, r.Root)
	b = appendText(appendText(b, 10, r.Agent), 11, r.Session)
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		tag := appendText(appendText(nil, 1, k), 2, r.Tags[k])
		b = protowire.AppendBytes(protowire.AppendTag(b, 12, protowire.BytesType), tag)
	}
	b = appendText(b, 13, r.Execution)
	b = appendUint(appendUint(b, 14, uint64(r.Status)), 15, uint64(r.Phase))
	b = appendTime(appendTime(b, 16, r.PhaseSince), 17, r.Completed)
	return appendBytes(appendFlag(b, 18, r.Work), 19, r.Packed)
}

var errMessage = errors.New("a message that cannot be read")

// decodeItem decodes an item. One of a kind that a later version may have is refused:
// without it the hub would lack something.
func decodeItem(k kind, body []byte) (it *store.Item, err error) {
	it = new(store.Item)
	ok := true
	switch k {
	case kindOrigin:
		it.Origin, ok = decodeOrigin(body)
	case kindRecord:
		it.Record, ok = decodeRecord(body)
	case kindChunk:
		it.Chunk, ok = decodeChunk(body)
	case kindMessage:
		it.Message, ok = decodeMessage(body)
	case kindTimer:
		it.Timer, ok = decodeTimer(body)
	case kindRow:
		it.Row, ok = decodeRow(body)
	default:
		return nil, fmt.Errorf("a frame of the unknown kind %q", byte(k))
	}
	if !ok {
		return nil, errMessage
	}
	return it, nil
}

// fixed copies 16 bytes; anything else is not ok.
func fixed(to *[16]byte, b []byte, ok *bool) {
	*ok = *ok && copy(to[:], b) == len(to) && len(b) == len(to)
}

func decodeOrigin(body []byte) (*store.Origin, bool) {
	o, ok := new(store.Origin), true
	whole := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			fixed(&o.Identity.Lineage, b, &ok)
		case 2:
			fixed(&o.Identity.Timeline, b, &ok)
		case 3:
			o.Epoch = v
		}
	})
	return o, ok && whole
}

func decodeRecord(body []byte) (*store.Record, bool) {
	r, ok := new(store.Record), true
	whole := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			r.ID = string(b)
		case 2:
			r.Kind, ok = store.InstanceKind(v), ok && v <= math.MaxUint8
		case 3:
			fixed(&r.Incarnation, b, &ok)
		case 4:
			r.Version = v
		case 5:
			r.Name = string(b)
		case 6:
			r.Release = string(b)
		case 7:
			r.Created = timeOf(v)
		case 8:
			r.Parent = string(b)
		case 9:
			r.Root = string(b)
		case 10:
			r.Agent = string(b)
		case 11:
			r.Session = string(b)
		case 12:
			ok = decodeTag(r, b) && ok
		case 13:
			r.Execution = string(b)
		case 14:
			r.Status, ok = store.Status(v), ok && v <= math.MaxUint8
		case 15:
			r.Phase, ok = store.Phase(v), ok && v <= math.MaxUint8
		case 16:
			r.PhaseSince = timeOf(v)
		case 17:
			r.Completed = timeOf(v)
		case 18:
			r.Work = v != 0
		case 19:
			r.Packed = slices.Clone(b)
		}
	})
	return r, ok && whole && r.ID != ""
}

func decodeTag(r *store.Record, body []byte) bool {
	var key, value string
	ok := fields(body, func(n protowire.Number, _ uint64, b []byte) {
		switch n {
		case 1:
			key = string(b)
		case 2:
			value = string(b)
		}
	})
	if r.Tags == nil {
		r.Tags = make(map[string]string)
	}
	r.Tags[key] = value
	return ok
}

func decodeChunk(body []byte) (*store.HistoryChunk, bool) {
	c := new(store.HistoryChunk)
	ok := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			c.ID = string(b)
		case 2:
			c.Branch = string(b)
		case 3:
			c.Seq = v
		case 4:
			c.Data = slices.Clone(b)
		}
	})
	return c, ok && c.ID != ""
}

func decodeMessage(body []byte) (*store.Message, bool) {
	m, ok := new(store.Message), true
	whole := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			m.Target = string(b)
		case 2:
			fixed(&m.ID.Source, b, &ok)
		case 3:
			m.ID.Version = v
		case 4:
			m.ID.Index, ok = uint32(v), ok && v <= math.MaxUint32
		case 5:
			m.Data = slices.Clone(b)
		}
	})
	return m, ok && whole && m.Target != ""
}

func decodeTimer(body []byte) (*store.Timer, bool) {
	t := &store.Timer{Due: time.UnixMicro(0).UTC()}
	ok := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			t.Owner = string(b)
		case 2:
			t.Due = time.UnixMicro(protowire.DecodeZigZag(v)).UTC()
		case 3:
			t.Execution = string(b)
		case 4:
			t.Task = int32(protowire.DecodeZigZag(v))
		case 5:
			t.Data = slices.Clone(b)
		}
	})
	return t, ok && t.Owner != ""
}

func decodeRow(body []byte) (*store.Row, bool) {
	r, ok := new(store.Row), true
	whole := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			r.Kind, ok = store.RowKind(v), ok && v <= math.MaxUint16
		case 2:
			r.Owner = string(b)
		case 3:
			r.Key = append([]byte{}, b...)
		case 4:
			r.Value = append([]byte{}, b...)
		case 5:
			r.Index[0] = append([]byte{}, b...)
		case 6:
			r.Index[1] = append([]byte{}, b...)
		case 7:
			r.Keep = v != 0
		}
	})
	return r, ok && whole && r.Owner != ""
}
