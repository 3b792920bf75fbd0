package shard

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store"
)

// kind is what a work item is.
type kind uint8

const (
	ofActivity kind = iota
	ofTurn          // of an orchestration
	ofBatch         // of operations on an entity
	kinds
)

// delivery numbers the times that work items are handed out: by the epoch of who
// did it, and his count. The zero delivery is none.
type delivery struct {
	epoch, count uint64
}

func (d delivery) append(b []byte) []byte {
	return protowire.AppendVarint(protowire.AppendVarint(b, d.epoch), d.count)
}

// cutDelivery reads a delivery off the front of b.
func cutDelivery(b []byte) (d delivery, rest []byte, ok bool) {
	for _, p := range [...]*uint64{&d.epoch, &d.count} {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return delivery{}, nil, false
		}
		*p, b = v, b[n:]
	}
	return d, b, true
}

// token names a delivery of a work item to those who complete it from outside.
type token struct {
	key      activityKey // of a turn or batch: without task
	delivery delivery
	kind     kind
	// at is the number, in its history, of the event that scheduled an activity: it
	// tells attempts apart that have the same task; 0 = not said.
	at int64
	// data marks the data that the token is of: that of another hub, and of the same
	// hub before it was recreated, have other marks. 0 = not said, in this process.
	data uint32
}

// markOf is the mark of a store's data.
func markOf(id store.Identity) uint32 { return binary.BigEndian.Uint32(id.Timeline[:]) | 1 }

// foreign reports whether the token is one of other data than that with the mark.
func (t token) foreign(mark uint32) bool {
	return t.data != mark && (t.data != 0 || t.kind != ofActivity)
}

// sealed is the text of a token that leaves the process.
func (l *loop) sealed(t token) string {
	t.data = markOf(l.store.Identity())
	return t.String()
}

func (t token) String() string {
	var buf [160]byte
	b := buf[:0]
	b = protowire.AppendString(b, t.key.id)
	b = protowire.AppendString(b, t.key.execution)
	b = protowire.AppendVarint(b, uint64(uint32(t.key.task)))
	b = t.delivery.append(b)
	b = protowire.AppendVarint(protowire.AppendVarint(b, uint64(t.kind)), uint64(t.at))
	if t.data != 0 {
		b = protowire.AppendVarint(b, uint64(t.data))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

var errToken = &perdure.Error{Code: perdure.NotFound, Op: "complete activity", Message: "no such delivery: the token is not the newest of its step"}

// parseToken reads what token.String wrote, and tokens of old, which end with the
// delivery.
func parseToken(s string) (t token, err error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return token{}, errToken
	}
	for _, p := range [...]*string{&t.key.id, &t.key.execution} {
		v, n := protowire.ConsumeString(b)
		if n < 0 {
			return token{}, errToken
		}
		*p, b = v, b[n:]
	}
	task, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return token{}, errToken
	}
	t.key.task = int32(uint32(task))
	d, b, ok := cutDelivery(b[n:])
	if !ok {
		return token{}, errToken
	}
	t.delivery = d
	if len(b) == 0 {
		return t, nil
	}
	k, n := protowire.ConsumeVarint(b)
	if n < 0 || k >= uint64(kinds) {
		return token{}, errToken
	}
	at, m := protowire.ConsumeVarint(b[n:])
	if m < 0 {
		return token{}, errToken
	}
	t.kind, t.at = kind(k), int64(at)
	if b = b[n+m:]; len(b) == 0 {
		return t, nil
	}
	data, n := protowire.ConsumeVarint(b)
	if n != len(b) || data == 0 || data > math.MaxUint32 {
		return token{}, errToken
	}
	t.data = uint32(data)
	return t, nil
}

// InstanceOf returns the id of the instance that a work item's token is of.
func InstanceOf(text string) (id string, ok bool) {
	t, err := parseToken(text)
	return t.key.id, err == nil
}

// activityOf returns what a token says if it is that of an activity in the data with
// the mark.
func activityOf(s string, mark uint32) (token, error) {
	t, err := parseToken(s)
	if err == nil && (t.foreign(mark) || t.kind != ofActivity || t.delivery == delivery{}) {
		err = errToken
	}
	return t, err
}
