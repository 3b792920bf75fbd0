package replay

import (
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// await gives the step the oldest event of its name, or has it wait.
func (m *machine) await(s *perdure.Step) {
	for i, ev := range m.buffer {
		b := ev.Body.(*history.EventRaised)
		if strings.EqualFold(b.Name, s.Name) {
			m.buffer = slices.Delete(m.buffer, i, i+1)
			m.payload -= size(ev)
			s.Complete(b.Input)
			return
		}
	}
	m.waits = append(m.waits, s)
}

// raised gives an external event to the oldest wait for it, or keeps it.
func (m *machine) raised(ev *history.Event, b *history.EventRaised) {
	for i, s := range m.waits {
		if strings.EqualFold(b.Name, s.Name) {
			m.waits = slices.Delete(m.waits, i, i+1)
			s.Complete(b.Input)
			return
		}
	}
	m.buffer = append(m.buffer, ev)
	m.payload += size(ev)
}

func (m *machine) forgetWait(s *perdure.Step) {
	if i := slices.Index(m.waits, s); i >= 0 {
		m.waits = slices.Delete(m.waits, i, i+1)
	}
}

func (m *machine) waitNames() []string {
	if len(m.waits) == 0 {
		return nil
	}
	names := make([]string, 0, len(m.waits))
	for _, s := range m.waits {
		if !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}

// size is the length of the text that an event carries.
func size(ev *history.Event) int {
	switch b := ev.Body.(type) {
	case *history.EventRaised:
		return len(b.Input.S)
	case *history.TaskCompleted:
		return len(b.Result.S)
	case *history.SubOrchestrationInstanceCompleted:
		return len(b.Result.S)
	case *history.EntityOperationCompleted:
		return len(b.Output.S)
	}
	return 0
}
