package replay

import (
	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// patch is what is known of a patch in an execution.
type patch struct {
	marked bool // the history says that the code took the patched path
	asked  bool
	taken  bool // the answer, once asked
}

func (m *machine) patchNamed(name string) *patch {
	if m.rec.patches == nil {
		m.rec.patches = make(map[string]*patch)
	}
	p := m.rec.patches[name]
	if p == nil {
		p = &patch{}
		m.rec.patches[name] = p
	}
	return p
}

// patch answers whether the code takes a patched path. The first question in an
// execution decides: in a recorded turn the history knows, in a fresh one the
// path is taken and marked.
func (m *machine) patch(s *perdure.Step) {
	p := m.patchNamed(s.Name)
	if !p.asked {
		p.asked = true
		p.taken = p.marked || !m.rec.replaying
		if p.taken {
			s.ID = m.nextID()
			if !m.recorded(s.ID, shapeOf(s), s) {
				m.emit(s.ID, &engine.Mark{Name: s.Name})
			}
		}
	}
	s.Taken = p.taken
	s.Complete(history.Text{})
}
