package shard

import (
	"context"
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// Kinds of rows that this package writes. Kinds from 100 up belong to others.
const (
	rowPayload store.RowKind = 1 // payload of an event, by SHA-256
	rowEntity  store.RowKind = 2 // state of an entity
	rowRequest store.RowKind = 3 // a client's request: id -> content and answer
	rowReply   store.RowKind = 4 // answer to an Ask, by request id
	rowPending store.RowKind = 5 // an activity that will be completed from outside
	rowStarted store.RowKind = 6 // recorded start of a suspect activity
	rowBeat    store.RowKind = 7 // progress of an activity
	rowHub     store.RowKind = 8 // state of the hub itself
)

// inlinePayload is the size in bytes from which on a payload is stored apart.
const inlinePayload = 16 << 10

// fieldClosed is our field of a stored chunk: tasks cancelled in its turn.
const fieldClosed = 1000

// appendChunk encodes what a commit adds to a history, and returns the rows of
// the payloads that are stored apart.
func appendChunk(b []byte, owner string, events []*history.Event, closed []int32) ([]byte, []store.Row) {
	var rows []store.Row
	for _, e := range events {
		if p := history.Payload(e.Body); p != nil && len(p.S) > inlinePayload {
			sum := sha256.Sum256([]byte(p.S))
			rows = append(rows, store.Row{Kind: rowPayload, Owner: owner, Key: sum[:], Value: []byte(p.S)})
			e = refer(e, sum[:], len(p.S))
		}
		b = history.AppendChunk(b, e)
	}
	for _, id := range closed {
		b = protowire.AppendVarint(protowire.AppendTag(b, fieldClosed, protowire.VarintType), uint64(uint32(id)))
	}
	return b, rows
}

// refer returns the event with a reference in the place of its payload.
func refer(e *history.Event, hash []byte, size int) *history.Event {
	c := e.WithPayload(history.Text{})
	meta := history.Meta{}
	if e.Meta != nil {
		meta = *e.Meta
	}
	meta.Payload = &history.PayloadReference{Hash: hash, Size: int64(size)}
	c.Meta = &meta
	return c
}

// decodeChunk reads a stored chunk.
func decodeChunk(b []byte) (events []*history.Event, closed []int32, err error) {
	events, err = history.DecodeChunk(b)
	if err != nil {
		return nil, nil, err
	}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, nil, protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return nil, nil, protowire.ParseError(m)
		}
		if num == fieldClosed && typ == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b[n:])
			closed = append(closed, int32(uint32(v)))
		}
		b = b[n+m:]
	}
	return events, closed, nil
}

// resolve puts the payloads that were stored apart back into the events.
func resolve(ctx context.Context, s store.Reads, owner string, events []*history.Event) error {
	for i, e := range events {
		if e.Meta == nil || e.Meta.Payload == nil {
			continue
		}
		ref := e.Meta.Payload
		rows, _, err := s.Rows(ctx, store.RowQuery{Kind: rowPayload, Owner: owner, Prefix: ref.Hash, Limit: 1})
		if err != nil {
			return fmt.Errorf("payload of event %d of %s: %w", e.ID, owner, err)
		}
		if len(rows) == 0 {
			return fmt.Errorf("payload of event %d of %s: %w: it is missing", e.ID, owner, store.ErrCorrupt)
		}
		c := e.WithPayload(history.Some(string(rows[0].Value)))
		meta := *e.Meta
		meta.Payload = nil
		c.Meta = &meta
		events[i] = c
	}
	return nil
}
