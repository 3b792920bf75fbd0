package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Reader reads rows, as hub.Rows does.
type Reader interface {
	ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error)
}

// Report is what a check has found.
type Report struct {
	Entries int       // that were looked at
	Chains  int       // shards that have entries
	Wrong   int       // entries that do not fit
	First   []Misfit  // the first of these, maxMisfits at most
	Heads   Heads     // of all chains
	Oldest  time.Time // of the entries; zero = there are none
}

// maxMisfits is how many entries that do not fit a report names.
const maxMisfits = 100

// Misfit is an entry that does not fit.
type Misfit struct {
	Shard  store.Shard
	Seq    uint64 // its number, 0 = it has none
	Target string // the instance that it is about
	Key    []byte // of its row
	At     time.Time
	Why    string
}

// Heads are the heads of chains by shard. Noted elsewhere, they prove later that
// nothing was made anew since.
type Heads map[store.Shard]Noted

// Noted is what is noted of a head.
type Noted struct {
	Seq uint64
	Sum [notedSum]byte // the beginning of the hash
}

// notedSum is how much of a hash is noted: 2 to the 96th attempts are as good as for ever,
// and the heads of all chains fit in an address.
const notedSum = 12

// String returns the heads as a word of letters, digits, - and _.
func (h Heads) String() string {
	b := []byte{headsVersion}
	for s := range store.Shards {
		if n, ok := h[store.Shard(s)]; ok {
			b = append(binary.AppendUvarint(append(b, byte(s)), n.Seq), n.Sum[:]...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

const headsVersion = 1

// ParseHeads reads what String has written.
func ParseHeads(word string) (Heads, error) {
	wrong := errors.New("this is not what a check of the audit has noted")
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(word))
	if err != nil || len(b) == 0 || b[0] != headsVersion {
		return nil, wrong
	}
	heads := Heads{}
	for b = b[1:]; len(b) > 0; {
		seq, n := binary.Uvarint(b[1:])
		if n <= 0 || len(b) < 1+n+notedSum {
			return nil, wrong
		}
		heads[store.Shard(b[0])] = Noted{seq, [notedSum]byte(b[1+n:])}
		b = b[1+n+notedSum:]
	}
	return heads, nil
}

// page is how many entries are read at a time.
const page = 1000

// Check walks all chains of a hub. Those who write meanwhile do not disturb it. noted, if
// not nil, are heads that a check has found before, which must still be there unless their
// time is over. tell, if not nil, hears now and then how many entries were looked at.
func Check(ctx context.Context, r Reader, now time.Time, noted Heads, tell func(entries int)) (*Report, error) {
	c := &check{now: now, noted: noted, report: Report{Heads: Heads{}}}
	err := each(ctx, r, 1, func(row store.Row) { c.entry(row) }, func() {
		if tell != nil {
			tell(c.report.Entries)
		}
	})
	if err != nil {
		return nil, err
	}
	for s := range store.Shards {
		c.missed(store.Shard(s))
	}
	err = each(ctx, r, 0, c.strays, nil)
	return &c.report, err
}

// each reads all entries by an index.
func each(ctx context.Context, r Reader, index int, do func(store.Row), read func()) error {
	q := store.RowQuery{Kind: hub.RowAudit, Index: index, Limit: page}
	for {
		rows, next, err := r.ReadRows(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			do(row)
		}
		if read != nil {
			read()
		}
		if q.After = next; next == nil {
			return nil
		}
	}
}

// check is a check under way. It reads the chains one after the other.
type check struct {
	now    time.Time
	noted  Heads
	report Report
	shard  int // of the chain, plus 1
	last   Link
	actual [sha256.Size]byte // the sum that last should have
}

// entry looks at the next entry of a chain.
func (c *check) entry(row store.Row) {
	c.report.Entries++
	s := store.ShardOf(row.Owner)
	said, l, err := Read(row)
	if c.shard != int(s)+1 {
		c.report.Chains++
		c.shard, c.last, c.actual = int(s)+1, Link{}, [sha256.Size]byte{}
	}
	if err != nil {
		c.wrong(row, l, "it cannot be read: "+err.Error())
		return
	}
	if at := time.UnixMicro(l.At).UTC(); c.report.Oldest.IsZero() || at.Before(c.report.Oldest) {
		c.report.Oldest = at
	}
	actual := l.sum(&row)
	switch {
	case !bytes.Equal(row.Index[1], place(s, l.Seq)):
		c.wrong(row, l, "it stands at another place than it was written for")
	case actual != l.Sum:
		c.wrong(row, l, "it was changed after it was written")
	case !bytes.Equal(row.Index[0], bigEndian(said.At.UnixMicro())):
		c.wrong(row, l, "it is listed at another time than it says")
	default:
		if why := c.misfit(l); why != "" {
			c.wrong(row, l, why)
		}
	}
	if noted, ok := c.noted[s]; ok && noted.Seq == l.Seq && noted.Sum != [notedSum]byte(l.Sum[:]) {
		c.wrong(row, l, "it is another one than was noted")
	}
	c.last, c.actual = l, actual
	c.report.Heads[s] = Noted{l.Seq, [notedSum]byte(l.Sum[:])}
}

// misfit returns why an entry does not follow on the one before it; "" = it does.
func (c *check) misfit(l Link) string {
	switch {
	case l.Seq <= c.last.Seq:
		return "there is another entry with its number"
	case l.Seq == c.last.Seq+1 && l.Before != c.last.Sum && l.Before != c.actual:
		return fmt.Sprintf("it does not follow on entry %d", c.last.Seq)
	case l.Seq == c.last.Seq+1 && l.BeforeAt != c.last.At && l.Before == c.last.Sum:
		return fmt.Sprintf("it gives entry %d another time", c.last.Seq)
	case l.Seq == c.last.Seq+1 || expired(l.BeforeAt, c.now):
		return "" // what is missing was deleted for its age
	case l.Seq == c.last.Seq+2:
		return fmt.Sprintf("entry %d before it is missing", l.Seq-1)
	}
	return fmt.Sprintf("entries %d to %d before it are missing", c.last.Seq+1, l.Seq-1)
}

// missed reports a chain that does not go as far as was noted.
func (c *check) missed(s store.Shard) {
	noted, ok := c.noted[s]
	if head := c.report.Heads[s]; ok && head.Seq < noted.Seq {
		c.add(Misfit{Shard: s, Seq: noted.Seq, Why: fmt.Sprintf("it was noted and is missing: the chain ends with entry %d", head.Seq)})
	}
}

// strays reports an entry that is in no chain.
func (c *check) strays(row store.Row) {
	if l, _, err := open(row); err == nil && (l.Seq == 0 || row.Index[1] == nil) {
		c.wrong(row, l, "it is in no chain")
	}
}

func (c *check) wrong(row store.Row, l Link, why string) {
	m := Misfit{Shard: store.ShardOf(row.Owner), Seq: l.Seq, Target: row.Owner, Key: row.Key, Why: why}
	if said, _, err := Read(row); err == nil {
		m.At = said.At
	}
	c.add(m)
}

func (c *check) add(m Misfit) {
	c.report.Wrong++
	if len(c.report.First) < maxMisfits {
		c.report.First = append(c.report.First, m)
	}
}
