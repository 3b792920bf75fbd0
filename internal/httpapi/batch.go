package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// batchBody is the body of POST /batches: what to do, and to which runs.
type batchBody struct {
	Action    string   `json:"action" choices:"suspend resume cancel terminate restart rewind purge"`
	IDs       []string `json:"ids"`
	Filter    *string  `json:"filter"` // in place of ids: all runs that match now
	Reason    string   `json:"reason"`
	Recursive bool     `json:"recursive"` // with terminate, cancel and purge: children too
}

// batch tells how a batch goes. It is the answer, and the data of progress.
type batch struct {
	Action  string `json:"action"`
	DryRun  bool   `json:"dry_run"`
	Total   int    `json:"total"`   // runs that are meant
	Done    int    `json:"done"`    // under dry_run: for which it is allowed
	Skipped int    `json:"skipped"` // whose state does not allow it
	Failed  int    `json:"failed"`
	// Partial says that the filter matches more runs than one batch takes: repeat it.
	Partial  bool           `json:"partial"`
	Problems []batchProblem `json:"problems"` // the first 100, of those skipped and failed
}

// batchProblem says why nothing was done to a run.
type batchProblem struct {
	ID     string `json:"id"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Limits of a batch.
const (
	batchRuns     = 10000
	batchProblems = 100
)

// runBatch does one thing to many runs, one after the other, and answers when it has. It
// ends early when the client leaves: that cancels it. Under Accept: text/event-stream it
// tells how it goes. With an Idempotency-Key it may be repeated, and goes on where it
// was.
func (a *API) runBatch(w http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "dry_run")
	if err != nil {
		return nil, err
	}
	dry, err := q.flag("dry_run")
	if err != nil {
		return nil, err
	}
	key, err := requestID(r)
	if err != nil {
		return nil, err
	}
	var body batchBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	kinds := map[string]hub.ControlKind{"suspend": hub.Suspend, "resume": hub.Resume, "cancel": hub.Cancel, "terminate": hub.Terminate,
		"restart": hub.Restart, "rewind": hub.Rewind, "purge": 0}
	if _, known := kinds[body.Action]; !known {
		return nil, invalid("no action "+shown(body.Action), "known are suspend, resume, cancel, terminate, restart, rewind, purge")
	}
	if len(body.Reason) > maxReason {
		return nil, invalid(fmt.Sprintf("the reason is longer than %d bytes", maxReason), "")
	}
	r = actingTo(r, body.Action)
	because(r, body.Reason)
	b := &batch{Action: body.Action, DryRun: dry, Problems: []batchProblem{}}
	ids, err := a.batchIDs(r.Context(), &body, b)
	if err != nil {
		return nil, err
	}
	b.Total = len(ids)
	running, stop := a.untilStop(r.Context())
	defer stop()
	var events *eventWriter
	if acceptsEvents(r) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no")
		w.WriteHeader(http.StatusOK)
		events = &eventWriter{w: w}
	}
	told := time.Now()
	for _, id := range ids {
		if running.Err() != nil || events != nil && events.gone {
			break
		}
		b.note(id, a.batchStep(running, key, id, kinds[body.Action], &body, dry))
		if events != nil && time.Since(told) >= a.Batch {
			told = time.Now()
			events.send("", "progress", b)
		}
	}
	if events != nil {
		events.send("", "done", b)
		return nil, nil
	}
	return &reply{body: b}, nil
}

// batchIDs returns the runs that a batch is about.
func (a *API) batchIDs(ctx context.Context, body *batchBody, b *batch) ([]string, error) {
	if (body.Filter == nil) == (len(body.IDs) == 0) {
		return nil, invalid("a batch needs either ids or a filter", `"filter": "" means all runs`)
	}
	if body.Filter == nil {
		if len(body.IDs) > batchRuns {
			return nil, invalid(fmt.Sprintf("%d ids, at most %d are allowed", len(body.IDs), batchRuns), "send several batches")
		}
		for _, id := range body.IDs {
			if err := checkRunID(id); err != nil {
				return nil, err
			}
		}
		return body.IDs, nil
	}
	selection, err := client.Select(*body.Filter, a.Now())
	if err != nil {
		return nil, err
	}
	var ids []string
	for after := []byte(nil); ; {
		page, err := selection.List(ctx, a.Hub, store.CreatedDesc, 1000, after)
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			ids = append(ids, i.ID)
		}
		if after = page.Next; after == nil {
			return ids, nil
		}
		if len(ids) >= batchRuns {
			b.Partial = true
			return ids[:batchRuns], nil
		}
	}
}

// errSkipped says that the state of a run does not allow what is to be done.
type errSkipped string

func (e errSkipped) Error() string { return string(e) }

// batchStep does what a batch does to one run.
func (a *API) batchStep(ctx context.Context, key, id string, kind hub.ControlKind, body *batchBody, dry bool) error {
	i, err := a.Hub.Instance(ctx, id, false)
	if err != nil {
		if key != "" && body.Action == "purge" && perdure.CodeOf(err) == perdure.NotFound {
			return nil // a repeat has purged it
		}
		return err
	}
	turn := kind == hub.Rewind && a.Agents != nil && i.Session != "" && i.Status.Terminal() && i.Folded.IsZero()
	switch {
	case turn:
		if err := a.Agents.Service.Rewindable(ctx, id); perdure.CodeOf(err) == perdure.FailedPrecondition {
			return errSkipped(reasonOf(err))
		} else if err != nil {
			return err
		}
	case !slices.Contains(actions(i), body.Action):
		return errSkipped(refusedBecause(i, body.Action))
	}
	if dry {
		return nil
	}
	if key != "" {
		key += "/" + id // of a request of its own
	}
	if turn {
		return a.rewindTurn(ctx, &hub.Control{RequestID: key, InstanceID: id, Reason: history.NoneIfEmpty(body.Reason)})
	}
	if body.Action == "purge" {
		_, err = a.Hub.Purge(ctx, &hub.Purge{RequestID: key, IDs: []string{id}, Recursive: body.Recursive})
		return err
	}
	c := &hub.Control{RequestID: key, InstanceID: id, Kind: kind, Reason: history.NoneIfEmpty(body.Reason), Recursive: body.Recursive}
	if (kind == hub.Terminate || kind == hub.Cancel) && body.Reason != "" {
		quoted, err := marshal(body.Reason) // it becomes the run's output, which is JSON
		if err != nil {
			return err
		}
		c.Reason.S = string(quoted)
	}
	_, err = a.Hub.Control(ctx, c)
	return err
}

// note counts what became of a run.
func (b *batch) note(id string, err error) {
	if err == nil {
		b.Done++
		return
	}
	p := batchProblem{ID: id, Code: perdure.FailedPrecondition.String(), Detail: err.Error()}
	if _, skipped := err.(errSkipped); skipped {
		b.Skipped++
	} else {
		b.Failed++
		about := problemOf(err)
		p.Code, p.Detail = about.Code, about.Detail
	}
	if len(b.Problems) < batchProblems {
		b.Problems = append(b.Problems, p)
	}
}
