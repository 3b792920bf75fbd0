package pebble

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

// Every key begins with the version of the layout, the hub's number and the
// letter of a space. Parts of variable length are escaped so that none is a
// prefix of another and their order is that of the bytes:
//
//	i id r                            record
//	i id c branch seq                 chunk of history
//	i id t branch task due            timer that the record does not list
//	i id w kind key                   row
//	m shard target source version n   message
//	t shard due id branch task        timer
//	x kind index indexkey id key      row by index
//	s kind bucket created id          instance by state, see bucketOf
//	n kind name created id            instance by name
//	g tagkey tagvalue created id      instance by tag
//	p parent created id               instance by parent
//	a agent session created id        instance by agent and session
//	e completed id                    instance by its end
//	c kind status phase name          counter
//	k rowkind                         kind of rows that has indexes
//
// Number 0 belongs to the store itself: "h" name = hub.
const (
	layoutVersion = 1
	storeHub      = 0
	prefixSize    = 6

	spaceInstance  = 'i'
	spaceMessage   = 'm'
	spaceTimer     = 't'
	spaceRowIndex  = 'x'
	spaceState     = 's'
	spaceName      = 'n'
	spaceTag       = 'g'
	spaceParent    = 'p'
	spaceAgent     = 'a'
	spaceCompleted = 'e'
	spaceCounter   = 'c'
	spaceIndexed   = 'k'
	spaceHub       = 'h'

	partRecord = 'r'
	partChunk  = 'c'
	partTimer  = 't'
	partRow    = 'w'
)

// Bytes of an escaped part: NUL is written as NUL escape, the end as NUL end.
const (
	escapeByte = 0xff
	endByte    = 0x01
)

func appendSpace(k []byte, hub uint32, space byte) []byte {
	k = append(k, layoutVersion)
	k = binary.BigEndian.AppendUint32(k, hub)
	return append(k, space)
}

// appendPart appends s escaped and ended.
func appendPart[T string | []byte](k []byte, s T) []byte {
	return append(appendOpenPart(k, s), 0, endByte)
}

// appendOpenPart appends s escaped: the prefix of all parts that begin with s.
func appendOpenPart[T string | []byte](k []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		k = append(k, s[i])
		if s[i] == 0 {
			k = append(k, escapeByte)
		}
	}
	return k
}

// cutPart undoes appendPart and returns what follows.
func cutPart(k []byte) (part, rest []byte, ok bool) {
	for i := 0; i < len(k); i++ {
		if k[i] != 0 {
			part = append(part, k[i])
			continue
		}
		switch {
		case i+1 == len(k):
			return nil, nil, false
		case k[i+1] == endByte:
			return part, k[i+2:], true
		case k[i+1] == escapeByte:
			part = append(part, 0)
			i++
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// prefixEnd returns the first key after all that begin with k; nil = none.
func prefixEnd(k []byte) []byte {
	end := append([]byte(nil), k...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// Forms of a branch in a key: 32 hexadecimal digits take 16 bytes.
const (
	branchHex  = 1
	branchText = 2
)

func appendBranch(k []byte, branch string) []byte {
	if raw, ok := unhex(branch); ok {
		return append(append(k, branchHex), raw[:]...)
	}
	return appendPart(append(k, branchText), branch)
}

func cutBranch(k []byte) (branch string, rest []byte, ok bool) {
	switch {
	case len(k) > 16 && k[0] == branchHex:
		return fmt.Sprintf("%x", k[1:17]), k[17:], true
	case len(k) > 0 && k[0] == branchText:
		part, rest, ok := cutPart(k[1:])
		return string(part), rest, ok
	}
	return "", nil, false
}

func unhex(s string) (raw [16]byte, ok bool) {
	if len(s) != 2*len(raw) {
		return raw, false
	}
	for i := range len(s) {
		var d byte
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			d = c - '0'
		case 'a' <= c && c <= 'f':
			d = c - 'a' + 10
		default:
			return raw, false
		}
		raw[i/2] = raw[i/2]<<4 | d
	}
	return raw, true
}

// appendSeq appends a number in few bytes that keep the order: the count of its
// bytes, then these.
func appendSeq(k []byte, n uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	i := 0
	for i < 7 && b[i] == 0 {
		i++
	}
	return append(append(k, byte(8-i)), b[i:]...)
}

func cutSeq(k []byte) (n uint64, rest []byte, ok bool) {
	if len(k) == 0 || k[0] == 0 || k[0] > 8 || len(k) < 1+int(k[0]) {
		return 0, nil, false
	}
	for _, c := range k[1 : 1+k[0]] {
		n = n<<8 | uint64(c)
	}
	return n, k[1+k[0]:], true
}

// Times are microseconds since 1970, stored so that their order is kept.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

const signBit = 1 << 63

func appendTime(k []byte, us int64) []byte {
	return binary.BigEndian.AppendUint64(k, uint64(us)^signBit)
}

func cutTime(k []byte) (us int64, rest []byte, ok bool) {
	if len(k) < 8 {
		return 0, nil, false
	}
	return int64(binary.BigEndian.Uint64(k) ^ signBit), k[8:], true
}

func (h *Hub) key(space byte) []byte {
	return appendSpace(make([]byte, 0, 96), h.number, space)
}

func (h *Hub) instanceKey(id string) []byte {
	return appendPart(h.key(spaceInstance), id)
}

func (h *Hub) recordKey(id string) []byte {
	return append(h.instanceKey(id), partRecord)
}

func (h *Hub) branchKey(id, branch string) []byte {
	return appendBranch(append(h.instanceKey(id), partChunk), branch)
}

func (h *Hub) rowsKey(owner string, kind store.RowKind) []byte {
	return binary.BigEndian.AppendUint16(append(h.instanceKey(owner), partRow), uint16(kind))
}

func appendMessageID(k []byte, id store.MessageID) []byte {
	k = append(k, id.Source[:]...)
	return binary.BigEndian.AppendUint32(appendSeq(k, id.Version), id.Index)
}

func cutMessageID(k []byte) (id store.MessageID, ok bool) {
	if len(k) < len(id.Source) {
		return id, false
	}
	k = k[copy(id.Source[:], k):]
	if id.Version, k, ok = cutSeq(k); !ok || len(k) != 4 {
		return id, false
	}
	id.Index = binary.BigEndian.Uint32(k)
	return id, true
}

// shownKey is a key that errors name in readable form.
type shownKey []byte

// String names the hub, the space and the parts of the key.
func (k shownKey) String() string {
	if len(k) < prefixSize {
		return fmt.Sprintf("key %x", []byte(k))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hub %d ", binary.BigEndian.Uint32(k[1:]))
	rest := []byte(k[prefixSize:])
	switch k[prefixSize-1] {
	case spaceInstance:
		if id, part, ok := cutPart(rest); ok && len(part) > 0 {
			names := map[byte]string{partRecord: "record", partChunk: "chunk", partTimer: "timer", partRow: "row"}
			fmt.Fprintf(&b, "%s of %q", names[part[0]], id)
			rest = part[1:]
		}
	case spaceMessage:
		if target, part, ok := cutPart(rest[min(1, len(rest)):]); ok {
			fmt.Fprintf(&b, "message for %q", target)
			rest = part
		}
	default:
		fmt.Fprintf(&b, "space %q", k[prefixSize-1])
	}
	if len(rest) > 0 {
		fmt.Fprintf(&b, " (%x)", rest)
	}
	return b.String()
}
