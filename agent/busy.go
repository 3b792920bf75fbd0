package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
)

// Busy says what becomes of a message to a session in which a turn runs or waits.
type Busy string

// The policies. In an idle session all begin a turn.
const (
	// BusyQueue has the message wait until all before it are answered. It is the
	// default.
	BusyQueue Busy = "queue"
	// BusyReject refuses the message with FailedPrecondition.
	BusyReject Busy = "reject"
	// BusyInterrupt stops the running turn (see Service.Stop) and has the message
	// be the next, before those that wait.
	BusyInterrupt Busy = "interrupt"
	// BusySteer adds the message to the running turn before its next call of the
	// model. If the turn ends without one, or is another Principal's, the message is
	// the next turn.
	BusySteer Busy = "steer"
)

// steerName is the event by which a session adds a message to the running turn.
const steerName = "perdure.agent.steer"

// steering is the data of the event steerName.
type steering struct {
	Turn     string           `json:"turn"` // that the message is, if it is not taken
	Messages []*model.Message `json:"messages"`
}

// admitReply is the answer of the operation admit.
type admitReply struct {
	Turn      string `json:"turn"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Steers    string `json:"steers,omitempty"` // the turn that was given the message
}

func (b Busy) check() error {
	switch b {
	case "", BusyQueue, BusyReject, BusyInterrupt, BusySteer:
		return nil
	}
	return &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent",
		Message: fmt.Sprintf("there is no busy policy %q; known are queue, reject, interrupt and steer", string(b))}
}

// place puts a message where its policy wants it. It returns the turn that was
// given it, "" if it is a turn of its own.
func (s *session) place(a *admitted, busy Busy) (steers string, err error) {
	switch {
	case busy == BusyReject && s.busy():
		return "", &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Instance: s.ctx.ID().String(),
			Message: "the session is busy: a turn runs"}
	case busy == BusySteer && s.Running != nil && !s.Running.Stopping && a.Principal.equal(s.Running.Principal):
		s.Steering = append(s.Steering, a)
		return s.Running.Turn, s.ctx.RaiseEvent(s.Running.Turn, steerName, steering{Turn: a.Turn, Messages: a.Messages})
	case (busy == BusyInterrupt || busy == BusySteer) && s.Running != nil:
		a.Ahead = true
		first := slices.IndexFunc(s.Queue, func(a *admitted) bool { return !a.Ahead })
		if first < 0 {
			first = len(s.Queue)
		}
		s.Queue = slices.Insert(s.Queue, first, a)
		if busy == BusySteer && !s.Running.Stopping {
			return "", nil // another's message joins no turn: it would be carried out in the wrong name
		}
		return "", s.stopRunning()
	}
	s.Queue = append(s.Queue, a)
	return "", nil
}

// newest returns what tells the turn of the newest message from others of the
// session, "" if there was none.
func (s *sessionState) newest() string {
	turn := ""
	switch {
	case len(s.Queue) > 0:
		return short(s.Queue[len(s.Queue)-1].Turn)
	case s.Running != nil:
		return short(s.Running.Turn)
	case len(s.Recent) > 0:
		turn = s.Recent[len(s.Recent)-1]
	}
	if other := s.Joined[turn]; other != "" {
		return other
	}
	return turn
}

// admitNow is the operation admit: run, answered when the message is admitted.
func (s *session) admitNow() (any, error) {
	var r runRequest
	if err := s.ctx.Input(&r); err != nil {
		return nil, err
	}
	return s.admit(&r, false)
}

// sameMessages returns an error if a message that waits is not the one that was
// said now with its correlation id.
func sameMessages(known *admitted, now []*model.Message, options *TurnOptions) error {
	if known.Messages == nil {
		return nil // its turn runs: who said it was told before
	}
	before, err := json.Marshal(sent{known.Messages, known.Options})
	if err != nil {
		return err
	}
	after, err := json.Marshal(sent{now, options})
	if err != nil {
		return err
	}
	if string(before) != string(after) {
		return otherMessage(known.Turn)
	}
	return nil
}

func otherMessage(turn string) error {
	return &perdure.Error{Code: perdure.Conflict, Op: "run agent", Instance: turn,
		Message: "the correlation id was used for another message"}
}

// settle parts the messages that were given to the turn that has ended: those
// that it took share its end, the others are the next turns.
func (s *session) settle(e *ended) (taken []*admitted) {
	var rest []*admitted
	for _, a := range s.Steering {
		if !slices.Contains(e.Steers, a.Turn) {
			a.Ahead = true
			rest = append(rest, a)
			continue
		}
		taken = append(taken, a)
		if s.Joined == nil {
			s.Joined = map[string]string{}
		}
		s.Joined[short(a.Turn)] = short(e.Turn)
		s.remember(a.Turn)
	}
	s.Steering = nil
	s.Queue = append(rest, s.Queue...)
	return taken
}

// remember notes that a turn has ended; the oldest are forgotten.
func (s *session) remember(turn string) {
	s.Recent = append(s.Recent, short(turn))
	for len(s.Recent) > maxRecent {
		delete(s.Joined, s.Recent[0])
		if i := slices.Index(s.Broken, s.Recent[0]); i >= 0 {
			s.Broken = slices.Delete(s.Broken, i, i+1)
		}
		s.Recent = s.Recent[1:]
	}
}

// join adds the messages that came for the turn to the conversation.
func (t *turn) join() error {
	for t.steer != nil && t.steer.Done() {
		given, err := t.steer.Await()
		if err != nil {
			return err
		}
		if err := t.append(given.Messages...); err != nil {
			return err
		}
		t.steers = append(t.steers, given.Turn)
		t.steer = perdure.NewEvent[steering](steerName).Wait(t.ctx)
	}
	return nil
}

// lookAgain is how often a wait looks whether a turn has taken a message.
const lookAgain = 20 * time.Millisecond

// answering returns the turn that answers the message of a turn: that itself, or
// the one that took the message. While that is open, it waits. It also reports
// whether the turn, or its message in the session, was there.
func (s *Service) answering(ctx context.Context, h hub.Hub, turn string) (answers string, known bool, err error) {
	id, inside := sessionOfTurn(turn)
	for inside {
		if _, err := h.Instance(ctx, turn, false); perdure.CodeOf(err) != perdure.NotFound {
			return turn, err == nil, err
		}
		state, err := readSession(ctx, h, id)
		if perdure.CodeOf(err) == perdure.NotFound {
			return turn, false, nil
		}
		if err != nil {
			return turn, false, err
		}
		if other := state.Joined[short(turn)]; other != "" {
			turn = turn[:len(turn)-len(short(turn))] + other
			continue
		}
		if slices.Contains(state.Recent, short(turn)) {
			if _, err := h.Instance(ctx, turn, false); perdure.CodeOf(err) != perdure.NotFound {
				continue // it has come and ended between the two reads
			}
			return turn, true, state.gone(turn)
		}
		if state.Running == nil || !slices.ContainsFunc(state.Steering, func(a *admitted) bool { return a.Turn == turn }) {
			return turn, state.knows(turn), nil
		}
		if _, err := s.awaitTurn(ctx, h, state.Running.Turn, true); err != nil {
			return turn, false, err
		}
		again := time.NewTimer(lookAgain)
		select {
		case <-again.C: // the session has heard of the end, or will in a moment
		case <-ctx.Done():
			again.Stop()
			return turn, false, context.Cause(ctx)
		}
	}
	return turn, false, nil
}

// knows reports whether a message waits, is being answered, or was taken by a
// turn. No session, nil, knows none.
func (s *sessionState) knows(turn string) bool {
	if s == nil {
		return false
	}
	if s.Running != nil && s.Running.Turn == turn {
		return true
	}
	is := func(a *admitted) bool { return a.Turn == turn }
	return slices.ContainsFunc(s.Queue, is) || slices.ContainsFunc(s.Steering, is) || s.Joined[short(turn)] != ""
}

// gone is why there is nothing to be found of a message: it was dropped, or its
// turn was purged.
func (s *sessionState) gone(turn string) error {
	if s == nil || !slices.Contains(s.Recent, short(turn)) {
		return dropped(turn)
	}
	return &UnavailableError{Turn: turn, Failed: slices.Contains(s.Broken, short(turn))}
}

// repeated reports whether a message waits already; another message with the same
// correlation id is a conflict.
func (s *sessionState) repeated(turn string, r *runRequest) (bool, error) {
	if s == nil {
		return false, nil
	}
	if slices.Contains(s.Recent, short(turn)) {
		return true, nil
	}
	for _, a := range slices.Concat(s.Queue, s.Steering) {
		if a.Turn == turn {
			said, err := r.messages()
			if err != nil {
				return false, err
			}
			return true, sameMessages(a, said, r.Options)
		}
	}
	return false, nil
}
