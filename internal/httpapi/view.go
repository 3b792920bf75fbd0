package httpapi

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// run is an orchestration as the API shows it; in lists without the fields
// after Actions.
type run struct {
	ID          string `json:"id"`
	Incarnation string `json:"incarnation"`
	RowVersion  uint64 `json:"row_version"`
	Execution   string `json:"execution,omitempty"`
	Name        string `json:"name"`
	Version     string `json:"version,omitempty"`

	Status     string     `json:"status"`
	Phase      string     `json:"phase,omitempty"`
	PhaseSince *time.Time `json:"phase_since,omitempty"`
	PhaseCause string     `json:"phase_cause,omitempty"`
	Step       string     `json:"current_step,omitempty"`
	WaitName   string     `json:"wait_name,omitempty"`
	WaitNames  []string   `json:"wait_names,omitempty"` // of all events that are waited for, if these are several
	NextFireAt *time.Time `json:"next_fire_at,omitempty"`
	Attempt    int32      `json:"attempt,omitempty"`
	Pending    *pending   `json:"pending_counts,omitempty"`

	ErrorCode string `json:"error_code,omitempty"`
	ErrorText string `json:"error_text,omitempty"`
	// ErrorFingerprint is the same for failures that are alike.
	ErrorFingerprint string `json:"error_fingerprint,omitempty"`

	Created    *time.Time `json:"created,omitempty"`
	StartAt    *time.Time `json:"start_at,omitempty"`
	Started    *time.Time `json:"started,omitempty"`
	Updated    *time.Time `json:"updated,omitempty"`
	Completed  *time.Time `json:"completed,omitempty"`
	Folded     *time.Time `json:"folded,omitempty"`
	DurationMS *int64     `json:"duration_ms,omitempty"`

	Parent  string            `json:"parent_id,omitempty"`
	Root    string            `json:"root_id,omitempty"`
	Forked  *forkedFrom       `json:"forked_from,omitempty"`
	Agent   string            `json:"agent,omitempty"`
	Session string            `json:"session,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`

	// What models took: those that the run's own steps have called, and those of its children
	// which have ended, with what is below them. Turns of sessions that it has asked have
	// their own.
	Model        string `json:"model,omitempty"` // called last, by the run itself if it has called any
	TokensIn     int64  `json:"tokens_in,omitempty"`
	TokensOut    int64  `json:"tokens_out,omitempty"`
	TokensCached int64  `json:"tokens_cached,omitempty"` // a part of TokensIn
	CostMicros   *int64 `json:"cost_micros,omitempty"`   // absent = no price is known

	Worker  string `json:"worker_id,omitempty"` // who ran the step that has ended last
	TraceID string `json:"trace_id,omitempty"`

	CustomStatus  json.RawMessage `json:"custom_status,omitempty"`
	HistoryLength int64           `json:"history_len,omitempty"`
	HistoryBytes  int64           `json:"history_bytes,omitempty"`

	// Hint tells whoever has just raised an event that nothing waits for it.
	Hint string `json:"hint,omitempty"`
	// Actions are the names of what may be done now.
	Actions []string        `json:"actions"`
	Refused []refusal       `json:"refused,omitempty"` // all other actions
	Input   json.RawMessage `json:"input,omitempty"`
	Output  json.RawMessage `json:"output,omitempty"`
	Failure *failure        `json:"failure,omitempty"`
}

// pending counts open steps.
type pending struct {
	Activities int `json:"activities,omitempty"`
	Timers     int `json:"timers,omitempty"`
	Children   int `json:"children,omitempty"`
	Entities   int `json:"entities,omitempty"`
	Events     int `json:"events,omitempty"`
	Messages   int `json:"messages,omitempty"`
}

// failure says why something failed.
type failure struct {
	Type         string   `json:"type"`
	Message      string   `json:"message"`
	Stack        string   `json:"stack,omitempty"`
	NonRetriable bool     `json:"non_retriable,omitempty"`
	Cause        *failure `json:"cause,omitempty"`
}

