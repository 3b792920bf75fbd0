package series

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// RowOf returns the row of what a process has counted in a minute. Each process has a
// writer of its own, made at random when it begins. What is written later under the same
// minute and writer, with a higher seq, is in place of what was written before, wherever
// that was: all that is counted is in it.
func RowOf(owner string, minute time.Time, writer [16]byte, seq uint64, b *Bucket) store.Row {
	index := IndexOf(minute)
	return store.Row{
		Kind: hub.RowSeries, Owner: owner, Key: append(IndexOf(minute), writer[:]...),
		Value: b.Append(binary.AppendUvarint(nil, seq)), Index: [2][]byte{index}, Keep: true,
	}
}

// IndexOf is the place of a minute in the order of the rows.
func IndexOf(minute time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(minute.Unix()))
}

// rowsPage is how many rows are read at a time.
const rowsPage = 1000

// Read calls visit with what was counted from one time to another, in the order of the
// minutes, and with each minute once or, if several processes have counted, more often.
// Minutes in which nothing was counted are left out.
func Read(ctx context.Context, rows hub.Rows, from, to time.Time, visit func(minute time.Time, b *Bucket)) error {
	q := store.RowQuery{Kind: hub.RowSeries, From: IndexOf(from), To: IndexOf(to), Limit: rowsPage}
	var m minuteRows
	for {
		page, next, err := rows.ReadRows(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			if err := m.add(&page[i], visit); err != nil {
				return err
			}
		}
		if next == nil {
			return m.end(visit)
		}
		q.After = next
	}
}

// Oldest returns the first minute of which there are counts; zero = there is none.
func Oldest(ctx context.Context, rows hub.Rows) (time.Time, error) {
	page, _, err := rows.ReadRows(ctx, store.RowQuery{Kind: hub.RowSeries, Limit: 1})
	if err != nil || len(page) == 0 {
		return time.Time{}, err
	}
	return minuteOf(&page[0])
}

// minuteRows collects the rows of a minute, of each writer the newest.
type minuteRows struct {
	at   time.Time
	rows map[string]newest
}

type newest struct {
	seq  uint64
	data []byte
}

func (m *minuteRows) add(row *store.Row, visit func(time.Time, *Bucket)) error {
	at, err := minuteOf(row)
	if err != nil {
		return err
	}
	seq, n := binary.Uvarint(row.Value)
	if n <= 0 {
		return errForm
	}
	if !at.Equal(m.at) {
		if err := m.end(visit); err != nil {
			return err
		}
		m.at, m.rows = at, make(map[string]newest)
	}
	writer := string(row.Key)
	if old, ok := m.rows[writer]; !ok || seq > old.seq {
		m.rows[writer] = newest{seq, row.Value[n:]}
	}
	return nil
}

// end hands out what was collected.
func (m *minuteRows) end(visit func(time.Time, *Bucket)) error {
	for _, r := range m.rows {
		b, err := Decode(r.data)
		if err != nil {
			return err
		}
		visit(m.at, b)
	}
	m.rows = nil
	return nil
}

func minuteOf(row *store.Row) (time.Time, error) {
	if len(row.Key) < 8 {
		return time.Time{}, fmt.Errorf("%w: its key has %d bytes", errForm, len(row.Key))
	}
	return time.Unix(int64(binary.BigEndian.Uint64(row.Key)), 0).UTC(), nil
}
