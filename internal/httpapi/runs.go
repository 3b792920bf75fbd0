package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// startBody is the body of POST /runs.
type startBody struct {
	Name    string            `json:"name"`
	ID      *string           `json:"id"` // absent = a random one
	Version string            `json:"version"`
	Input   json.RawMessage   `json:"input"`
	Tags    map[string]string `json:"tags"`
	StartAt *time.Time        `json:"start_at"`
	// IDPolicy says what happens if the id exists: "reject" (default), "get"
	// (leave it alone), "replace_ended" or "replace_failed".
	IDPolicy string `json:"id_policy"`
	// Event is raised in the same commit, also to an existing run.
	Event *startEvent `json:"event"`
}

// startEvent is the event of a signal-with-start.
type startEvent struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// started is the answer to POST /runs.
type started struct {
	ID        string `json:"id"`
	Execution string `json:"execution,omitempty"`
	Existing  bool   `json:"existing"`
}

// reserved begins the names of orchestrations that belong to Perdure itself,
// such as the turns of agents.
const reserved = "perdure."

const (
	maxTags     = 64
	maxTagBytes = 256 // of a key or value
)

func (a *API) startRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	var body startBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	start, err := a.checkStart(r, &body)
	if err != nil {
		return nil, err
	}
	answer, err := a.Hub.Start(r.Context(), start)
	if err != nil {
		return nil, err
	}
	status := http.StatusCreated
	if answer.Existing {
		status = http.StatusOK
	}
	return &reply{status: status, body: &started{ID: answer.InstanceID, Execution: answer.ExecutionID, Existing: answer.Existing},
		header: [2]string{"Location", "/api/v1/runs/" + url.PathEscape(answer.InstanceID)}}, nil
}

// checkStart turns the body into a command, or says what is wrong with it.
func (a *API) checkStart(r *http.Request, body *startBody) (*hub.Start, error) {
	if err := checkName("field name", body.Name); err != nil {
		return nil, err
	}
	if err := a.checkOrchestration(body.Name); err != nil {
		return nil, err
	}
	request, err := requestID(r)
	if err != nil {
		return nil, err
	}
	start := &hub.Start{RequestID: request, Name: body.Name, Trace: traceOf(r),
		Version: history.NoneIfEmpty(body.Version), Input: textOf(body.Input), Tags: body.Tags}
	if body.ID != nil {
		if err := checkRunID(*body.ID); err != nil {
			return nil, err
		}
		start.InstanceID = *body.ID
	}
	if len(body.Tags) > maxTags {
		return nil, invalid(fmt.Sprintf("%d tags, at most %d are allowed", len(body.Tags), maxTags), "")
	}
	for k, v := range body.Tags {
		if k == "" || len(k) > maxTagBytes || len(v) > maxTagBytes {
			return nil, invalid(fmt.Sprintf("tag %s: keys have 1 to %d bytes, values at most %[2]d", shown(k), maxTagBytes), "")
		}
	}
	if body.StartAt != nil {
		start.StartAt = *body.StartAt
	}
	switch body.IDPolicy {
	case "", "reject":
	case "get":
		start.OrGet = true
	case "replace_ended":
		start.Replace = []history.Status{history.StatusCompleted, history.StatusFailed, history.StatusTerminated, history.StatusCanceled}
	case "replace_failed":
		start.Replace = []history.Status{history.StatusFailed, history.StatusTerminated, history.StatusCanceled}
	default:
		return nil, invalid("id_policy is "+shown(body.IDPolicy), "known are reject, get, replace_ended, replace_failed")
	}
	if e := body.Event; e != nil {
		if start.InstanceID == "" {
			return nil, invalid("an event needs the id of the run that it starts or finds", `add "id"`)
		}
		if err := checkName("event name", e.Name); err != nil {
			return nil, err
		}
		start.Event = &hub.Raise{InstanceID: start.InstanceID, Name: e.Name, Data: textOf(e.Data)}
	}
	return start, nil
}

// anyName reports whether orchestrations are started that are not known here.
func (a *API) anyName() bool {
	return a.Orchestrations == nil || a.Workers != nil && a.Workers() > 0
}

// checkOrchestration returns a problem if nobody here can run the orchestration.
func (a *API) checkOrchestration(name string) error {
	if strings.HasPrefix(name, reserved) {
		return errReserved(name)
	}
	if a.anyName() {
		return nil
	}
	names := a.Orchestrations()
	if slices.Contains(names, name) {
		return nil
	}
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasPrefix(n, reserved) })
	hint := "known are " + strings.Join(names, ", ")
	if near := nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(names) == 0 {
		hint = "no orchestration is registered here"
	}
	return &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(), Detail: "no orchestration " + shown(name), Hint: hint}
}

// errReserved refuses to start what only Perdure's own code starts: what is said there,
// such as in whose name an agent works, is not checked.
func errReserved(name string) error {
	return &problem{Status: http.StatusForbidden, Code: perdure.PermissionDenied.String(),
		Detail: shown(name) + " belongs to Perdure itself, which alone says what it begins with",
		Hint:   "send an agent a message: POST /api/v1/agents/{agent}/sessions/{key}/messages"}
}

func (a *API) getRun(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "wait")
	if err != nil {
		return nil, err
	}
	wait, err := q.duration("wait", a.MaxWait)
	if err != nil {
		return nil, err
	}
	instance, err := a.Hub.Instance(r.Context(), id, true)
	if err != nil {
		return nil, err
	}
	if wait > 0 && !instance.Status.Terminal() {
		if instance, err = a.await(r.Context(), id, wait); err != nil {
			return nil, err
		}
	}
	v := viewRun(instance)
	a.offerRewind(r.Context(), instance, v)
	return &reply{body: v}, nil
}

