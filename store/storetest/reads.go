package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

func readChecks() []Check {
	return []Check{
		{"R6", "purge_removes_what_belongs", checkPurge},
		{"R6", "replace_purges_first", checkReplace},
		{"R6", "fold_removes_the_history", checkFold},
		{"R6", "removed_one_by_one", checkRemoved},
		{"R7", "pages_in_order", checkPages},
		{"R7", "cursors_while_others_write", checkCursors},
		{"R7", "ranges", checkRanges},
		{"R7", "ids_of_any_bytes", checkIDs},
		{"R7", "row_index_changes", checkRowIndex},
	}
}

// many is a commit with more timers than a record lists, and rows that stay.
func many(id string, version uint64) (c *store.Commit, timers []store.Timer, kept store.Row) {
	c = change(id, version)
	for n := range 40 {
		t := timer(id, n)
		timers = append(timers, t)
		c.Timers = append(c.Timers, store.TimerChange{Timer: t})
		c.Rows = append(c.Rows, row(id, n))
	}
	kept = row(id, 99)
	kept.Keep = true
	c.Rows = append(c.Rows, kept)
	c.Emit = []store.Message{message(id, 1), message("b", 2)}
	return c, timers, kept
}

func checkPurge(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c, timers, kept := many("a", 1)
	next := change("a", 2)
	next.Record.Status, next.Record.Phase, next.Record.Completed = store.Completed, store.NoPhase, created().Add(time.Hour)
	gone := purge("a", 2)
	gone.Was = next.Record
	return first(
		func() error { return s.commit(c) },
		func() error { return s.timers("a", timers...) },
		func() error { return s.commit(next) },
		func() error { return s.commit(gone) },
		func() error { return s.purged(kept) },
		s.crash,
		func() error { return s.purged(kept) },
		func() error { return s.commit(change("a", 1)) },
		func() error { return s.rows("a", kept) },
		func() error { return s.history("a", 1) },
	)
}

func (s *session) purged(kept store.Row) error {
	return first(
		func() error { return s.instance("a", nil) },
		func() error { return s.history("a") },
		func() error { return s.messages("a", message("a", 1)) },
		func() error { return s.messages("b", message("b", 2)) },
		func() error { return s.timers("a") },
		func() error { return s.noTimers("a") },
		func() error { return s.rows("a", kept) },
		func() error { return s.rows("", kept) },
		func() error { return s.listed(store.Query{}) },
		func() error { return s.listed(store.Query{Order: store.IDAsc}) },
		func() error { return s.listed(store.Query{Order: store.CompletedAsc}) },
		func() error { return s.listed(store.Query{Parent: "parent"}) },
		func() error {
			counts, err := s.store.Counts(s.ctx)
			return errors.Join(err, same("Counts", counts, []store.Count(nil)))
		},
	)
}

// noTimers checks the window, which other keys serve than TimersOf.
func (s *session) noTimers(owner string) error {
	got, _, err := s.store.Timers(s.ctx, store.ShardOf(owner), time.Time{}, created().Add(time.Hour), nil, 0)
	if err != nil || len(got) > 0 {
		return fmt.Errorf("Timers(all) = %d timers, %v, want none", len(got), err)
	}
	return nil
}

func checkReplace(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c, _, kept := many("a", 1)
	next := change("a", 1)
	next.Expect, next.Replace, next.Was = 1, true, c.Record
	next.Record.Incarnation, next.Record.Name = [16]byte{7}, "other"
	next.Rows = []store.Row{row("a", 5)}
	next.Timers = []store.TimerChange{{Timer: timer("a", 3)}}
	next.Chunk = []byte("chunk 1")
	check := func() error {
		return first(
			func() error { return s.instance("a", next.Record) },
			func() error { return s.history("a", 1) },
			func() error { return s.messages("a", message("a", 1)) },
			func() error { return s.timers("a", timer("a", 3)) },
			func() error { return s.rows("a", row("a", 5), kept) },
			func() error { return s.rows("", row("a", 5), kept) },
			func() error { return s.listed(store.Query{Names: []string{"order"}}) },
			func() error { return s.listed(store.Query{Names: []string{"other"}}, "a") },
		)
	}
	return first(
		func() error { return s.commit(c) },
		func() error { return s.commit(next) },
		check, s.crash, check,
	)
}

