package perduretest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// random matches ids that are made at random or derive from such, also behind a
// NUL as JSON writes it; those of 16 digits tell the turns and sessions of agents
// apart.
var random = regexp.MustCompile(`\\u0000(?:[0-9a-f]{32}|[0-9a-f]{16})\b|\b[0-9a-f]{32}\b|[~:"][0-9a-f]{16}\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// derived matches fields that hold random ids in another form.
var derived = regexp.MustCompile(` effect=[0-9a-f]+`)

// numbered replaces random ids by their numbers in the order of appearance.
func numbered(s string) string {
	seen := map[string]string{}
	return random.ReplaceAllStringFunc(derived.ReplaceAllString(s, ""), func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("$%d", len(seen)+1)
		}
		return seen[id]
	})
}

// Canonical returns the text of a history that does not depend on times, on random
// ids and on what happened to be handled in one turn: a line for each step with
// its outcome, then one for each event that came from outside.
func Canonical(events []*history.Event) string {
	var steps, others []string
	places := map[string]int{} // of steps, by what their outcomes name
	outcome := func(key string, ev *history.Event) {
		if at, ok := places[key]; ok {
			steps[at] += "\n  " + line(ev)
		} else {
			others = append(others, line(ev))
		}
	}
	step := func(key string, ev *history.Event) {
		places[key] = len(steps)
		steps = append(steps, line(ev))
	}
	for _, ev := range events {
		task := fmt.Sprint("task ", ev.ID)
		switch b := ev.Body.(type) {
		case *history.OrchestratorStarted:
		case *history.TaskScheduled, *history.TimerCreated, *history.SubOrchestrationInstanceCreated:
			step(task, ev)
		case *history.EntityOperationCalled:
			step(b.RequestID, ev)
		case *history.EntityLockRequested:
			step(b.CriticalSectionID, ev)
		case *history.TaskCompleted:
			outcome(fmt.Sprint("task ", b.TaskScheduledID), ev)
		case *history.TaskFailed:
			outcome(fmt.Sprint("task ", b.TaskScheduledID), ev)
		case *history.TimerFired:
			outcome(fmt.Sprint("task ", b.TimerID), ev)
		case *history.SubOrchestrationInstanceCompleted:
			outcome(fmt.Sprint("task ", b.TaskScheduledID), ev)
		case *history.SubOrchestrationInstanceFailed:
			outcome(fmt.Sprint("task ", b.TaskScheduledID), ev)
		case *history.EntityOperationCompleted:
			outcome(b.RequestID, ev)
		case *history.EntityOperationFailed:
			outcome(b.RequestID, ev)
		case *history.EntityLockGranted:
			outcome(b.CriticalSectionID, ev)
		case *history.EventRaised, *history.ExecutionSuspended, *history.ExecutionResumed, *history.ExecutionTerminated:
			others = append(others, line(ev))
		default:
			steps = append(steps, line(ev))
		}
	}
	return numbered(strings.Join(append(steps, others...), "\n"))
}

// line is an event without times.
func line(ev *history.Event) string { return times.ReplaceAllString(ev.String(), "$1=t") }

var times = regexp.MustCompile(`\b(fireAt|scheduledTime|scheduledStart)=\S+`)

// runs describes all orchestrations.
func (e *Env) runs() []string {
	e.t.Helper()
	h, err := e.client.Hub(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	page, err := h.List(e.ctx, store.Query{Limit: 10_000})
	if err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, item := range page.Items {
		in, err := h.Instance(e.ctx, item.ID, true)
		if err != nil {
			e.t.Fatal(err)
		}
		var events []*history.Event
		if in.Folded.IsZero() {
			events, err = h.History(e.ctx, in.ID, "")
		}
		if err != nil {
			e.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("run %s %s %v phase %d output %s custom %s waits %d folded %v\n%s", in.ID, in.Name,
			history.Status(in.Status), in.Phase, in.Output.S, in.CustomStatus.S, in.Pending.Messages, !in.Folded.IsZero(), Canonical(events)))
	}
	return out
}

// entities describes all entities.
func (e *Env) entities() []string {
	e.t.Helper()
	h, err := e.client.Hub(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	page, err := h.List(e.ctx, store.Query{Kind: store.Entity, Limit: 10_000})
	if err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, item := range page.Items {
		ent, err := h.Entity(e.ctx, item.ID)
		if err != nil {
			e.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("entity %s state %s locked by %q, %d wait", ent.ID, ent.State.S, ent.LockedBy, ent.Queue))
	}
	return out
}
