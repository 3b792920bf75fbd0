package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)

// log is rows in memory.
type log struct{ rows []store.Row }

// ReadRows implements audit.Reader, page by page.
func (l *log) ReadRows(_ context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	rows := slices.DeleteFunc(slices.Clone(l.rows), func(r store.Row) bool { return r.Index[q.Index] == nil })
	slices.SortStableFunc(rows, func(a, b store.Row) int { return bytes.Compare(a.Index[q.Index], b.Index[q.Index]) })
	from := 0
	if q.After != nil {
		from = int(binary.BigEndian.Uint64(q.After))
	}
	to := min(from+3, len(rows))
	if to == len(rows) {
		return rows[from:to], nil, nil
	}
	return rows[from:to], binary.BigEndian.AppendUint64(nil, uint64(to)), nil
}

// written returns the entries of several instances, one an hour, each of the same length.
func written(t *testing.T, n int) *log {
	t.Helper()
	l, heads := &log{}, map[store.Shard]audit.Head{}
	for i := range n {
		at := start.Add(time.Duration(i) * time.Hour)
		owner := string(rune('a' + i%2))
		row, err := audit.New(owner, &hub.Audit{Actor: hub.Actor{By: "ann", Action: "suspend"}, At: at, Outcome: hub.AuditDone})
		if err != nil {
			t.Fatal(err)
		}
		s := store.ShardOf(owner)
		heads[s] = audit.Append(&row, heads[s], at)
		l.rows = append(l.rows, row)
	}
	return l
}

