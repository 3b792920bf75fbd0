// Package history holds the history events of orchestrations and entities and
// their encoding.
//
// An event is stored as the bytes that the Durable Task protocol sends: the
// field numbers are those of its HistoryEvent message, our own fields have
// numbers from 1000 up. A server therefore copies stored events to a worker
// instead of converting them. Sequences of events ("chunks") are encoded as the
// protocol's HistoryChunk, so that joining chunks joins their bytes.
package history

import "time"

// Text is a string that may be absent. The protocol distinguishes an absent
// value (null) from an empty one and both must survive a round trip. The zero
// Text is absent.
type Text struct {
	S   string
	Set bool
}

// Some returns a Text that is present, with the value s.
func Some(s string) Text { return Text{S: s, Set: true} }

// NoneIfEmpty returns an absent Text for "" and Some(s) otherwise. It is for
// names and versions, where the empty string means "none given".
func NoneIfEmpty(s string) Text { return Text{S: s, Set: s != ""} }

// Event is one entry of a history, or one message on its way into a history.
// An Event that has been handed to another package is immutable.
type Event struct {
	// ID is the number of the action that caused the event for events of the
	// scheduling kind and ExecutionCompleted, 0 for ExecutionStarted, else -1.
	ID   int32
	Time time.Time
	Body Body

	// Meta holds our own fields; nil if there are none.
	Meta *Meta

	// Unknown holds the encoded fields that this version does not know,
	// written back unchanged.
	Unknown []byte
}

// Meta are the fields that Perdure adds to an event of the protocol.
type Meta struct {
	Attempt    int32     // of the step that ended with this event, from 1; 0 = not recorded
	DequeuedAt time.Time // when a worker took the step
	StartedAt  time.Time // when the step began to run
	Worker     string    // who ran it
	Effect     []byte    // effect id of a tool step
	Usage      []byte    // usage record of a model step, encoded by its owner
	Options    []byte    // how the engine is to carry out what the event schedules
	Payload    *PayloadReference
	Delivery   []byte // which delivery of a step this event ends, encoded by its owner
	Seed       string // of ids and chance in the execution that the event begins; "" = its id
	// Closed is how many events the history had after the turn that cancelled the step
	// which the event schedules; 0 = none has. No event tells of that: it is not stored
	// with the event, but told to whoever reads the history.
	Closed int64
	Fork   *Fork // of what the run is a copy, with which the event has it go its own way; nil = of none
}

// Fork says of which run another one is a copy.
type Fork struct {
	Run       string // instance id
	Execution string // whose history was copied
	Event     int64  // number of the first event that was not, from 1
	Salt      string // what tells its ids and chance from those of the run and of other copies
	As        string // instance id that the code sees in what was copied
}

// PayloadReference stands for the event's payload, which is stored apart
// because it is large.
type PayloadReference struct {
	Hash []byte // SHA-256 of the payload
	Size int64  // in bytes
}

// Body is what happened; one of the pointer types of this package whose name
// is a member of the protocol's eventType.
type Body interface {
	// Kind is the field number of the body in the protocol's eventType.
	Kind() Kind
}

// Kind is the field number of a Body in the protocol's eventType.
type Kind int32

// The kinds of events.
const (
	KindExecutionStarted                 Kind = 3
	KindExecutionCompleted               Kind = 4
	KindExecutionTerminated              Kind = 5
	KindTaskScheduled                    Kind = 6
	KindTaskCompleted                    Kind = 7
	KindTaskFailed                       Kind = 8
	KindSubOrchestrationInstanceCreated  Kind = 9
	KindSubOrchestrationInstanceComplete Kind = 10
	KindSubOrchestrationInstanceFailed   Kind = 11
	KindTimerCreated                     Kind = 12
	KindTimerFired                       Kind = 13
	KindOrchestratorStarted              Kind = 14
	KindOrchestratorCompleted            Kind = 15
	KindEventSent                        Kind = 16
	KindEventRaised                      Kind = 17
	KindGenericEvent                     Kind = 18
	KindHistoryState                     Kind = 19
	KindContinueAsNew                    Kind = 20
	KindExecutionSuspended               Kind = 21
	KindExecutionResumed                 Kind = 22
	KindEntityOperationSignaled          Kind = 23
	KindEntityOperationCalled            Kind = 24
	KindEntityOperationCompleted         Kind = 25
	KindEntityOperationFailed            Kind = 26
	KindEntityLockRequested              Kind = 27
	KindEntityLockGranted                Kind = 28
	KindEntityUnlockSent                 Kind = 29
	KindExecutionRewound                 Kind = 30
)

// Status is the status of an orchestration, with the numbers of the protocol's
// OrchestrationStatus.
type Status int32

// The statuses of an orchestration.
const (
	StatusRunning        Status = 0
	StatusCompleted      Status = 1
	StatusContinuedAsNew Status = 2
	StatusFailed         Status = 3
	StatusCanceled       Status = 4
	StatusTerminated     Status = 5
	StatusPending        Status = 6
	StatusSuspended      Status = 7
)

// Terminal reports whether an orchestration in this status has ended.
func (s Status) Terminal() bool {
	return s == StatusCompleted || s == StatusFailed || s == StatusCanceled || s == StatusTerminated
}

// Instance names one execution of an orchestration.
type Instance struct {
	InstanceID  string
	ExecutionID Text
}

// ParentInstance tells who created a sub-orchestration. Root is ours (1000): who
// created the outermost, if that is another instance.
type ParentInstance struct {
	TaskScheduledID int32
	Name            Text
	Version         Text
	Instance        *Instance
	Root            Text
}

// TraceContext is a W3C trace context.
type TraceContext struct {
	TraceParent string
	SpanID      string
	TraceState  Text
}

