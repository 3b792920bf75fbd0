package history

// Payload returns the part of a body that may be large, nil if the kind has
// none. It points into the body.
func Payload(b Body) *Text {
	switch b := b.(type) {
	case *ExecutionStarted:
		return &b.Input
	case *ExecutionCompleted:
		return &b.Result
	case *ExecutionTerminated:
		return &b.Input
	case *TaskScheduled:
		return &b.Input
	case *TaskCompleted:
		return &b.Result
	case *SubOrchestrationInstanceCreated:
		return &b.Input
	case *SubOrchestrationInstanceCompleted:
		return &b.Result
	case *EventSent:
		return &b.Input
	case *EventRaised:
		return &b.Input
	case *EntityOperationSignaled:
		return &b.Input
	case *EntityOperationCalled:
		return &b.Input
	case *EntityOperationCompleted:
		return &b.Output
	}
	return nil
}

// WithPayload returns a copy of the event whose payload is p; e is unchanged.
// The event's kind must have a payload.
func (e *Event) WithPayload(p Text) *Event {
	c := *e
	switch b := e.Body.(type) {
	case *ExecutionStarted:
		d := *b
		c.Body = &d
	case *ExecutionCompleted:
		d := *b
		c.Body = &d
	case *ExecutionTerminated:
		d := *b
		c.Body = &d
	case *TaskScheduled:
		d := *b
		c.Body = &d
	case *TaskCompleted:
		d := *b
		c.Body = &d
	case *SubOrchestrationInstanceCreated:
		d := *b
		c.Body = &d
	case *SubOrchestrationInstanceCompleted:
		d := *b
		c.Body = &d
	case *EventSent:
		d := *b
		c.Body = &d
	case *EventRaised:
		d := *b
		c.Body = &d
	case *EntityOperationSignaled:
		d := *b
		c.Body = &d
	case *EntityOperationCalled:
		d := *b
		c.Body = &d
	case *EntityOperationCompleted:
		d := *b
		c.Body = &d
	}
	*Payload(c.Body) = p
	return &c
}
