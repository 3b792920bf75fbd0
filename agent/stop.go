package agent

import (
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

// statusCanceled is the status of a turn that was stopped.
const statusCanceled = "canceled"

// stopName is the event by which a session has its turn end without an answer.
const stopName = "perdure.agent.stop"

// stopRequest is the input of the operation cancel.
type stopRequest struct {
	// Turn is the turn that is meant, by its instance id; "" = whichever runs.
	Turn string `json:"turn,omitempty"`
}

// stopReply is the answer of the operation cancel.
type stopReply struct {
	Turn string `json:"turn,omitempty"` // that ends now; "" = none ran
}

// stopped is the error of a turn that was stopped.
func stopped(turn string) error {
	return &perdure.Error{Code: perdure.Canceled, Op: "turn", Instance: turn, Message: "the turn was stopped"}
}

// Stop has the running turn of a session end without an answer and returns its
// instance id, "" if none runs. That it ends is durable on return; it then ends
// within moments, also in the middle of a call of the model. The messages that
// wait in the session are left alone: the next of them is answered. What the
// model had said in the step that was cut short stays in the stream, but not in
// the conversation; a call of a tool that was cut short gets a result that says
// so. A turn that has its answer already keeps it and ends as completed.
// NotFound if there is no such session.
func (s *Service) Stop(ctx context.Context, session SessionID) (turn string, err error) {
	return s.StopTurn(ctx, session, "")
}

// StopTurn is Stop if turn is the one that runs; to another it does nothing.
func (s *Service) StopTurn(ctx context.Context, session SessionID, turn string) (stopped string, err error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return "", err
	}
	if _, err := s.unblock(ctx, h, session); err != nil && perdure.CodeOf(err) != perdure.ResourceExhausted {
		return "", err
	}
	var reply stopReply // the session hears it after the messages that were sent before
	err = askSession(ctx, h, session, opCancel, stopRequest{Turn: turn}, &reply)
	if perdure.CodeOf(err) == perdure.NotFound {
		err = noSession(session) // the answer of the session does not say whose it is
	}
	return reply.Turn, err
}

// askSession carries out an operation of a session and decodes its answer.
func askSession(ctx context.Context, h hub.Waits, session SessionID, operation string, in, out any) error {
	text, err := perdure.Encode(in)
	if err != nil {
		return err
	}
	answer, err := h.Ask(ctx, &hub.Ask{InstanceID: session.String(), Name: operation, Input: text, Begins: operation == opAdmit})
	if err != nil || !answer.Set || out == nil {
		return err
	}
	return perdure.Decode(answer, out)
}

// cancel is the operation that stops the running turn.
func (s *session) cancel() (any, error) {
	var r stopRequest
	if err := s.ctx.Input(&r); err != nil {
		return nil, err
	}
	if s.Created.IsZero() {
		return nil, noSession(s.id)
	}
	if s.Running == nil || r.Turn != "" && r.Turn != s.Running.Turn {
		return stopReply{}, nil
	}
	return stopReply{Turn: s.Running.Turn}, s.stopRunning()
}

// stopRunning tells the running turn, if there is one, to end; once is enough.
func (s *session) stopRunning() error {
	if s.Running == nil || s.Running.Stopping {
		return nil
	}
	s.Running.Stopping = true
	return s.ctx.RaiseEvent(s.Running.Turn, stopName, nil)
}

// await waits for a step of the turn. If the turn is stopped before the step has
// ended, the step is given up and the error is Canceled.
func await[T any](t *turn, task *perdure.Task[T]) (T, error) {
	if t.stop != nil && perdure.Any(t.ctx, task, t.stop) != perdure.Awaitable(task) {
		task.Cancel()
		var none T
		return none, stopped(t.ctx.InstanceID())
	}
	return task.Await()
}

// isStopped reports whether the turn was told to end.
func (t *turn) isStopped() bool { return t.stop != nil && t.stop.Done() }
