package httpapi

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

// question is an event that a run waits for, so that somebody may answer it.
type question struct {
	ID     string // the event's name; for an event of a child executor~ordinal~name
	Source string // who asks
	// What the run tells in its custom status about the question.
	Data, RequestType, ResponseType json.RawMessage
}

// workflowStatus is what a custom status says about questions, as Microsoft's
// Python workflows write it (pending_requests, subworkflows) or their .NET
// workflows (pendingEvents).
type workflowStatus struct {
	Requests map[string]struct {
		ID           string          `json:"request_id"`
		Source       string          `json:"source_executor_id"`
		Data         json.RawMessage `json:"data"`
		RequestType  json.RawMessage `json:"request_type"`
		ResponseType json.RawMessage `json:"response_type"`
	} `json:"pending_requests"`
	Events []struct {
		Name  string          `json:"eventName"`
		Input json.RawMessage `json:"input"`
	} `json:"pendingEvents"`
	Children map[string]json.RawMessage `json:"subworkflows"`
}

// statusOf reads a custom status; false = it says nothing about questions.
func statusOf(i *hub.Instance) (s workflowStatus, says bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(i.CustomStatus.S), &members) != nil {
		return s, false
	}
	for name, into := range map[string]any{"pending_requests": &s.Requests, "pendingEvents": &s.Events, "subworkflows": &s.Children} {
		raw, there := members[name]
		if there && json.Unmarshal(raw, into) == nil { // of another form, it is not about questions
			says = true
		}
	}
	return s, says
}

// questionsOf are the questions of which a custom status tells, by the order of
// their names.
func (s *workflowStatus) questionsOf() []question {
	var list []question
	for _, key := range slices.Sorted(maps.Keys(s.Requests)) {
		r := s.Requests[key]
		list = append(list, question{ID: cmp.Or(r.ID, key), Source: r.Source, Data: withoutCode(r.Data),
			RequestType: withoutCode(r.RequestType), ResponseType: withoutCode(r.ResponseType)})
	}
	for _, e := range s.Events {
		data := e.Input
		if text := stringOf(data); json.Valid([]byte(text)) { // .NET writes the JSON as a string
			data = json.RawMessage(text)
		}
		list = append(list, question{ID: e.Name, Data: data})
	}
	return list
}

// ownQuestions are the questions of a run without those of its children. A run
// whose code is here waits for what it waits for; its custom status only tells
// more. Of a run elsewhere nothing is known but the status.
func (a *API) ownQuestions(i *hub.Instance) []question {
	if i.Status.Terminal() {
		return nil
	}
	status, _ := statusOf(i)
	told := status.questionsOf()
	if a.foreignCode(i.Name) {
		return told
	}
	var list []question
	for _, name := range i.Waits {
		if strings.HasPrefix(name, reserved) || strings.HasPrefix(name, decisionWait) {
			continue
		}
		q := question{ID: name}
		if n := slices.IndexFunc(told, func(q question) bool { return strings.EqualFold(q.ID, name) }); n >= 0 {
			q = told[n]
			q.ID = name
		}
		q.Source = cmp.Or(q.Source, i.Name)
		list = append(list, q)
	}
	return list
}

// decisionWait begins the names of events that only decisions may answer.
const decisionWait = "decision:"

// foreignCode reports whether nothing is known of what runs of the orchestration
// wait for.
func (a *API) foreignCode(orchestration string) bool {
	return a.Foreign != nil && a.Foreign(orchestration)
}

// target is where an answer goes.
type target struct {
	instance *hub.Instance
	event    string
	waiting  bool // it is waited for
}

// targetOf finds who asks a question, the run or one of its children. The id of a
// question of a child that is not there is NotFound.
func (a *API) targetOf(ctx context.Context, i *hub.Instance, id string) (target, error) {
	for range maxNesting + 1 {
		t := target{instance: i, event: id}
		for _, q := range a.ownQuestions(i) {
			t.waiting = t.waiting || strings.EqualFold(q.ID, id)
		}
		executor, rest, nested := strings.Cut(id, nestedMark)
		ordinal, rest, more := strings.Cut(rest, nestedMark)
		n, err := strconv.Atoi(ordinal)
		if t.waiting || !nested || !more || err != nil {
			return t, checkName("name of the event", id)
		}
		children, err := a.children(ctx, i)
		if err != nil {
			return target{}, err
		}
		at := slices.IndexFunc(children, func(c child) bool { return c.executor == executor && c.ordinal == n })
		if at < 0 {
			break
		}
		below, err := a.childRun(ctx, i, children[at].id)
		if err != nil {
			return target{}, err
		}
		if below == nil {
			break
		}
		i, id = below, rest
	}
	return target{}, &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(), ID: i.ID,
		Detail: "nothing asks " + shown(id), Hint: "the status of the run lists what it asks"}
}

// answerTo raises the answer to a question. What a run waits for is answered
// once: of two answers at the same moment the second is refused, lest a later
// wait for the event takes it.
func (a *API) answerTo(r *http.Request, t target, data json.RawMessage) error {
	request, err := requestID(r)
	if err != nil {
		return err
	}
	own := request == "" && t.waiting
	if own {
		request = fmt.Sprintf("answer %s %d %s", hex.EncodeToString(t.instance.Incarnation[:]), t.instance.Record.Version, strings.ToLower(t.event))
	}
	err = a.Hub.Raise(r.Context(), &hub.Raise{RequestID: request, InstanceID: t.instance.ID, Name: t.event, Data: textOf(data)})
	if own && perdure.CodeOf(err) == perdure.Conflict {
		return &problem{Status: http.StatusConflict, Code: perdure.Conflict.String(), ID: t.instance.ID,
			Detail: "somebody else has just answered " + shown(t.event), Hint: "read the status of the run"}
	}
	return err
}
