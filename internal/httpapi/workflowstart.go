package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Bounds of a wait for the end of a workflow's run.
const (
	workflowWait    = 10 * time.Second
	maxWorkflowWait = 200 // seconds
)

// launch is a request to run a workflow.
type launch struct {
	start hub.Start
	text  string        // the body
	wait  time.Duration // for the end; 0 = not at all
}

// readLaunch reads a request to run a workflow. The input is the body as JSON if
// it is JSON, else a string.
func (a *API) readLaunch(w http.ResponseWriter, r *http.Request, wf workflow) (*launch, error) {
	l := &launch{start: hub.Start{Name: wf.orchestration, Trace: traceOf(r)}}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query is not well-formed: "+shown(err.Error()), "percent-encode values")
	}
	if l.wait, err = waitOf(r, q); err != nil {
		return nil, err
	}
	if q.Has("runId") {
		l.start.InstanceID = q.Get("runId")
		if len(q["runId"]) > 1 {
			return nil, invalid("runId is given twice", "")
		}
		if err := checkRunID(l.start.InstanceID); err != nil {
			return nil, err
		}
		if strings.ContainsAny(l.start.InstanceID, `/\#?`) {
			return nil, invalid("the run id "+shown(l.start.InstanceID)+` contains one of / \ # ?`, "")
		}
	}
	if l.start.RequestID, err = requestID(r); err != nil {
		return nil, err
	}
	if l.text, err = a.readText(w, r); err != nil {
		return nil, err
	}
	if strings.TrimSpace(l.text) == "" {
		return nil, invalid("the body, which is the workflow's input, is empty", "send JSON or text")
	}
	input, err := inputOf(r, l.text)
	if err != nil {
		return nil, err
	}
	if wf.theirs {
		input = withoutCode(input)
	}
	l.start.Input = history.Some(string(input))
	return l, nil
}

// inputOf is a body as JSON: itself, or a string of it if it is text.
func inputOf(r *http.Request, body string) (json.RawMessage, error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if isJSON(r) || media != "text/plain" && json.Valid([]byte(body)) {
		return json.RawMessage(compact(json.RawMessage(body))), checkJSON([]byte(body))
	}
	return marshal(body)
}

// waitOf returns how long a caller waits for the end of a run: the header
// decides whether at all, then the query.
func waitOf(r *http.Request, q url.Values) (time.Duration, error) {
	wait := false
	for _, source := range [][]string{r.Header.Values("x-ms-wait-for-response"), q["waitForResponse"]} {
		text, err := oneOf("waitForResponse", source...)
		if err != nil {
			return 0, err
		}
		if text == "" {
			continue
		}
		if wait, err = yesNo("wait for response", text); err != nil {
			return 0, err
		}
		break
	}
	if !wait {
		return 0, nil
	}
	if !q.Has("timeoutSeconds") {
		return workflowWait, nil
	}
	seconds, err := strconv.Atoi(q.Get("timeoutSeconds"))
	if err != nil || seconds < 1 || seconds > maxWorkflowWait || len(q["timeoutSeconds"]) > 1 {
		return 0, invalid(fmt.Sprintf("timeoutSeconds is %s, must be a number from 1 to %d", shown(q.Get("timeoutSeconds")), maxWorkflowWait), "")
	}
	return time.Duration(seconds) * time.Second, nil
}

// launched starts a run and returns its id, and its state if it ended while the
// caller waited.
func (a *API) launched(ctx context.Context, l *launch) (id string, ended *hub.Instance, err error) {
	started, err := a.Hub.Start(ctx, &l.start)
	if perdure.CodeOf(err) == perdure.AlreadyExists {
		p := *problemOf(err)
		p.Hint = "choose another runId"
		return "", nil, &p
	}
	if err != nil || l.wait == 0 {
		return started.InstanceID, nil, err
	}
	i, err := a.await(ctx, started.InstanceID, min(l.wait, a.MaxWait))
	if err != nil || !i.Status.Terminal() {
		return started.InstanceID, nil, err
	}
	return i.ID, i, nil
}

// baseURL is the address under which the client reaches the routes.
func (a *API) baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host + a.Prefix
}
