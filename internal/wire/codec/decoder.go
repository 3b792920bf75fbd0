package codec

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// decoder reads parts of a message and remembers the first that is wrong.
type decoder struct {
	own bool
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &perdure.Error{Code: perdure.InvalidArgument, Message: fmt.Sprintf(format, args...)}
	}
}

// time reads a time; nil is the zero time.
func (d *decoder) time(what string, t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	if err := t.CheckValid(); err != nil {
		d.fail("%s is not a time between the years 1 and 9999", what)
		return time.Time{}
	}
	return t.AsTime()
}

// duration reads a duration that is not negative; nil is 0.
func (d *decoder) duration(what string, v *durationpb.Duration) time.Duration {
	if v == nil {
		return 0
	}
	if err := v.CheckValid(); err != nil || v.AsDuration() < 0 {
		d.fail("%s is not a duration, or negative", what)
		return 0
	}
	return v.AsDuration()
}

// events reads history events. Those of kinds that this version does not know
// are left out, as are references to payloads, which only the hub may make.
func (d *decoder) events(what string, list [][]byte) []*history.Event {
	var events []*history.Event
	for i, b := range list {
		e, err := history.Decode(b)
		if err != nil {
			d.fail("event %d of %s cannot be read: %v", i, what, err)
			return nil
		}
		if e.Body == nil {
			continue
		}
		if !d.own {
			e.Meta, e.Unknown = nil, nil
		} else if e.Meta != nil {
			e.Meta.Payload = nil
		}
		events = append(events, e)
	}
	return events
}

func encodeEvents(events []*history.Event, own bool) [][]byte {
	if len(events) == 0 {
		return nil
	}
	list := make([][]byte, len(events))
	for i, e := range events {
		list[i] = EncodeEvent(e, own)
	}
	return list
}

// EncodeEvent returns an event as the wire has it. Its payload must be in it.
func EncodeEvent(e *history.Event, own bool) []byte {
	if !own && (e.Meta != nil || len(e.Unknown) > 0) {
		c := *e
		c.Meta, c.Unknown = nil, nil
		e = &c
	}
	return e.Append(nil)
}

// body reads the body of a history event of a kind.
func (d *decoder) body(kind history.Kind, b []byte) history.Body {
	raw := protowire.AppendTag(make([]byte, 0, len(b)+8), protowire.Number(kind), protowire.BytesType)
	e, err := history.Decode(protowire.AppendBytes(raw, b))
	if err != nil {
		d.fail("a message to an entity cannot be read: %v", err)
		return nil
	}
	return e.Body
}

// encodeBody returns the body of an event without the event around it.
func encodeBody(b history.Body) []byte {
	raw := (&history.Event{Body: b}).Append(nil)
	_, _, n := protowire.ConsumeTag(raw)
	body, _ := protowire.ConsumeBytes(raw[n:])
	return body
}

func encodeRows(rows []engine.Row) []*wirepb.Row {
	list := make([]*wirepb.Row, len(rows))
	for i, r := range rows {
		list[i] = &wirepb.Row{
			Kind: uint32(r.Kind), Key: r.Key, Value: r.Value, Index0: r.Index[0], Index1: r.Index[1],
			Keep: r.Keep, Delete: r.Delete,
		}
	}
	return list
}

func (d *decoder) rows(list []*wirepb.Row) []engine.Row {
	rows := make([]engine.Row, len(list))
	for i, r := range list {
		if r.GetKind() > 1<<16-1 {
			d.fail("%d is no kind of rows", r.GetKind())
			return nil
		}
		rows[i] = engine.Row{
			Kind: uint16(r.GetKind()), Key: r.GetKey(), Value: r.GetValue(),
			Index: [2][]byte{r.GetIndex0(), r.GetIndex1()}, Keep: r.GetKeep(), Delete: r.GetDelete(),
		}
	}
	return rows
}

func encodeFold(f *engine.Fold) *wirepb.Fold {
	if f == nil {
		return nil
	}
	w := &wirepb.Fold{After: EncodeDuration(f.After)}
	for _, kind := range f.Rows {
		w.Rows = append(w.Rows, uint32(kind))
	}
	return w
}

func (d *decoder) fold(w *wirepb.Fold) *engine.Fold {
	if w == nil {
		return nil
	}
	f := &engine.Fold{After: d.duration("the delay of a fold", w.After)}
	for _, kind := range w.Rows {
		if kind > 1<<16-1 {
			d.fail("%d is no kind of rows", kind)
			return nil
		}
		f.Rows = append(f.Rows, uint16(kind))
	}
	return f
}

// DecodeTime reads a time; nil is the zero time. what names it in the error.
func DecodeTime(what string, t *timestamppb.Timestamp) (time.Time, error) {
	d := &decoder{}
	return d.time(what, t), d.err
}

// DecodeDuration reads a duration that is not negative; nil is 0.
func DecodeDuration(what string, v *durationpb.Duration) (time.Duration, error) {
	d := &decoder{}
	return d.duration(what, v), d.err
}

// DecodeStatuses reads statuses of orchestrations.
func DecodeStatuses(list []wirepb.OrchestrationStatus) ([]history.Status, error) {
	statuses := make([]history.Status, len(list))
	for i, s := range list {
		if s < 0 || s > wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_SUSPENDED {
			return nil, &perdure.Error{Code: perdure.InvalidArgument, Message: fmt.Sprintf("%d is no status of an orchestration", s)}
		}
		statuses[i] = history.Status(s)
	}
	return statuses, nil
}