func check(t *testing.T, l *log, now time.Time, noted audit.Heads) *audit.Report {
	t.Helper()
	r, err := audit.Check(t.Context(), l, now, noted, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckOfWhole(t *testing.T) {
	l := written(t, 20)
	r := check(t, l, start, nil)
	if r.Wrong != 0 || r.Entries != 20 || r.Chains != 2 || !r.Oldest.Equal(start) {
		t.Errorf("Check() = %+v, want 20 entries in 2 chains from %v on and nothing wrong", r, start)
	}
	heads, err := audit.ParseHeads(r.Heads.String())
	if err != nil || heads.String() != r.Heads.String() {
		t.Errorf("ParseHeads(%s) = %v, %v", r.Heads, heads, err)
	}
	if r := check(t, l, start, heads); r.Wrong != 0 {
		t.Errorf("Check() with its own heads = %+v, want nothing wrong", r.First)
	}
}

// TestCheckNamesEachByte flips each byte of an entry in turn, of one in the middle and of
// the newest. The control is the same entry as it was written.
func TestCheckNamesEachByte(t *testing.T) {
	for _, victim := range []int{8, 19} {
		l := written(t, 20)
		row := &l.rows[victim]
		key := bytes.Clone(row.Key)
		for _, part := range [][]byte{row.Value, row.Key, row.Index[0]} {
			for i := range part {
				part[i] ^= 0x20
				r := check(t, l, start, nil)
				if r.Wrong == 0 || r.First[0].Target != row.Owner || !bytes.Equal(r.First[0].Key, row.Key) {
					t.Errorf("Check() with byte %d of entry %d flipped = %+v, want that entry named", i, victim, r.First)
				}
				part[i] ^= 0x20
				if !bytes.Equal(row.Key, key) {
					t.Fatal("the test has left a trace")
				}
				if r := check(t, l, start, nil); r.Wrong != 0 {
					t.Fatalf("Check() of the entry as it was = %+v, want nothing wrong", r.First)
				}
			}
		}
	}
}

func TestCheckNamesTampering(t *testing.T) {
	for _, c := range []struct {
		name   string
		tamper func(l *log)
		why    string
	}{
		{"removed", func(l *log) { l.rows = slices.Delete(l.rows, 8, 9) }, "entry 5 before it is missing"},
		{"two removed", func(l *log) { l.rows = slices.Delete(slices.Delete(l.rows, 8, 9), 9, 10) }, "entries 5 to 6 before it are missing"},
		{"first removed", func(l *log) { l.rows = l.rows[1:] }, "entry 1 before it is missing"},
		{"swapped", func(l *log) { l.rows[8].Index[1], l.rows[10].Index[1] = l.rows[10].Index[1], l.rows[8].Index[1] }, "stands at another place"},
		{"said by another", func(l *log) { l.rows[8].Owner = "b" }, "stands at another place"},
		{"doubled", func(l *log) { l.rows = append(l.rows, l.rows[8]) }, "another entry with its number"},
		{"made anew", func(l *log) { // with a hash that is right
			row, _ := audit.New("a", &hub.Audit{Actor: hub.Actor{By: "eve"}, At: start})
			audit.Append(&row, audit.Head{Seq: 4, At: start.UnixMicro()}, start)
			l.rows[8] = row
		}, "does not follow on entry 4"},
		{"slipped in", func(l *log) {
			row, _ := audit.New("a", &hub.Audit{Actor: hub.Actor{By: "eve"}, At: start})
			l.rows = append(l.rows, row)
		}, "in no chain"},
		{"older format", func(l *log) { l.rows[8].Value[0] = 9 }, "unknown format 9"},
	} {
		l := written(t, 20)
		c.tamper(l)
		r := check(t, l, start, nil)
		if r.Wrong == 0 || !strings.Contains(r.First[0].Why, c.why) {
			t.Errorf("%s: Check() = %+v, want %q", c.name, r.First, c.why)
		}
	}
}

// TestCheckFindsCutEnd needs heads that were noted before: a chain does not know how long
// it was.
func TestCheckFindsCutEnd(t *testing.T) {
	l := written(t, 20)
	noted := check(t, l, start, nil).Heads
	l.rows = l.rows[:19]
	if r := check(t, l, start, nil); r.Wrong != 0 {
		t.Errorf("Check() = %+v, want nothing wrong: nobody can tell", r.First)
	}
	if r := check(t, l, start, noted); r.Wrong != 1 || !strings.Contains(r.First[0].Why, "ends with entry 9") {
		t.Errorf("Check() with noted heads = %+v, want what is missing", r.First)
	}
	other := written(t, 20)
	row, _ := audit.New("b", &hub.Audit{Actor: hub.Actor{By: "eve"}, At: start})
	head, _ := audit.HeadOf(other.rows[17])
	audit.Append(&row, head, start)
	other.rows[19] = row
	if r := check(t, other, start, noted); r.Wrong != 1 || !strings.Contains(r.First[0].Why, "another one than was noted") {
		t.Errorf("Check() of an end that was made anew = %+v, want the entry named", r.First)
	}
}

// TestCheckAfterRetention deletes what is old, in whatever order, but for the newest of a
// chain: nothing is wrong then, but it is if younger ones go too.
func TestCheckAfterRetention(t *testing.T) {
	l := written(t, 20)
	now := start.Add(hub.AuditLife + 10*time.Hour)
	old := func(r store.Row) bool { return audit.Old(r, now) }
	l.rows = slices.DeleteFunc(l.rows, old)
	if r := check(t, l, now, nil); r.Wrong != 0 || r.Entries != 9 {
		t.Errorf("Check() after retention = %d entries, %+v, want 9 and nothing wrong", r.Entries, r.First)
	}
	half := written(t, 20)
	half.rows = append(half.rows[:4:4], half.rows[7:]...)
	if r := check(t, half, now, nil); r.Wrong != 0 {
		t.Errorf("Check() in the middle of retention = %+v, want nothing wrong", r.First)
	}
	l.rows = l.rows[2:]
	if r := check(t, l, now, nil); r.Wrong != 2 {
		t.Errorf("Check() with younger ones gone = %+v, want two chains that lack entries", r.First)
	}
	last := written(t, 20)
	last.rows = last.rows[18:]
	if r := check(t, last, now.Add(hub.AuditLife), nil); r.Wrong != 0 {
		t.Errorf("Check() with the newest alone = %+v, want nothing wrong", r.First)
	}
}

// TestAppendNeverGoesBack has a clock that is set back.
func TestAppendNeverGoesBack(t *testing.T) {
	l, head := &log{}, audit.Head{}
	for _, at := range []time.Time{start, start.Add(-time.Hour), start.Add(time.Hour)} {
		row, err := audit.New("a", &hub.Audit{At: at})
		if err != nil {
			t.Fatal(err)
		}
		before := head.At
		if head = audit.Append(&row, head, at); head.At < before {
			t.Errorf("Append() at %v = %d, want at least %d", at, head.At, before)
		}
		l.rows = append(l.rows, row)
	}
	if r := check(t, l, start, nil); r.Wrong != 0 {
		t.Errorf("Check() = %+v, want nothing wrong", r.First)
	}
}
