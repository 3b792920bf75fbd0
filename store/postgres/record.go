package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/perdure/perdure/store"
)

// name names a stored thing in errors.
type name string

// String returns the name.
func (n name) String() string { return string(n) }

// seal returns the stored form of a payload.
func (h *Hub) seal(payload []byte) []byte {
	return store.Seal(make([]byte, 0, len(payload)+store.SealOverhead), payload, h.db.opts.Codec)
}

// unseal returns a payload; what names it in the error of one that is damaged. The
// bytes that the database returned are the caller's.
func (h *Hub) unseal(stored []byte, what string, args ...any) ([]byte, error) {
	payload, err := store.Unseal(stored, h.db.opts.Codec, name(""))
	if err != nil { // the name is made for errors only
		_, err = store.Unseal(stored, h.db.opts.Codec, name(fmt.Sprintf(what, args...)))
		return nil, err
	}
	return payload, nil
}

// digestSize is how much is kept of the SHA-256 of a stored record. PostgreSQL
// compares it before it writes over a record, so that damage stays to be seen.
const digestSize = 8

func digest(stored []byte) []byte {
	sum := sha256.Sum256(stored)
	return slices.Clone(sum[:digestSize])
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// fromMicros undoes micros; the zero time stays one.
func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// Bits of the byte that says what a stored record holds.
const (
	flagEntity = 1 << iota
	flagWork
	flagRootSelf // the root is the instance itself
)

// appendRecord appends the stored form of a record but for its id.
func appendRecord(b []byte, r *store.Record) []byte {
	flags := byte(0)
	if r.Kind == store.Entity {
		flags |= flagEntity
	}
	if r.Work {
		flags |= flagWork
	}
	if r.Root == r.ID {
		flags |= flagRootSelf
	}
	b = binary.AppendUvarint(b, r.Version)
	b = append(b, r.Incarnation[:]...)
	b = append(b, flags, byte(r.Status), byte(r.Phase))
	for _, t := range [...]time.Time{r.Created, r.PhaseSince, r.Completed} {
		b = binary.AppendVarint(b, micros(t))
	}
	b = appendText(appendText(b, r.Name), r.Release)
	b = appendText(b, branchBytes(r.Execution))
	b = appendText(b, r.Parent)
	if flags&flagRootSelf == 0 {
		b = appendText(b, r.Root)
	}
	b = appendText(appendText(b, r.Agent), r.Session)
	b = binary.AppendUvarint(b, uint64(len(r.Tags)))
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		b = appendText(appendText(b, k), r.Tags[k])
	}
	return append(b, r.Packed...)
}

func decodeRecord(id string, b []byte) (*store.Record, bool) {
	s := scanner{b: b}
	r := &store.Record{ID: id, Version: s.uvarint(), Root: id}
	copy(r.Incarnation[:], s.bytes(uint64(len(r.Incarnation))))
	columns := s.bytes(3)
	if s.bad {
		return nil, false
	}
	if columns[0]&flagEntity != 0 {
		r.Kind = store.Entity
	}
	r.Work, r.Status, r.Phase = columns[0]&flagWork != 0, store.Status(columns[1]), store.Phase(columns[2])
	for _, t := range [...]*time.Time{&r.Created, &r.PhaseSince, &r.Completed} {
		*t = fromMicros(s.varint())
	}
	r.Name, r.Release = s.text(), s.text()
	r.Execution = branchText(s.bytes(s.uvarint()))
	r.Parent = s.text()
	if columns[0]&flagRootSelf == 0 {
		r.Root = s.text()
	}
	r.Agent, r.Session = s.text(), s.text()
	if n := s.uvarint(); n > 0 {
		r.Tags = make(map[string]string, min(n, 64)) // n is not to be believed
		for i := uint64(0); i < n && !s.bad; i++ {
			key := s.text()
			r.Tags[key] = s.text()
		}
	}
	if len(s.b) > 0 {
		r.Packed = slices.Clone(s.b)
	}
	return r, !s.bad
}

// record decodes what the database keeps of a record.
func (h *Hub) record(id string, stored []byte) (*store.Record, error) {
	body, err := h.unseal(stored, "record of %q", id)
	if err != nil {
		return nil, err
	}
	r, ok := decodeRecord(id, body)
	if !ok {
		return nil, fmt.Errorf("%w: record of %q", store.ErrCorrupt, id)
	}
	return r, nil
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Forms of a branch: 32 hexadecimal digits take 16 bytes.
const (
	branchHex   = 1
	branchPlain = 2
)

func branchBytes(branch string) []byte {
	if raw, err := hex.DecodeString(branch); err == nil && len(raw) == 16 && hex.EncodeToString(raw) == branch {
		return append([]byte{branchHex}, raw...)
	}
	return append([]byte{branchPlain}, branch...)
}

func branchText(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case b[0] == branchHex:
		return hex.EncodeToString(b[1:])
	}
	return string(b[1:])
}

// scanner reads the parts of a stored value. After the first part that does not
// fit it is bad and returns zero values.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) fail() { s.b, s.bad = nil, true }

func (s *scanner) uvarint() uint64 {
	v, n := binary.Uvarint(s.b)
	if n <= 0 {
		s.fail()
		return 0
	}
	s.b = s.b[n:]
	return v
}

func (s *scanner) varint() int64 {
	v, n := binary.Varint(s.b)
	if n <= 0 {
		s.fail()
		return 0
	}
	s.b = s.b[n:]
	return v
}

// bytes returns the next n bytes, which share the memory of the value.
func (s *scanner) bytes(n uint64) []byte {
	if n > uint64(len(s.b)) {
		s.fail()
		return nil
	}
	part := s.b[:n:n]
	s.b = s.b[n:]
	return part
}

func (s *scanner) text() string { return string(s.bytes(s.uvarint())) }
