// Package runlog keeps what the code of runs logs, as rows beside the runs: a ring of
// lines for each step. Lines are no state: they are written a moment after they were
// logged, and those of the last moment are lost with the process.
package runlog

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	// ringLines is how many lines of a step are kept. A later attempt of the same task,
	// and the same task of a later execution, share its ring.
	ringLines = 256
	// maxText bounds message and attributes of a line, each, in bytes.
	maxText = 8 << 10
)

// Line is a line of a run's log.
type Line struct {
	Time    time.Time       `json:"time"`
	Level   slog.Level      `json:"level"`
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"` // an object

	Execution string `json:"execution"`
	Task      int32  `json:"task"` // of the activity that has logged it; 0 = the orchestration
	Name      string `json:"name"`
	Attempt   int    `json:"attempt,omitempty"`
	Worker    string `json:"worker,omitempty"`
	Number    uint64 `json:"number"` // among the lines of its attempt or execution
}

// lineOf cuts a line to what is kept of it.
func lineOf(l perdure.LogLine) Line {
	line := Line{Time: l.Time.UTC(), Level: l.Level, Message: cut(l.Message), Execution: l.ExecutionID, Task: l.TaskID, Name: l.Name,
		Attempt: l.Attempt, Worker: l.Worker, Number: l.Number}
	switch {
	case len(l.Attrs) > maxText:
		line.Attrs, _ = json.Marshal(map[string]string{"cut": cut(string(l.Attrs))}) // strings always have JSON
	case len(l.Attrs) > len("{}") && json.Valid(l.Attrs):
		line.Attrs = l.Attrs
	}
	return line
}

// cut returns the beginning of a text that is too long.
func cut(text string) string {
	if len(text) <= maxText {
		return strings.ToValidUTF8(text, "\ufffd")
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], "\ufffd") + "…"
}

// rowOf returns the row of a line: its key is a place in the ring of its step, its
// index the time.
func rowOf(l perdure.LogLine) (store.Row, error) {
	value, err := json.Marshal(lineOf(l))
	if err != nil {
		return store.Row{}, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.ExecutionID + "\n" + l.Token)) // it never fails
	key := binary.BigEndian.AppendUint32(nil, uint32(l.TaskID))
	key = append(key, byte((h.Sum64()+l.Number)%ringLines))
	index := append(ownerKey(l.InstanceID), timeKey(l.Time)...)
	return store.Row{Kind: hub.RowLog, Owner: l.InstanceID, Key: key, Value: value, Index: [2][]byte{index}}, nil
}

// ownerKey begins the index of all lines of a run, and of no other.
func ownerKey(run string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(run))), run...)
}

func timeKey(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(max(t.UnixNano(), 0)))
}

// Query selects lines of a run.
type Query struct {
	Run   string
	Tasks []int32    // of these activities only, 0 = of the orchestration; none = all
	Level slog.Level // at least
	Limit int        // lines at most; 0 = 1000
	After []byte     // cursor
}

// Page is a part of a run's log.
type Page struct {
	Lines []Line // the newest first
	Next  []byte // nil = no more
}

// maxScanned bounds the rows that are read for a page.
const maxScanned = 20_000

// Read returns lines of a run's log.
func Read(ctx context.Context, h hub.Rows, q Query) (Page, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 1000
	}
	page := Page{Next: q.After}
	from := ownerKey(q.Run)
	rows := store.RowQuery{Kind: hub.RowLog, Index: 0, From: from, To: append(append([]byte(nil), from...), timeEnd...), Desc: true}
	for scanned := 0; scanned < maxScanned; {
		rows.After, rows.Limit = page.Next, limit-len(page.Lines)
		found, next, err := h.ReadRows(ctx, rows)
		if err != nil {
			return Page{}, err
		}
		for _, row := range found {
			var l Line
			if err := json.Unmarshal(row.Value, &l); err != nil {
				return Page{}, &perdure.Error{Code: perdure.Internal, Op: "read log", Instance: q.Run, Message: "a line of the log is damaged", Cause: err}
			}
			if l.Level >= q.Level && q.wants(l.Task) {
				page.Lines = append(page.Lines, l)
			}
		}
		scanned += len(found)
		if page.Next = next; next == nil || len(page.Lines) >= limit {
			break
		}
	}
	return page, nil
}

// timeEnd is beyond all times.
var timeEnd = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func (q *Query) wants(task int32) bool {
	for _, t := range q.Tasks {
		if t == task {
			return true
		}
	}
	return len(q.Tasks) == 0
}
