package agent

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	// maxAbove bounds how many runs above a call are looked at.
	maxAbove = 100
	// maxEntries bounds how much of what was done to a run is read.
	maxEntries = 1000
)

// setsToWork reports whether an action of the audit sets a run to work, and whether it is
// one that makes the run.
func setsToWork(action string) (yes, starts bool) {
	switch action {
	case "start", "call tool", "restart":
		return true, true
	case "rewind", "fork":
		return true, false
	}
	return false, false
}

// findStarters finds whose call it is that a decision is about, if that is in nobody's
// name and counts. What was found stands in the decision from then on.
func (d *Decision) findStarters(ctx context.Context, h hub.Hub) (err error) {
	if d.Kind == DecisionApproval && d.Apart && d.Originator.Name == "" && d.State == DecisionPending {
		d.Starters, err = startersOf(ctx, h, d.Run)
	}
	return err
}

// startersOf returns the names of those who have set a run to work, or one of those above
// it that have asked for it, up to the one that a person or program has started. nil = who
// that was is not known.
func startersOf(ctx context.Context, h hub.Hub, id string) (names []string, err error) {
	for range maxAbove {
		in, err := h.Instance(ctx, id, true)
		if err != nil {
			return nil, unlessGone(err)
		}
		by, started, err := begunBy(ctx, h, in)
		if err != nil {
			return nil, unlessGone(err)
		}
		names = append(names, by...)
		if started && len(by) > 0 {
			return names, nil
		}
		id = in.Parent
		if in.Session != "" {
			id = callerOf(in) // not the session: many speak with it
		}
		if started || id == "" || id[0] == '@' { // an entity works for many
			break
		}
	}
	return nil, nil
}

// callerOf returns the orchestration that has asked for the turn of a session, "" = none.
func callerOf(turn *hub.Instance) string {
	var in struct{ Caller string }
	if json.Unmarshal([]byte(turn.Input.S), &in) != nil {
		return ""
	}
	return in.Caller
}

// begunBy returns who has set a run to work, as its audit says, and whether it was started
// by somebody, and not by another run. Of that nobody can be named without a token.
func begunBy(ctx context.Context, h hub.Rows, in *hub.Instance) (names []string, started bool, err error) {
	q := store.RowQuery{Kind: hub.RowAudit, Owner: in.ID, From: audit.Since(in.Created.Add(-time.Second)), Limit: maxEntries}
	rows, _, err := h.ReadRows(ctx, q)
	if err != nil {
		return nil, false, err
	}
	for i, row := range rows {
		e, _, err := audit.Read(row)
		if err != nil {
			return nil, false, err
		}
		works, starts := setsToWork(e.Action)
		if i == 0 && starts {
			if started = true; e.By == access.Local {
				return nil, true, nil
			}
		}
		for _, name := range []string{e.By, e.For} {
			if works && name != "" && name != access.Local && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, started, nil
}

// unlessGone is the error, if it says more than that there is nothing to be known.
func unlessGone(err error) error {
	switch perdure.CodeOf(err) {
	case perdure.NotFound, perdure.Unimplemented:
		return nil
	}
	return err
}

// askers are those in whose name a call is made, nil = they are not known.
func (d *Decision) askers() []string {
	if d.Originator.Name != "" {
		return []string{d.Originator.Name}
	}
	return d.Starters
}
