package perdure

// Event is a kind of external event with data of type T. Events are matched by
// name, whatever its case, kept until a run waits for them, and taken in the
// order of their arrival.
type Event[T any] struct{ name string }

// NewEvent returns the kind of event with this name.
func NewEvent[T any](name string) Event[T] { return Event[T]{name} }

// Name returns the name of the event.
func (e Event[T]) Name() string { return e.name }

// Wait returns a task that ends with the next event of this kind that no earlier
// wait takes. A wait that is given up should be cancelled, else it takes an event.
func (e Event[T]) Wait(ctx *Context) *Task[T] {
	t := &Task[T]{ctx: ctx}
	t.s.Kind, t.s.Name = StepEvent, e.name
	ctx.rt.Begin(&t.s)
	return t
}

// Send raises an event to an instance. It is lost if there is no such instance
// or it has ended.
func (e Event[T]) Send(ctx *Context, instanceID string, v T) error {
	text, err := encode(v)
	if err != nil {
		return invalidf("send event "+e.name, err)
	}
	ctx.rt.Begin(&Step{Kind: StepSend, Name: e.name, Target: instanceID, Input: text})
	return nil
}
