package storetest

import (
	"context"
	"fmt"

	"github.com/perdure/perdure/store"
)

func durableChecks() []Check {
	return []Check{
		{"R3", "waited_for_survives", checkWaited},
		{"R3", "wait_blocks_until_durable", checkWaitBlocks},
		{"R4", "order_of_groups", checkOrder},
		{"R4", "barrier_makes_reads_durable", checkBarrier},
		{"R4", "barrier_blocks_until_durable", checkBarrierBlocks},
		{"R4", "feed_tells_what_is_durable", checkFeed},
		{"R4", "feed_after_reopen", checkFeedReset},
	}
}

func checkWaited(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	for v := range uint64(5) {
		if err := s.commit(change("a", v+1)); err != nil {
			return err
		}
		if err := s.crash(); err != nil {
			return err
		}
		if err := s.instance("a", record("a", v+1)); err != nil {
			return fmt.Errorf("after Wait and crash: %w", err)
		}
	}
	return s.history("a", 1, 2, 3, 4, 5)
}

// blocked calls wait while nothing can become durable: it must not say that
// something did.
func blocked(ctx context.Context, h Harness, wait func(ctx context.Context, s *session, r store.Receipt) error) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if err := h.Inject(Fault{Kind: HoldSync}); err != nil {
		return err
	}
	r, err := s.store.Submit(ctx, s.group(change("a", 1)))
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	if err := wait(short, s, r); err == nil {
		return fmt.Errorf("returned without error before the group was durable")
	}
	if err := s.crash(); err != nil {
		return err
	}
	return s.instance("a", nil)
}

func checkWaitBlocks(ctx context.Context, h Harness) error {
	return blocked(ctx, h, func(ctx context.Context, _ *session, r store.Receipt) error {
		_, err := r.Wait(ctx)
		return err
	})
}

func checkBarrierBlocks(ctx context.Context, h Harness) error {
	return blocked(ctx, h, func(ctx context.Context, s *session, _ store.Receipt) error {
		if _, err := s.store.Instance(ctx, "a"); err != nil {
			return err // a store that shows nothing before it is durable
		}
		return s.store.Barrier(ctx)
	})
}

// checkOrder submits groups without waiting for each; the last one's Wait covers
// all.
func checkOrder(ctx context.Context, h Harness) error {
	const groups = 50
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	var last store.Receipt
	var versions []uint64
	for v := range uint64(groups) {
		if last, err = s.store.Submit(ctx, s.group(change("a", v+1))); err != nil {
			return err
		}
		versions = append(versions, v+1)
	}
	if refused, err := last.Wait(ctx); err != nil || len(refused) > 0 {
		return fmt.Errorf("Wait = %v, %v, want nothing refused", refused, err)
	}
	return first(
		s.crash,
		func() error { return s.instance("a", record("a", groups)) },
		func() error { return s.history("a", versions...) },
	)
}

func checkBarrier(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if _, err := s.store.Submit(ctx, s.group(change("a", 1), change("b", 1))); err != nil {
		return err
	}
	page, err := s.store.List(ctx, store.Query{})
	if err != nil {
		return err
	}
	if err := s.store.Barrier(ctx); err != nil {
		return fmt.Errorf("in Barrier: %w", err)
	}
	if err := s.crash(); err != nil {
		return err
	}
	for _, r := range page.Records {
		if err := s.instance(r.ID, record(r.ID, 1)); err != nil {
			return fmt.Errorf("read before Barrier, gone after crash: %w", err)
		}
	}
	return nil
}

func checkFeed(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if err := s.commit(change("before", 1)); err != nil {
		return err
	}
	p, err := s.store.Position(ctx)
	if err != nil {
		return err
	}
	if refused, err := s.try(change("a", 1), change("b", 1), change("refused", 9)); err != nil || len(refused) != 1 {
		return fmt.Errorf("Wait = %v, %v, want one commit refused", refused, err)
	}
	if err := s.commit(change("a", 2), purge("b", 1)); err != nil {
		return err
	}
	inc := record("", 1).Incarnation
	want := []store.Change{
		{ID: "a", Incarnation: inc, Version: 1}, {ID: "b", Incarnation: inc, Version: 1},
		{ID: "a", Incarnation: inc, Version: 2}, {ID: "b", Incarnation: inc, Version: 1, Gone: true},
	}
	var got []store.Change
	for len(got) < len(want) {
		changes, next, reset, err := s.store.Changes(ctx, p, 3)
		if there := min(3, len(want)-len(got)); err != nil || reset || len(changes) != there {
			return fmt.Errorf("got Changes(limit 3) = %d changes, reset %v, %v, want the %d that there are", len(changes), reset, err, there)
		}
		got, p = append(got, changes...), next
	}
	if err := same("Changes", got, want); err != nil {
		return err
	}
	return s.feedWaits(p)
}

// feedWaits checks that Changes blocks at the end and is woken.
func (s *session) feedWaits(p store.Position) error {
	short, cancel := context.WithTimeout(s.ctx, holdTime)
	defer cancel()
	if changes, _, _, err := s.store.Changes(short, p, 0); err == nil {
		return fmt.Errorf("Changes(end) = %v, want to wait", changes)
	}
	done := make(chan error, 1)
	go func() { done <- s.commit(change("late", 1)) }()
	changes, _, _, err := s.store.Changes(s.ctx, p, 0)
	if submitted := <-done; submitted != nil {
		return submitted
	}
	if err != nil || len(changes) != 1 || changes[0].ID != "late" {
		return fmt.Errorf("got Changes = %v, %v, want the one of %q", changes, err, "late")
	}
	return nil
}

// checkFeedReset goes on with a position of before a crash: it is known no longer,
// or nothing after it is missing.
func checkFeedReset(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	p, err := s.store.Position(ctx)
	if err != nil {
		return err
	}
	if err := s.commit(change("a", 1)); err != nil {
		return err
	}
	if err := s.crash(); err != nil {
		return err
	}
	for _, old := range []store.Position{p, "", "forged"} {
		changes, next, reset, err := s.store.Changes(ctx, old, 0)
		kept := old == p && len(changes) == 1 && changes[0].ID == "a"
		if err != nil || !reset && !kept {
			return fmt.Errorf("Changes(%q) = %v, reset %v, %v, want a reset", old, changes, reset, err)
		}
		if err := s.commit(change("b"+string(old), 1)); err != nil {
			return err
		}
		if changes, _, reset, err := s.store.Changes(ctx, next, 0); err != nil || reset || len(changes) != 1 {
			return fmt.Errorf("Changes(after reset) = %v, reset %v, %v, want one change", changes, reset, err)
		}
	}
	return nil
}
