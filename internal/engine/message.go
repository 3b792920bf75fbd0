package engine

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
)

// MessageID makes a message unique: incarnation and version of the instance
// whose commit sent it, and its place in that commit.
type MessageID struct {
	Source  [16]byte
	Version uint64
	Index   uint32
}

// Class orders messages of one inbox when they are read back: what begins an
// execution comes first, then what it was begun with, then all else.
type Class uint8

// The classes of messages.
const (
	ClassOther Class = 0
	ClassStart Class = 1
	ClassCarry Class = 2
)

// Message is an event on its way to an instance. It is immutable once sent.
type Message struct {
	ID        MessageID
	Class     Class
	From      string // instance that sent it, "" = a client or the hub
	Execution string // the receiver's execution that it is for, "" = any
	Event     *history.Event

	// Ask is the id of a client's request that waits for an answer, "" = none.
	Ask string
	// Cancel says that a termination is a cancellation.
	Cancel bool
	// Stored says that the message has a place in the inbox, from which the
	// commit that consumes it removes it.
	Stored bool
}

// Fields of an encoded message.
const (
	fieldFrom      = 1
	fieldExecution = 2
	fieldEvent     = 3
	fieldClass     = 4
	fieldAsk       = 5
	fieldCancel    = 6
)

// Append appends the encoded message, without its id, to b.
func (m *Message) Append(b []byte) []byte {
	if m.From != "" {
		b = protowire.AppendString(protowire.AppendTag(b, fieldFrom, protowire.BytesType), m.From)
	}
	if m.Execution != "" {
		b = protowire.AppendString(protowire.AppendTag(b, fieldExecution, protowire.BytesType), m.Execution)
	}
	if m.Class != ClassOther {
		b = protowire.AppendVarint(protowire.AppendTag(b, fieldClass, protowire.VarintType), uint64(m.Class))
	}
	if m.Ask != "" {
		b = protowire.AppendString(protowire.AppendTag(b, fieldAsk, protowire.BytesType), m.Ask)
	}
	if m.Cancel {
		b = protowire.AppendVarint(protowire.AppendTag(b, fieldCancel, protowire.VarintType), 1)
	}
	b = protowire.AppendTag(b, fieldEvent, protowire.BytesType)
	return protowire.AppendBytes(b, m.Event.Append(nil))
}

// DecodeMessage decodes what Append wrote. The id is the caller's to set.
func DecodeMessage(b []byte) (*Message, error) {
	m := &Message{Stored: true}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, fmt.Errorf("message: %w", protowire.ParseError(n))
		}
		b = b[n:]
		switch {
		case num == fieldClass && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, fmt.Errorf("message: %w", protowire.ParseError(n))
			}
			m.Class, b = Class(v), b[n:]
		case num == fieldCancel && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, fmt.Errorf("message: %w", protowire.ParseError(n))
			}
			m.Cancel, b = v != 0, b[n:]
		case typ == protowire.BytesType && num <= fieldAsk:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return nil, fmt.Errorf("message: %w", protowire.ParseError(n))
			}
			b = b[n:]
			if err := m.set(num, v); err != nil {
				return nil, err
			}
		default:
			n := protowire.ConsumeFieldValue(num, typ, b)
			if n < 0 {
				return nil, fmt.Errorf("message: %w", protowire.ParseError(n))
			}
			b = b[n:]
		}
	}
	if m.Event == nil || m.Event.Body == nil {
		return nil, fmt.Errorf("message: it has no event")
	}
	return m, nil
}

func (m *Message) set(num protowire.Number, v []byte) error {
	switch num {
	case fieldFrom:
		m.From = string(v)
	case fieldExecution:
		m.Execution = string(v)
	case fieldAsk:
		m.Ask = string(v)
	case fieldEvent:
		e, err := history.Decode(v)
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		m.Event = e
	}
	return nil
}
