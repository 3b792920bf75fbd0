package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// inlinePayload is the largest payload, in bytes, that a history shows in
// place; a larger one is fetched by itself.
const inlinePayload = 4096

// historyEvent is a history event as the API shows it.
type historyEvent struct {
	N    int       `json:"n"` // place in the history, from 1
	ID   int32     `json:"event_id"`
	Type string    `json:"type"`
	Time time.Time `json:"time"`

	Name       string            `json:"name,omitempty"`
	Version    string            `json:"version,omitempty"`
	Step       *int32            `json:"step,omitempty"` // the event_id that this event ends
	Instance   string            `json:"instance,omitempty"`
	Execution  string            `json:"execution,omitempty"`
	FireAt     *time.Time        `json:"fire_at,omitempty"`
	Status     string            `json:"status,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	Section    string            `json:"section,omitempty"` // of entity locks
	Locks      []string          `json:"locks,omitempty"`
	Recursive  bool              `json:"recursive,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Failure    *failure          `json:"failure,omitempty"`
	Data       json.RawMessage   `json:"data,omitempty"` // the payload, if small
	DataBytes  int               `json:"data_bytes,omitempty"`
	DataSHA256 string            `json:"data_sha256,omitempty"`

	Attempt    int32      `json:"attempt,omitempty"`
	DequeuedAt *time.Time `json:"dequeued_at,omitempty"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	Worker     string     `json:"worker,omitempty"`
	// Forked says that the run goes its own way from here on, and whose way it was.
	Forked *forkedFrom `json:"forked_from,omitempty"`
}

// historyPage is the answer to GET /runs/{id}/history.
type historyPage struct {
	Items []historyEvent `json:"items"`
	Next  int            `json:"next,omitempty"` // ?after= of the next page
	Total int            `json:"total"`
	// Matched is how many of them the filter finds; after counts these.
	Matched int `json:"matched"`
}

func (a *API) getHistory(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "execution", "after", "limit", "filter")
	if err != nil {
		return nil, err
	}
	after, err := q.number("after", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", 1000, 10000)
	if err != nil {
		return nil, err
	}
	events, err := a.Hub.History(r.Context(), id, q.Get("execution"))
	if err != nil {
		return nil, err
	}
	words := strings.Fields(strings.ToLower(q.Get("filter")))
	page := historyPage{Items: []historyEvent{}, Total: len(events)}
	end := after + max(limit, 1)
	for n, e := range events {
		if !mentions(n+1, e, words) {
			continue
		}
		if page.Matched >= after && page.Matched < end {
			page.Items = append(page.Items, viewEvent(n+1, e))
		}
		page.Matched++
	}
	if end < page.Matched {
		page.Next = end
	}
	return &reply{body: &page}, nil
}

// mentions reports whether the n-th event has all words, in lower case, in its number,
// type, name, instance, status, reason or failure.
func mentions(n int, e *history.Event, words []string) bool {
	if len(words) == 0 || e.Body == nil {
		return len(words) == 0
	}
	var v historyEvent
	viewBody(e, &v)
	text := strconv.Itoa(n) + "\n" + e.Body.Kind().String() + "\n" + v.Name + "\n" + v.Instance + "\n" + v.Status + "\n" + v.Reason
	if v.Failure != nil {
		text += "\n" + v.Failure.Type + "\n" + v.Failure.Message
	}
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// getPayload answers with the payload of one event as it is stored, in ranges
// if asked so.
func (a *API) getPayload(w http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "execution")
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 {
		return nil, invalid("event number "+shown(r.PathValue("n"))+" is not a number from 1", "")
	}
	events, err := a.Hub.History(r.Context(), id, q.Get("execution"))
	if err != nil {
		return nil, err
	}
	if n > len(events) {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "read event", Instance: id,
			Message: "its history has " + strconv.Itoa(len(events)) + " events"}
	}
	event := events[n-1]
	data := viewBody(event, &historyEvent{})
	if !data.Set {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "read event", Instance: id, Message: "this event has no payload"}
	}
	kind := "text/plain; charset=utf-8"
	if json.Valid([]byte(data.S)) {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", event.Time, bytes.NewReader([]byte(data.S)))
	return nil, nil
}

// viewEvent returns what the API shows of the n-th event.
func viewEvent(n int, e *history.Event) historyEvent {
	v := historyEvent{N: n, ID: e.ID, Type: "unknown", Time: e.Time.UTC()}
	if e.Body == nil {
		return v
	}
	v.Type = e.Body.Kind().String()
	data := viewBody(e, &v)
	if data.Set {
		v.DataBytes = len(data.S)
		if len(data.S) <= inlinePayload {
			v.Data = jsonOf(data)
		} else {
			sum := sha256.Sum256([]byte(data.S))
			v.DataSHA256 = hex.EncodeToString(sum[:])
		}
	}
	if m := e.Meta; m != nil {
		v.Attempt, v.Worker = m.Attempt, m.Worker
		v.DequeuedAt, v.StartedAt = timeOrNil(m.DequeuedAt), timeOrNil(m.StartedAt)
		if f, parts := engine.ForkIn(e); parts {
			v.Forked = &forkedFrom{f.Run, f.Execution, int(f.Event)}
		}
		if m.Payload != nil && !data.Set {
			v.DataBytes, v.DataSHA256 = int(m.Payload.Size), hex.EncodeToString(m.Payload.Hash)
		}
	}
	return v
}

// viewBody fills v with the fields of the event's body and returns its payload.
func viewBody(e *history.Event, v *historyEvent) history.Text {
	switch b := e.Body.(type) {
	case *history.ExecutionStarted:
		v.Name, v.Version, v.Tags = b.Name, b.Version.S, b.Tags
		v.FireAt = timeOrNil(b.ScheduledStart)
		if b.Instance != nil {
			v.Instance, v.Execution = b.Instance.InstanceID, b.Instance.ExecutionID.S
		}
		return b.Input
	case *history.ExecutionCompleted:
		v.Status, v.Failure = b.Status.String(), viewFailure(b.Failure)
		return b.Result
	case *history.ExecutionTerminated:
		v.Recursive = b.Recurse
		return b.Input
	case *history.TaskScheduled:
		v.Name, v.Version, v.Tags = b.Name, b.Version.S, b.Tags
		return b.Input
	case *history.TaskCompleted:
		v.Step = &b.TaskScheduledID
		return b.Result
	case *history.TaskFailed:
		v.Step, v.Failure = &b.TaskScheduledID, viewFailure(b.Failure)
	case *history.SubOrchestrationInstanceCreated:
		v.Name, v.Version, v.Instance, v.Tags = b.Name, b.Version.S, b.InstanceID, b.Tags
		return b.Input
	case *history.SubOrchestrationInstanceCompleted:
		v.Step = &b.TaskScheduledID
		return b.Result
	case *history.SubOrchestrationInstanceFailed:
		v.Step, v.Failure = &b.TaskScheduledID, viewFailure(b.Failure)
	case *history.TimerCreated:
		v.FireAt = timeOrNil(b.FireAt)
	case *history.TimerFired:
		v.Step, v.FireAt = &b.TimerID, timeOrNil(b.FireAt)
	case *history.EventSent:
		v.Name, v.Instance = b.Name, b.InstanceID
		return b.Input
	case *history.EventRaised:
		v.Name = b.Name
		return b.Input
	case *history.GenericEvent:
		return b.Data
	case *history.ContinueAsNew:
		return b.Input
	case *history.ExecutionSuspended:
		v.Reason = b.Input.S
	case *history.ExecutionResumed:
		v.Reason = b.Input.S
	case *history.ExecutionRewound:
		v.Reason = b.Reason.S
	}
	return viewEntityBody(e, v)
}

// viewEntityBody is viewBody for the events of entities.
func viewEntityBody(e *history.Event, v *historyEvent) history.Text {
	switch b := e.Body.(type) {
	case *history.EntityOperationSignaled:
		v.Name, v.RequestID, v.Instance = b.Operation, b.RequestID, b.TargetInstanceID.S
		v.FireAt = timeOrNil(b.ScheduledTime)
		return b.Input
	case *history.EntityOperationCalled:
		v.Name, v.RequestID, v.Instance = b.Operation, b.RequestID, b.TargetInstanceID.S
		v.FireAt = timeOrNil(b.ScheduledTime)
		return b.Input
	case *history.EntityOperationCompleted:
		v.RequestID = b.RequestID
		return b.Output
	case *history.EntityOperationFailed:
		v.RequestID, v.Failure = b.RequestID, viewFailure(b.Failure)
	case *history.EntityLockRequested:
		v.Section, v.Locks = b.CriticalSectionID, b.LockSet
	case *history.EntityLockGranted:
		v.Section, v.Locks = b.CriticalSectionID, b.LockSet
	case *history.EntityUnlockSent:
		v.Section, v.Instance = b.CriticalSectionID, b.TargetInstanceID.S
	}
	return history.Text{}
}
