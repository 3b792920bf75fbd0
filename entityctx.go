package perdure

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// EntityFunc is the code of an entity: it carries out the operation that
// ctx.Operation names and returns its result. If it returns an error or panics,
// the state is as it was before and nothing that the operation asked for happens.
type EntityFunc func(ctx *EntityContext) (any, error)

// EntityContext is what an operation of an entity sees of the world. It belongs
// to the operation's goroutine and must not be used after the operation. What it
// is asked to send is sent when the operation's outcome is durable.
type EntityContext struct{ op *EntityOperation }

// NewEntityContext returns the context of an operation. It is part of the seam
// to the runtime.
func NewEntityContext(op *EntityOperation) *EntityContext { return &EntityContext{op} }

// OperationOf returns the operation that ctx stands on. It is part of the seam to
// the runtime.
func OperationOf(ctx *EntityContext) *EntityOperation { return ctx.op }

// EntityOperation is one operation on an entity, with what it did.
type EntityOperation struct {
	Entity    EntityID
	Name      string
	RequestID string
	Signal    bool   // nobody waits for the answer
	Caller    string // orchestration that waits for the answer, "" = none
	Input     history.Text
	Now       time.Time
	Trace     *history.TraceContext // of who has sent it; nil = none
	// Value returns what the context of the worker has for a key, as activities find
	// it; nil = nothing.
	Value func(key any) any

	State    history.Text // absent = the entity does not exist
	Steps    []EntityStep // what it asked for
	Deferred bool         // the answer follows later

	ids int
}

// EntityStepKind says what an EntityStep asks for.
type EntityStepKind uint8

// The kinds of entity steps.
const (
	EntitySignal    EntityStepKind = iota + 1 // run operation Name on entity Target, not before At
	EntityStart                               // start orchestration Name with the id Target
	EntityRaise                               // raise event Name to Target
	EntityTerminate                           // terminate orchestration Target
	EntityReply                               // answer the deferred operation Token with Input or Err
	EntityRows                                // write Rows beside the entity
)

// EntityStep is one thing that an operation asks for.
type EntityStep struct {
	Kind    EntityStepKind
	Target  string
	Name    string
	Token   string
	Version string
	Input   history.Text
	At      time.Time
	Tags    map[string]string
	Rows    []Row
	Fold    *Fold // of the orchestration that is started; nil = never
	Err     error
}

// ID returns the id of the entity.
func (c *EntityContext) ID() EntityID { return c.op.Entity }

// Operation returns the name of the operation as the caller wrote it.
func (c *EntityContext) Operation() string { return c.op.Name }

// Now returns the time at which the batch of operations began, in UTC.
func (c *EntityContext) Now() time.Time { return c.op.Now }

// Input decodes the operation's input into the value that v points to. Without
// input the value is left alone.
func (c *EntityContext) Input(v any) error {
	if !c.op.Input.Set {
		return nil
	}
	if err := decodeAny(c.op.Input.S, v); err != nil {
		return invalidf("input of "+c.op.Name, err)
	}
	return nil
}

// HasState reports whether the entity has a state.
func (c *EntityContext) HasState() bool { return c.op.State.Set }

// State decodes the state into the value that v points to. Without state the
// value is left alone.
func (c *EntityContext) State(v any) error {
	if !c.op.State.Set {
		return nil
	}
	if err := decodeAny(c.op.State.S, v); err != nil {
		return invalidf("state of "+c.op.Entity.String(), err)
	}
	return nil
}

// SetState replaces the state by v.
func (c *EntityContext) SetState(v any) error {
	text, err := encodeAny(v)
	if err != nil {
		return invalidf("state of "+c.op.Entity.String(), err)
	}
	if !text.Set {
		text = history.Some("null")
	}
	c.op.State = text
	return nil
}

// DeleteState deletes the entity: without state there is none.
func (c *EntityContext) DeleteState() { c.op.State = history.Text{} }

// Signal runs an operation on an entity, without an answer.
func (c *EntityContext) Signal(id EntityID, operation string, in any) error {
	return c.SignalAt(time.Time{}, id, operation, in)
}

// SignalAt is Signal, not before the time t.
func (c *EntityContext) SignalAt(t time.Time, id EntityID, operation string, in any) error {
	return c.do(EntityStep{Kind: EntitySignal, Target: id.String(), Name: operation, At: t}, in)
}

// StartOrchestration starts an orchestration and returns its instance id. Of the
// options only WithID, WithVersion, WithTags and WithFold have a meaning.
func (c *EntityContext) StartOrchestration(name string, in any, opts ...Option) (instanceID string, err error) {
	var o callOptions
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.fits(StepStart); err != nil {
		return "", invalidf("start "+name, err)
	}
	if o.id == "" {
		c.op.ids++
		o.id = uuid5([]byte(c.op.Entity.String() + "/" + c.op.RequestID + "/" + strconv.Itoa(c.op.ids)))
	}
	return o.id, c.do(EntityStep{
		Kind: EntityStart, Target: o.id, Name: name, Version: o.Version, Tags: o.Tags, Fold: o.Fold,
	}, in)
}

// RaiseEvent raises an external event to an orchestration.
func (c *EntityContext) RaiseEvent(instanceID, event string, v any) error {
	return c.do(EntityStep{Kind: EntityRaise, Target: instanceID, Name: event}, v)
}

// Terminate terminates an orchestration, with reason as its output.
func (c *EntityContext) Terminate(instanceID string, reason any) error {
	return c.do(EntityStep{Kind: EntityTerminate, Target: instanceID, Name: "terminate"}, reason)
}

// Defer has the operation end without an answer and returns a token, to be kept
// in the state, with which a later operation of this entity answers the caller by
// ResolveReply or FailReply. What the operation returns is dropped, unless it is
// an error. Of an operation that nobody waits for the answer is dropped.
func (c *EntityContext) Defer() (token string) {
	c.op.Deferred = true
	return c.op.RequestID
}

// ResolveReply answers a deferred operation with v.
func (c *EntityContext) ResolveReply(token string, v any) error {
	return c.do(EntityStep{Kind: EntityReply, Token: token, Name: "reply"}, v)
}

// FailReply answers a deferred operation with an error.
func (c *EntityContext) FailReply(token string, err error) {
	if err == nil {
		err = errors.New("failed without a reason")
	}
	c.op.Steps = append(c.op.Steps, EntityStep{Kind: EntityReply, Token: token, Err: err})
}

func (c *EntityContext) do(s EntityStep, in any) error {
	text, err := encodeAny(in)
	if err != nil {
		return invalidf(fmt.Sprintf("%s on %s", s.Name, c.op.Entity), err)
	}
	s.Input = text
	c.op.Steps = append(c.op.Steps, s)
	return nil
}
