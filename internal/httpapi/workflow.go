package httpapi

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The workflow routes are those of Microsoft's hosts, one family as their Python
// host has them (workflow/...), one as their .NET host has (workflows/...). Each
// orchestration that can be started is a workflow.

// workflowPrefix begins the names under which Microsoft's hosts register their
// workflows.
const workflowPrefix = "dafx-"

// workflow is an orchestration as the workflow routes name it.
type workflow struct {
	name          string // in the path
	orchestration string
	// theirs says that the orchestration is registered as Microsoft's hosts do,
	// dafx-{name}: what goes in and comes out has the form of their workflows.
	theirs bool
}

// workflowRoutes is the table of the workflow routes.
func (a *API) workflowRoutes() map[string]http.Handler {
	python, dotnet := a.Prefix+"/workflow/{workflow}", a.Prefix+"/workflows/{workflow}"
	return map[string]http.Handler{
		"POST " + python + "/run":                     a.workflowRoute(a.startPython, never),
		"GET " + python + "/status/{run}":             a.workflowRoute(a.statusPython, never),
		"POST " + python + "/respond/{run}/{request}": a.workflowRoute(a.respondPython, never),
		"POST " + dotnet + "/run":                     a.workflowRoute(a.startDotnet, onlyText),
		"GET " + dotnet + "/status/{run}":             a.workflowRoute(a.statusDotnet, never),
		"POST " + dotnet + "/respond/{run}":           a.workflowRoute(a.respondDotnet, never),
	}
}

func never(*http.Request) bool { return false }

// onlyText reports whether the caller accepts text and no JSON.
func onlyText(r *http.Request) bool {
	text := false
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			media, parameters, _ := mime.ParseMediaType(part)
			if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil && q <= 0 {
				continue
			}
			switch media {
			case "application/json", "application/*", "*/*":
				return false
			case "text/plain", "text/*":
				text = true
			}
		}
	}
	return text
}

// workflowRoute makes a handler of a workflow route. Errors have the form of
// Microsoft's hosts, or are text for who takes nothing else.
func (a *API) workflowRoute(h func(http.ResponseWriter, *http.Request, workflow) error, text func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wf, err := a.workflowOf(r)
		if err == nil {
			err = h(w, r, wf)
		}
		if err == nil {
			return
		}
		p := problemOf(err)
		if p.Status >= 500 && p.Status != http.StatusServiceUnavailable {
			a.Logger.Error("workflow request failed", "method", r.Method, "path", r.URL.EscapedPath(), "status", p.Status, "err", err)
		}
		p.advise(w.Header())
		detail := p.Detail
		if p.Hint != "" {
			detail += "; " + p.Hint
		}
		if text(r) {
			writeText(w, p.Status, detail)
			return
		}
		writeJSON(w, p.Status, "application/json", runFailure{Status: p.Status, Error: detail})
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a client that is gone needs no answer
}

// workflowOf returns the workflow that the path names: the orchestration
// dafx-{name}, else the orchestration {name}. The case of a name counts only
// between names that differ in nothing else.
func (a *API) workflowOf(r *http.Request) (workflow, error) {
	name := r.PathValue("workflow")
	if a.Orchestrations == nil {
		return workflow{name: name, orchestration: name}, nil
	}
	known := slices.DeleteFunc(slices.Clone(a.Orchestrations()), func(n string) bool { return strings.HasPrefix(n, reserved) })
	same := func(x, y string) bool { return x == y }
	for _, equal := range []func(x, y string) bool{same, strings.EqualFold} {
		for _, prefix := range []string{workflowPrefix, ""} {
			for _, orchestration := range known {
				if equal(orchestration, prefix+name) {
					return workflow{name: strings.TrimPrefix(orchestration, prefix), orchestration: orchestration, theirs: prefix != ""}, nil
				}
			}
		}
	}
	if a.anyName() {
		return workflow{name: name, orchestration: name}, nil
	}
	for i, n := range known {
		known[i] = strings.TrimPrefix(n, workflowPrefix)
	}
	hint := "known are " + strings.Join(known, ", ")
	if near := nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(known) == 0 {
		hint = "no orchestration is registered here"
	}
	return workflow{}, &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(), Detail: "there is no workflow " + shown(name), Hint: hint}
}

// runOf returns the run of the workflow that the path names. The run of another
// workflow is not found: its id gives no right to look at it here.
func (a *API) runOf(r *http.Request, wf workflow) (*hub.Instance, error) {
	id := r.PathValue("run")
	i, err := a.Hub.Instance(r.Context(), id, true)
	if perdure.CodeOf(err) == perdure.NotFound || err == nil && (i.Kind != store.Orchestration || i.Name != wf.orchestration) {
		return nil, &problem{Status: http.StatusNotFound, Code: perdure.NotFound.String(),
			Detail: "the workflow " + shown(wf.name) + " has no run " + shown(id)}
	}
	return i, err
}

// runtimeStatus is a status as Microsoft's SDKs write it.
func runtimeStatus(s store.Status) string {
	switch s {
	case store.Pending:
		return "Pending"
	case store.Running:
		return "Running"
	case store.Suspended:
		return "Suspended"
	case store.Completed:
		return "Completed"
	case store.Continued:
		return "ContinuedAsNew"
	case store.Failed:
		return "Failed"
	case store.Terminated:
		return "Terminated"
	case store.Canceled:
		return "Canceled"
	}
	return "Unknown"
}
