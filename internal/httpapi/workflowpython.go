package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// pythonStarted is the answer to POST workflow/{name}/run.
type pythonStarted struct {
	ID      string `json:"instanceId"`
	Status  string `json:"statusQueryGetUri"`
	Respond string `json:"respondUri"` // with {requestId} for the question
	Message string `json:"message"`
}

// pythonStatus is the answer to GET workflow/{name}/status/{id}.
type pythonStatus struct {
	ID           string           `json:"instanceId"`
	Status       string           `json:"runtimeStatus"`
	CustomStatus json.RawMessage  `json:"customStatus"`
	Output       json.RawMessage  `json:"output"`
	Error        *string          `json:"error"`
	Created      *time.Time       `json:"createdTime"`
	Updated      *time.Time       `json:"lastUpdatedTime"`
	Pending      []pythonQuestion `json:"pendingHumanInputRequests,omitempty"`
}

// pythonQuestion is a question that waits for an answer.
type pythonQuestion struct {
	ID           string          `json:"requestId"`
	Source       *string         `json:"sourceExecutor"`
	Data         json.RawMessage `json:"requestData"`
	RequestType  json.RawMessage `json:"requestType"`
	ResponseType json.RawMessage `json:"responseType"`
	Respond      string          `json:"respondUrl"`
}

// pythonAnswered is the answer to POST workflow/{name}/respond/{id}/{request}.
type pythonAnswered struct {
	Message string `json:"message"`
	ID      string `json:"instanceId"`
	Request string `json:"requestId"`
}

func (a *API) startPython(w http.ResponseWriter, r *http.Request, wf workflow) error {
	l, err := a.readLaunch(w, r, wf)
	if err != nil {
		return err
	}
	id, ended, err := a.launched(r.Context(), l)
	if err != nil {
		return err
	}
	if ended != nil {
		return a.answerPython(w, r, wf, ended)
	}
	base := a.baseURL(r) + "/workflow/" + url.PathEscape(wf.name)
	writeJSON(w, http.StatusAccepted, "application/json", &pythonStarted{
		ID: id, Message: "Workflow started",
		Status:  base + "/status/" + url.PathEscape(id),
		Respond: base + "/respond/" + url.PathEscape(id) + "/{requestId}",
	})
	return nil
}

func (a *API) statusPython(w http.ResponseWriter, r *http.Request, wf workflow) error {
	i, err := a.runOf(r, wf)
	if err != nil {
		return err
	}
	return a.answerPython(w, r, wf, i)
}

// answerPython answers with the state of a run.
func (a *API) answerPython(w http.ResponseWriter, r *http.Request, wf workflow, i *hub.Instance) error {
	questions, err := a.questions(r.Context(), i)
	if err != nil {
		return err
	}
	v := &pythonStatus{
		ID: i.ID, Status: runtimeStatus(i.Status), CustomStatus: jsonOf(i.CustomStatus), Output: jsonOf(i.Output),
		Created: timeOrNil(i.Created), Updated: timeOrNil(i.Updated),
	}
	if wf.theirs {
		v.CustomStatus, v.Output = withoutCode(v.CustomStatus), withoutCode(v.Output)
	}
	if i.Status == store.Failed {
		text := failureText(i)
		v.Error = &text
	}
	markFailed(w, i)
	base := a.baseURL(r) + "/workflow/" + url.PathEscape(wf.name) + "/respond/" + url.PathEscape(i.ID) + "/"
	for _, q := range questions {
		p := pythonQuestion{ID: q.ID, Data: q.Data, RequestType: q.RequestType, ResponseType: q.ResponseType, Respond: base + url.PathEscape(q.ID)}
		if q.Source != "" {
			p.Source = &q.Source
		}
		v.Pending = append(v.Pending, p)
	}
	writeJSON(w, http.StatusOK, "application/json", v)
	return nil
}

// failureText says why a run failed.
func failureText(i *hub.Instance) string {
	if i.Failure == nil {
		return "the run failed"
	}
	return i.Failure.Message
}

// respondPython raises the body as the answer to a question. A run that does not
// wait for it yet keeps it until it does.
func (a *API) respondPython(w http.ResponseWriter, r *http.Request, wf workflow) error {
	i, err := a.runOf(r, wf)
	if err != nil {
		return err
	}
	body, err := a.readText(w, r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace([]byte(body))) == 0 {
		return invalid("the body, which is the answer, is empty", "send JSON; null is an answer too")
	}
	if err := checkJSON([]byte(body)); err != nil {
		return err
	}
	if i.Status.Terminal() {
		return &problem{Status: http.StatusConflict, Code: perdure.FailedPrecondition.String(), ID: i.ID,
			Detail: "the run " + shown(i.ID) + " has ended (" + runtimeStatus(i.Status) + "); nobody takes the answer"}
	}
	id := r.PathValue("request")
	t, err := a.targetOf(r.Context(), i, id)
	if err != nil {
		return err
	}
	data := json.RawMessage(body)
	if wf.theirs {
		data = withoutCode(data)
	}
	if err := a.answerTo(r, t, data); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, "application/json", &pythonAnswered{Message: "Response delivered successfully", ID: i.ID, Request: id})
	return nil
}

// withoutCode replaces the objects in a JSON value that Python's workers would
// make into values of whatever class they name: they become null. A value without
// such objects is returned as it is.
func withoutCode(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return raw // none, or plain text
	}
	cleaned, changed := dropCode(v)
	if !changed {
		return raw
	}
	data, err := marshal(cleaned)
	if err != nil { // it was JSON
		panic(err)
	}
	return data
}

func dropCode(v any) (cleaned any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		if _, there := v["__pickled__"]; there {
			return nil, true
		}
		if _, there := v["__type__"]; there {
			return nil, true
		}
		for name, member := range v {
			below, dropped := dropCode(member)
			v[name] = below
			changed = changed || dropped
		}
	case []any:
		for i, element := range v {
			below, dropped := dropCode(element)
			v[i] = below
			changed = changed || dropped
		}
	}
	return v, changed
}
