package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/perdure/perdure/internal/runlog"
)

// logLine is a line of a run's log as the API shows it.
type logLine struct {
	Time    time.Time       `json:"time"`
	Level   string          `json:"level"` // DEBUG, INFO, WARN, ERROR, or one of these and a distance, such as INFO+2
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"` // an object

	// Step is the event_id of the attempt of a step that has logged it; 0 = the
	// orchestration's own code.
	Step      int32  `json:"step"`
	Name      string `json:"name"` // of the activity or orchestration
	Attempt   int    `json:"attempt,omitempty"`
	Worker    string `json:"worker,omitempty"`
	Execution string `json:"execution"`
	Number    uint64 `json:"number"` // among the lines of the attempt, or of the execution
}

// logPage is the answer to GET /runs/{id}/logs.
type logPage struct {
	Items []logLine `json:"items"`
	Next  string    `json:"next,omitempty"` // cursor of the page of older lines
}

// maxLines bounds a page of a log.
const maxLines = 5000

func (a *API) getLogs(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "step*", "level", "limit", "cursor")
	if err != nil {
		return nil, err
	}
	want := runlog.Query{Run: id, Level: slog.LevelDebug - 100}
	for _, text := range q.Values["step"] {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, invalid("step "+shown(text)+" is not the number of a step", "it is the event_id of a step, 0 for what the orchestration itself logs")
		}
		want.Tasks = append(want.Tasks, int32(n))
	}
	if text := q.Get("level"); text != "" {
		if err := want.Level.UnmarshalText([]byte(text)); err != nil {
			return nil, invalid("level "+shown(text)+" is not known", "known are debug, info, warn and error")
		}
	}
	if want.Limit, err = q.number("limit", 1000, maxLines); err != nil {
		return nil, err
	}
	if want.After, err = cursor(q); err != nil {
		return nil, err
	}
	if _, err := a.Hub.Instance(r.Context(), id, false); err != nil {
		return nil, err
	}
	lines, err := runlog.Read(r.Context(), a.Hub, want)
	if err != nil {
		return nil, err
	}
	page := logPage{Items: viewLines(lines.Lines)}
	if lines.Next != nil {
		page.Next = cursorText(lines.Next)
	}
	return &reply{body: &page}, nil
}

func viewLines(lines []runlog.Line) []logLine {
	all := make([]logLine, len(lines))
	for i, l := range lines {
		all[i] = logLine{Time: l.Time, Level: l.Level.String(), Message: l.Message, Attrs: l.Attrs, Step: l.Task, Name: l.Name,
			Attempt: l.Attempt, Worker: l.Worker, Execution: l.Execution, Number: l.Number}
	}
	return all
}
