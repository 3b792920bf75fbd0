// Package hubtest checks that a hub keeps the contract of package hub, with
// users' code on it: one suite for the hub in the process and the hub over the
// wire.
//
// The suite decides how time passes. It never sleeps: it waits until the hub is
// idle and then moves the clock to what is due next.
package hubtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
)

// Hub is a hub that tells when nothing moves by itself any more, and when its
// clock makes something happen next (zero = never).
type Hub interface {
	hub.Hub
	Idle(ctx context.Context) (next time.Time, err error)
}

// Harness runs hubs over one store, one after the other.
type Harness interface {
	// Start runs a hub with the code of reg and the time of c. The function
	// returned ends it in order.
	Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (h Hub, stop func())
}

// Far may be implemented by a Harness whose hubs are spoken with over the wire.
type Far interface {
	// NamesRequests says that each request gets a request id, which leaves a row: the
	// versions of records count these too.
	NamesRequests() bool
	// RunsOutside says that the code runs outside of the hub's process: a turn has a
	// commit of its own after that of its message, at its own pace; and a turn that
	// does not end is nothing that the hub can see.
	RunsOutside() bool
}

// Run checks the hubs of harnesses that open makes, one for each subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) { RunBut(t, open) }

// RunBut is Run without some cases, which are named by group and case.
func RunBut(t *testing.T, open func(t *testing.T) Harness, without ...string) {
	s := suite{open}
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Start", startCases},
		{"Activity", activityCases},
		{"Retry", retryCases},
		{"Token", tokenCases},
		{"Timer", timerCases},
		{"Event", eventCases},
		{"Ask", askCases},
		{"Child", childCases},
		{"ContinueAsNew", continueCases},
		{"Control", controlCases},
		{"Restart", restartCases},
		{"Rewind", rewindCases},
		{"RewindTo", rewindToCases},
		{"RewindBelow", rewindBelowCases},
		{"Fork", forkCases},
		{"Purge", purgeCases},
		{"Fold", foldCases},
		{"Entity", entityCases},
		{"Lock", lockCases},
		{"Limit", limitCases},
		{"Wait", waitCases},
		{"List", listCases},
		{"Feed", feedCases},
		{"Request", requestCases},
		{"Payload", payloadCases},
		{"Rows", rowCases},
		{"Series", seriesCases},
		{"Audit", auditCases},
		{"Execution", executionCases},
		{"Upkeep", upkeepCases},
		{"Foreign", foreignCases},
		{"ForeignEntity", foreignEntityCases},
		{"Fault", faultCases},
		{"Remote", remoteCases},
		{"RemoteItems", remoteItemCases},
		{"Demand", demandCases},
		{"Overlay", overlayCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				if slices.Contains(without, g.name+"/"+c.name) {
					continue
				}
				t.Run(c.name, func(t *testing.T) { c.check(t, s) })
			}
		})
	}
}

// suite makes the environments of its tests.
type suite struct {
	harness func(t *testing.T) Harness
}

type testCase struct {
	name  string
	check func(t *testing.T, s suite)
}
