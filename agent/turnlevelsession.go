package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// operation is one operation on a session at turn level.
type operation struct {
	session // without a state of its own
	level   *level
	doc     *dafx.Document
	begun   bool // there was a document before
}

// operate is the entity of a conversation, at turn level.
func (c *code) operate(ctx *perdure.EntityContext, l *level) (any, error) {
	o := &operation{session: session{code: c, ctx: ctx, id: SessionID{Agent: fold(c.agent.Name), Key: ctx.ID().Key}}, level: l}
	result, err := o.do()
	if err != nil {
		return nil, perdure.NonRetryable(err)
	}
	return result, nil
}

func (o *operation) do() (any, error) {
	if err := o.read(); err != nil {
		return nil, err
	}
	switch strings.ToLower(o.ctx.Operation()) {
	case opRun, "run_agent", "runagentasync":
		return o.run()
	case opReset:
		if err := o.writable(); err != nil || !o.begun {
			return nil, err
		}
		expires := o.doc.Expires()
		o.doc = dafx.NewDocument(o.doc.Version)
		o.doc.SetExpires(expires)
		return nil, o.write()
	case opDelete:
		o.ctx.DeleteState()
		return nil, nil
	case opExpire:
		return nil, o.expire()
	case opMigrate:
		return nil, o.migrate()
	case opExpireResults:
		return nil, nil
	case opExpireResponses:
		return 0, nil // results are kept as long as their turns
	}
	return nil, &perdure.Error{Code: perdure.NotFound, Op: "session operation", Instance: o.ctx.ID().String(),
		Message: fmt.Sprintf("a session has no operation %q on a hub that is no Perdure server", o.ctx.Operation())}
}

// read reads the document of the session.
func (o *operation) read() error {
	state := perdure.OperationOf(o.ctx).State
	if !state.Set || state.S == "null" {
		o.doc = dafx.NewDocument(o.level.version)
		return nil
	}
	o.begun = true
	d, err := dafx.ParseDocument([]byte(state.S))
	if err != nil {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "read session", Instance: o.ctx.ID().String(), Message: err.Error()}
	}
	o.doc = d
	return nil
}

// write makes the document the state of the session.
func (o *operation) write() error { return o.ctx.SetState(json.RawMessage(o.doc.Marshal())) }

// writable reports documents that are read but not written.
func (o *operation) writable() error {
	if strings.HasPrefix(o.doc.Version, "1.") {
		return nil
	}
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "change session", Instance: o.ctx.ID().String(),
		Message: "the state of the session has version " + o.doc.Version + ", which is not written here: delete it, or run its agent where it was written"}
}

// touch notes that the session was used, and has it look when its time is over.
func (o *operation) touch() error {
	ttl := o.agent.ttl()
	if ttl < 0 {
		o.doc.SetExpires(time.Time{})
		return nil
	}
	armed := !o.doc.Expires().IsZero() // the alarm looks again later if it comes too early
	at := o.ctx.Now().Add(ttl).Truncate(time.Millisecond)
	o.doc.SetExpires(at)
	if armed {
		return nil
	}
	return o.ctx.SignalAt(at, o.ctx.ID(), opExpire, nil)
}

// expire deletes the session if its time is over.
func (o *operation) expire() error {
	at := o.doc.Expires()
	switch {
	case !o.begun || at.IsZero():
		return nil
	case o.ctx.Now().Before(at):
		return o.ctx.SignalAt(at, o.ctx.ID(), opExpire, nil)
	}
	o.ctx.DeleteState()
	return nil
}

// migrate takes over the document of a session that was kept elsewhere, whole.
func (o *operation) migrate() error {
	if len(o.doc.Entries) > 0 {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "migrate", Instance: o.ctx.ID().String(),
			Message: "the session is not empty: reset or delete it first"}
	}
	text := []byte(perdure.OperationOf(o.ctx).Input.S)
	var inner string
	if json.Unmarshal(text, &inner) == nil && inner != "" {
		text = []byte(inner)
	}
	d, err := dafx.ParseDocument(text)
	if err == nil {
		_, err = d.Said()
	}
	if err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "migrate", Instance: o.ctx.ID().String(), Message: err.Error()}
	}
	o.doc = d
	if err := o.writable(); err != nil {
		return err
	}
	o.doc.SetExpires(time.Time{}) // no alarm is set yet
	if err := o.touch(); err != nil {
		return err
	}
	return o.write()
}

// run answers a message.
func (o *operation) run() (any, error) {
	op := perdure.OperationOf(o.ctx)
	r, err := o.readRun(op.Input.S)
	if r != nil && err == nil && r.dialect != "" && len(r.Input) == 0 { // they ask for nothing
		return (&dafx.Result{Agent: o.agent.Name, Session: o.id.String()}).Write(r.dialect), nil
	}
	if r != nil && r.CorrelationID != "" {
		if e, ok := o.doc.Response(r.CorrelationID); ok {
			return o.repeat(r, e)
		}
	}
	turn := dafx.Turn{Started: o.ctx.Now()}
	var answer *Response
	if err == nil {
		answer, err = o.answer(r, &turn)
	}
	if o.level.working.Err() != nil { // nothing of it counts: it is done again elsewhere
		return nil, context.Cause(o.level.working)
	}
	if err != nil {
		if !op.Signal || r == nil || r.CorrelationID == "" || o.writable() != nil {
			return nil, err // the state stays as it was
		}
		p := failureOf(err) // those who look for the answer see why there is none
		turn.Failure = &dafx.Failure{Code: p.Type, Message: p.Message}
	}
	if err := o.add(r, &turn, answer); err != nil || answer == nil {
		return nil, err
	}
	if r.noWait {
		return dafx.Accepted(r.CorrelationID).Write(r.dialect), nil
	}
	return o.reply(r, answer, turn.Response), nil
}

