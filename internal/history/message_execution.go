package history

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

func (x *ExecutionStarted) encode(b []byte) []byte {
	b = appendString(b, 1, x.Name)
	b = appendText(b, 2, x.Version)
	b = appendText(b, 3, x.Input)
	b = appendInstance(b, 4, x.Instance)
	b = appendParent(b, 5, x.Parent)
	b = appendTime(b, 6, x.ScheduledStart)
	b = appendTrace(b, 7, x.ParentTrace)
	b = appendText(b, 8, x.SpanID)
	return appendTags(b, 9, x.Tags)
}

func (x *ExecutionStarted) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.Name)
	case 2:
		return d.text(f, &x.Version)
	case 3:
		return d.text(f, &x.Input)
	case 4:
		return decodeInto(d, f, &x.Instance)
	case 5:
		return decodeInto(d, f, &x.Parent)
	case 6:
		return d.time(f, &x.ScheduledStart)
	case 7:
		return decodeInto(d, f, &x.ParentTrace)
	case 8:
		return d.text(f, &x.SpanID)
	case 9:
		return d.tags(f, &x.Tags)
	}
	return nil
}

func (x *ExecutionCompleted) encode(b []byte) []byte {
	b = appendInt(b, 1, int64(x.Status))
	b = appendText(b, 2, x.Result)
	return appendFailure(b, 3, x.Failure)
}

func (x *ExecutionCompleted) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.int32(f, (*int32)(&x.Status))
	case 2:
		return d.text(f, &x.Result)
	case 3:
		return decodeInto(d, f, &x.Failure)
	}
	return nil
}

func (x *ExecutionTerminated) encode(b []byte) []byte {
	b = appendText(b, 1, x.Input)
	return appendBool(b, 2, x.Recurse)
}

func (x *ExecutionTerminated) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.text(f, &x.Input)
	case 2:
		return d.bool(f, &x.Recurse)
	}
	return nil
}

func (*OrchestratorStarted) encode(b []byte) []byte   { return b }
func (*OrchestratorCompleted) encode(b []byte) []byte { return b }
func (x *ContinueAsNew) encode(b []byte) []byte       { return appendText(b, 1, x.Input) }
func (x *ExecutionSuspended) encode(b []byte) []byte  { return appendText(b, 1, x.Input) }
func (x *ExecutionResumed) encode(b []byte) []byte    { return appendText(b, 1, x.Input) }
func (x *GenericEvent) encode(b []byte) []byte        { return appendText(b, 1, x.Data) }

func (x *EventSent) encode(b []byte) []byte {
	b = appendString(b, 1, x.InstanceID)
	b = appendString(b, 2, x.Name)
	return appendText(b, 3, x.Input)
}

func (x *EventSent) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.InstanceID)
	case 2:
		return d.string(f, &x.Name)
	case 3:
		return d.text(f, &x.Input)
	}
	return nil
}

func (x *EventRaised) encode(b []byte) []byte {
	b = appendString(b, 1, x.Name)
	return appendText(b, 2, x.Input)
}

func (x *EventRaised) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.Name)
	case 2:
		return d.text(f, &x.Input)
	}
	return nil
}

func (x *HistoryState) encode(b []byte) []byte {
	if x.State == nil {
		return b
	}
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	return protowire.AppendBytes(b, x.State)
}

// decode joins the bytes of a state that comes in pieces, which merges them.
func (x *HistoryState) decode(d *decoder, f *field) error {
	if f.num != 1 || f.typ != protowire.BytesType {
		return nil
	}
	if x.State == nil {
		x.State = bytes.Clone(f.data)
		return d.charge(len(f.data))
	}
	x.State = append(x.State, f.data...)
	return d.charge(4 * len(f.data))
}

func (x *ExecutionRewound) encode(b []byte) []byte {
	b = appendText(b, 1, x.Reason)
	b = appendText(b, 2, x.ParentExecutionID)
	b = appendText(b, 3, x.InstanceID)
	b = appendTrace(b, 4, x.ParentTrace)
	b = appendText(b, 5, x.Name)
	b = appendText(b, 6, x.Version)
	b = appendText(b, 7, x.Input)
	b = appendParent(b, 8, x.Parent)
	b = appendTags(b, 9, x.Tags)
	b = appendInt(b, 1000, x.To)
	if x.Tell == nil {
		return b
	}
	b, start := open(b, 1001)
	return shut(x.Tell.encode(b), start)
}

func (x *ExecutionRewound) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.text(f, &x.Reason)
	case 2:
		return d.text(f, &x.ParentExecutionID)
	case 3:
		return d.text(f, &x.InstanceID)
	case 4:
		return decodeInto(d, f, &x.ParentTrace)
	case 5:
		return d.text(f, &x.Name)
	case 6:
		return d.text(f, &x.Version)
	case 7:
		return d.text(f, &x.Input)
	case 8:
		return decodeInto(d, f, &x.Parent)
	case 9:
		return d.tags(f, &x.Tags)
	case 1000:
		return d.int64(f, &x.To)
	case 1001:
		return decodeInto(d, f, &x.Tell)
	}
	return nil
}
