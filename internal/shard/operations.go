package shard

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

const (
	// keptOperations is how many operations of an entity its record tells.
	keptOperations = 8
	// Texts of them are cut to so many bytes, so that the record stays small.
	maxOperationName    = 64
	maxOperationFrom    = 96
	maxOperationFailure = 160
)

// operations adds to those of an entity what a batch has carried out.
func (j *job) operations(old []hub.Operation) []hub.Operation {
	n := min(len(j.outcome.Results), len(j.plan.Operations))
	all := make([]hub.Operation, 0, keptOperations)
	if keep := keptOperations - n; keep > 0 {
		all = append(all, old[max(0, len(old)-keep):]...)
	}
	for i := max(0, n-keptOperations); i < n; i++ {
		m := j.plan.Operations[i]
		o := hub.Operation{At: j.now.UTC(), From: clip(m.From, maxOperationFrom)}
		switch b := m.Event.Body.(type) {
		case *history.EntityOperationSignaled:
			o.Name = clip(b.Operation, maxOperationName)
		case *history.EntityOperationCalled:
			o.Name, o.Called = clip(b.Operation, maxOperationName), true
		}
		if f := j.outcome.Results[i].Failure; f != nil {
			o.Failure = clip(f.Type+": "+f.Message, maxOperationFailure)
		}
		all = append(all, o)
	}
	return all
}

// Fields of an operation in a summary.
const (
	opName = iota + 1
	opAt
	opFrom
	opCalled
	opFailure
)

func appendOperation(b []byte, o *hub.Operation) []byte {
	str := func(f protowire.Number, text string) {
		if text != "" {
			b = protowire.AppendString(protowire.AppendTag(b, f, protowire.BytesType), text)
		}
	}
	str(opName, o.Name)
	str(opFrom, o.From)
	str(opFailure, o.Failure)
	b = protowire.AppendVarint(protowire.AppendTag(b, opAt, protowire.VarintType), uint64(o.At.UnixMicro()))
	if o.Called {
		b = protowire.AppendVarint(protowire.AppendTag(b, opCalled, protowire.VarintType), 1)
	}
	return b
}

func decodeOperation(text string) (o hub.Operation, ok bool) {
	for b := []byte(text); len(b) > 0; {
		f, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return o, false
		}
		b = b[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return o, false
			}
			b = b[n:]
			switch f {
			case opAt:
				o.At = time.UnixMicro(int64(v)).UTC()
			case opCalled:
				o.Called = v != 0
			}
		case protowire.BytesType:
			v, n := protowire.ConsumeString(b)
			if n < 0 {
				return o, false
			}
			b = b[n:]
			switch f {
			case opName:
				o.Name = v
			case opFrom:
				o.From = v
			case opFailure:
				o.Failure = v
			}
		default:
			return o, false
		}
	}
	return o, true
}
