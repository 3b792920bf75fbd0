package replay

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// retry begins the pause before another attempt of a step that failed with f, if
// its policy allows one.
func (m *machine) retry(s *perdure.Step, f *history.Failure) bool {
	if s.Options == nil || s.Options.Retry == nil || f.NonRetriable {
		return false
	}
	p := s.Options.Retry
	if !p.Repeats(int(s.Attempt), f.Type) {
		return false
	}
	pause := perdure.RetryDelay(f)
	if pause == 0 {
		pause = p.Pause(int(s.Attempt), m.chance())
	}
	at := m.info.Now.Add(pause)
	if p.Deadline > 0 && at.After(s.Began.Add(p.Deadline)) {
		return false
	}
	m.pause(s, at, f)
	return true
}

func (m *machine) pause(s *perdure.Step, at time.Time, f *history.Failure) {
	s.ID = m.nextID()
	m.open[s.ID] = entry{step: s, pause: true}
	if m.recorded(s.ID, shape{kind: history.KindTimerCreated}, nil) {
		return
	}
	m.emit(s.ID, &engine.CreateTimer{FireAt: at, Retry: &engine.Retry{
		Name:        s.Name,
		Attempt:     s.Attempt + 1,
		MaxAttempts: int32(s.Options.Retry.MaxAttempts),
		Error:       f.Message,
	}})
}

// chance is a number from 0 up to 1 that depends on the execution and the next
// action id alone.
func (m *machine) chance() float64 {
	h := fnv.New64a()
	h.Write([]byte(m.info.Seed))
	var id [4]byte
	binary.LittleEndian.PutUint32(id[:], uint32(m.lastID+1))
	h.Write(id[:])
	x := h.Sum64() // FNV mixes its last bytes badly: spread them
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return float64(x>>11) / (1 << 53)
}
