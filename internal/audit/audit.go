// Package audit keeps account of who has changed what in a hub, in chains that tell when
// somebody has tampered with them.
//
// An entry is a row of the instance that was changed, written in the commit that has
// changed it. The entries of a shard form a chain: each has the next number, and the hash
// of the entry before it. One chain has one writer at a time, the owner of the shard, who
// writes an entry only when the one before is durable. So a chain has no gaps, whatever
// crashes, but for its oldest entries, which are deleted when their time is over; the
// newest entry of a chain always stays. Backups and restores copy chains as they are.
//
// Check finds entries that were changed, moved or removed. Who writes to the store and
// makes the whole rest of a chain anew is found only by comparing with what was noted
// elsewhere, see Heads.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Head is the end of a chain: what the next entry follows on. The zero Head is that of a
// chain without entries.
type Head struct {
	Seq uint64 // number of the newest entry, from 1
	At  int64  // when it was written, microseconds since 1970; never before that of an older one
	Sum [sha256.Size]byte
}

// Link is the place of an entry in the chain of its shard. The zero Link is that of an
// entry that has no place yet.
type Link struct {
	Head
	Before   [sha256.Size]byte // Sum of the entry before
	BeforeAt int64             // At of the entry before, 0 = it is the first
}

// The value of a row begins with its link: a version, then Seq, At and BeforeAt as big
// endian numbers, Before and Sum. What is said follows as JSON.
const (
	linkVersion = 1
	linkSize    = 1 + 3*8 + 2*sha256.Size
)

// New returns the row of an entry that has no place in a chain yet.
func New(owner string, a *hub.Audit) (store.Row, error) {
	said, err := json.Marshal(a)
	if err != nil {
		return store.Row{}, err
	}
	at := bigEndian(a.At.UnixMicro())
	value := make([]byte, linkSize, linkSize+len(said))
	value[0] = linkVersion
	return store.Row{
		Kind: hub.RowAudit, Owner: owner, Key: append(bytes.Clone(at), make([]byte, 8)...), Value: append(value, said...), Keep: true,
		Index: [2][]byte{at, nil},
	}, nil
}

// Append puts the row of an entry behind the head of its shard's chain, and returns the
// new head. It may be done anew, with another head, while the row is not written.
func Append(row *store.Row, head Head, now time.Time) Head {
	l := Link{Before: head.Sum, BeforeAt: head.At}
	l.Seq, l.At = head.Seq+1, max(now.UnixMicro(), head.At)
	row.Index[1] = place(store.ShardOf(row.Owner), l.Seq)
	binary.BigEndian.PutUint64(row.Key[8:], l.Seq) // which tells it from others of the same time
	l.Sum = l.sum(row)
	l.put(row.Value)
	return l.Head
}

// HeadOf returns the head of a chain by the row of its newest entry.
func HeadOf(row store.Row) (Head, error) {
	l, _, err := open(row)
	return l.Head, err
}

// Newest is the query for the newest entry of a shard's chain.
func Newest(s store.Shard) store.RowQuery {
	return store.RowQuery{Kind: hub.RowAudit, Index: 1, From: place(s, 0), To: append(place(s, ^uint64(0)), 0), Desc: true, Limit: 1}
}

// Since and Until bound a query for entries, of an instance or by index 0, by their time,
// to the microsecond. The zero time is no bound.
func Since(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return bigEndian(t.UnixMicro())
}

// Until is as Since, the end being exclusive.
func Until(t time.Time) []byte { return Since(t) }

// Old reports whether the time of an entry is over.
func Old(row store.Row, now time.Time) bool {
	l, _, err := open(row)
	return err == nil && expired(l.At, now)
}

func expired(at int64, now time.Time) bool { return at <= now.Add(-hub.AuditLife).UnixMicro() }

// Read returns what an entry says, and its place.
func Read(row store.Row) (*hub.Audit, Link, error) {
	l, said, err := open(row)
	if err != nil {
		return nil, Link{}, err
	}
	a := &hub.Audit{}
	return a, l, json.Unmarshal(said, a)
}

// open takes the value of a row apart. What was written before there were chains has the
// zero Link.
func open(row store.Row) (Link, []byte, error) {
	v := row.Value
	switch {
	case len(v) > 0 && v[0] == '{':
		return Link{}, v, nil
	case len(v) < linkSize:
		return Link{}, nil, errors.New("it is too short")
	case v[0] != linkVersion:
		return Link{}, nil, fmt.Errorf("it has the unknown format %d", v[0])
	}
	var l Link
	l.Seq = binary.BigEndian.Uint64(v[1:])
	l.At = int64(binary.BigEndian.Uint64(v[9:]))
	l.BeforeAt = int64(binary.BigEndian.Uint64(v[17:]))
	copy(l.Before[:], v[25:])
	copy(l.Sum[:], v[25+sha256.Size:])
	return l, v[linkSize:], nil
}

// put writes the link to the beginning of a value.
func (l *Link) put(v []byte) {
	binary.BigEndian.PutUint64(v[1:], l.Seq)
	binary.BigEndian.PutUint64(v[9:], uint64(l.At))
	binary.BigEndian.PutUint64(v[17:], uint64(l.BeforeAt))
	copy(v[25:], l.Before[:])
	copy(v[25+sha256.Size:], l.Sum[:])
}

// sum returns the hash of an entry: of its place, whose it is, and what it says.
func (l *Link) sum(row *store.Row) [sha256.Size]byte {
	head := make([]byte, 0, 256)
	head = append(head, place(store.ShardOf(row.Owner), l.Seq)...)
	head = append(head, bigEndian(l.At)...)
	head = append(head, bigEndian(l.BeforeAt)...)
	head = append(head, l.Before[:]...)
	for _, text := range [][]byte{[]byte(row.Owner), row.Key, row.Index[0]} {
		head = append(head, bigEndian(int64(len(text)))...)
		head = append(head, text...)
	}
	h := sha256.New()
	h.Write(head)
	h.Write(row.Value[linkSize:])
	return [sha256.Size]byte(h.Sum(nil))
}

// place is the index key of an entry: its shard and its number.
func place(s store.Shard, seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(s)}, seq)
}

func bigEndian(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
