package httpapi

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// raisers tells who has raised events to a run. Those of orchestrations and of programs
// that are not told from each other are not among them.
type raisers map[raiseKey]string

type raiseKey struct {
	name string
	at   int64 // microseconds: the audit has the time of the event in the history
}

// maxRaisers bounds how many entries of the audit of one run are looked at, the newest
// first.
const maxRaisers = 5000

// of returns who has raised an event, "" = not known.
func (r raisers) of(name string, at time.Time) string { return r[raiseKey{name, at.UnixMicro()}] }

// raisersOf reads the audit of a run. A hub elsewhere that has no rows has none.
func (a *API) raisersOf(ctx context.Context, run string) (raisers, error) {
	all := raisers{}
	q := store.RowQuery{Kind: hub.RowAudit, Owner: run, Limit: auditBatch, Desc: true}
	for read := 0; read < maxRaisers; {
		rows, next, err := a.Hub.ReadRows(ctx, q)
		if perdure.CodeOf(err) == perdure.Unimplemented {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			told, _, err := audit.Read(row)
			if err != nil {
				return nil, err
			}
			if told.Name == "" {
				continue
			}
			who := told.By
			if told.For != "" {
				who = told.For
			}
			all[raiseKey{told.Name, told.At.UnixMicro()}] = who
		}
		read += len(rows)
		if q.After = next; next == nil {
			break
		}
	}
	return all, nil
}

// addRaisers adds to the events among the steps of a run who has raised them.
func (a *API) addRaisers(ctx context.Context, t *told) error {
	raised := func(s runStep) bool { return s.Kind == string(steps.Event) && s.CompletedAt != nil }
	if !slices.ContainsFunc(t.steps, raised) {
		return nil
	}
	who, err := a.raisersOf(ctx, t.instance.ID)
	if err != nil {
		return err
	}
	for i := range t.steps {
		if s := &t.steps[i]; raised(*s) {
			s.DecidedBy = who.of(s.Name, *s.CompletedAt)
		}
	}
	return nil
}
