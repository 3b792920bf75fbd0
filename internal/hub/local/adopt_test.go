package local_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// TestW44ChildThatHasNotBegun lets a hub find, in one inbox, the start of a child and
// the news that its parent was rewound since. The child's end goes to the parent's new
// execution.
func TestW44ChildThatHasNotBegun(t *testing.T) {
	ctx := context.Background()
	disk := &memory.Disk{}
	h := harness{open: onDisk(disk)}
	s := h.open(t)
	parent := func(execution string) *history.ParentInstance {
		return &history.ParentInstance{TaskScheduledID: 1, Name: history.Some("parent"),
			Instance: &history.Instance{InstanceID: "p", ExecutionID: history.Some(execution)}}
	}
	id := store.MessageID{Source: [16]byte{1}, Version: 1}
	later := id
	later.Index++
	start := &engine.Message{From: "p", Class: engine.ClassStart, Event: &history.Event{
		Body: &history.ExecutionStarted{Name: "child", Parent: parent("old")}}}
	rewound := &engine.Message{From: "p", Class: engine.ClassStart, Event: &history.Event{ID: -1,
		Body: &history.ExecutionRewound{Name: history.Some("child"), ParentExecutionID: history.Some("new"), Parent: parent("new")}}}
	leases, err := s.Acquire(ctx, "test", []store.Shard{store.ShardOf("c"), store.ShardOf("p")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := s.Submit(ctx, &store.Group{Epochs: leases, Commits: []*store.Commit{{
		ID: "p", Shard: store.ShardOf("p"), Emit: []store.Message{
			{Target: "c", ID: id, Data: start.Append(nil)}, {Target: "c", ID: later, Data: rewound.Append(nil)},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, err := receipt.Wait(ctx); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	code := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
	}
	reg := perdure.NewRegistry()
	code(reg)
	hub, stop := h.Start(t, reg, clock.System())
	_, err = hub.Idle(ctx)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	s = h.open(t)
	defer s.Close()
	rec, err := s.Instance(ctx, "c")
	if err != nil || rec.Status != store.Running || rec.Parent != "p" {
		t.Fatalf("Instance(c) = %+v, %v, want it running", rec, err)
	}
	if got := packedString(rec.Packed, sumParentExec); got != "new" {
		t.Errorf("the child's end goes to the execution %q of its parent, want the new one", got)
	}
}

// sumParentExec is the field of a record's summary with the parent's execution.
const sumParentExec = 7

// packedString returns a field of an encoded summary.
func packedString(b []byte, field protowire.Number) (s string) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if num == field {
			s, _ = protowire.ConsumeString(b[n:])
		}
		b = b[n+m:]
	}
	return s
}