// checkFold folds an instance, whose history has two branches, in the group of
// the commit that ends it.
func checkFold(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c, timers, kept := many("a", 1)
	other := row("a", 1)
	other.Kind, other.Index = 8, [2][]byte{[]byte("other"), nil}
	c.Rows = append(c.Rows, other)
	branch := change("a", 2)
	branch.Branch = strings.Repeat("f", 32)
	folded := change("a", 3)
	folded.Chunk, folded.Fold = nil, &store.Fold{Rows: []store.RowKind{7, 9}}
	folded.Rows = []store.Row{row("a", 50)}
	stale := change("a", 3)
	stale.Fold = folded.Fold
	check := func() error {
		return first(
			func() error { return s.instance("a", folded.Record) },
			func() error { return s.history("a") },
			func() error {
				chunks, err := s.store.History(ctx, "a", branch.Branch, 0, 0)
				return errors.Join(err, same("History(other branch)", chunks, []store.Chunk(nil)))
			},
			func() error { return s.messages("a", message("a", 1)) },
			func() error { return s.timers("a", timers...) },
			func() error { return s.rows("a", row("a", 50), kept) },
			func() error { return s.rows("", row("b", 1), row("a", 50), kept) },
			func() error { return s.history("b", 1) },
			func() error {
				rows, _, err := s.store.Rows(ctx, store.RowQuery{Kind: 8})
				return errors.Join(err, same("Rows(kind 8)", rows, []store.Row{other}))
			},
		)
	}
	return first(
		func() error { return s.commit(full("b", "c")) },
		func() error { return s.commit(c, branch, folded) },
		check, s.crash, check,
		func() error { return s.refused(stale, store.ErrConflict) },
		check,
		func() error { return s.commit(change("a", 4)) },
		func() error { return s.history("a", 4) },
		func() error { return s.commit(purge("a", 4)) },
		func() error { return s.instance("a", nil) },
		func() error { return s.rows("a", kept) },
	)
}

func checkRemoved(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c, timers, _ := many("a", 1)
	half := touch("a", 1) // leaves the record
	rest := change("a", 2)
	for n := range 40 {
		to := half
		if n >= 20 {
			to = rest
		}
		to.Timers = append(to.Timers, store.TimerChange{Timer: timers[n], Delete: true})
		r := row("a", n)
		r.Delete = true
		to.Rows = append(to.Rows, r)
	}
	gone := row("a", 99)
	gone.Delete = true
	rest.Rows = append(rest.Rows, gone)
	rest.Consume = []store.MessageID{message("a", 1).ID}
	check := func() error {
		return first(
			func() error { return s.timers("a") },
			func() error { return s.noTimers("a") },
			func() error { return s.rows("a") },
			func() error { return s.rows("") },
			func() error { return s.messages("a") },
		)
	}
	return first(
		func() error { return s.commit(c) },
		func() error { return s.commit(half) },
		func() error { return s.timers("a", timers[20:]...) },
		func() error { return s.commit(rest) },
		check, s.crash, check,
		func() error { return s.commit(purge("a", 2)) },
	)
}

// scattered writes messages, timers and rows of many owners out of order.
func (s *session) scattered(n int) error {
	for i := range n {
		c := touch(fmt.Sprintf("@e@%03d", (i*7)%n), 0)
		k := (i * 11) % n
		c.Emit = []store.Message{message("a", uint64(k))}
		c.Timers = []store.TimerChange{{Timer: timer(c.ID, k)}}
		c.Rows = []store.Row{row(c.ID, k), row("a", k)}
		c.Rows[1].Owner = c.ID
		c.Rows[1].Kind = 8
		if err := s.commit(c); err != nil {
			return err
		}
	}
	return nil
}

