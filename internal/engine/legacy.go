package engine

import (
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/perdure/perdure/internal/history"
)

// The plain .NET worker speaks with entities by events: it sends them with a JSON
// envelope as data, its history has an EventSent for each, and it waits for the
// answers as events whose names are the ids of its requests. Entities see ordinary
// operations, locks and unlocks: legacyBody makes them of what was sent, Local makes
// events of the answers.

// legacyRequest is the envelope of an operation, or of a lock request if it has no
// operation.
type legacyRequest struct {
	ID      string          `json:"id"` // of the request or the critical section
	Op      string          `json:"op"`
	Signal  bool            `json:"signal"`
	Input   json.RawMessage `json:"input"` // a string that holds JSON
	Due     string          `json:"due"`
	LockSet []struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	} `json:"lockset"`
}

// legacyBody returns what an event sent to an entity stands for, nil if that is
// nothing that an entity understands.
func legacyBody(sent *history.EventSent) history.Body {
	if !strings.HasPrefix(sent.InstanceID, "@") {
		return nil
	}
	kind, at, _ := strings.Cut(sent.Name, "@")
	var r legacyRequest
	if kind != "op" && sent.Name != "release" || json.Unmarshal([]byte(sent.Input.S), &r) != nil || r.ID == "" {
		return nil
	}
	id, target := dashed(r.ID), history.Some(sent.InstanceID)
	switch {
	case kind == "release":
		return &history.EntityUnlockSent{CriticalSectionID: id, TargetInstanceID: target}
	case r.Op == "":
		set := make([]string, len(r.LockSet))
		for i, e := range r.LockSet {
			set[i] = "@" + strings.ToLower(e.Name) + "@" + e.Key
		}
		return &history.EntityLockRequested{CriticalSectionID: id, LockSet: set}
	case r.Signal:
		due := isoTime(r.Due)
		if due.IsZero() { // the time in the name may be capped
			due = isoTime(at)
		}
		return &history.EntityOperationSignaled{
			RequestID: id, Operation: r.Op, Input: r.input(), ScheduledTime: due, TargetInstanceID: target,
		}
	}
	return &history.EntityOperationCalled{RequestID: id, Operation: r.Op, Input: r.input(), TargetInstanceID: target}
}

func (r *legacyRequest) input() history.Text {
	var s *string
	switch err := json.Unmarshal(r.Input, &s); {
	case len(r.Input) == 0 || err == nil && s == nil:
		return history.Text{}
	case err != nil: // not in a string
		return history.Some(string(r.Input))
	}
	return history.Some(*s)
}

// isoTime reads a time as .NET writes it; zero = it is none.
func isoTime(s string) time.Time {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// dashed returns a GUID in lower case and with dashes.
func dashed(id string) string {
	id = strings.ToLower(id)
	if len(id) == 32 && !strings.Contains(id, "-") {
		return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	}
	return id
}

// foldLegacy is Fold for an event sent to an entity.
func (o *Orchestration) foldLegacy(e *history.Event, sent *history.EventSent) {
	body := legacyBody(sent)
	id := ""
	switch b := body.(type) {
	case nil:
		return
	case *history.EntityOperationCalled:
		id = b.RequestID
	case *history.EntityLockRequested:
		id = b.CriticalSectionID
	}
	o.foldEntity(&history.Event{ID: e.ID, Time: e.Time, Body: body})
	if id == "" {
		return
	}
	if o.legacy == nil {
		o.legacy = make(map[string]bool)
	}
	o.legacy[id] = true
}

// foldAnswer is Fold for an event whose name may be that of a request.
func (o *Orchestration) foldAnswer(name string) {
	if len(o.legacy) == 0 {
		return
	}
	id := strings.ToLower(name)
	if !o.legacy[id] {
		return
	}
	delete(o.legacy, id)
	if o.sections[id] != nil {
		o.grant(id)
		return
	}
	o.closeRequest(id)
}

// Local returns an accepted message in the form in which the orchestration's code
// waits for it.
func (o *Orchestration) Local(m *Message) *Message {
	if len(o.legacy) == 0 {
		return m
	}
	id, answer := "", legacyAnswer{}
	switch b := m.Event.Body.(type) {
	case *history.EntityOperationCompleted:
		id = b.RequestID
		if b.Output.Set {
			answer.Result = &b.Output.S
		}
	case *history.EntityOperationFailed:
		id = b.RequestID
		answer.fail(b.Failure)
	case *history.EntityLockGranted:
		id = b.CriticalSectionID
		text := "Lock Acquisition Completed"
		answer.Result = &text
	}
	if !o.legacy[id] {
		return m
	}
	data, err := json.Marshal(&answer)
	if err != nil {
		panic("engine: strings do not become JSON: " + err.Error())
	}
	c, e := *m, *m.Event
	e.Body = &history.EventRaised{Name: id, Input: history.Some(string(data))}
	c.Event = &e
	return &c
}

// legacyAnswer is the envelope of an answer.
type legacyAnswer struct {
	Result    *string        `json:"result"`
	Exception string         `json:"exceptionType,omitempty"`
	Failure   *legacyFailure `json:"failureDetails,omitempty"`
}

type legacyFailure struct {
	ErrorType      string
	ErrorMessage   string
	StackTrace     *string
	InnerFailure   *legacyFailure
	IsNonRetriable bool
	Properties     map[string]any
}

func (a *legacyAnswer) fail(f *history.Failure) {
	if f == nil {
		f = &history.Failure{Type: "Unknown"}
	}
	a.Exception, a.Result, a.Failure = f.Type, &f.Message, legacyFailureOf(f)
}

func legacyFailureOf(f *history.Failure) *legacyFailure {
	if f == nil {
		return nil
	}
	out := &legacyFailure{
		ErrorType: f.Type, ErrorMessage: f.Message, InnerFailure: legacyFailureOf(f.Inner), IsNonRetriable: f.NonRetriable,
	}
	if f.Stack.Set {
		out.StackTrace = &f.Stack.S
	}
	for _, entry := range f.Properties {
		if key, value, ok := property(entry); ok {
			if out.Properties == nil {
				out.Properties = make(map[string]any)
			}
			out.Properties[key] = value
		}
	}
	return out
}

// property reads an entry of a failure's properties.
func property(entry []byte) (key string, value any, ok bool) {
	var v structpb.Value
	for len(entry) > 0 {
		num, typ, n := protowire.ConsumeTag(entry)
		if n < 0 || typ != protowire.BytesType {
			return "", nil, false
		}
		field, m := protowire.ConsumeBytes(entry[n:])
		if m < 0 {
			return "", nil, false
		}
		entry = entry[n+m:]
		switch num {
		case 1:
			key = string(field)
		case 2:
			if proto.Unmarshal(field, &v) != nil {
				return "", nil, false
			}
		}
	}
	return key, v.AsInterface(), true
}
