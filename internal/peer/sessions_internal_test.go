package peer

import (
	"context"
	"testing"

	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// left is something open that notes when it is left.
type left struct{ is bool }

func (*left) fetch(context.Context, int) (batch, error)      { return batch{}, nil }
func (*left) ration(context.Context, places) (places, error) { return places{}, nil }
func (*left) touch(context.Context)                          {}
func (l *left) leave(bool)                                   { l.is = true }
func number(a *wirepb.NodeAnswer) uint64                     { return a.GetOpened().GetNumber() }
func members(names ...string) map[string]store.Node {
	all := make(map[string]store.Node)
	for _, name := range names {
		all[name] = store.Node{Name: name}
	}
	return all
}

// TestSessionOfANodeThatHasJustCome: a node whose stream is opened before its name has
// come round keeps it, with what its workers have of it, until it is gone.
func TestSessionOfANodeThatHasJustCome(t *testing.T) {
	s, of := newSessions(), &left{}
	n := number(s.add("b", of))
	s.sweep(members("a"))
	if _, err := s.of("b", n); err != nil || of.is {
		t.Fatalf("its session before it is known = %v, left %t, want it open", err, of.is)
	}
	s.sweep(members("a", "b"))
	if of.is {
		t.Fatal("its session was closed while it lived")
	}
	s.sweep(members("a"))
	if _, err := s.of("b", n); err == nil || !of.is {
		t.Errorf("its session after it has gone = %v, left %t, want it closed", err, of.is)
	}
}

// TestSessionsClose closes all, also those of nodes that were never met.
func TestSessionsClose(t *testing.T) {
	s, of := newSessions(), &left{}
	s.add("b", of)
	if s.close(); !of.is {
		t.Error("a session is open after the hub was closed")
	}
}
