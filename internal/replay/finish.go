package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// finish ends the execution with what its main function returned.
func (m *machine) finish() {
	var next *perdure.Continuation
	switch {
	case errors.As(m.outErr, &next):
		m.end(&engine.Complete{
			Status:     history.StatusContinuedAsNew,
			Result:     next.Input,
			NewVersion: history.NoneIfEmpty(next.Version),
		})
		m.drop = next.DropEvents
		m.carry(nil)
	case gaveUp(m.outErr):
		f := perdure.FailureOf(m.outErr)
		f.Type = perdure.Canceled.String() // also of an error that wraps it
		m.end(&engine.Complete{Status: history.StatusCanceled, Failure: f})
	case m.outErr != nil:
		m.end(&engine.Complete{Status: history.StatusFailed, Failure: perdure.FailureOf(m.outErr)})
	default:
		m.end(&engine.Complete{Status: history.StatusCompleted, Result: m.output})
	}
}

// gaveUp reports whether an orchestration ends itself as canceled: by an error of
// its own, not by that of a step, which tells how the step ended.
func gaveUp(err error) bool {
	var step *perdure.StepError
	return perdure.CodeOf(err) == perdure.Canceled && !errors.As(err, &step)
}

// fail ends the execution as failed.
func (m *machine) fail(f *history.Failure) {
	m.end(&engine.Complete{Status: history.StatusFailed, Failure: f})
}

// exceeds ends the execution as failed because of a limit, without what this
// turn has asked for.
func (m *machine) exceeds(what string, limit int) {
	m.actions, m.status = nil, history.Text{}
	m.fail(&history.Failure{
		Type:         perdure.ResourceExhausted.String(),
		Message:      fmt.Sprintf("the orchestration exceeds the limit of %d %s", limit, what),
		NonRetriable: true,
	})
	m.result.Panicked = true
}

// end releases all locks and ends the execution.
func (m *machine) end(c *engine.Complete) {
	for len(m.sections) > 0 && !m.over {
		m.unlock(m.sections[0].Request)
	}
	if m.over {
		return
	}
	id := m.nextID()
	got := shape{kind: history.KindExecutionCompleted, name: c.Status.String()}
	if c.Status == history.StatusContinuedAsNew {
		got = shape{kind: kindNext}
	}
	if !m.recorded(id, got, nil) {
		m.actions = append(m.actions, engine.Action{ID: id, Do: c})
	}
	m.over = true
}

// carry hands external events that nobody took to the next execution: those
// that were kept, and those among the rest of the turn's events.
func (m *machine) carry(rest []*history.Event) {
	if len(m.actions) == 0 || m.drop {
		return
	}
	c, ok := m.actions[len(m.actions)-1].Do.(*engine.Complete)
	if !ok || c.Status != history.StatusContinuedAsNew {
		return
	}
	c.Carryover = append(c.Carryover, m.buffer...)
	m.buffer = nil
	for _, ev := range slices.Concat(m.held, rest) {
		if is[*history.EventRaised](ev) {
			c.Carryover = append(c.Carryover, ev)
		}
	}
	m.held = nil
}
