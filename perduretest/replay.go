package perduretest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// A history file holds a run's history twice: as text for people, in lines that
// begin with "#", and below as the base64 of the protocol's HistoryChunk.

const lineBytes = 57 // of a line of base64, so that it has 76 characters

// FormatHistory returns a history in the form of a history file, which Replay
// reads.
func FormatHistory(events []*history.Event) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(history.Script(events)) {
		b.WriteString("# " + line)
	}
	var chunk []byte
	for _, e := range events {
		chunk = history.AppendChunk(chunk, e)
	}
	for len(chunk) > 0 {
		n := min(lineBytes, len(chunk))
		b.WriteString(base64.StdEncoding.EncodeToString(chunk[:n]) + "\n")
		chunk = chunk[n:]
	}
	return b.Bytes()
}

// ParseHistory reads what FormatHistory wrote. Errors name the line.
func ParseHistory(file []byte) ([]*history.Event, error) {
	var chunk []byte
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, len(file)+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		chunk = append(chunk, b...)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return history.DecodeChunk(chunk)
}

// History returns the history of a run's current execution.
func (e *Env) History(id string) []*history.Event {
	e.t.Helper()
	events, err := e.client.History(e.ctx, id)
	if err != nil {
		e.t.Fatal(err)
	}
	return events
}

// SaveHistory writes the history of a run to a file, for Replay.
func (e *Env) SaveHistory(id, file string) {
	e.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(file, FormatHistory(e.History(id)), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

// Replay checks that the code of reg fits the history in a file: it makes the same
// steps in the same order. The first difference fails the test.
func Replay(t testing.TB, reg *perdure.Registry, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	events, err := ParseHistory(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := CheckHistory(reg, events); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

// CheckHistory returns how the code of reg differs from a history, nil if it
// does not.
func CheckHistory(reg *perdure.Registry, events []*history.Event) error {
	if err := reg.Err(); err != nil {
		return err
	}
	start, last := startOf(events), time.Time{}
	if start == nil || start.Instance == nil {
		return fmt.Errorf("the history does not begin with an execution")
	}
	for _, e := range events {
		last = e.Time
	}
	code := replay.NewRunner(reg, replay.Options{})
	run := code.Open(start.Instance.InstanceID, start.Instance.ExecutionID.S)
	defer run.Evict()
	result := run.Turn(events, []*history.Event{engine.Begin(last)})
	switch {
	case result.Unknown:
		return fmt.Errorf("no code is registered for orchestration %q", start.Name)
	case result.Diverged != nil:
		d := result.Diverged
		where := ""
		if d.Where != "" {
			where = " at " + d.Where
		}
		return fmt.Errorf("the code does not fit the history: event %d: expected %s, got %s%s", d.Event, d.Expected, d.Got, where)
	case len(result.Actions) > 0:
		return fmt.Errorf("the code does more than the history holds: %T at its end", result.Actions[0].Do)
	}
	return checkEnd(code, start, events)
}

// checkEnd compares how the execution ends, which is no step, by running its last
// turn anew.
func checkEnd(code *replay.Runner, start *history.ExecutionStarted, events []*history.Event) error {
	want, ended := events[len(events)-1].Body.(*history.ExecutionCompleted)
	if !ended || want.Status == history.StatusTerminated {
		return nil
	}
	last := 0
	for i, e := range events {
		if _, ok := e.Body.(*history.OrchestratorStarted); ok {
			last = i
		}
	}
	var fresh []*history.Event
	for _, e := range events[last:] {
		if _, terminated := e.Body.(*history.ExecutionTerminated); terminated {
			return nil
		}
		if e.ID <= 0 {
			fresh = append(fresh, e)
		}
	}
	run := code.Open(start.Instance.InstanceID, start.Instance.ExecutionID.S)
	defer run.Evict()
	for _, a := range run.Turn(events[:last], fresh).Actions {
		got, ok := a.Do.(*engine.Complete)
		if ok && (got.Status != want.Status || got.Result != want.Result) {
			return fmt.Errorf("the code ends %v with %s, the history %v with %s", got.Status, got.Result.S, want.Status, want.Result.S)
		}
	}
	return nil
}

func startOf(events []*history.Event) *history.ExecutionStarted {
	for _, e := range events {
		if b, ok := e.Body.(*history.ExecutionStarted); ok {
			return b
		}
	}
	return nil
}
