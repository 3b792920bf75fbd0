package agent

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Statuses of a turn.
const (
	TurnQueued    = "queued" // its message waits in the session
	TurnRunning   = "running"
	TurnCompleted = statusCompleted
	TurnFailed    = statusFailed
	TurnCanceled  = statusCanceled // also what an operator has terminated
)

// Turn is what is known of a turn.
type Turn struct {
	ID            string // instance id
	Session       SessionID
	CorrelationID string
	Status        string
	Messages      []*model.Message // that it answers
	Options       TurnOptions      // of its message
	First         int64            // position in the conversation of the first of them; 0 while it waits
	Created       time.Time        // when it began; while it waits, when its message was admitted
	Ended         time.Time        // zero = it has not
	Response      *Response        // of a turn that has completed
	Failure       error            // of a turn that has ended otherwise
	// Folded says that the turn was given up but for its messages: it has no
	// stream any more, see Service.Retell, and its response has no text.
	Folded bool

	trail []Frame // of a folded turn
}

// Turn returns a turn that runs, has run or waits in its session. A message that
// another turn has taken is that turn. NotFound if there is no such turn, or it
// belongs to no session; a completed turn without options whose response was given
// up since is an *UnavailableError.
func (s *Service) Turn(ctx context.Context, id string) (*Turn, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	session, inside := sessionOfTurn(id)
	if !inside {
		return nil, noTurn(id)
	}
	for {
		t, other, err := lookUp(ctx, h, session, id)
		if t != nil || err != nil {
			return t, err
		}
		if other != "" {
			id = other
			continue
		}
		again := time.NewTimer(lookAgain) // it begins in a moment
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// lookUp returns a turn, or the id of the one that has taken its message, or
// neither while it is between waiting and running.
func lookUp(ctx context.Context, h hub.Hub, session SessionID, id string) (t *Turn, other string, err error) {
	before, err := readSession(ctx, h, session)
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		return nil, "", err
	}
	i, err := h.Instance(ctx, id, true)
	if err == nil {
		if t, err = viewTurn(session, i); err == nil && !i.Folded.IsZero() {
			if err = t.recall(ctx, h); err != nil {
				return nil, "", err
			}
		}
		return t, "", err
	}
	if perdure.CodeOf(err) != perdure.NotFound {
		return nil, "", err
	}
	if before == nil {
		return nil, "", noTurn(id)
	}
	if taker := before.Joined[short(id)]; taker != "" {
		return nil, id[:len(id)-len(short(id))] + taker, nil
	}
	for _, a := range slices.Concat(before.Queue, before.Steering) {
		if a.Turn == id {
			t := &Turn{ID: id, Session: session, CorrelationID: a.CorrelationID, Status: TurnQueued, Messages: a.Messages, Created: a.At}
			t.withOptions(a.Options)
			return t, "", nil
		}
	}
	if before.Running != nil && before.Running.Turn == id {
		return nil, "", nil
	}
	return nil, "", noTurn(id)
}

func noTurn(id string) error {
	return &perdure.Error{Code: perdure.NotFound, Op: "get turn", Instance: id, Message: "there is no such turn"}
}

func viewTurn(session SessionID, i *hub.Instance) (*Turn, error) {
	in := turnInput{CorrelationID: i.Tags[tagCorrelation]} // what is left of a folded turn
	if err := perdure.Decode(i.Input, &in); err != nil {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "read turn", Instance: i.ID, Message: "its input is damaged", Cause: err}
	}
	t := &Turn{
		ID: i.ID, Session: session, CorrelationID: in.CorrelationID, Status: TurnRunning,
		Messages: in.Messages, First: in.Head, Created: i.Created,
	}
	t.withOptions(in.Options)
	if !i.Status.Terminal() {
		return t, nil
	}
	t.Ended = i.Completed
	if i.Status == store.Completed {
		t.Status = TurnCompleted
		if !i.Folded.IsZero() {
			return t, nil
		}
		t.Response = &Response{}
		return t, perdure.Decode(i.Output, t.Response)
	}
	t.Status = TurnFailed
	failure := i.Failure
	if failure == nil {
		failure = &history.Failure{Type: perdure.Canceled.String(), Message: "the turn was ended"}
	}
	if i.Status != store.Failed || failure.Type == perdure.Canceled.String() {
		t.Status = TurnCanceled
	}
	t.Failure = turnError(perdure.FailureError(failure))
	return t, nil
}

func (t *Turn) withOptions(o *TurnOptions) {
	if o != nil {
		t.Options = *o
	}
}

// Frames returns the frames of a turn from an offset on that exist now. Those of
// a model step that runs in another process are there once they are durable.
func (s *Service) Frames(ctx context.Context, turn string, offset int64) ([]Frame, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{hub: h, live: &s.live, turn: turn, next: offset, topic: s.live.join(turn)}
	defer s.live.leave(turn, r.topic)
	var all []Frame
	for {
		frames, _ := r.live.after(r.topic, r.next)
		if len(frames) == 0 {
			if frames, err = r.stored(ctx); err != nil {
				return nil, err
			}
		}
		if len(frames) == 0 {
			return all, nil
		}
		all = append(all, frames...)
		r.next = frames[len(frames)-1].Offset + 1
	}
}
