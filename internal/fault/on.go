//go:build faults

package fault

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
)

// Enabled tells whether this build carries faults and mutants.
const Enabled = true

// switches is the state that the tests of a process set and query.
type switches struct {
	mu         sync.Mutex // guards all below
	actions    map[Point]Action
	mutants    map[Mutation]bool
	hits       map[Point]int
	seen       map[string]bool // names given to Sometimes: whether it held once
	violations []string
}

var set = switches{
	actions: map[Point]Action{}, mutants: map[Mutation]bool{},
	hits: map[Point]int{}, seen: map[string]bool{},
}

// Hit lets the fault set for a point strike on a node, the name of which is
// the caller's choice. It returns nil or the error with which the caller's
// operation shall fail; it may block; it may not return at all.
func Hit(p Point, node string) error {
	set.mu.Lock()
	set.hits[p]++
	action := set.actions[p]
	set.mu.Unlock()
	if action == nil {
		return nil
	}
	if err := action(node); err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}

// Always states that ok holds whenever this line is reached.
func Always(ok bool, name string) {
	if !ok {
		set.violate("does not always hold: " + name)
	}
}

// Sometimes states that ok holds at least once in a test run.
func Sometimes(ok bool, name string) {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.seen[name] = set.seen[name] || ok
}

// Unreachable states that this line is never reached.
func Unreachable(name string) { set.violate("reached: " + name) }

// Mutant tells whether the code shall make the mistake m.
func Mutant(m Mutation) bool {
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.mutants[m]
}

func (s *switches) violate(what string) {
	stack := debug.Stack()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, what+"\n"+string(stack))
}

// Set says what happens at a point; nil is nothing. It panics for a point that
// is not listed.
func Set(p Point, a Action) {
	if !slices.Contains(Points(), p) {
		panic("fault: no point " + string(p))
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	set.actions[p] = a
}

// SetMutant switches a mutation on or off. It panics for one that is not listed.
func SetMutant(m Mutation, on bool) {
	if !slices.Contains(Mutations(), m) {
		panic("fault: no mutation " + string(m))
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	set.mutants[m] = on
}

// Clear switches all faults and mutations off and keeps what was recorded.
func Clear() {
	set.mu.Lock()
	defer set.mu.Unlock()
	clear(set.actions)
	clear(set.mutants)
}

// Reset switches all off and forgets what was recorded.
func Reset() {
	Clear()
	set.mu.Lock()
	defer set.mu.Unlock()
	clear(set.hits)
	clear(set.seen)
	set.violations = nil
}

// Hits returns how often a point was reached since the start or Reset.
func Hits(p Point) int {
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.hits[p]
}

// Violations returns what was stated by Always and Unreachable and did not
// hold, each with the stack of the statement.
func Violations() []string {
	set.mu.Lock()
	defer set.mu.Unlock()
	return slices.Clone(set.violations)
}

// Unexercised returns, sorted, the points that were not reached and the names
// given to Sometimes that never held. Of the latter it knows those that were
// reached and those in declared, which Declared finds in the source.
func Unexercised(declared []string) []string {
	set.mu.Lock()
	defer set.mu.Unlock()
	missing := map[string]bool{}
	for _, p := range Points() {
		if set.hits[p] == 0 {
			missing[string(p)] = true
		}
	}
	for _, name := range slices.Concat(declared, slices.Collect(maps.Keys(set.seen))) {
		if !set.seen[name] {
			missing[name] = true
		}
	}
	return slices.Sorted(maps.Keys(missing))
}