func checkPages(ctx context.Context, h Harness) error {
	const n = 30
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if err := first(func() error { return s.scattered(n) }, s.crash); err != nil {
		return err
	}
	for _, limit := range []int{1, 7, n, n + 1} {
		messages, err := pages(limit, func(after []byte) ([]store.Message, []byte, error) {
			return s.store.Messages(ctx, store.ShardOf("a"), after, limit)
		})
		if err != nil {
			return err
		}
		of, err := s.store.MessagesOf(ctx, "a")
		if err := errors.Join(err, same("Messages by pages", messages, of)); err != nil {
			return err
		}
		if len(messages) != n {
			return fmt.Errorf("got Messages = %d, want %d", len(messages), n)
		}
		rows, err := pages(limit, func(after []byte) ([]store.Row, []byte, error) {
			return s.store.Rows(ctx, store.RowQuery{Kind: 7, After: after, Limit: limit})
		})
		if err := errors.Join(err, ordered("Rows by index", n, rows, func(r store.Row) string { return string(r.Index[0]) })); err != nil {
			return err
		}
		back, err := pages(limit, func(after []byte) ([]store.Row, []byte, error) {
			return s.store.Rows(ctx, store.RowQuery{Kind: 7, After: after, Limit: limit, Desc: true})
		})
		slices.Reverse(back)
		if err := errors.Join(err, same("Rows in descending order", back, rows)); err != nil {
			return err
		}
	}
	return s.timerPages(n)
}

func (s *session) timerPages(n int) error {
	total := 0
	for shard := range store.Shards {
		timers, err := pages(2, func(after []byte) ([]store.Timer, []byte, error) {
			return s.store.Timers(s.ctx, store.Shard(shard), created().Add(5*time.Second), created().Add(20*time.Second), after, 2)
		})
		if err != nil {
			return err
		}
		total += len(timers)
		due := func(t store.Timer) string { return t.Due.Format(time.RFC3339Nano) }
		if err := ordered("Timers by due time", len(timers), timers, due); err != nil {
			return err
		}
		for _, t := range timers {
			if store.ShardOf(t.Owner) != store.Shard(shard) {
				return fmt.Errorf("Timers(%d) holds one of %q", shard, t.Owner)
			}
		}
	}
	if total != 15 {
		return fmt.Errorf("Timers(window of 15 s) = %d of %d timers, want 15", total, n)
	}
	return nil
}

// pages reads all pages and checks their size.
func pages[T any](limit int, read func(after []byte) ([]T, []byte, error)) (all []T, err error) {
	var after []byte
	for {
		page, next, err := read(after)
		if err != nil {
			return nil, err
		}
		if len(page) > limit {
			return nil, fmt.Errorf("page of %d, limit %d", len(page), limit)
		}
		all = append(all, page...)
		if next == nil {
			return all, nil
		}
		if len(page) == 0 || string(next) == string(after) {
			return nil, errors.New("cursor does not move")
		}
		after = next
	}
}

func ordered[T any](what string, n int, list []T, key func(T) string) error {
	if len(list) != n {
		return fmt.Errorf("%s = %d entries, want %d", what, len(list), n)
	}
	for i := 1; i < len(list); i++ {
		if key(list[i-1]) > key(list[i]) {
			return fmt.Errorf("%s: %q stands before %q", what, key(list[i-1]), key(list[i]))
		}
	}
	return nil
}

// checkCursors removes what a cursor stands on, and adds before and after it.
func checkCursors(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c := touch("a", 0)
	for n := range 6 {
		c.Rows = append(c.Rows, row("a", 10*n))
	}
	if err := s.commit(c); err != nil {
		return err
	}
	q := store.RowQuery{Kind: 7, Owner: "a", Limit: 3}
	head, next, err := s.store.Rows(ctx, q)
	if err != nil || len(head) != 3 || next == nil {
		return fmt.Errorf("Rows(limit 3) = %d rows, %v", len(head), err)
	}
	gone := row("a", 20)
	gone.Delete = true
	change := touch("a", 0)
	change.Rows = []store.Row{gone, row("a", 5), row("a", 6), row("a", 45)}
	if err := s.commit(change); err != nil {
		return err
	}
	q.After = next
	tail, _, err := s.store.Rows(ctx, q)
	want := []store.Row{row("a", 30), row("a", 40), row("a", 45)}
	return errors.Join(err, same("Rows(after the row removed)", tail, want))
}

