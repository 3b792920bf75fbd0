package history

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	maxDepth = 64 // of messages and groups in each other

	// What decoding may allocate: this many bytes per byte of input, and a
	// constant that lets small inputs through.
	maxExpansion = 16
	freeBytes    = 64 << 10

	// Estimated cost in bytes of a map and of each of its entries.
	mapCost   = 320
	entryCost = 96
)

var (
	errTruncated = errors.New("history: truncated or malformed field")
	errUTF8      = errors.New("history: invalid UTF-8")
	errDepth     = fmt.Errorf("history: nested deeper than %d", maxDepth)
	errTime      = errors.New("history: timestamp out of range")
	errExpansion = fmt.Errorf("history: decodes to more than %d times its size", maxExpansion)
)

// decoder holds the limits of one decoding.
type decoder struct {
	budget int // bytes that may still be allocated
	depth  int // of the message being read
}

func newDecoder(input int) decoder {
	return decoder{budget: freeBytes + maxExpansion*input}
}

// field is one field of a message. Number holds a varint, data the contents of
// the length-delimited type, raw the whole field; data and raw alias the input.
type field struct {
	num    protowire.Number
	typ    protowire.Type
	number uint64
	data   []byte
	raw    []byte
}

// next reads the first field of b, which must not be empty.
func (f *field) next(b []byte) error {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return errTruncated
	}
	f.num, f.typ, f.number, f.data = num, typ, 0, nil
	v, m := b[n:], 0
	switch typ {
	case protowire.VarintType:
		f.number, m = protowire.ConsumeVarint(v)
	case protowire.BytesType:
		f.data, m = protowire.ConsumeBytes(v)
	default:
		m = skip(num, typ, v, 0)
	}
	if m == tooDeep {
		return errDepth
	}
	if m < 0 {
		return errTruncated
	}
	f.raw = b[:n+m]
	return nil
}

const tooDeep = -1000 // below the error codes of protowire

// skip returns the length of a field's value or a negative number. It differs
// from protowire.ConsumeFieldValue in its limit on nested groups.
func skip(num protowire.Number, typ protowire.Type, b []byte, depth int) int {
	if typ != protowire.StartGroupType {
		return protowire.ConsumeFieldValue(num, typ, b)
	}
	if depth >= maxDepth {
		return tooDeep
	}
	total := 0
	for {
		inner, typ, n := protowire.ConsumeTag(b[total:])
		if n < 0 {
			return n
		}
		total += n
		if typ == protowire.EndGroupType {
			if inner != num {
				return -1
			}
			return total
		}
		n = skip(inner, typ, b[total:], depth+1)
		if n < 0 {
			return n
		}
		total += n
	}
}

func (d *decoder) charge(n int) error {
	d.budget -= n
	if d.budget < 0 {
		return errExpansion
	}
	return nil
}

// alloc returns *p, allocated if nil: a message that comes in pieces is merged.
func alloc[T any](d *decoder, p **T) (*T, error) {
	if *p == nil {
		if err := d.charge(int(unsafe.Sizeof(**p))); err != nil {
			return nil, err
		}
		*p = new(T)
	}
	return *p, nil
}

// A field of another wire type than expected is an unknown field: the methods
// below ignore it.

func (d *decoder) int32(f *field, p *int32) error {
	if f.typ == protowire.VarintType {
		*p = int32(f.number)
	}
	return nil
}

func (d *decoder) int64(f *field, p *int64) error {
	if f.typ == protowire.VarintType {
		*p = int64(f.number)
	}
	return nil
}

func (d *decoder) bool(f *field, p *bool) error {
	if f.typ == protowire.VarintType {
		*p = f.number != 0
	}
	return nil
}

// bytes copies the field's data; empty data is nil.
func (d *decoder) bytes(f *field, p *[]byte) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	*p = nil
	if len(f.data) == 0 {
		return nil
	}
	*p = bytes.Clone(f.data)
	return d.charge(len(f.data))
}

func (d *decoder) string(f *field, p *string) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	if !utf8.Valid(f.data) {
		return errUTF8
	}
	*p = string(f.data)
	return d.charge(len(f.data))
}

func (d *decoder) strings(f *field, p *[]string) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	var s string
	if err := d.string(f, &s); err != nil {
		return err
	}
	*p = append(*p, s)
	return d.charge(3 * int(unsafe.Sizeof(s)))
}

// text reads a google.protobuf.StringValue.
func (d *decoder) text(f *field, p *Text) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	p.Set = true
	var inner field
	for b := f.data; len(b) > 0; b = b[len(inner.raw):] {
		if err := inner.next(b); err != nil {
			return err
		}
		if inner.num != 1 {
			continue
		}
		if err := d.string(&inner, &p.S); err != nil {
			return err
		}
	}
	return nil
}

// time reads a google.protobuf.Timestamp.
func (d *decoder) time(f *field, p *time.Time) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	var seconds, nanos int64
	var inner field
	for b := f.data; len(b) > 0; b = b[len(inner.raw):] {
		if err := inner.next(b); err != nil {
			return err
		}
		if inner.typ != protowire.VarintType {
			continue
		}
		switch inner.num {
		case 1:
			seconds = int64(inner.number)
		case 2:
			nanos = int64(int32(inner.number))
		}
	}
	if seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos > 999_999_999 {
		return errTime
	}
	*p = time.Unix(seconds, nanos).UTC()
	return nil
}

// tags reads an entry of a map<string, string>.
func (d *decoder) tags(f *field, p *map[string]string) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	var key, value string
	var inner field
	for b := f.data; len(b) > 0; b = b[len(inner.raw):] {
		if err := inner.next(b); err != nil {
			return err
		}
		var err error
		switch inner.num {
		case 1:
			err = d.string(&inner, &key)
		case 2:
			err = d.string(&inner, &value)
		}
		if err != nil {
			return err
		}
	}
	cost := entryCost
	if *p == nil {
		cost += mapCost
		*p = make(map[string]string)
	}
	if err := d.charge(cost); err != nil {
		return err
	}
	(*p)[key] = value
	return nil
}