// answer carries out a turn, and fills in what the document says of it.
func (o *operation) answer(r *runRequest, turn *dafx.Turn) (*Response, error) {
	if err := o.check(r); err != nil {
		return nil, err
	}
	said, err := r.messages()
	if err != nil {
		return nil, err
	}
	before, err := o.doc.Said()
	if err != nil {
		return nil, &perdure.Error{Code: perdure.FailedPrecondition, Op: "read session", Instance: o.ctx.ID().String(), Message: err.Error()}
	}
	t := &levelTurn{code: o.code, id: o.id, request: r, began: o.ctx.Now(), started: time.Now(), evicted: o.doc.Evicted(), said: before, first: len(before)}
	if t.trace = traceOf(perdure.OperationOf(o.ctx).Trace); t.trace == "" {
		t.trace = r.Trace.valid()
	}
	turn.Request = t.add(said...)
	if err := checkResults(said, callIDs(openCalls(before))); err != nil {
		return nil, err
	}
	answer, err := t.answer(o.level.working)
	turn.Response = t.said[t.first+len(said):]
	return answer, err
}

// check returns why a request cannot be served.
func (o *operation) check(r *runRequest) error {
	if r.CorrelationID == "" {
		return refused("the correlation id is missing")
	}
	if err := r.Busy.check(); err != nil { // whichever it is: a session at turn level is never busy
		return err
	}
	if _, err := NewSessionID(o.id.Agent, o.id.Key); err != nil {
		return err
	}
	if err := o.writable(); err != nil {
		return err
	}
	if r.Import {
		return &perdure.Error{Code: perdure.Unimplemented, Op: "run agent", Instance: o.ctx.ID().String(),
			Message: "messages are imported at a Perdure server only; the operation migrate takes a whole state document"}
	}
	if n := len(o.doc.Entries); r.After != "" && (n == 0 || o.id.Turn(o.doc.Entries[n-1].CorrelationID()) != r.After) {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Instance: o.ctx.ID().String(),
			Message: "another turn is the newest of the session"}
	}
	return o.fits(r.Options)
}

// add adds a turn that has ended to the document, and drops the oldest ones if they
// are too much.
func (o *operation) add(r *runRequest, turn *dafx.Turn, answer *Response) error {
	turn.CorrelationID, turn.Ended = r.CorrelationID, turn.Started
	if turn.Request == nil {
		turn.Request = r.Input
	}
	if r.Options != nil {
		turn.OrchestrationID = r.Options.OrchestrationID
		if f := r.Options.Format; f != nil {
			turn.Format = dafx.Format{JSON: true, Schema: f.Schema}
		}
	}
	var mark json.RawMessage
	if answer != nil {
		turn.Ended, turn.Usage = answer.Created, &answer.Usage
		kept := *answer
		if kept.Text == textOf(turn.Response) {
			kept.Text = ""
		}
		var err error
		if mark, err = json.Marshal(kept); err != nil {
			return err
		}
	}
	o.doc.Append(turn, mark)
	o.doc.Evict(dafx.DefaultLimit)
	if err := o.touch(); err != nil {
		return err
	}
	return o.write()
}

// repeat answers a message that was answered before.
func (o *operation) repeat(r *runRequest, e dafx.Entry) (any, error) {
	messages, err := e.Messages()
	if err != nil {
		return nil, &perdure.Error{Code: perdure.FailedPrecondition, Op: "read session", Instance: o.ctx.ID().String(), Message: err.Error()}
	}
	if e.Failed() {
		failed := &perdure.StepError{Type: "error", Message: "the turn has failed", NonRetryable: true}
		for _, m := range messages {
			for _, c := range m.Contents {
				if c, ok := c.(*model.ErrorContent); ok {
					failed.Type, failed.Message = c.ErrorCode, c.Message
				}
			}
		}
		return nil, failed
	}
	answer := &Response{Agent: o.agent.Name, Session: o.id.String(), Turn: o.id.Turn(r.CorrelationID), CorrelationID: r.CorrelationID, Created: e.Created()}
	if usage := e.Usage(); usage != nil {
		answer.Usage = *usage
	}
	if mark := e.Mark(); mark != nil {
		if err := json.Unmarshal(mark, answer); err != nil {
			return nil, &perdure.Error{Code: perdure.Internal, Op: "read session", Instance: o.ctx.ID().String(), Message: "a turn of it is damaged", Cause: err}
		}
	}
	if answer.Text == "" {
		answer.Text = textOf(messages)
	}
	return o.reply(r, answer, messages), nil
}

// reply is the answer in the form that the caller wants.
func (o *operation) reply(r *runRequest, answer *Response, messages []*model.Message) any {
	if r.dialect == "" {
		return answer
	}
	var said []*model.Message
	for _, m := range messages {
		if m.Role == model.RoleAssistant || m.Role == model.RoleTool {
			said = append(said, named(m, answer.Agent))
		}
	}
	return (&Result{Response: answer, Said: said}).dafx().Write(r.dialect)
}

// textOf is the text of an answer, of all messages of its turn.
func textOf(messages []*model.Message) string {
	return finalText(&model.Response{Messages: messages})
}
