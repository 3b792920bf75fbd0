package perduretest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store/memory"
)

// Scenario is something that a hub goes through.
type Scenario struct {
	// Register registers the code. It is called once for each run.
	Register func(*perdure.Registry)
	// Run drives the hub through the Env and its client, whose calls survive
	// crashes, and gives runs and entities ids of their own. It may be called
	// many times.
	Run func(*Env)
	// Ignore matches text that may differ between two ends, such as an offset that
	// counts attempts; nil = none.
	Ignore *regexp.Regexp
	// Varies says that the ends may differ, as what was lost is told in them: what
	// must be the same is checked by Run.
	Varies bool
	// Options are those of New.
	Options []Option
}

// Crashes is what CrashEverywhere did.
type Crashes struct {
	Commits int // of the scenario without a crash
	Crashes int // that happened
}

// CrashEverywhere runs the scenario once, then twice for each of its commits: with
// the hub's memory lost right before the commit is durable, and right after. The
// end must be the same each time: status, output and history of all runs, but for
// times and the number of turns, the states of entities, and what activities
// were called with. No activity may begin whose outcome is recorded, and none more
// often than the crash explains.
func CrashEverywhere(t *testing.T, s Scenario) Crashes {
	t.Helper()
	var done Crashes
	var want string
	if !t.Run("undisturbed", func(t *testing.T) { want, done.Commits, _ = s.run(t) }) {
		return done
	}
	for n := 1; n <= done.Commits; n++ {
		for _, durable := range []bool{false, true} {
			name := fmt.Sprintf("commit%03d-before", n)
			if durable {
				name = fmt.Sprintf("commit%03d-after", n)
			}
			t.Run(name, func(t *testing.T) {
				got, _, crashes := s.run(t, moment{commit: n, durable: durable})
				done.Crashes += crashes
				if diff := gocmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
					t.Errorf("the end differs from that without a crash (-want +got):\n%s", diff)
				}
			})
		}
	}
	if done.Crashes < done.Commits/2 { // steps at a time share commits as they come
		t.Errorf("of %d crashes only %d happened: the scenario does not repeat itself", 2*done.Commits, done.Crashes)
	}
	return done
}

// moment is right before a commit is durable, or right after. Commits are counted
// from 1 on, through all crashes.
type moment struct {
	commit  int
	durable bool
	// verdict is what happens, Proceed = the power fails. Others fail the sync.
	verdict memory.Verdict
}

// run carries the scenario out with crashes at these moments, and returns the end,
// how many commits there were, and how many of the crashes happened.
func (s Scenario) run(t testing.TB, at ...moment) (end string, commits, crashes int) {
	t.Helper()
	reg := perdure.NewRegistry()
	s.Register(reg)
	var groups atomic.Int64
	var hits atomic.Int64
	e := open(t, reg, s.Options, func(n int, durable bool) memory.Verdict {
		groups.Store(max(groups.Load(), int64(n)))
		for _, m := range at {
			if m.commit == n && m.durable == durable {
				hits.Add(1)
				return cmp.Or(m.verdict, memory.CrashNow)
			}
		}
		return memory.Proceed
	})
	s.Run(e)
	e.settle()
	if !s.Varies {
		end = e.end(s.Ignore)
	}
	crashes = int(hits.Load())
	e.checkRepeats(crashes)
	return end, int(groups.Load()), crashes
}

// checkRepeats checks that no activity began more often than the crashes explain:
// each may repeat it once.
func (e *Env) checkRepeats(crashes int) {
	e.t.Helper()
	type step struct {
		execution string
		task      int32
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	counts := map[step]int{}
	for _, c := range e.calls {
		k := step{c.execution, c.task}
		if counts[k]++; counts[k] == crashes+2 {
			e.t.Errorf("activity %s of %s began %d times with %d crash(es)", c.Activity, c.Instance, counts[k], crashes)
		}
	}
}

// end describes how everything is, but for what ignore matches.
func (e *Env) end(ignore *regexp.Regexp) string {
	e.t.Helper()
	blocks := append(e.runs(), e.entities()...)
	calls := map[string]bool{}
	e.mu.Lock()
	for _, c := range e.calls {
		calls[fmt.Sprintf("call %s(%s) by %s, attempt %d", c.Activity, c.Input, c.Instance, c.Attempt)] = true
	}
	e.mu.Unlock()
	for c := range calls {
		blocks = append(blocks, c)
	}
	for i, b := range blocks {
		if ignore != nil {
			b = ignore.ReplaceAllString(b, "")
		}
		blocks[i] = numbered(b)
	}
	slices.SortFunc(blocks, cmp.Compare)
	return strings.Join(blocks, "\n")
}
