package agent

import (
	"time"
)

const (
	// DefaultTTL is how long a session is kept after its newest operation.
	DefaultTTL = 14 * 24 * time.Hour
	// Forever is the Agent.TTL of sessions that do not expire.
	Forever time.Duration = -1
)

// opExpire is the operation by which a session looks whether its time is over. It
// signals it to itself: one such alarm is on its way at a time, and looks again
// later if the session was used meanwhile.
const opExpire = "checkanddeleteifexpired"

// alarm is the input of opExpire. From others it is empty.
type alarm struct {
	Incarnation string    `json:"incarnation,omitempty"`
	At          time.Time `json:"at,omitzero"`
}

// ttl is the agent's TTL, negative if sessions do not expire.
func (a *Agent) ttl() time.Duration {
	if a.TTL == 0 {
		return DefaultTTL
	}
	return a.TTL
}

// touch notes that the session was used, and has it look when its time is over.
func (s *session) touch() error {
	ttl := s.agent.ttl()
	if ttl < 0 {
		s.Expires = time.Time{}
		return nil
	}
	s.Expires = s.ctx.Now().Add(ttl).Truncate(time.Millisecond)
	return s.arm()
}

// arm has the session look when its time is over, unless it will look before.
func (s *session) arm() error {
	if !s.Alarm.IsZero() && !s.Alarm.After(s.Expires) {
		return nil
	}
	s.Alarm = s.Expires
	return s.ctx.SignalAt(s.Alarm, s.ctx.ID(), opExpire, alarm{s.Incarnation, s.Alarm})
}

// expire deletes the session if its time is over and nothing in it is open: no turn,
// and no call whose outcome is not known, which the cleanup finds out.
func (s *session) expire() error {
	var in alarm
	if err := s.ctx.Input(&in); err != nil {
		return err
	}
	if s.Created.IsZero() || s.Closing != nil || in.Incarnation != "" && in.Incarnation != s.Incarnation {
		return nil
	}
	if in.At.Equal(s.Alarm) {
		s.Alarm = time.Time{}
	}
	switch {
	case s.agent.ttl() < 0:
		return nil
	case s.Expires.IsZero() || s.Running != nil || len(s.Queue) > 0:
		return s.touch()
	case s.ctx.Now().Before(s.Expires):
		return s.arm()
	}
	return s.close(true, closeRequest{})
}
