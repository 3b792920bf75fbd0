package history

import "unsafe"

// sized returns a new T and what it costs in bytes.
func sized[T any]() (*T, int) {
	p := new(T)
	return p, int(unsafe.Sizeof(*p))
}

// newBody returns an empty body of a kind and its size in bytes; nil for a kind
// of no known body.
func newBody(k Kind) (Body, int) {
	switch k {
	case KindExecutionStarted:
		return bodyOf(sized[ExecutionStarted]())
	case KindExecutionCompleted:
		return bodyOf(sized[ExecutionCompleted]())
	case KindExecutionTerminated:
		return bodyOf(sized[ExecutionTerminated]())
	case KindTaskScheduled:
		return bodyOf(sized[TaskScheduled]())
	case KindTaskCompleted:
		return bodyOf(sized[TaskCompleted]())
	case KindTaskFailed:
		return bodyOf(sized[TaskFailed]())
	case KindSubOrchestrationInstanceCreated:
		return bodyOf(sized[SubOrchestrationInstanceCreated]())
	case KindSubOrchestrationInstanceComplete:
		return bodyOf(sized[SubOrchestrationInstanceCompleted]())
	case KindSubOrchestrationInstanceFailed:
		return bodyOf(sized[SubOrchestrationInstanceFailed]())
	case KindTimerCreated:
		return bodyOf(sized[TimerCreated]())
	case KindTimerFired:
		return bodyOf(sized[TimerFired]())
	case KindOrchestratorStarted:
		return bodyOf(sized[OrchestratorStarted]())
	case KindOrchestratorCompleted:
		return bodyOf(sized[OrchestratorCompleted]())
	case KindEventSent:
		return bodyOf(sized[EventSent]())
	case KindEventRaised:
		return bodyOf(sized[EventRaised]())
	case KindGenericEvent:
		return bodyOf(sized[GenericEvent]())
	case KindHistoryState:
		return bodyOf(sized[HistoryState]())
	case KindContinueAsNew:
		return bodyOf(sized[ContinueAsNew]())
	case KindExecutionSuspended:
		return bodyOf(sized[ExecutionSuspended]())
	case KindExecutionResumed:
		return bodyOf(sized[ExecutionResumed]())
	case KindEntityOperationSignaled:
		return bodyOf(sized[EntityOperationSignaled]())
	case KindEntityOperationCalled:
		return bodyOf(sized[EntityOperationCalled]())
	case KindEntityOperationCompleted:
		return bodyOf(sized[EntityOperationCompleted]())
	case KindEntityOperationFailed:
		return bodyOf(sized[EntityOperationFailed]())
	case KindEntityLockRequested:
		return bodyOf(sized[EntityLockRequested]())
	case KindEntityLockGranted:
		return bodyOf(sized[EntityLockGranted]())
	case KindEntityUnlockSent:
		return bodyOf(sized[EntityUnlockSent]())
	case KindExecutionRewound:
		return bodyOf(sized[ExecutionRewound]())
	}
	return nil, 0
}

func bodyOf[B Body](b B, size int) (Body, int) { return b, size }

// message reads the fields of b into m, a body or a message inside of one.
func (d *decoder) message(m any, b []byte) error {
	if d.depth >= maxDepth {
		return errDepth
	}
	d.depth++
	var f field
	for ; len(b) > 0; b = b[len(f.raw):] {
		if err := f.next(b); err != nil {
			return err
		}
		if err := d.messageField(m, &f); err != nil {
			return err
		}
	}
	d.depth--
	return nil
}

// messageField names every type so that nothing is called through an interface,
// which would put decoder and field on the heap.
func (d *decoder) messageField(m any, f *field) error {
	switch m := m.(type) {
	case *Instance:
		return m.decode(d, f)
	case *ParentInstance:
		return m.decode(d, f)
	case *TraceContext:
		return m.decode(d, f)
	case *Failure:
		return m.decode(d, f)
	case *PayloadReference:
		return m.decode(d, f)
	case *Fork:
		return m.decode(d, f)
	case *ExecutionStarted:
		return m.decode(d, f)
	case *ExecutionCompleted:
		return m.decode(d, f)
	case *ExecutionTerminated:
		return m.decode(d, f)
	case *TaskScheduled:
		return m.decode(d, f)
	case *TaskCompleted:
		return decodeCompletion(d, f, &m.TaskScheduledID, &m.Result)
	case *TaskFailed:
		return decodeFailed(d, f, &m.TaskScheduledID, &m.Failure)
	case *SubOrchestrationInstanceCreated:
		return m.decode(d, f)
	case *SubOrchestrationInstanceCompleted:
		return decodeCompletion(d, f, &m.TaskScheduledID, &m.Result)
	case *SubOrchestrationInstanceFailed:
		return decodeFailed(d, f, &m.TaskScheduledID, &m.Failure)
	case *TimerCreated:
		return m.decode(d, f)
	case *TimerFired:
		return m.decode(d, f)
	case *EventSent:
		return m.decode(d, f)
	case *EventRaised:
		return m.decode(d, f)
	case *GenericEvent:
		return decodeText(d, f, &m.Data)
	case *HistoryState:
		return m.decode(d, f)
	case *ContinueAsNew:
		return decodeText(d, f, &m.Input)
	case *ExecutionSuspended:
		return decodeText(d, f, &m.Input)
	case *ExecutionResumed:
		return decodeText(d, f, &m.Input)
	case *EntityOperationSignaled:
		return m.decode(d, f)
	case *EntityOperationCalled:
		return m.decode(d, f)
	case *EntityOperationCompleted:
		return m.decode(d, f)
	case *EntityOperationFailed:
		return m.decode(d, f)
	case *EntityLockRequested:
		return m.decode(d, f)
	case *EntityLockGranted:
		return m.decode(d, f)
	case *EntityUnlockSent:
		return m.decode(d, f)
	case *ExecutionRewound:
		return m.decode(d, f)
	}
	return nil // orchestratorStarted, orchestratorCompleted: no fields
}
