package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/perdure/perdure/store"
)

func faultChecks() []Check {
	return []Check{
		{"R5", "failed_write_ends_the_store", checkFailed},
		{"R5", "watermark", checkWatermark},
		{"R5", "closed", checkClosed},
		{"R9", "damage_is_named", checkDamage},
		{"R11", "unknown_format", checkForeign},
	}
}

func checkFailed(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if err := s.commit(change("a", 1)); err != nil {
		return err
	}
	if err := h.Inject(Fault{Kind: FailWrites}); err != nil {
		return err
	}
	err = s.denied(change("a", 2))
	ends := errors.Is(err, store.ErrFailed)
	if !ends && !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("commit with a failing disk: %w, want %w", err, store.ErrFailed)
	}
	for range 2 {
		if !ends { // the store goes on when its server does
			break
		}
		if _, err := s.try(change("b", 1)); !errors.Is(err, store.ErrFailed) {
			return fmt.Errorf("commit after a failure: %v, want %v", err, store.ErrFailed)
		}
		if err := s.store.Barrier(ctx); !errors.Is(err, store.ErrFailed) {
			return fmt.Errorf("got Barrier after a failure: %v, want %v", err, store.ErrFailed)
		}
	}
	if err := s.crash(); err != nil {
		return err
	}
	if err := s.instance("b", nil); err != nil {
		return fmt.Errorf("written after a failure: %w", err)
	}
	r, err := s.store.Instance(ctx, "a")
	if err != nil || r.Version == 0 || r.Version > 2 {
		return fmt.Errorf("got Instance after a failure = %v, %v, want version 1 or 2", r, err)
	}
	return s.commit(change("a", r.Version+1))
}

func checkWatermark(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	return first(
		func() error { return s.commit(change("a", 1), change("b", 1)) },
		func() error { return h.Inject(Fault{Kind: Full}) },
		func() error {
			if err := s.denied(change("a", 2)); !errors.Is(err, store.ErrNoSpace) {
				return fmt.Errorf("commit below the watermark: %w, want %w", err, store.ErrNoSpace)
			}
			return nil
		},
		func() error { return s.instance("a", record("a", 1)) },
		func() error { return s.commit(purge("b", 1)) },
		func() error { return h.Inject(Fault{Kind: NotFull}) },
		func() error { return s.commit(change("a", 2)) },
		s.crash,
		func() error { return s.instance("a", record("a", 2)) },
		func() error { return s.instance("b", nil) },
	)
}

func checkClosed(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	if err := s.commit(change("a", 1)); err != nil {
		return err
	}
	if err := s.store.Close(); err != nil {
		return fmt.Errorf("in Close: %w", err)
	}
	if _, err := s.try(change("a", 2)); !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("commit after Close: %v, want %v", err, store.ErrClosed)
	}
	if _, err := s.store.Instance(ctx, "a"); !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("got Instance after Close: %v, want %v", err, store.ErrClosed)
	}
	if err := s.crash(); err != nil {
		return err
	}
	return s.instance("a", record("a", 1))
}

func checkDamage(ctx context.Context, h Harness) error {
	const id = "the damaged one"
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	err = first(
		func() error { return s.commit(change(id, 1), change("sound", 1)) },
		s.store.Close,
		func() error { return h.Inject(Fault{Kind: Damage, ID: id}) },
		s.reopen,
	)
	if err != nil {
		return err
	}
	named := func(what string, err error) error {
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), id) {
			return fmt.Errorf("%s of a damaged record: %v, want %v and its id", what, err, store.ErrCorrupt)
		}
		return nil
	}
	rewrite := func(c *store.Commit) error {
		refused, err := s.try(c)
		if err == nil && len(refused) == 1 {
			err = refused[0].Err
		}
		return named("commit", err)
	}
	return first(
		func() error { _, err := s.store.Instance(ctx, id); return named("Instance", err) },
		func() error { _, err := s.store.List(ctx, store.Query{}); return named("List", err) },
		func() error { return rewrite(change(id, 2)) },
		func() error { return rewrite(change(id, 1)) },
		func() error { return rewrite(purge(id, 1)) },
		func() error { return s.commit(change("sound", 2)) },
		func() error { _, err := s.store.Instance(ctx, id); return named("Instance", err) },
	)
}

func checkForeign(ctx context.Context, h Harness) error {
	s, err := open(ctx, h)
	if err != nil {
		return err
	}
	err = first(
		func() error { return s.commit(change("a", 1)) },
		s.store.Close,
		func() error { return h.Inject(Fault{Kind: Foreign}) },
	)
	if err != nil {
		return err
	}
	if _, err := h.Open(ctx); !errors.Is(err, store.ErrFormat) {
		return fmt.Errorf("Open(unknown format): %v, want %v", err, store.ErrFormat)
	}
	return nil
}
