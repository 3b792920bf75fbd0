package history

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages inside of bodies. Encoding and decoding of each type stand side
// by side, here and in the files of the bodies.

func appendInstance(b []byte, num protowire.Number, x *Instance) []byte {
	if x == nil {
		return b
	}
	b, start := open(b, num)
	b = appendString(b, 1, x.InstanceID)
	b = appendText(b, 2, x.ExecutionID)
	return shut(b, start)
}

func (x *Instance) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.InstanceID)
	case 2:
		return d.text(f, &x.ExecutionID)
	}
	return nil
}

func appendParent(b []byte, num protowire.Number, x *ParentInstance) []byte {
	if x == nil {
		return b
	}
	b, start := open(b, num)
	b = appendInt(b, 1, int64(x.TaskScheduledID))
	b = appendText(b, 2, x.Name)
	b = appendText(b, 3, x.Version)
	b = appendInstance(b, 4, x.Instance)
	b = appendText(b, numRoot, x.Root)
	return shut(b, start)
}

// numRoot is the number of our field of ParentInstance.
const numRoot = 1000

func (x *ParentInstance) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.int32(f, &x.TaskScheduledID)
	case 2:
		return d.text(f, &x.Name)
	case 3:
		return d.text(f, &x.Version)
	case 4:
		return decodeInto(d, f, &x.Instance)
	case numRoot:
		return d.text(f, &x.Root)
	}
	return nil
}

func appendTrace(b []byte, num protowire.Number, x *TraceContext) []byte {
	if x == nil {
		return b
	}
	b, start := open(b, num)
	b = appendString(b, 1, x.TraceParent)
	b = appendString(b, 2, x.SpanID)
	b = appendText(b, 3, x.TraceState)
	return shut(b, start)
}

func (x *TraceContext) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.TraceParent)
	case 2:
		return d.string(f, &x.SpanID)
	case 3:
		return d.text(f, &x.TraceState)
	}
	return nil
}

func appendFailure(b []byte, num protowire.Number, x *Failure) []byte {
	return appendCause(b, num, x, maxFailures)
}

// appendCause appends x and at most limit-1 of its causes.
func appendCause(b []byte, num protowire.Number, x *Failure, limit int) []byte {
	if x == nil || limit == 0 {
		return b
	}
	b, start := open(b, num)
	b = appendString(b, 1, x.Type)
	b = appendString(b, 2, x.Message)
	b = appendText(b, 3, x.Stack)
	b = appendCause(b, 4, x.Inner, limit-1)
	b = appendBool(b, 5, x.NonRetriable)
	for _, entry := range x.Properties {
		b = protowire.AppendTag(b, 6, protowire.BytesType)
		b = protowire.AppendBytes(b, entry)
	}
	return shut(b, start)
}

func (x *Failure) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.Type)
	case 2:
		return d.string(f, &x.Message)
	case 3:
		return d.text(f, &x.Stack)
	case 4:
		return decodeInto(d, f, &x.Inner)
	case 5:
		return d.bool(f, &x.NonRetriable)
	case 6:
		if f.typ != protowire.BytesType {
			return nil
		}
		x.Properties = append(x.Properties, bytes.Clone(f.data))
		return d.charge(3*24 + len(f.data)) // 24: a slice, in a list that grows
	}
	return nil
}

// decodeInto reads a nested message, allocated if *p is nil.
func decodeInto[T any](d *decoder, f *field, p **T) error {
	if f.typ != protowire.BytesType {
		return nil
	}
	m, err := alloc(d, p)
	if err != nil {
		return err
	}
	return d.message(m, f.data)
}

// decodeText reads a message whose only field is a text.
func decodeText(d *decoder, f *field, p *Text) error {
	if f.num != 1 {
		return nil
	}
	return d.text(f, p)
}
