// Package storetest checks drivers of the store contract.
//
// Run checks each rule R1 to R12 of package store on a driver and ends in crash
// and reopen. Checks are functions that return errors, so that the suite can be
// shown to find a driver that breaks a rule. Model compares a driver with a
// simple model over random commits and crashes; Benchmark measures commits.
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
)

// Harness keeps one hub on a disk that tests control. Its methods are not called
// concurrently, and never while a call of the store is under way.
type Harness interface {
	// Open opens the hub, or opens it anew after Crash or Close.
	Open(ctx context.Context) (store.Store, error)
	// Crash cuts the power: what is not durable is lost, the open store is dead.
	Crash() error
	// Inject brings about a fault.
	Inject(f Fault) error
}

// FaultKind says what goes wrong.
type FaultKind uint8

// The faults. Each lasts until the disk is opened anew, but for Full and
// Foreign, which NotFull and the end of the harness end.
const (
	FailWrites FaultKind = iota // the next write or sync fails
	Full                        // the free space falls below the watermark
	NotFull                     // and is back
	Damage                      // the durable record of Fault.ID is damaged; the hub is closed
	Foreign                     // the format version is unknown; the hub is closed
	HoldSync                    // nothing becomes durable any more; what waits for it need not return
)

// Fault is something that goes wrong.
type Fault struct {
	Kind FaultKind
	ID   string
}

// Check is a test of one rule.
type Check struct {
	Rule string // "R1" to "R12"
	Name string
	// Run works on a harness of its own and returns how the rule is broken, nil
	// if it holds.
	Run func(ctx context.Context, h Harness) error
}

// Checks returns all checks, by rule.
func Checks() []Check {
	var all []Check
	for _, part := range [][]Check{commitChecks(), durableChecks(), readChecks(), faultChecks(), listChecks()} {
		all = append(all, part...)
	}
	return all
}

// limit is how long one check may take before it counts as hanging.
const limit = 30 * time.Second

// holdTime is how long a check waits for what must not happen.
const holdTime = 50 * time.Millisecond

// Run runs all checks, each on a new harness.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range Checks() {
		t.Run(c.Rule+"_"+c.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := c.Run(ctx, open(t)); err != nil {
				t.Errorf("%s: %v", c.Rule, err)
			}
		})
	}
}
