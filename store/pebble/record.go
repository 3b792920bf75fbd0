package pebble

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/perdure/perdure/store"
)

// Bits of the byte that says what a stored record holds.
const (
	flagEntity = 1 << iota
	flagWork
	flagCompleted
	flagParent
	flagRootSelf // the root is the instance itself
	flagAgent
	flagTags
)

// maxListedTimers is how many timers a record lists by itself. A timer then
// costs one key, and purge and TimersOf still find it; more get a key each in
// the instance's own space.
const maxListedTimers = 16

// timerRef names a timer of a known owner.
type timerRef struct {
	due    int64
	branch string
	task   int32
}

// head is the part of a stored record that a commit needs of the one it
// replaces: the version, the listed timers, and the columns of index keys that
// change.
type head struct {
	version     uint64
	timers      []timerRef
	incarnation [16]byte
	flags       byte
	status      store.Status
	phase       store.Phase
	created     int64
	completed   int64
	name        string
}

func (h *head) kind() store.InstanceKind {
	if h.flags&flagEntity != 0 {
		return store.Entity
	}
	return store.Orchestration
}

func (h *head) work() bool { return h.flags&flagWork != 0 }

func (h *head) cell() cell {
	return cell{kind: h.kind(), status: h.status, phase: h.phase, name: h.name}
}

// headOf returns the head that a record will have.
func headOf(r *store.Record, timers []timerRef) head {
	return head{
		version: r.Version, timers: timers, incarnation: r.Incarnation, flags: flagsOf(r),
		status: r.Status, phase: r.Phase, created: micros(r.Created), completed: micros(r.Completed), name: r.Name,
	}
}

func flagsOf(r *store.Record) (flags byte) {
	set := func(on bool, flag byte) {
		if on {
			flags |= flag
		}
	}
	set(r.Kind == store.Entity, flagEntity)
	set(r.Work, flagWork)
	set(!r.Completed.IsZero(), flagCompleted)
	set(r.Parent != "", flagParent)
	set(r.Root == r.ID, flagRootSelf)
	set(r.Agent != "" || r.Session != "", flagAgent)
	set(len(r.Tags) > 0, flagTags)
	return flags
}

// appendRecord appends the stored form of a record: the head, then the rest.
func appendRecord(b []byte, r *store.Record, h *head) []byte {
	b = binary.AppendUvarint(b, h.version)
	b = binary.AppendUvarint(b, uint64(len(h.timers)))
	for _, t := range h.timers {
		b = binary.AppendVarint(b, t.due)
		b = appendBranch(b, t.branch)
		b = binary.AppendVarint(b, int64(t.task))
	}
	b = append(b, r.Incarnation[:]...)
	b = append(b, h.flags, byte(h.status), byte(h.phase))
	b = binary.AppendVarint(b, h.created)
	if h.flags&flagCompleted != 0 {
		b = binary.AppendVarint(b, h.completed-h.created)
	}
	b = appendString(b, r.Name)
	b = binary.AppendVarint(b, micros(r.PhaseSince)-h.created)
	b = appendString(b, r.Release)
	b = appendBranch(b, r.Execution)
	if h.flags&flagParent != 0 {
		b = appendString(b, r.Parent)
	}
	if h.flags&flagRootSelf == 0 {
		b = appendString(b, r.Root)
	}
	if h.flags&flagAgent != 0 {
		b = appendString(appendString(b, r.Agent), r.Session)
	}
	if h.flags&flagTags != 0 {
		b = binary.AppendUvarint(b, uint64(len(r.Tags)))
		for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
			b = appendString(appendString(b, k), r.Tags[k])
		}
	}
	return append(b, r.Packed...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeHead reads the head and leaves the rest in the scanner.
func decodeHead(s *scanner) (h head) {
	h.version = s.uvarint()
	n := s.uvarint()
	for i := uint64(0); i < n && !s.bad; i++ {
		h.timers = append(h.timers, timerRef{due: s.varint(), branch: s.branch(), task: int32(s.varint())})
	}
	copy(h.incarnation[:], s.bytes(uint64(len(h.incarnation))))
	columns := s.bytes(3)
	if s.bad {
		return h
	}
	h.flags, h.status, h.phase = columns[0], store.Status(columns[1]), store.Phase(columns[2])
	h.created = s.varint()
	if h.flags&flagCompleted != 0 {
		h.completed = h.created + s.varint()
	}
	h.name = s.string()
	return h
}

// decodeRecord reads a whole record.
func decodeRecord(body []byte, id string) (r *store.Record, h head, ok bool) {
	s := scanner{b: body}
	h = decodeHead(&s)
	r = &store.Record{
		ID: id, Kind: h.kind(), Incarnation: h.incarnation, Version: h.version,
		Name: h.name, Created: fromMicros(h.created), Root: id,
		Status: h.status, Phase: h.phase, Completed: fromMicros(h.completed), Work: h.work(),
	}
	r.PhaseSince = fromMicros(h.created + s.varint())
	r.Release = s.string()
	r.Execution = s.branch()
	if h.flags&flagParent != 0 {
		r.Parent = s.string()
	}
	if h.flags&flagRootSelf == 0 {
		r.Root = s.string()
	}
	if h.flags&flagAgent != 0 {
		r.Agent, r.Session = s.string(), s.string()
	}
	if h.flags&flagTags != 0 {
		n := s.uvarint()
		r.Tags = make(map[string]string, min(n, 64)) // n is not to be believed
		for i := uint64(0); i < n && !s.bad; i++ {
			key := s.string()
			r.Tags[key] = s.string()
		}
	}
	if len(s.b) > 0 {
		r.Packed = slices.Clone(s.b)
	}
	return r, h, !s.bad
}

// scanner reads the parts of a stored value. After the first part that does not
// fit it is bad and returns zero values.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) fail() {
	s.b, s.bad = nil, true
}

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

func (s *scanner) string() string {
	return string(s.bytes(s.uvarint()))
}

func (s *scanner) branch() string {
	branch, rest, ok := cutBranch(s.b)
	if !ok {
		s.fail()
		return ""
	}
	s.b = rest
	return branch
}
