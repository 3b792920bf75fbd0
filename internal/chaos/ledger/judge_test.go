package ledger_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/store"
)

// script is operations one after the other; with changes their times or answers.
type script []ledger.Op

func (s script) ops() []ledger.Op {
	for i := range s {
		s[i].Instance = "i"
		if s[i].Return == 0 {
			s[i].Call, s[i].Return = time.Duration(10*i), time.Duration(10*i+5)
		}
	}
	return s
}

func start() ledger.Op { return ledger.Op{Kind: ledger.Start, RequestID: "s", Execution: "x"} }

func raise(value string) ledger.Op {
	return ledger.Op{Kind: ledger.Raise, RequestID: value, Value: value}
}

func get(s store.Status, events ...string) ledger.Op {
	return ledger.Op{Kind: ledger.Get, Execution: "x", Status: s, Events: events}
}

func settled(o ledger.Op) ledger.Op { o.Settled = true; return o }

func code(o ledger.Op, c perdure.Code) ledger.Op { o.Code = c; return o }

func at(o ledger.Op, call, end time.Duration) ledger.Op {
	o.Call, o.Return = call, end
	return o
}

func late(o ledger.Op) ledger.Op { o.Late = true; return o }

func terminate() ledger.Op { return ledger.Op{Kind: ledger.Terminate, RequestID: "t"} }
func purge() ledger.Op     { return ledger.Op{Kind: ledger.Purge, RequestID: "p"} }

// TestJudge judges histories of runs that take two events. Each wrong one is a
// mistake that a hub could make.
func TestJudge(t *testing.T) {
	const running, completed, terminated = store.Running, store.Completed, store.Terminated
	for _, c := range []struct {
		name string
		ok   bool
		ops  script
	}{
		{"a run from its start to its end", true, script{start(), get(running), raise("a"), get(running, "a"), raise("b"), settled(get(completed, "a", "b")), purge(), code(get(0), perdure.NotFound)}},
		{"a turn that follows later", true, script{start(), raise("a"), get(running), get(running, "a")}},
		{"a start is lost", false, script{start(), code(get(0), perdure.NotFound)}},
		{"an event is lost", false, script{start(), raise("a"), settled(get(running))}},
		{"an event is there twice", false, script{start(), raise("a"), get(completed, "a", "a")}},
		{"events have changed places", false, script{start(), raise("a"), raise("b"), get(completed, "b", "a")}},
		{"concurrent events in either order", true, script{start(), at(raise("a"), 100, 200), at(raise("b"), 150, 300), at(get(completed, "b", "a"), 400, 410)}},
		{"a read goes back in time", false, script{start(), raise("a"), get(running, "a"), get(running)}},
		{"an event is shown before it is raised", false, script{start(), get(running, "a"), raise("a")}},
		{"what is unknown has happened", true, script{start(), code(raise("a"), perdure.Unavailable), get(running, "a")}},
		{"what is unknown has not happened", true, script{start(), code(raise("a"), perdure.Unavailable), settled(get(running))}},
		{"what is unknown happens late", true, script{start(), code(raise("a"), perdure.Unavailable), raise("b"), get(running, "b"), get(completed, "b", "a")}},
		{"what is unknown has happened twice", false, script{start(), code(raise("a"), perdure.Unavailable), get(completed, "a", "a")}},
		{"a purge that was refused has happened", false, script{start(), code(purge(), perdure.FailedPrecondition), terminate(), code(get(0), perdure.NotFound)}},
		{"what was refused has happened", false, script{code(raise("a"), perdure.NotFound), start(), get(running, "a")}},
		{"what was refused happens by an attempt before", true, script{start(), late(code(purge(), perdure.FailedPrecondition)), terminate(), code(get(0), perdure.NotFound)}},
		{"a repeated request has one effect", true, script{start(), raise("a"), raise("a"), settled(get(running, "a"))}},
		{"a repeated request has two effects", false, script{start(), raise("a"), raise("a"), get(completed, "a", "a")}},
		{"a repeated start survives a purge", true, script{start(), terminate(), purge(), start(), code(get(0), perdure.NotFound)}},
		{"a repeated start runs again after a purge", false, script{start(), terminate(), purge(), start(), get(running)}},
		{"a second start is refused", true, script{start(), code(ledger.Op{Kind: ledger.Start, RequestID: "s2", Execution: "y"}, perdure.AlreadyExists)}},
		{"two starts succeed", false, script{start(), {Kind: ledger.Start, RequestID: "s2", Execution: "y"}}},
		{"terminated", true, script{start(), raise("a"), terminate(), settled(get(terminated, "a"))}},
		{"a termination is lost", false, script{start(), terminate(), settled(get(running))}},
		{"a run ends twice", false, script{start(), raise("a"), raise("b"), get(completed, "a", "b"), terminate(), get(terminated, "a", "b")}},
		{"a purge of what runs", false, script{start(), purge()}},
		{"a purge is refused after the end", false, script{start(), terminate(), get(terminated), code(purge(), perdure.FailedPrecondition)}},
		{"another execution is shown", false, script{start(), {Kind: ledger.Get, Execution: "y", Status: running}}},
		{"a refusal for want of space changes nothing", true, script{start(), code(raise("a"), perdure.NoSpace), settled(get(running))}},
	} {
		if wrong := ledger.Judge(c.ops.ops(), 2); (len(wrong) == 0) != c.ok {
			t.Errorf("Judge(%s) = %v, want that it is fine: %v", c.name, wrong, c.ok)
		}
	}
}
