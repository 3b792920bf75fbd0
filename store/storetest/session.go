package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/store"
)

// session is a store as its owner uses it: open, with leases of all shards.
type session struct {
	ctx     context.Context
	harness Harness
	store   store.Store
	leases  []store.Lease
}

func open(ctx context.Context, h Harness) (*session, error) {
	s := &session{ctx: ctx, harness: h}
	return s, s.reopen()
}

// reopen opens the store and takes all shards.
func (s *session) reopen() (err error) {
	if s.store, err = s.harness.Open(s.ctx); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	shards := make([]store.Shard, store.Shards)
	for i := range shards {
		shards[i] = store.Shard(i)
	}
	if s.leases, err = s.store.Acquire(s.ctx, "node", shards, time.Hour); err != nil {
		return fmt.Errorf("acquire: %w", err)
	}
	if len(s.leases) != store.Shards {
		return fmt.Errorf("Acquire(all) = %d leases, want %d", len(s.leases), store.Shards)
	}
	return nil
}

// crash cuts the power and opens again.
func (s *session) crash() error {
	if err := s.harness.Crash(); err != nil {
		return err
	}
	return s.reopen()
}

func (s *session) group(commits ...*store.Commit) *store.Group {
	return &store.Group{Epochs: s.leases, Commits: commits}
}

// try submits a group and waits.
func (s *session) try(commits ...*store.Commit) ([]store.Refused, error) {
	r, err := s.store.Submit(s.ctx, s.group(commits...))
	if err != nil {
		return nil, err
	}
	return r.Wait(s.ctx)
}

// commit is try for commits that must apply.
func (s *session) commit(commits ...*store.Commit) error {
	refused, err := s.try(commits...)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if len(refused) > 0 {
		return fmt.Errorf("commit %d refused: %w", refused[0].Index, refused[0].Err)
	}
	return nil
}

// denied tries a commit and returns what kept it from being written, for all of its
// group or for it alone; nil = it was written.
func (s *session) denied(c *store.Commit) error {
	refused, err := s.try(c)
	if err == nil && len(refused) == 1 {
		return refused[0].Err
	}
	return err
}

// refused checks that a commit by itself is refused for a reason.
func (s *session) refused(c *store.Commit, want error) error {
	refused, err := s.try(c)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if len(refused) != 1 || !errors.Is(refused[0].Err, want) {
		return fmt.Errorf("commit refused = %v, want %v", refused, want)
	}
	return nil
}

// created is when the records of checks were created, with microseconds.
func created() time.Time {
	return time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC)
}

// record returns a record with all columns set.
func record(id string, version uint64) *store.Record {
	return &store.Record{
		ID: id, Incarnation: [16]byte{1, 2, 3}, Version: version,
		Name: "order", Release: "v7", Created: created(), Parent: "parent", Root: "root",
		Agent: "writer", Session: "s1", Tags: map[string]string{"team": "blue", "tier": ""},
		Execution: "0123456789abcdef0123456789abcdef",
		Status:    store.Running, Phase: store.Active, PhaseSince: created().Add(time.Minute),
		Work: true, Packed: []byte("packed"),
	}
}

const mainBranch = "0123456789abcdef0123456789abcdef"

// change returns the commit that brings an instance to a version, with a chunk.
func change(id string, version uint64) *store.Commit {
	c := &store.Commit{
		ID: id, Shard: store.ShardOf(id), Expect: version - 1, Record: record(id, version),
		Branch: mainBranch, Chunk: fmt.Appendf(nil, "chunk %d", version),
	}
	if version > 1 {
		c.Was = record(id, version-1)
	}
	return c
}

// touch returns a commit that leaves the record as it is.
func touch(id string, version uint64) *store.Commit {
	return &store.Commit{ID: id, Shard: store.ShardOf(id), Expect: version}
}

func purge(id string, version uint64) *store.Commit {
	return &store.Commit{ID: id, Shard: store.ShardOf(id), Expect: version, Was: record(id, version), Purge: true}
}

func message(target string, n uint64) store.Message {
	return store.Message{
		Target: target, ID: store.MessageID{Source: [16]byte{9}, Version: n, Index: uint32(n % 3)},
		Data: fmt.Appendf(nil, "message %d", n),
	}
}

func timer(owner string, n int) store.Timer {
	return store.Timer{
		Owner: owner, Due: created().Add(time.Duration(n) * time.Second), Execution: mainBranch,
		Task: int32(n), Data: fmt.Appendf(nil, "timer %d", n),
	}
}

func row(owner string, n int) store.Row {
	return store.Row{
		Kind: 7, Owner: owner, Key: fmt.Appendf(nil, "key %03d", n), Value: fmt.Appendf(nil, "value %d", n),
		Index: [2][]byte{fmt.Appendf(nil, "first %03d", n), nil},
	}
}

// same compares two values and says how they differ; nil and empty are equal.
func same(what string, got, want any) error {
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("%s: got (+), want (-):\n%s", what, diff)
	}
	return nil
}

// instance checks the record of an instance; nil = there must be none.
func (s *session) instance(id string, want *store.Record) error {
	got, err := s.store.Instance(s.ctx, id)
	if want == nil {
		if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("Instance(%q) = %v, %v, want %v", id, got, err, store.ErrNotFound)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("Instance(%q): %w", id, err)
	}
	return same(fmt.Sprintf("Instance(%q)", id), got, want)
}

// history checks the chunks of an instance's main branch, by version.
func (s *session) history(id string, versions ...uint64) error {
	got, err := s.store.History(s.ctx, id, mainBranch, 0, 0)
	if err != nil {
		return err
	}
	var want []store.Chunk
	for _, v := range versions {
		want = append(want, store.Chunk{Seq: v, Data: fmt.Appendf(nil, "chunk %d", v)})
	}
	return same(fmt.Sprintf("History(%q)", id), got, want)
}

func (s *session) messages(target string, want ...store.Message) error {
	got, err := s.store.MessagesOf(s.ctx, target)
	if err != nil {
		return err
	}
	return same(fmt.Sprintf("MessagesOf(%q)", target), got, want)
}

func (s *session) timers(owner string, want ...store.Timer) error {
	got, err := s.store.TimersOf(s.ctx, owner)
	if err != nil {
		return err
	}
	return same(fmt.Sprintf("TimersOf(%q)", owner), got, want)
}

// rows checks the rows of kind 7 of an owner ("" = by index 0).
func (s *session) rows(owner string, want ...store.Row) error {
	got, _, err := s.store.Rows(s.ctx, store.RowQuery{Kind: 7, Owner: owner})
	if err != nil {
		return err
	}
	return same(fmt.Sprintf("Rows(owner %q)", owner), got, want)
}

// first returns the first error of steps, which it runs in order.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
