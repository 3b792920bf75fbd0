package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// treeRuns bounds the runs of a family that are told.
const treeRuns = 1000

// runTree is the answer to GET /runs/{id}/tree: the family of a run, parents before
// their children, each with its parent_id.
type runTree struct {
	Items   []*run `json:"items"`
	Partial bool   `json:"partial"` // there are more
}

func (a *API) getTree(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	if _, err := query(r); err != nil {
		return nil, err
	}
	i, err := a.Hub.Instance(r.Context(), id, false)
	if err != nil {
		return nil, err
	}
	if i.Root != "" && i.Root != id {
		root, err := a.Hub.Instance(r.Context(), i.Root, false)
		if err == nil {
			i = root
		} else if perdure.CodeOf(err) != perdure.NotFound { // it was purged: the run is the oldest left
			return nil, err
		}
	}
	tree := runTree{Items: []*run{viewRow(i)}}
	for n := 0; n < len(tree.Items) && !tree.Partial; n++ {
		q := store.Query{Parent: tree.Items[n].ID, Order: store.CreatedAsc, Limit: treeRuns}
		page, err := a.Hub.List(r.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, child := range page.Items {
			tree.Items = append(tree.Items, viewRow(child))
		}
		tree.Partial = page.Next != nil || len(tree.Items) >= treeRuns
	}
	return &reply{body: &tree}, nil
}

// stateSteps bounds the steps that a state shows of those that have ended.
const stateSteps = 100

// runState is the answer to GET /runs/{id}/state: a run as it was after an event of its
// history.
type runState struct {
	At     int          `json:"at"`    // number of the event, from 1
	Total  int          `json:"total"` // events of the history
	Time   time.Time    `json:"time"`  // of the event
	Event  historyEvent `json:"event"`
	Status string       `json:"status"`
	Turn   int          `json:"turn"` // orchestrator turns so far
	// Open are the steps that had not ended, Ended the newest 100 of those that had; Done
	// and Failed count all.
	Open   []runStep `json:"open"`
	Ended  []runStep `json:"ended"`
	Done   int       `json:"done"`
	Failed int       `json:"failed"`
}

func (a *API) getState(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "at", "execution")
	if err != nil {
		return nil, err
	}
	at, err := q.number("at", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	t, err := a.tellUntil(r.Context(), id, q.Get("execution"), at)
	if err != nil {
		return nil, err
	}
	if len(t.events) == 0 {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "read state", Instance: id, Message: "its history has no events yet"}
	}
	last := t.events[len(t.events)-1]
	v := runState{At: len(t.events), Total: t.total, Time: last.Time.UTC(), Event: viewEvent(len(t.events), last), Status: statusAfter(t.events),
		Turn: t.run.Turns, Open: []runStep{}, Ended: []runStep{}}
	for _, s := range t.steps {
		switch steps.Status(s.Status) {
		case steps.Open, steps.Retrying:
			v.Open = append(v.Open, s)
			continue
		case steps.Failed:
			v.Failed++
		default:
			v.Done++
		}
		v.Ended = append(v.Ended, s)
	}
	slices.SortStableFunc(v.Ended, func(x, y runStep) int { return y.EndN - x.EndN })
	v.Ended = v.Ended[:min(len(v.Ended), stateSteps)]
	return &reply{body: &v}, nil
}

// statusAfter is the status of a run after these events.
func statusAfter(events []*history.Event) string {
	status := "pending"
	for _, e := range events {
		switch b := e.Body.(type) {
		case *history.ExecutionStarted, *history.ExecutionResumed, *history.ExecutionRewound:
			status = "running"
		case *history.ExecutionSuspended:
			status = "suspended"
		case *history.ExecutionTerminated:
			status = "terminated"
		case *history.ExecutionCompleted:
			status = b.Status.String()
		}
	}
	return status
}

// id tells a step from others of its run, whatever attempt is its newest.
func (s *runStep) id() string { return strconv.Itoa(s.firstN()) }

// firstN is the number of the event that scheduled the first attempt.
func (s *runStep) firstN() int {
	if len(s.Attempts) > 0 {
		return s.Attempts[0].N
	}
	return s.N
}
