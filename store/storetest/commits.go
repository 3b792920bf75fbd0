package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/perdure/perdure/store"
)

func commitChecks() []Check {
	return []Check{
		{"R1", "all_parts_survive", checkWhole},
		{"R1", "nothing_of_a_lost_commit", checkNone},
		{"R2", "version", checkVersion},
		{"R2", "epoch", checkEpoch},
		{"R2", "others_of_the_group_apply", checkOthers},
		{"R2", "commits_of_one_group_see_each_other", checkChain},
		{"R8", "message_written_twice", checkUnique},
		{"R10", "slices_belong_to_the_caller", checkSlices},
		{"R12", "concurrent_calls", checkConcurrent},
	}
}

// full is a commit with all parts, which write for another instance too.
func full(id, other string) *store.Commit {
	c := change(id, 1)
	c.Emit = []store.Message{message(other, 1), message(id, 2)}
	c.Timers = []store.TimerChange{{Timer: timer(id, 1)}}
	c.Rows = []store.Row{row(id, 1)}
	return c
}

func (s *session) checkFull(id, other string) error {
	return first(
		func() error { return s.instance(id, record(id, 1)) },
		func() error { return s.history(id, 1) },
		func() error { return s.messages(other, message(other, 1)) },
		func() error { return s.messages(id, message(id, 2)) },
		func() error { return s.timers(id, timer(id, 1)) },
		func() error { return s.rows(id, row(id, 1)) },
		func() error { return s.rows("", row(id, 1)) },
	)
}

func (s *session) checkEmpty(id, other string) error {
	return first(
		func() error { return s.instance(id, nil) },
		func() error { return s.history(id) },
		func() error { return s.messages(other) },
		func() error { return s.messages(id) },
		func() error { return s.timers(id) },
		func() error { return s.rows(id) },
		func() error { return s.rows("") },
	)
}

func checkWhole(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	return first(
		func() error { return s.commit(full("a", "b")) },
		func() error { return s.checkFull("a", "b") },
		s.crash,
		func() error { return s.checkFull("a", "b") },
	)
}

// checkNone loses a commit and finds nothing of it: the parts that a driver
// writes apart would be there.
func checkNone(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	conflict := full("a", "b")
	conflict.Expect, conflict.Record.Version = 3, 4
	return first(
		func() error { return s.refused(conflict, store.ErrConflict) },
		func() error { return s.checkEmpty("a", "b") },
		func() error { return h.Inject(Fault{Kind: HoldSync}) },
		func() error { _, err := s.store.Submit(ctx, s.group(full("a", "b"))); return err },
		s.crash,
		func() error { return s.checkEmpty("a", "b") },
	)
}

func checkVersion(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	ahead := change("a", 4)
	return first(
		func() error { return s.refused(change("a", 2), store.ErrConflict) },
		func() error { return s.commit(change("a", 1)) },
		func() error { return s.refused(change("a", 1), store.ErrConflict) },
		func() error { return s.refused(ahead, store.ErrConflict) },
		func() error { return s.refused(purge("a", 2), store.ErrConflict) },
		func() error { return s.refused(touch("a", 2), store.ErrConflict) },
		func() error { return s.refused(touch("a", 0), store.ErrConflict) },
		func() error { return s.commit(change("a", 2)) },
		s.crash,
		func() error { return s.refused(change("a", 2), store.ErrConflict) },
		func() error { return s.instance("a", record("a", 2)) },
		func() error { return s.history("a", 1, 2) },
	)
}

func checkEpoch(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	shard := store.ShardOf("a")
	old := s.leases
	renewed, err := s.store.Renew(ctx, "node", old, limit)
	if err != nil || len(renewed) != len(old) {
		return fmt.Errorf("Renew(all) = %d leases, %v, want %d", len(renewed), err, len(old))
	}
	if err := s.store.Release(ctx, "node", old[shard:shard+1]); err != nil {
		return err
	}
	next, err := s.store.Acquire(ctx, "other", []store.Shard{shard}, limit)
	if err != nil || len(next) != 1 || next[0].Epoch <= old[shard].Epoch {
		return fmt.Errorf("Acquire(%d) = %v, %v, want an epoch above %d", shard, next, err, old[shard].Epoch)
	}
	if held, err := s.store.Renew(ctx, "node", old[shard:shard+1], limit); err != nil || len(held) != 0 {
		return fmt.Errorf("Renew(lease taken over) = %v, %v, want none", held, err)
	}
	if err := s.refused(change("a", 1), store.ErrFenced); err != nil {
		return err
	}
	s.leases = nil
	if err := s.refused(change("a", 1), store.ErrFenced); err != nil {
		return fmt.Errorf("no lease: %w", err)
	}
	s.leases = next
	if err := s.commit(change("a", 1)); err != nil {
		return err
	}
	if err := s.crash(); err != nil {
		return err
	}
	if got := s.leases[shard].Epoch; got <= next[0].Epoch {
		return fmt.Errorf("epoch after reopen = %d, want above %d", got, next[0].Epoch)
	}
	s.leases = next
	return s.refused(change("a", 2), store.ErrFenced)
}

