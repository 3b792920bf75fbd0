package replay

import (
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// lineage is from where an execution has its ids. A fork runs the turns of its source with
// the instance id, the parent and the seed that these had, and goes its own way from the
// event on that says so.
type lineage struct {
	id      string            // of the instance
	seed    string            // of the execution
	ahead   []*history.Fork   // where it goes its own way, in what is still to be replayed
	salts   []string          // of where it has
	fork    *history.Fork     // of what it is a copy at this point; nil = of none
	renamed map[string]string // ids of runs below that the source has, by the fork's for them
}

// seededBy takes the seed of ids from an event that begins an execution.
func (m *machine) seededBy(ev *history.Event) {
	if ev.Meta != nil && ev.Meta.Seed != "" {
		m.reseed(ev.Meta.Seed)
	}
}

// reseed sets the seed of the execution.
func (m *machine) reseed(seed string) {
	m.seed, m.info.Seed = seed, seed
	for _, salt := range m.salts {
		m.info.Seed = engine.ForkSeed(m.info.Seed, salt)
	}
}

// forks finds out where the execution goes its own way.
func (m *machine) forks(past []*history.Event) {
	for _, ev := range past {
		if f, parts := engine.ForkIn(ev); parts {
			m.ahead = append(m.ahead, f)
		}
	}
	if len(m.ahead) > 0 {
		m.info.InstanceID = m.ahead[0].As
	}
}

// part has the execution go its own way.
func (m *machine) part(f *history.Fork) {
	if len(m.ahead) > 0 {
		m.ahead = m.ahead[1:]
	}
	if m.info.InstanceID = m.id; len(m.ahead) > 0 {
		m.info.InstanceID = m.ahead[0].As
	}
	m.fork, m.salts, m.info.Parent = f, append(m.salts, f.Salt), nil
	m.reseed(m.seed)
}

// rename gives a run that a fork begins below itself an id of its own, and has what is sent
// to such a run reach it.
func (m *machine) rename(s *perdure.Step) {
	switch s.Kind {
	case perdure.StepChild, perdure.StepStart:
		if m.fork != nil && s.Target != "" {
			m.renameTo(s, m.info.InstanceID, m.fork)
		}
	case perdure.StepSend, perdure.StepTerminate:
		if id, ok := m.renamed[s.Target]; ok {
			s.Target = id
		}
	}
}

func (m *machine) renameTo(s *perdure.Step, run string, f *history.Fork) {
	id := engine.ForkedID(run, s.Target, f.Salt)
	if id == s.Target {
		return
	}
	if m.renamed == nil {
		m.renamed = make(map[string]string)
	}
	m.renamed[s.Target], s.Target = id, id
}

// renameOrphan does so for a run that the fork begins anew, since it was open where the
// fork goes its own way.
func (m *machine) renameOrphan(s *perdure.Step) {
	if n := len(m.ahead); n > 0 && s.Kind == perdure.StepChild && s.Target != "" {
		m.renameTo(s, m.id, m.ahead[n-1])
	}
}

// fitsRenamed reports whether an action asks for a run that had been begun anew before the
// code was there.
func (m *machine) fitsRenamed(got, want shape, s *perdure.Step) bool {
	n := len(m.ahead)
	if n == 0 || s == nil || s.Kind != perdure.StepChild || got.kind != want.kind || got.name != want.name ||
		want.target != engine.ForkedID(m.id, got.target, m.ahead[n-1].Salt) {
		return false
	}
	m.renameTo(s, m.id, m.ahead[n-1])
	return true
}

// childID is the id that a child has, or gets from the engine.
func (m *machine) childID(s *perdure.Step) string {
	if s.Target != "" {
		return s.Target
	}
	return fmt.Sprintf("%s:%04x", m.info.InstanceID, s.ID)
}
