package history

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The range of google.protobuf.Timestamp, in seconds of the Unix epoch: years 1
// to 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// open begins a nested message of unknown length and returns where its bytes
// begin; shut ends it. One byte is reserved for the length, which is enough for
// most messages; longer ones are moved once.
func open(b []byte, num protowire.Number) (grown []byte, start int) {
	b = protowire.AppendTag(b, num, protowire.BytesType)
	b = append(b, 0)
	return b, len(b)
}

func shut(b []byte, start int) []byte {
	n := len(b) - start
	if n < 0x80 {
		b[start-1] = byte(n)
		return b
	}
	var room [9]byte
	extra := protowire.SizeVarint(uint64(n)) - 1
	b = append(b, room[:extra]...)
	copy(b[start+extra:], b[start:start+n])
	protowire.AppendVarint(b[:start-1], uint64(n))
	return b
}

func appendInt(b []byte, num protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(v))
}

func appendBool(b []byte, num protowire.Number, v bool) []byte {
	if !v {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.VarintType)
	return protowire.AppendVarint(b, 1)
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

func appendString(b []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendElement(b, num, s)
}

// appendElement appends a string even if it is empty, as elements of lists are.
// Invalid UTF-8 is replaced, since no decoder of the protocol accepts it.
func appendElement(b []byte, num protowire.Number, s string) []byte {
	s = valid(s)
	b = protowire.AppendTag(b, num, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func appendStrings(b []byte, num protowire.Number, list []string) []byte {
	for _, s := range list {
		b = appendElement(b, num, s)
	}
	return b
}

// appendText appends a google.protobuf.StringValue.
func appendText(b []byte, num protowire.Number, t Text) []byte {
	if !t.Set {
		return b
	}
	s := valid(t.S)
	b = protowire.AppendTag(b, num, protowire.BytesType)
	if s == "" {
		return append(b, 0)
	}
	b = protowire.AppendVarint(b, uint64(1+protowire.SizeBytes(len(s))))
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	return protowire.AppendString(b, s)
}

// appendTime appends a google.protobuf.Timestamp; the zero time is absent.
func appendTime(b []byte, num protowire.Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b, start := open(b, num)
	b = appendInt(b, 1, min(max(t.Unix(), minSeconds), maxSeconds))
	b = appendInt(b, 2, int64(t.Nanosecond()))
	return shut(b, start)
}

// appendTags appends a map<string, string> in the order of its keys, so that
// equal events have equal bytes.
func appendTags(b []byte, num protowire.Number, tags map[string]string) []byte {
	if len(tags) == 0 {
		return b
	}
	var buf [8]string
	keys := buf[:0]
	for k := range tags {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		var start int
		b, start = open(b, num)
		b = appendElement(b, 1, k)
		b = appendElement(b, 2, tags[k])
		b = shut(b, start)
	}
	return b
}