// viewRun returns what the API shows of an instance.
func viewRun(i *hub.Instance) *run {
	v := &run{
		ID: i.ID, Incarnation: hex.EncodeToString(i.Incarnation[:]), RowVersion: i.Record.Version,
		Execution: i.Execution, Name: i.Name, Version: i.AppVersion.S,
		Status: client.StatusName(i.Status), Phase: client.PhaseName(i.Phase), PhaseSince: timeOrNil(i.PhaseSince),
		PhaseCause: i.PhaseCause, Step: i.Step, WaitName: i.WaitName, NextFireAt: timeOrNil(i.NextFireAt), Attempt: i.Attempt,
		Created: timeOrNil(i.Created), StartAt: timeOrNil(i.StartAt), Started: timeOrNil(i.Started),
		Updated: timeOrNil(i.Updated), Completed: timeOrNil(i.Completed), Folded: timeOrNil(i.Folded),
		Parent: i.Parent, Root: i.Root, Agent: i.Agent, Session: i.Session, Tags: i.Tags,
		CustomStatus: jsonOf(i.CustomStatus), HistoryLength: i.HistoryEvents, HistoryBytes: i.HistoryBytes,
		Actions: actions(i), Refused: refused(i), Input: jsonOf(i.Input), Output: jsonOf(i.Output), Failure: viewFailure(i.Failure),
	}
	if names := waitNames(i); len(names) > 1 {
		v.WaitNames = names
	}
	v.Worker, v.TraceID = i.Worker, i.TraceID
	spent := i.Spent()
	v.Model, v.TokensIn, v.TokensOut, v.TokensCached = spent.Model, spent.In, spent.Out, spent.Cached
	if n := spent.Nano; n > 0 {
		micros := (n + 999) / 1000 // what costs something is not shown as free
		v.CostMicros = &micros
	}
	if f := i.Forked; f != (hub.ForkedFrom{}) {
		v.Forked = &forkedFrom{f.Run, f.Execution, f.Event}
	}
	if i.Root == i.ID {
		v.Root = ""
	}
	if p := pending(i.Pending); p != (pending{}) {
		v.Pending = &p
	}
	if i.Failure != nil {
		v.ErrorFingerprint = client.Fingerprint(i.Failure)
		v.ErrorCode, v.ErrorText = i.Failure.Type, i.Failure.Message
	}
	if !i.Completed.IsZero() {
		begin := i.Started
		if begin.IsZero() {
			begin = i.Created
		}
		ms := i.Completed.Sub(begin).Milliseconds()
		v.DurationMS = &ms
	}
	return v
}

// waitNames returns the names of the events that a run waits for and somebody may raise.
func waitNames(i *hub.Instance) []string {
	return slices.DeleteFunc(slices.Clone(i.Waits), func(name string) bool {
		return strings.HasPrefix(name, reserved) || strings.HasPrefix(name, decisionEvent)
	})
}

// viewRow is viewRun without what lists leave out.
func viewRow(i *hub.Instance) *run {
	v := viewRun(i)
	v.Input, v.Output, v.Failure, v.Refused = nil, nil, nil, nil
	return v
}

func viewFailure(f *history.Failure) *failure {
	if f == nil {
		return nil
	}
	return &failure{Type: f.Type, Message: f.Message, Stack: f.Stack.S, NonRetriable: f.NonRetriable, Cause: viewFailure(f.Inner)}
}

// actions names what may be done to a run.
func actions(i *hub.Instance) []string {
	s := i.Status
	var may []string
	switch {
	case !i.Folded.IsZero():
		return []string{"purge"}
	case s.Terminal() && i.Session != "":
		may = []string{"purge"}
	case s.Terminal():
		may = []string{"restart", "rewind", "purge"}
	case s == store.Suspended:
		may = []string{"resume", "event", "cancel", "terminate"}
	default:
		may = []string{"suspend", "event", "cancel", "terminate"}
	}
	if i.Session == "" && s != store.Pending {
		may = append(may, "fork")
	}
	return may
}

// refusal says why something may not be done to a run now.
type refusal struct {
	Action string `json:"action"`
	Reason string `json:"reason"`
}

// refused names what may not be done to a run, and why.
func refused(i *hub.Instance) []refusal {
	may := actions(i)
	list := []refusal{}
	for _, action := range []string{"suspend", "resume", "event", "cancel", "terminate", "restart", "rewind", "fork", "purge"} {
		if !slices.Contains(may, action) {
			list = append(list, refusal{action, refusedBecause(i, action)})
		}
	}
	return list
}

func refusedBecause(i *hub.Instance, action string) string {
	ended, status := i.Status.Terminal(), client.StatusName(i.Status)
	switch action {
	case "fork":
		switch {
		case !i.Folded.IsZero():
			return "its history and input were given up " + i.Folded.UTC().Format(time.DateOnly)
		case i.Session != "":
			return "it is a turn of a session, which goes on from there: send the message again"
		}
		return "the run has not begun"
	case "restart", "rewind":
		switch {
		case !ended:
			return "the run has not ended: terminate it first"
		case !i.Folded.IsZero():
			return "its history and input were given up " + i.Folded.UTC().Format(time.DateOnly)
		}
		return "it is a turn of a session, whose conversation goes on from it: send the message again"
	case "purge":
		return "the run has not ended: terminate it first"
	case "resume":
		if !ended {
			return "the run is not suspended"
		}
	case "suspend":
		if !ended {
			return "the run is suspended already"
		}
	}
	return "the run has ended (" + status + ")"
}

// jsonOf returns a payload as JSON: itself if it is JSON, else as a string,
// since workers of other languages may write plain text.
func jsonOf(t history.Text) json.RawMessage {
	switch {
	case !t.Set:
		return nil
	case json.Valid([]byte(t.S)):
		return json.RawMessage(t.S)
	}
	quoted, err := marshal(t.S)
	if err != nil { // a string is always encodable
		panic(err)
	}
	return quoted
}

// textOf is the payload for a value of a request: absent if the field was.
func textOf(raw json.RawMessage) history.Text {
	if raw == nil {
		return history.Text{}
	}
	return history.Some(compact(raw))
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
