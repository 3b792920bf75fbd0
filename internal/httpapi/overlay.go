package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

const (
	overlayRuns  = 100  // runs that are asked for at once
	overlaySteps = 1000 // steps of each that are told
)

// overlay is how the work of a run stands at this moment, which nothing stores.
type overlay struct {
	ID     string        `json:"id"`
	State  string        `json:"state" choices:"executing queued"` // executing if any of its work is
	Worker string        `json:"worker,omitempty"`                 // that executes it, or the first of them
	Work   []overlayWork `json:"work,omitempty"`                   // with steps
}

// overlayWork is a piece of work that is due.
type overlayWork struct {
	Kind    string     `json:"kind" choices:"orchestration activity entity"`
	EventID *int32     `json:"event_id,omitempty"` // of the step that an activity is
	Name    string     `json:"name"`
	State   string     `json:"state" choices:"executing queued"`
	Worker  string     `json:"worker,omitempty"`
	Since   *time.Time `json:"since,omitempty"` // when it was given to the worker, if that is known
}

// getOverlay tells of runs whether their work is queued or executed. Runs without work
// that is due are left out.
func (a *API) getOverlay(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "id*", "steps")
	if err != nil {
		return nil, err
	}
	steps, err := q.flag("steps")
	if err != nil {
		return nil, err
	}
	ids := q.Values["id"]
	if len(ids) == 0 || len(ids) > overlayRuns {
		return nil, invalid(fmt.Sprintf("1 to %d runs can be asked for", overlayRuns), "?id=...; repeat id for more")
	}
	for _, id := range ids {
		if err := checkRunID(id); err != nil {
			return nil, err
		}
	}
	o, ok := a.Hub.(hub.Overlay)
	if !ok {
		return nil, &perdure.Error{Code: perdure.Unimplemented, Op: "tell how work stands", Message: "the hub of this server is another's: ask that one"}
	}
	most := 1
	if steps {
		most = overlaySteps
	}
	list, err := o.Standing(r.Context(), ids, most)
	if err != nil {
		return nil, err
	}
	return &reply{body: &items[*overlay]{Items: overlays(list, steps)}}, nil
}

// overlays puts together what was told of each run.
func overlays(list []hub.Standing, steps bool) []*overlay {
	all := []*overlay{}
	of := make(map[string]*overlay)
	for _, s := range list {
		w := overlayWork{Kind: workKindName(s.Kind), Name: s.Name, State: "queued", Worker: s.Worker, Since: timeOrNil(s.Since)}
		if s.Kind == hub.ActivityItems {
			w.EventID = &s.Task
		}
		if s.Executing {
			w.State = "executing"
		}
		o := of[s.InstanceID]
		if o == nil {
			o = &overlay{ID: s.InstanceID, State: w.State}
			of[o.ID], all = o, append(all, o)
		}
		if s.Executing {
			o.State, o.Worker = w.State, cmp.Or(o.Worker, w.Worker)
		}
		if steps {
			o.Work = append(o.Work, w)
		}
	}
	return all
}
