package httpapi

import (
	"net/http"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// pastExecution is one that a run was in before.
type pastExecution struct {
	Execution string    `json:"execution"` // as history and steps take it
	Began     time.Time `json:"began"`
	Left      time.Time `json:"left"`
	Events    int64     `json:"events"`
	By        string    `json:"left_by" choices:"rewind continue_as_new"`
}

// listExecutions lists what a run was in before its current execution, newest first.
func (a *API) listExecutions(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	_, limit, after, err := pageQuery(r)
	if err != nil {
		return nil, err
	}
	if _, err := a.Hub.Instance(r.Context(), id, false); err != nil {
		return nil, err
	}
	rows, next, err := a.Hub.ReadRows(r.Context(), store.RowQuery{Kind: hub.RowExecution, Owner: id, After: after, Limit: limit, Desc: true})
	if err != nil {
		return nil, err
	}
	page := &items[pastExecution]{Items: []pastExecution{}, Next: cursorText(next)}
	for _, row := range rows {
		e, err := hub.ReadExecution(row)
		if err != nil {
			return nil, err
		}
		v := pastExecution{Execution: e.ID, Began: e.Began.UTC(), Left: e.Left.UTC(), Events: e.Events, By: "continue_as_new"}
		if e.Rewound {
			v.By = "rewind"
		}
		page.Items = append(page.Items, v)
	}
	return &reply{body: page}, nil
}