func checkOthers(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	refused, err := s.try(change("a", 1), change("b", 5), change("c", 1))
	if err != nil {
		return err
	}
	if len(refused) != 1 || refused[0].Index != 1 || !errors.Is(refused[0].Err, store.ErrConflict) {
		return fmt.Errorf("Wait = %v, want commit 1 refused by %v", refused, store.ErrConflict)
	}
	return first(
		s.crash,
		func() error { return s.instance("a", record("a", 1)) },
		func() error { return s.instance("b", nil) },
		func() error { return s.instance("c", record("c", 1)) },
	)
}

func checkChain(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	again := change("a", 1)
	again.Record.Incarnation = [16]byte{8}
	mail := touch("b", 0)
	mail.Emit = []store.Message{message("a", 1)}
	gone := purge("a", 4)
	gone.Consume = []store.MessageID{message("a", 1).ID}
	return first(
		func() error { return s.commit(change("a", 1), change("a", 2), change("a", 3)) },
		func() error { return s.history("a", 1, 2, 3) },
		func() error { return s.commit(change("a", 4), mail, gone) },
		func() error { return s.checkEmpty("a", "b") },
		func() error { return s.commit(again) },
		s.crash,
		func() error { return s.instance("a", again.Record) },
		func() error { return s.history("a", 1) },
	)
}

func checkUnique(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	emit := func(version uint64, data string) *store.Commit {
		c := change("a", version)
		m := message("b", 1)
		m.Data = []byte(data)
		c.Emit = []store.Message{m}
		return c
	}
	want := message("b", 1)
	want.Data = []byte("as first written")
	consume := touch("b", 0)
	consume.Consume = []store.MessageID{want.ID}
	return first(
		func() error { return s.commit(emit(1, "as first written"), emit(2, "in the same group")) },
		func() error { return s.messages("b", want) },
		func() error { return s.commit(emit(3, "in another group")) },
		func() error { return s.messages("b", want) },
		s.crash,
		func() error { return s.messages("b", want) },
		func() error { return s.commit(consume) },
		func() error { return s.messages("b") },
		s.crash,
		func() error { return s.messages("b") },
	)
}

// checkSlices overwrites what was given once Wait has returned, and what was
// returned.
func checkSlices(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	c := full("a", "b")
	if err := s.commit(c); err != nil {
		return err
	}
	given := [][]byte{c.Chunk, c.Record.Packed, c.Emit[0].Data, c.Emit[1].Data,
		c.Timers[0].Timer.Data, c.Rows[0].Key, c.Rows[0].Value, c.Rows[0].Index[0]}
	for _, b := range given {
		scribble(b)
	}
	clear(c.Record.Tags)
	for range 2 {
		if err := s.checkFull("a", "b"); err != nil {
			return err
		}
		if err := s.scribbleReads(); err != nil {
			return err
		}
	}
	if err := s.crash(); err != nil {
		return err
	}
	return s.checkFull("a", "b")
}

func (s *session) scribbleReads() error {
	r, err := s.store.Instance(s.ctx, "a")
	if err != nil {
		return err
	}
	scribble(r.Packed)
	clear(r.Tags)
	chunks, err := s.store.History(s.ctx, "a", mainBranch, 0, 0)
	if err != nil {
		return err
	}
	messages, err := s.store.MessagesOf(s.ctx, "b")
	if err != nil {
		return err
	}
	timers, err := s.store.TimersOf(s.ctx, "a")
	if err != nil {
		return err
	}
	rows, _, err := s.store.Rows(s.ctx, store.RowQuery{Kind: 7, Owner: "a"})
	if err != nil {
		return err
	}
	for _, b := range [][]byte{chunks[0].Data, messages[0].Data, timers[0].Data, rows[0].Key, rows[0].Value, rows[0].Index[0]} {
		scribble(b)
	}
	return nil
}

func scribble(b []byte) {
	for i := range b {
		b[i] = '#'
	}
}

// checkConcurrent calls everything at once: Submit from one goroutine per
// committer, each for instances of its own. Run it with the race detector.
func checkConcurrent(ctx context.Context, h Harness) error {
	const committers, commits = 3, 20
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, 2*committers+1)
	for n := range committers {
		wg.Add(2)
		go func() {
			defer wg.Done()
			for v := range uint64(commits) {
				if err := s.commit(change(fmt.Sprintf("i%d", n), v+1)); err != nil {
					errs <- err
					return
				}
			}
		}()
		go func() {
			defer wg.Done()
			for range commits {
				if err := s.readAll(); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	if err := s.crash(); err != nil {
		return err
	}
	for n := range committers {
		id := fmt.Sprintf("i%d", n)
		if err := s.instance(id, record(id, commits)); err != nil {
			return err
		}
	}
	return nil
}

// readAll calls every method that reads.
func (s *session) readAll() error {
	_, err1 := s.store.List(s.ctx, store.Query{})
	_, err2 := s.store.Counts(s.ctx)
	_, _, err3 := s.store.Messages(s.ctx, 1, nil, 0)
	_, _, err4 := s.store.Timers(s.ctx, 1, created(), created().Add(limit), nil, 0)
	_, _, err5 := s.store.Rows(s.ctx, store.RowQuery{Kind: 7})
	_, err6 := s.store.Position(s.ctx)
	_, err7 := s.store.Renew(s.ctx, "node", s.leases, limit)
	_, err8 := s.store.Stats(s.ctx)
	return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, s.store.Barrier(s.ctx))
}
