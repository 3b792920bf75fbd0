// Package ledger records what clients ask of a hub and are told, and judges it: for
// each instance there must be one order of all operations, none of them moved before
// its call or after its return, in which every answer is right. A client that was told
// nothing definite has had its operation carried out or not, at any later time.
//
// The instances run [Collect]. A hub that loses, doubles or reorders what it has
// acknowledged, or shows what is not so, has no such order.
package ledger

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store"
)

// Kind is what an operation does.
type Kind uint8

// The kinds of operations.
const (
	Start Kind = iota + 1
	Raise
	Get
	Terminate
	Purge
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{"none", "start", "raise", "get", "terminate", "purge"}
	if int(k) < len(names) {
		return names[k]
	}
	return names[0]
}

// Op is an operation of a client on an instance.
type Op struct {
	Client    int
	Kind      Kind
	Instance  string
	RequestID string // the same one again = the same request again
	Execution string // of Start, and what Get has shown
	Value     string // of Raise

	Call, Return time.Duration // since the ledger was begun
	// Code is 0 if the operation was acknowledged, the code of a definite refusal, or
	// Unavailable if it is not known what became of it.
	Code perdure.Code
	Err  string
	// Late says, of a definite refusal, that the client had given an attempt up before,
	// with nothing definite said: what that asked for may still happen, at any later time.
	Late bool

	// What Get has shown, if it was acknowledged.
	Status store.Status
	Events []string // that the run has taken, in its order
	// Settled says, of a Get, that the run had all the time it needed to take what was
	// acknowledged before.
	Settled bool
}

// Unknown reports whether it is not known what became of the operation.
func (o *Op) Unknown() bool { return o.Code == perdure.Unavailable }

// String is the operation as failures show it.
func (o *Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9.3f-%9.3f client %d: %s", o.Call.Seconds(), o.Return.Seconds(), o.Client, o.Kind)
	if o.Value != "" {
		fmt.Fprintf(&b, " %s", o.Value)
	}
	if o.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", o.RequestID)
	}
	switch {
	case o.Code != 0:
		fmt.Fprintf(&b, " = %s: %s", o.Code, o.Err)
		if o.Late {
			b.WriteString(" (after an attempt that may still happen)")
		}
	case o.Kind == Get:
		fmt.Fprintf(&b, " = status %d, %.6s, events %v", o.Status, o.Execution, o.Events)
		if o.Settled {
			b.WriteString(", at rest")
		}
	default:
		b.WriteString(" = ok")
	}
	return b.String()
}

// Ledger holds operations. Its methods may be called concurrently.
type Ledger struct {
	began time.Time

	mu  sync.Mutex // guards ops
	ops []Op
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{began: time.Now()} }

// Now is the time since the ledger was begun.
func (l *Ledger) Now() time.Duration { return time.Since(l.began) }

// Add adds an operation that has returned.
func (l *Ledger) Add(o Op) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops = append(l.ops, o)
}

// Ops returns all operations in the order of their calls.
func (l *Ledger) Ops() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	ops := slices.Clone(l.ops)
	slices.SortStableFunc(ops, func(a, b Op) int { return int(a.Call - b.Call) })
	return ops
}

// Counts are numbers of operations.
type Counts struct{ Acknowledged, Refused, Unknown, Instances int }

// Counts counts the operations.
func (l *Ledger) Counts() (c Counts) {
	seen := make(map[string]bool)
	for _, o := range l.Ops() {
		seen[o.Instance] = true
		switch {
		case o.Code == 0:
			c.Acknowledged++
		case o.Unknown():
			c.Unknown++
		default:
			c.Refused++
		}
	}
	c.Instances = len(seen)
	return c
}