// Failure says why something failed. Properties holds the encoded entries of
// the protocol's map, kept as they came.
type Failure struct {
	Type         string
	Message      string
	Stack        Text
	Inner        *Failure
	NonRetriable bool
	Properties   [][]byte
}

// ExecutionStarted begins an execution.
type ExecutionStarted struct {
	Name           string
	Version        Text
	Input          Text
	Instance       *Instance
	Parent         *ParentInstance
	ScheduledStart time.Time // zero = at once
	ParentTrace    *TraceContext
	SpanID         Text
	Tags           map[string]string
}

// ExecutionCompleted ends an execution.
type ExecutionCompleted struct {
	Status  Status
	Result  Text
	Failure *Failure
}

// ExecutionTerminated asks an execution to end at once.
type ExecutionTerminated struct {
	Input   Text
	Recurse bool
}

// TaskScheduled schedules an activity.
type TaskScheduled struct {
	Name        string
	Version     Text
	Input       Text
	ParentTrace *TraceContext
	Tags        map[string]string
}

// TaskCompleted is the result of an activity.
type TaskCompleted struct {
	TaskScheduledID int32
	Result          Text
}

// TaskFailed is the failure of an activity.
type TaskFailed struct {
	TaskScheduledID int32
	Failure         *Failure
}

// SubOrchestrationInstanceCreated starts a sub-orchestration.
type SubOrchestrationInstanceCreated struct {
	InstanceID  string
	Name        string
	Version     Text
	Input       Text
	ParentTrace *TraceContext
	Tags        map[string]string
}

// SubOrchestrationInstanceCompleted is the result of a sub-orchestration.
type SubOrchestrationInstanceCompleted struct {
	TaskScheduledID int32
	Result          Text
}

// SubOrchestrationInstanceFailed is the failure of a sub-orchestration.
type SubOrchestrationInstanceFailed struct {
	TaskScheduledID int32
	Failure         *Failure
}

// TimerCreated starts a timer.
type TimerCreated struct{ FireAt time.Time }

// TimerFired is the end of a timer.
type TimerFired struct {
	FireAt  time.Time
	TimerID int32
}

// OrchestratorStarted begins an orchestrator turn; its event's Time is the
// orchestration's current time during the turn.
type OrchestratorStarted struct{}

// OrchestratorCompleted ends an orchestrator turn; we accept but do not write it.
type OrchestratorCompleted struct{}

// EventSent sends an external event to another instance.
type EventSent struct {
	InstanceID string
	Name       string
	Input      Text
}

// EventRaised is an external event.
type EventRaised struct {
	Name  string
	Input Text
}

// GenericEvent carries data of no known kind.
type GenericEvent struct{ Data Text }

// HistoryState carries an orchestration's state, kept encoded; we do not write it.
type HistoryState struct{ State []byte }

// ContinueAsNew marks a continue-as-new; we accept but do not write it.
type ContinueAsNew struct{ Input Text }

// ExecutionSuspended suspends an execution.
type ExecutionSuspended struct{ Input Text }

// ExecutionResumed resumes an execution.
type ExecutionResumed struct{ Input Text }

// EntityOperationSignaled is an operation on an entity that nobody waits for.
// TargetInstanceID is set in histories only; ParentTrace (1000) is ours.
type EntityOperationSignaled struct {
	RequestID        string
	Operation        string
	ScheduledTime    time.Time // zero = at once
	Input            Text
	TargetInstanceID Text
	ParentTrace      *TraceContext
}

// EntityOperationCalled is an operation on an entity whose caller waits for the
// answer. The parent fields are set in messages to an entity only,
// TargetInstanceID in histories only.
type EntityOperationCalled struct {
	RequestID         string
	Operation         string
	ScheduledTime     time.Time
	Input             Text
	ParentInstanceID  Text
	ParentExecutionID Text
	TargetInstanceID  Text
}

// EntityOperationCompleted is the answer to an EntityOperationCalled.
type EntityOperationCompleted struct {
	RequestID string
	Output    Text
}

// EntityOperationFailed is the failure of an EntityOperationCalled.
type EntityOperationFailed struct {
	RequestID string
	Failure   *Failure
}

// EntityLockRequested asks for the locks of LockSet, in its order.
// ParentInstanceID is set in messages only; ParentExecutionID is ours (1001),
// between instances only.
type EntityLockRequested struct {
	CriticalSectionID string
	LockSet           []string
	Position          int32
	ParentInstanceID  Text
	ParentExecutionID Text
}

// EntityLockGranted says that all locks of a section are held. LockSet (1000)
// and ParentExecutionID (1001) are ours, between instances only.
type EntityLockGranted struct {
	CriticalSectionID string
	LockSet           []string
	ParentExecutionID Text
}

// EntityUnlockSent releases a lock. ParentInstanceID is set in messages only,
// TargetInstanceID in histories only; LockSet (1000) and ParentExecutionID
// (1001) are ours, between instances only.
type EntityUnlockSent struct {
	CriticalSectionID string
	ParentInstanceID  Text
	TargetInstanceID  Text
	LockSet           []string
	ParentExecutionID Text
}

// ExecutionRewound tells an execution that has ended that it is rewound. To (1000) and
// Tell (1001) are ours: the number of the event, from 1, from which on the history is
// given up (0 = what has failed is), and an event that is raised to the execution that
// goes on, before all else; nil = none.
type ExecutionRewound struct {
	Reason            Text
	ParentExecutionID Text
	InstanceID        Text
	ParentTrace       *TraceContext
	Name              Text
	Version           Text
	Input             Text
	Parent            *ParentInstance
	Tags              map[string]string
	To                int64
	Tell              *EventRaised
}
