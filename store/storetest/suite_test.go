package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
	"github.com/perdure/perdure/store/storetest"
)

// harness is a sound driver, or a broken one around it.
type harness struct {
	disk   memory.Disk
	breaks func(h *harness, s store.Store) store.Store // nil = sound
	inject func(h *harness, f storetest.Fault) bool    // true = swallowed
}

func (h *harness) Open(context.Context) (store.Store, error) {
	s, err := memory.Open(&h.disk)
	if err != nil {
		return nil, err
	}
	if h.breaks == nil {
		return s, nil
	}
	return h.breaks(h, s), nil
}

func (h *harness) Crash() error {
	h.disk.Crash()
	h.disk.Manual(false)
	return nil
}

func (h *harness) Inject(f storetest.Fault) error {
	if h.inject != nil && h.inject(h, f) {
		return nil
	}
	switch f.Kind {
	case storetest.FailWrites:
		h.disk.FailNext(errors.New("disk is broken"))
	case storetest.Full, storetest.NotFull:
		h.disk.Fill(f.Kind == storetest.Full)
	case storetest.Damage:
		h.disk.Damage(f.ID)
	case storetest.Foreign:
		h.disk.Foreign()
	case storetest.HoldSync:
		h.disk.Manual(true)
	}
	return nil
}

// broken is a driver of which single methods are replaced.
type broken struct {
	store.Store
	submit   func(context.Context, *store.Group) (store.Receipt, error)
	barrier  func(context.Context) error
	messages func(context.Context, store.Shard, []byte, int) ([]store.Message, []byte, error)
	instance func(context.Context, string) (*store.Record, error)
	rows     func(context.Context, store.RowQuery) ([]store.Row, []byte, error)
	changes  func(context.Context, store.Position, int) ([]store.Change, store.Position, bool, error)
	list     func(context.Context, store.Query) (store.Page, error)
}

func (b *broken) Submit(ctx context.Context, g *store.Group) (store.Receipt, error) {
	if b.submit != nil {
		return b.submit(ctx, g)
	}
	return b.Store.Submit(ctx, g)
}

func (b *broken) Barrier(ctx context.Context) error {
	if b.barrier != nil {
		return b.barrier(ctx)
	}
	return b.Store.Barrier(ctx)
}

func (b *broken) Messages(ctx context.Context, s store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	if b.messages != nil {
		return b.messages(ctx, s, after, limit)
	}
	return b.Store.Messages(ctx, s, after, limit)
}

func (b *broken) Instance(ctx context.Context, id string) (*store.Record, error) {
	if b.instance != nil {
		return b.instance(ctx, id)
	}
	return b.Store.Instance(ctx, id)
}

func (b *broken) Rows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	if b.rows != nil {
		return b.rows(ctx, q)
	}
	return b.Store.Rows(ctx, q)
}

func (b *broken) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	if b.changes != nil {
		return b.changes(ctx, p, limit)
	}
	return b.Store.Changes(ctx, p, limit)
}

func (b *broken) List(ctx context.Context, q store.Query) (store.Page, error) {
	if b.list != nil {
		return b.list(ctx, q)
	}
	return b.Store.List(ctx, q)
}

// altered returns a driver that changes commits before it writes them.
func altered(change func(*store.Commit)) func(*harness, store.Store) store.Store {
	return func(_ *harness, s store.Store) store.Store {
		return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
			copied := *g
			copied.Commits = nil
			for _, c := range g.Commits {
				c := *c
				change(&c)
				copied.Commits = append(copied.Commits, &c)
			}
			return s.Submit(ctx, &copied)
		}}
	}
}

// receipt answers Wait by a function.
type receipt func(ctx context.Context) ([]store.Refused, error)

func (r receipt) Wait(ctx context.Context) ([]store.Refused, error) { return r(ctx) }

func acknowledged(context.Context) ([]store.Refused, error) { return nil, nil }

