//go:build !faults

package fault

// Enabled tells whether this build carries faults and mutants.
const Enabled = false

// Hit lets the fault set for a point strike on a node, the name of which is
// the caller's choice. It returns nil or the error with which the caller's
// operation shall fail; it may block; it may not return at all.
func Hit(p Point, node string) error { return nil }

// Always states that ok holds whenever this line is reached.
func Always(ok bool, name string) {}

// Sometimes states that ok holds at least once in a test run.
func Sometimes(ok bool, name string) {}

// Unreachable states that this line is never reached.
func Unreachable(name string) {}

// Mutant tells whether the code shall make the mistake m.
func Mutant(m Mutation) bool { return false }
