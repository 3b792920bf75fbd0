package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// controlBody is the body of suspend, resume, cancel and terminate.
type controlBody struct {
	Reason string `json:"reason"`
	// Recursive is for terminate and cancel: unfinished children too.
	Recursive bool `json:"recursive"`
}

// restartBody is the body of restart.
type restartBody struct {
	Reason string          `json:"reason"`
	Input  json.RawMessage `json:"input"`  // another input
	NewID  bool            `json:"new_id"` // under a new id, the old run stays
	// ID is the id under which it begins anew, in any status; the old run stays. One that
	// is in use is refused.
	ID *string `json:"id"`
	// Version is another version of the orchestration, "" for none.
	Version *string `json:"version"`
}

// purgeBody is the body of purge.
type purgeBody struct {
	Reason    string `json:"reason"`
	Recursive bool   `json:"recursive"`
	// Force deletes the run although the outcome of a call of it is not known: the call is
	// given up, which the audit tells.
	Force bool `json:"force"`
}

// maxReason is the longest reason, in bytes.
const maxReason = 4096

// control answers the commands that take a reason.
func (a *API) control(kind hub.ControlKind) endpoint {
	return func(w http.ResponseWriter, r *http.Request) (*reply, error) {
		var body controlBody
		c, err := a.command(w, r, kind, &body, &body.Reason)
		if err != nil {
			return nil, err
		}
		c.Recursive = body.Recursive
		return a.run(r, c)
	}
}

// command reads what all commands share. body points to a struct, reason into
// it.
func (a *API) command(w http.ResponseWriter, r *http.Request, kind hub.ControlKind, body any, reason *string) (*hub.Control, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	request, err := requestID(r)
	if err != nil {
		return nil, err
	}
	if err := a.decode(w, r, body); err != nil {
		return nil, err
	}
	if len(*reason) > maxReason {
		return nil, invalid("the reason is longer than "+strconv.Itoa(maxReason)+" bytes", "")
	}
	because(r, *reason)
	c := &hub.Control{RequestID: request, InstanceID: id, Kind: kind, Reason: history.NoneIfEmpty(*reason)}
	if (kind == hub.Terminate || kind == hub.Cancel) && *reason != "" {
		quoted, err := marshal(*reason) // it becomes the run's output, which is JSON
		if err != nil {
			return nil, err
		}
		c.Reason.S = string(quoted)
	}
	return c, nil
}

// run gives a command to the hub.
func (a *API) run(r *http.Request, c *hub.Control) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	if c.Kind == hub.Suspend || c.Kind == hub.Resume {
		if err := a.going(r.Context(), c.InstanceID, c.RequestID); err != nil {
			return nil, err
		}
	}
	id, err := a.Hub.Control(r.Context(), c)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = c.InstanceID
	}
	return a.applied(r.Context(), id)
}

// going returns a problem for a run that has ended, to which the hub would say
// yes and do nothing. A repeat by request id must find its answer all the same.
func (a *API) going(ctx context.Context, id, request string) error {
	if request != "" {
		return nil
	}
	instance, err := a.Hub.Instance(ctx, id, false)
	if err != nil || !instance.Status.Terminal() {
		return nil // the hub says what is not there
	}
	answer := answers(perdure.FailedPrecondition)
	return &problem{Status: answer.status, Code: perdure.FailedPrecondition.String(), ID: id, Current: viewRow(instance),
		Detail: "the run " + shown(id) + " has ended (" + client.StatusName(instance.Status) + "); nothing was done",
		Hint:   "its actions are " + strings.Join(actions(instance), ", ")}
}

func (a *API) restartRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body restartBody
	c, err := a.command(w, r, hub.Restart, &body, &body.Reason)
	if err != nil {
		return nil, err
	}
	if len(body.Input) > 0 {
		old, err := a.Hub.Instance(r.Context(), c.InstanceID, false)
		if err == nil && strings.HasPrefix(old.Name, reserved) {
			return nil, errReserved(old.Name)
		}
	}
	c.Input, c.NewID = textOf(body.Input), body.NewID
	if body.ID != nil {
		if err := checkRunID(*body.ID); err != nil {
			return nil, err
		}
		c.As = *body.ID
	}
	if body.Version != nil {
		c.Version = history.Some(*body.Version)
	}
	return a.run(r, c)
}

// purged is the answer to purge.
type purged struct {
	Count    int  `json:"count"`
	Complete bool `json:"complete"`
	DryRun   bool `json:"dry_run"`
}

// whyHeld adds to the refusal of a purge the calls for which it was refused, if there are any.
func (a *API) whyHeld(ctx context.Context, id string, refused error) error {
	if perdure.CodeOf(refused) != perdure.FailedPrecondition {
		return refused
	}
	rows, _, err := a.Hub.ReadRows(ctx, store.RowQuery{Kind: hub.RowHold, Owner: id, Limit: 16})
	if err != nil || len(rows) == 0 {
		return refused
	}
	p := *problemOf(refused)
	for _, row := range rows {
		p.Held = append(p.Held, string(row.Value))
	}
	p.Hint = "answer them in the inbox (perdure inbox list), or purge by force, which gives the calls up"
	return &p
}

func (a *API) purgeRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	var body purgeBody
	c, err := a.command(w, r, 0, &body, &body.Reason)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "dry_run")
	if err != nil {
		return nil, err
	}
	dry, err := q.flag("dry_run")
	if err != nil {
		return nil, err
	}
	if _, err := a.Hub.Instance(r.Context(), c.InstanceID, false); err != nil && c.RequestID == "" {
		return nil, err // a repeat by request id must find its answer after the purge
	}
	answer, err := a.Hub.Purge(r.Context(), &hub.Purge{RequestID: c.RequestID, IDs: []string{c.InstanceID},
		Recursive: body.Recursive, DryRun: dry, Force: body.Force})
	if err != nil {
		return nil, a.whyHeld(r.Context(), c.InstanceID, err)
	}
	return &reply{body: &purged{Count: answer.Count, Complete: answer.Complete, DryRun: dry}}, nil
}