// lies are drivers that break a rule; the suite must find each.
func lies() map[string]func(*harness, store.Store) store.Store {
	return map[string]func(*harness, store.Store) store.Store{
		"R1 messages are written apart": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
				bare, mail := *g, *g
				bare.Commits, mail.Commits = nil, nil
				for _, c := range g.Commits {
					first, second := *c, store.Commit{ID: c.ID, Shard: c.Shard, Emit: c.Emit}
					first.Emit = nil
					if second.Expect = c.Expect; c.Record != nil {
						second.Expect = c.Record.Version
					}
					bare.Commits = append(bare.Commits, &first)
					mail.Commits = append(mail.Commits, &second)
				}
				r, err := s.Submit(ctx, &bare)
				if err == nil {
					_, err = s.Submit(ctx, &mail)
				}
				return r, err
			}}
		},
		"R1 rows are forgotten": altered(func(c *store.Commit) { c.Rows = nil }),
		"R2 no version check": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
				for _, c := range g.Commits {
					c.Expect = 0
					if r, err := s.Instance(ctx, c.ID); err == nil {
						c.Expect = r.Version
					}
					if c.Record != nil {
						c.Record.Version = c.Expect + 1
					}
				}
				return s.Submit(ctx, g)
			}}
		},
		"R2 no epoch check": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
				fresh := *g
				fresh.Epochs = nil
				for _, c := range g.Commits {
					l, err := s.Acquire(ctx, "thief", []store.Shard{c.Shard}, time.Hour)
					if err != nil {
						return nil, err
					}
					fresh.Epochs = append(fresh.Epochs, l...)
				}
				return s.Submit(ctx, &fresh)
			}}
		},
		"R3 Wait does not wait": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
				_, err := s.Submit(ctx, g)
				return receipt(acknowledged), err
			}}
		},
		"R4 Barrier does not wait": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, barrier: func(context.Context) error { return nil }}
		},
		"R4 the feed repeats itself": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, changes: func(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
				changes, next, reset, err := s.Changes(ctx, p, limit)
				return append(changes, changes...), next, reset, err
			}}
		},
		"R5 a failure is hidden": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, submit: func(ctx context.Context, g *store.Group) (store.Receipt, error) {
				r, err := s.Submit(ctx, g)
				if err != nil {
					return receipt(acknowledged), nil
				}
				return r, err
			}}
		},
		"R6 a purge leaves rows": altered(func(c *store.Commit) {
			c.Rows = slices.Clone(c.Rows)
			for i := range c.Rows {
				c.Rows[i].Keep = true
			}
		}),
		"R6 a purge takes rows with Keep": altered(func(c *store.Commit) {
			c.Rows = slices.Clone(c.Rows)
			for i := range c.Rows {
				c.Rows[i].Keep = false
			}
		}),
		"R6 a fold leaves the history": altered(func(c *store.Commit) { c.Fold = nil }),
		"R6 a fold takes rows of other kinds": altered(func(c *store.Commit) {
			if c.Fold != nil {
				c.Fold = &store.Fold{Rows: append([]store.RowKind{8}, c.Fold.Rows...)}
			}
		}),
		"R7 a page drops its last message": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, messages: func(ctx context.Context, shard store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
				list, next, err := s.Messages(ctx, shard, after, limit)
				if next != nil {
					list = list[:len(list)-1]
				}
				return list, next, err
			}}
		},
		"R7 cursors count rows": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, rows: func(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
				limit, skip := q.Limit, 0
				if len(q.After) > 0 {
					skip = int(q.After[0])
				}
				q.After, q.Limit = nil, 0
				list, _, err := s.Rows(ctx, q)
				list = list[min(skip, len(list)):]
				if limit == 0 || len(list) <= limit {
					return list, nil, err
				}
				return list[:limit], []byte{byte(skip + limit)}, err
			}}
		},
		"R7 a list is not in order": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, list: func(ctx context.Context, q store.Query) (store.Page, error) {
				page, err := s.List(ctx, q)
				slices.Reverse(page.Records)
				return page, err
			}}
		},
		"R8 messages are numbered anew": func(_ *harness, s store.Store) store.Store {
			var n uint32
			return altered(func(c *store.Commit) {
				c.Emit = slices.Clone(c.Emit)
				for i := range c.Emit {
					n++
					c.Emit[i].ID.Index = n
				}
			})(nil, s)
		},
		"R9 damage reads as absence": func(_ *harness, s store.Store) store.Store {
			return &broken{Store: s, instance: func(ctx context.Context, id string) (*store.Record, error) {
				r, err := s.Instance(ctx, id)
				if errors.Is(err, store.ErrCorrupt) {
					err = store.ErrNotFound
				}
				return r, err
			}}
		},
		"R10 reads share memory": func(_ *harness, s store.Store) store.Store {
			kept := make(map[string]*store.Record)
			return &broken{Store: s, instance: func(ctx context.Context, id string) (*store.Record, error) {
				r, err := s.Instance(ctx, id)
				if old := kept[id]; err == nil && old != nil && old.Version == r.Version {
					return old, nil
				}
				kept[id] = r
				return r, err
			}}
		},
		"R12 one call at a time": func(_ *harness, s store.Store) store.Store {
			var busy atomic.Bool
			return &broken{Store: s, list: func(ctx context.Context, q store.Query) (store.Page, error) {
				if !busy.CompareAndSwap(false, true) {
					return store.Page{}, errors.New("called concurrently")
				}
				defer busy.Store(false)
				time.Sleep(time.Millisecond) // so that calls overlap
				return s.List(ctx, q)
			}}
		},
	}
}

// found runs the checks of a rule and reports whether one of them fails.
func found(t *testing.T, rule string, open func() *harness) bool {
	t.Helper()
	for _, c := range storetest.Checks() {
		if c.Rule != rule {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := c.Run(ctx, open())
		cancel()
		if err != nil {
			t.Logf("%s: %v", c.Name, err)
			return true
		}
	}
	return false
}

func TestSuiteFindsBrokenDrivers(t *testing.T) {
	for lie, breaks := range lies() {
		t.Run(lie, func(t *testing.T) {
			rule := lie[:2]
			if lie[2] != ' ' {
				rule = lie[:3]
			}
			if !found(t, rule, func() *harness { return &harness{breaks: breaks} }) {
				t.Errorf("checks of %s on a driver that breaks it = no error, want one", rule)
			}
		})
	}
}

// TestSuiteFindsFaultsIgnored has drivers that do not notice faults at all.
func TestSuiteFindsFaultsIgnored(t *testing.T) {
	for rule, kind := range map[string]storetest.FaultKind{
		"R5": storetest.FailWrites, "R9": storetest.Damage, "R11": storetest.Foreign,
	} {
		ignore := func(_ *harness, f storetest.Fault) bool { return f.Kind == kind }
		if !found(t, rule, func() *harness { return &harness{inject: ignore} }) {
			t.Errorf("checks of %s on a driver that ignores the fault = no error, want one", rule)
		}
	}
}

// TestEveryRuleIsChecked also holds the list above to all rules.
func TestEveryRuleIsChecked(t *testing.T) {
	for _, rule := range []string{"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12"} {
		checked := slices.ContainsFunc(storetest.Checks(), func(c storetest.Check) bool { return c.Rule == rule })
		if !checked {
			t.Errorf("Checks() has none of %s, want one", rule)
		}
		if found(t, rule, func() *harness { return new(harness) }) {
			t.Errorf("checks of %s fail on a sound driver, want them to pass", rule)
		}
	}
}
