package memory

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

// Keys are strings whose order is that of their parts. A text part is escaped
// and ended, so that none is the prefix of another.

func text(s string) string {
	return strings.ReplaceAll(s, "\x00", "\x00\xff") + "\x00\x01"
}

// openText is the prefix of the text of all strings that begin with s.
func openText(s string) string {
	return strings.ReplaceAll(s, "\x00", "\x00\xff")
}

func number(n uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, n))
}

func moment(t time.Time) string {
	return number(uint64(t.UnixMicro()) ^ 1<<63)
}

func prefix(p string) span {
	b := []byte(p)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return span{low: p, high: string(b[:i+1])}
		}
	}
	return span{low: p}
}

// from cuts off what lies before low.
func (s span) from(low string) span {
	s.low = max(s.low, low)
	return s
}

// to cuts off what lies from high on.
func (s span) to(high string) span {
	if s.high == "" || high < s.high {
		s.high = high
	}
	return s
}

// after is the first key after k.
func after(k string) string { return k + "\x00" }

func messageKey(target string, id store.MessageID) string {
	return messagePrefix(store.ShardOf(target)) + text(target) + string(id.Source[:]) + number(id.Version) + number(uint64(id.Index))
}

func messagePrefix(s store.Shard) string { return string([]byte{byte(s)}) }

func timerKey(t *store.Timer) string {
	return messagePrefix(store.ShardOf(t.Owner)) + moment(t.Due) + ownTimerKey(t)
}

// ownTimerKey stands in the index of timers by owner.
func ownTimerKey(t *store.Timer) string {
	return text(t.Owner) + text(t.Execution) + number(uint64(int64(t.Task))^1<<63)
}

func chunkPrefix(id, branch string) string { return text(id) + text(branch) }

func rowPrefix(owner string, kind store.RowKind) string {
	return text(owner) + string(binary.BigEndian.AppendUint16(nil, uint16(kind)))
}

func rowKey(r *store.Row) string { return rowPrefix(r.Owner, r.Kind) + string(r.Key) }

func rowIndexPrefix(kind store.RowKind, index int) string {
	return string(append(binary.BigEndian.AppendUint16(nil, uint16(kind)), byte(index)))
}

func rowIndexKey(r *store.Row, index int) string {
	return rowIndexPrefix(r.Kind, index) + text(string(r.Index[index])) + text(r.Owner) + string(r.Key)
}

// listKey orders records by a time and the id.
func listKey(t time.Time, id string) string { return moment(t) + text(id) }