func checkRanges(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c := touch("a", 0)
	for n := range 10 {
		c.Rows = append(c.Rows, row("a", n))
	}
	other := row("a", 1)
	other.Kind = 6
	c.Rows = append(c.Rows, other)
	next := row("ab", 1)
	neighbour := touch("ab", 0)
	neighbour.Rows = []store.Row{next}
	if err := s.commit(c, neighbour); err != nil {
		return err
	}
	key := func(n int) []byte { return row("a", n).Key }
	index := func(n int) []byte { return row("a", n).Index[0] }
	for _, q := range []struct {
		query store.RowQuery
		want  []int
	}{
		{store.RowQuery{Owner: "a", From: key(3), To: key(6)}, []int{3, 4, 5}},
		{store.RowQuery{Owner: "a", From: key(8)}, []int{8, 9}},
		{store.RowQuery{Owner: "a", Prefix: key(4)}, []int{4}},
		{store.RowQuery{Owner: "a", Prefix: []byte("none")}, nil},
		{store.RowQuery{Owner: "a", To: key(2), Desc: true}, []int{1, 0}},
		{store.RowQuery{From: index(7), To: index(9)}, []int{7, 8}},
		{store.RowQuery{Index: 1}, nil},
	} {
		q.query.Kind = 7
		got, _, err := s.store.Rows(ctx, q.query)
		if err != nil {
			return err
		}
		var want []store.Row
		for _, n := range q.want {
			want = append(want, row("a", n))
		}
		if err := same(fmt.Sprintf("Rows(%+v)", q.query), got, want); err != nil {
			return err
		}
	}
	return nil
}

// checkIDs uses ids that are prefixes of one another or hold the bytes that keys
// are made of.
func checkIDs(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	ids := []string{"a", "ab", "a\x00", "a\x00\x01", "a\x00\xff", "a\xff", "\x00", "\xff\xff", "@n@k", "@n@k/ü", "dafx-a~k~1", "dafx-a~k~2"}
	for _, id := range ids {
		if err := s.commit(full(id, "inbox "+id)); err != nil {
			return fmt.Errorf("id %q: %w", id, err)
		}
	}
	if err := s.crash(); err != nil {
		return err
	}
	for i, id := range ids {
		if err := s.instance(id, record(id, 1)); err != nil {
			return err
		}
		err := first(
			func() error { return s.history(id, 1) },
			func() error { return s.rows(id, row(id, 1)) },
			func() error { return s.timers(id, timer(id, 1)) },
			func() error { return s.messages(id, message(id, 2)) },
			func() error { return s.commit(purge(id, 1)) },
			func() error { return s.listed(store.Query{Order: store.IDAsc}, sorted(ids[i+1:])...) },
		)
		if err != nil {
			return fmt.Errorf("id %q: %w", id, err)
		}
	}
	return nil
}

func sorted(ids []string) []string {
	return slices.Sorted(slices.Values(ids))
}

// checkRowIndex writes a row again under other index keys.
func checkRowIndex(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	write := func(indexKey string) *store.Commit {
		c := touch("a", 0)
		r := row("a", 1)
		r.Index = [2][]byte{nil, nil}
		if indexKey != "" {
			r.Index[0] = []byte(indexKey)
		}
		c.Rows = []store.Row{r}
		return c
	}
	found := func(indexKey string) error {
		r := write(indexKey).Rows[0]
		if indexKey == "" {
			return s.rows("")
		}
		return s.rows("", r)
	}
	return first(
		func() error { return s.commit(write("open")) },
		func() error { return s.commit(write("closed")) },
		func() error { return found("closed") },
		func() error { return s.commit(write("x"), write("y")) },
		func() error { return found("y") },
		s.crash,
		func() error { return s.commit(write("")) },
		func() error { return found("") },
	)
}