// offerRewind adds what a session says of the rewind of its turn, which the turn itself
// does not know.
func (a *API) offerRewind(ctx context.Context, i *hub.Instance, v *run) {
	if a.Agents == nil || i.Session == "" || !i.Status.Terminal() || !i.Folded.IsZero() {
		return
	}
	err := a.Agents.Service.Rewindable(ctx, i.ID)
	at := slices.IndexFunc(v.Refused, func(r refusal) bool { return r.Action == "rewind" })
	switch {
	case err == nil:
		v.Actions = append(v.Actions, "rewind")
		v.Refused = slices.Delete(v.Refused, at, at+1)
	case perdure.CodeOf(err) == perdure.FailedPrecondition:
		v.Refused[at].Reason = reasonOf(err)
	} // of a session that cannot be read nobody knows: it is not offered
}

// reasonOf is what an error says beyond its operation and instance.
func reasonOf(err error) string {
	if e := (*perdure.Error)(nil); errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return err.Error()
}

// await returns the instance when it has ended, or as it is after d, or when
// the server stops.
func (a *API) await(ctx context.Context, id string, d time.Duration) (*hub.Instance, error) {
	running, stop := a.untilStop(ctx)
	defer stop()
	waiting, cancel := context.WithTimeout(running, d)
	defer cancel()
	if _, err := a.Hub.WaitCompletion(waiting, id); err != nil && (waiting.Err() == nil || ctx.Err() != nil) {
		return nil, err
	}
	// Read anew: whoever waits is not promised the input.
	return a.Hub.Instance(ctx, id, true)
}

// raiseEvent raises the body, any JSON value or nothing, as an event.
func (a *API) raiseEvent(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, name, data, request, err := a.eventOf(w, r)
	if err != nil {
		return nil, err
	}
	if err := a.going(r.Context(), id, request); err != nil {
		return nil, err
	}
	before := a.onlyWait(r.Context(), id)
	if err := a.Hub.Raise(r.Context(), &hub.Raise{RequestID: request, InstanceID: id, Name: name, Data: data}); err != nil {
		return nil, err
	}
	answer, err := a.applied(r.Context(), id)
	if v, ok := answer.body.(*run); ok && before != "" && before == a.onlyWait(r.Context(), id) && !strings.EqualFold(before, name) {
		v.Hint = "the run waits for " + shown(before) + "; " + shown(name) + " is kept until it waits for that"
	}
	return answer, err
}

// onlyWait returns the name of the one event that a run waits for, "" if it
// waits for none or for several.
func (a *API) onlyWait(ctx context.Context, id string) string {
	instance, err := a.Hub.Instance(ctx, id, false)
	if err != nil || instance.Pending.Events != 1 {
		return ""
	}
	return instance.WaitName
}

// askRun raises the body as a request-reply event and answers with the reply.
func (a *API) askRun(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, name, data, request, err := a.eventOf(w, r)
	if err != nil {
		return nil, err
	}
	return a.ask(r, &hub.Ask{RequestID: request, InstanceID: id, Name: name, Input: data})
}

// ask waits for an answer as long as a wait may last, or until the server stops.
func (a *API) ask(r *http.Request, ask *hub.Ask) (*reply, error) {
	running, stop := a.untilStop(r.Context())
	defer stop()
	ctx, cancel := context.WithTimeout(running, a.MaxWait)
	defer cancel()
	answer, err := a.Hub.Ask(ctx, ask)
	switch {
	case err == nil:
		return &reply{body: &answered{ID: ask.InstanceID, Output: jsonOf(answer)}}, nil
	case r.Context().Err() == nil && running.Err() != nil:
		return nil, &perdure.Error{Code: perdure.Unavailable, Op: "ask", Instance: ask.InstanceID, Message: "the server stops; the request stands"}
	case r.Context().Err() == nil && ctx.Err() != nil:
		return nil, &perdure.Error{Code: perdure.DeadlineExceeded, Op: "ask", Instance: ask.InstanceID,
			Message: "no answer yet; the request stands, repeat it with its Idempotency-Key to wait on"}
	}
	return nil, err
}

// answered is the answer to a request-reply event or an entity call.
type answered struct {
	ID     string          `json:"id"`
	Output json.RawMessage `json:"output"`
}

func (a *API) eventOf(w http.ResponseWriter, r *http.Request) (id, name string, data history.Text, request string, err error) {
	if id, err = runID(r); err != nil {
		return id, name, data, request, err
	}
	name = r.PathValue("name")
	if err = checkName("event name", name); err != nil {
		return id, name, data, request, err
	}
	if request, err = requestID(r); err != nil {
		return id, name, data, request, err
	}
	if _, err = query(r); err != nil {
		return id, name, data, request, err
	}
	raw, err := a.decodeValue(w, r)
	return id, name, textOf(raw), request, err
}

// applied answers a command with the run as it is now, which has the version
// that the command made or a later one.
func (a *API) applied(ctx context.Context, id string) (*reply, error) {
	instance, err := a.Hub.Instance(ctx, id, false)
	if err != nil {
		// The command is durable all the same; only its view is missing.
		return &reply{body: &started{ID: id, Existing: true}}, nil
	}
	return &reply{body: viewRow(instance)}, nil
}
