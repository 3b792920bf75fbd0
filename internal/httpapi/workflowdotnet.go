package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// dotnetStarted is the answer to POST workflows/{name}/run.
type dotnetStarted struct {
	ID      string `json:"runId"`
	Message string `json:"message"`
}

// dotnetEnded is the answer to a caller who waited for the end.
type dotnetEnded struct {
	ID     string          `json:"runId"`
	Status string          `json:"workflowStatus"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error,omitempty"`
}

// dotnetStatus is the answer to GET workflows/{name}/status/{id}.
type dotnetStatus struct {
	ID      string           `json:"runId"`
	Status  string           `json:"status"`
	Waiting []dotnetQuestion `json:"waitingForInput"` // null = nothing is asked
}

// dotnetQuestion is a question that waits for an answer.
type dotnetQuestion struct {
	Event string          `json:"eventName"`
	Input json.RawMessage `json:"input"`
}

// dotnetAnswered is the answer to POST workflows/{name}/respond/{id}.
type dotnetAnswered struct {
	Message   string `json:"message"`
	ID        string `json:"runId"`
	Event     string `json:"eventName"`
	Validated bool   `json:"validated"` // the run waits for the event
}

func (a *API) startDotnet(w http.ResponseWriter, r *http.Request, wf workflow) error {
	l, err := a.readLaunch(w, r, wf)
	if err != nil {
		return err
	}
	if wf.theirs { // .NET's workflows take the body as it is
		input, err := marshal(struct {
			Input string `json:"input"`
		}{l.text})
		if err != nil {
			return err
		}
		l.start.Input = history.Some(string(input))
	}
	id, ended, err := a.launched(r.Context(), l)
	if err != nil {
		return err
	}
	if ended != nil {
		return endedDotnet(w, r, wf, ended)
	}
	message := "Workflow orchestration started for " + wf.name + "."
	if onlyText(r) {
		writeText(w, http.StatusAccepted, message+" Orchestration runId: "+id)
		return nil
	}
	writeJSON(w, http.StatusAccepted, "application/json", &dotnetStarted{ID: id, Message: message})
	return nil
}

// endedDotnet answers with how a run has ended. That a run failed is an answer
// too; one that somebody ended has none.
func endedDotnet(w http.ResponseWriter, r *http.Request, wf workflow, i *hub.Instance) error {
	v := &dotnetEnded{ID: i.ID, Status: runtimeStatus(i.Status)}
	switch i.Status {
	case store.Completed:
		v.Result = resultOf(wf, i)
	case store.Failed:
		v.Error = failureText(i)
	default:
		return &problem{Status: http.StatusInternalServerError, Code: perdure.FailedPrecondition.String(), ID: i.ID,
			Detail: "the run " + shown(i.ID) + " was ended: " + v.Status}
	}
	markFailed(w, i)
	if !onlyText(r) {
		writeJSON(w, http.StatusOK, "application/json", v)
		return nil
	}
	text := v.Error
	if text == "" {
		text = stringOf(v.Result)
	}
	writeText(w, http.StatusOK, text)
	return nil
}

// resultOf is what a run returned. .NET's workflows return it as text, often
// JSON, among other members.
func resultOf(wf workflow, i *hub.Instance) json.RawMessage {
	output := jsonOf(i.Output)
	var whole struct {
		Result *string `json:"result"`
	}
	if !wf.theirs || json.Unmarshal(output, &whole) != nil || whole.Result == nil {
		return output
	}
	return jsonOf(history.Some(*whole.Result))
}

func (a *API) statusDotnet(w http.ResponseWriter, r *http.Request, wf workflow) error {
	i, err := a.runOf(r, wf)
	if err != nil {
		return err
	}
	questions, err := a.questions(r.Context(), i)
	if err != nil {
		return err
	}
	v := &dotnetStatus{ID: i.ID, Status: runtimeStatus(i.Status)}
	for _, q := range questions {
		v.Waiting = append(v.Waiting, dotnetQuestion{Event: q.ID, Input: q.Data})
	}
	markFailed(w, i)
	writeJSON(w, http.StatusOK, "application/json", v)
	return nil
}

// markFailed tells in a header of the answer that a run has failed, as the status
// of the answer does not.
func markFailed(w http.ResponseWriter, i *hub.Instance) {
	if i.Status == store.Failed {
		w.Header().Set("x-ms-durable-outcome", "failed")
	}
}

// respondDotnet raises the answer to a question that the run waits for. Before a
// run has begun nobody knows what it will ask; it then keeps the answer.
func (a *API) respondDotnet(w http.ResponseWriter, r *http.Request, wf workflow) error {
	i, err := a.runOf(r, wf)
	if err != nil {
		return err
	}
	body, err := a.readText(w, r)
	if err != nil {
		return err
	}
	var in struct {
		Event    string          `json:"eventName"`
		Response json.RawMessage `json:"response"`
	}
	if err := checkJSON([]byte(body)); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil || in.Event == "" || in.Response == nil {
		return invalid("the body must have eventName, a string, and response", "")
	}
	if i.Status.Terminal() {
		return invalid("the run "+shown(i.ID)+" has ended ("+runtimeStatus(i.Status)+"); nobody takes the answer", "")
	}
	t, err := a.targetOf(r.Context(), i, in.Event)
	if err != nil {
		return err
	}
	if !t.waiting && a.knowsWaits(t.instance) {
		return invalid("the run "+shown(i.ID)+" does not wait for "+shown(in.Event), "its status lists what it waits for")
	}
	data := in.Response
	if wf.theirs { // .NET's workflows take the JSON as a string
		if data, err = marshal(string(data)); err != nil {
			return err
		}
	}
	if err := a.answerTo(r, t, data); err != nil {
		return err
	}
	v := &dotnetAnswered{Message: "Response sent to workflow.", ID: i.ID, Event: in.Event, Validated: t.waiting}
	if !t.waiting {
		v.Message += " Event could not be validated against pending requests."
	}
	writeJSON(w, http.StatusAccepted, "application/json", v)
	return nil
}

// knowsWaits reports whether it is known what a run waits for: it has begun, and
// its code is here or it has told.
func (a *API) knowsWaits(i *hub.Instance) bool {
	if a.foreignCode(i.Name) {
		_, says := statusOf(i)
		return says
	}
	return i.Status != store.Pending
}
