// Package hub is the contract of a task hub: what clients and workers can do
// with it, wherever it is. internal/hub/local implements it in the process,
// internal/hub/remote over the wire; hubtest checks both with one suite.
//
// All methods may be called concurrently. A method that changes something
// returns nil only when the change is durable; reads show durable state only.
// Errors are *perdure.Error.
package hub

import (
	"context"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/store"
)

// Hub is all that a client needs.
type Hub interface {
	Commands
	Activities
	Reads
	Waits
	Rows
}

// Commands change instances. Each request may carry a RequestID: repeated with
// the same id and content within 24 hours, it has one effect and one answer;
// with other content it is refused with Conflict.
type Commands interface {
	// Start creates an orchestration. It is refused with ResourceExhausted and a
	// RetryAfter while the hub has more to do than it can. With Start.Event it also raises that event
	// to it, or to the one that exists (signal-with-start).
	Start(ctx context.Context, r *Start) (Started, error)
	// Raise sends an external event. NotFound if there is no such instance; to
	// one that has ended the event is accepted and dropped.
	Raise(ctx context.Context, r *Raise) error
	// Signal sends a one-way operation to an entity, which it creates if needed.
	Signal(ctx context.Context, r *Signal) error
	// Control suspends, resumes, terminates, cancels, restarts or rewinds. It
	// returns the id of the instance concerned: a new one for a restart with a
	// new id.
	Control(ctx context.Context, r *Control) (string, error)
	// Purge deletes instances that have ended, and entities. One that is held, see
	// RowHold, is refused with FailedPrecondition. Those who wait for the answer of
	// an entity are told; a lock stays until its holder gives it back.
	Purge(ctx context.Context, r *Purge) (Purged, error)
}

// Activities is for those who complete activities from outside.
type Activities interface {
	// Complete ends an activity by its token. A token that is no longer the
	// newest of its step is NotFound; one already completed is fine.
	Complete(ctx context.Context, token string, result history.Text, failure *history.Failure) error
	// Heartbeat says that the activity is alive and stores progress, if present.
	// NotFound means that the step is no longer this worker's: stop.
	Heartbeat(ctx context.Context, token string, progress history.Text) error
}

// Reads shows durable state.
type Reads interface {
	// Instance returns the state of an orchestration or entity, NotFound if
	// there is none. Payloads (input, output) are left out unless asked for. Of a
	// folded run they are gone, and of the failure there is its beginning.
	Instance(ctx context.Context, id string, payloads bool) (*Instance, error)
	// History returns the events of an execution ("" = the current one),
	// FailedPrecondition if the run was folded.
	History(ctx context.Context, id, execution string) ([]*history.Event, error)
	// List returns instances that match; Query is that of the store.
	List(ctx context.Context, q store.Query) (Page, error)
	// Counts returns how many instances there are by kind, name, status and phase.
	Counts(ctx context.Context) ([]store.Count, error)
	// Entity returns an entity's state, NotFound if there is none.
	Entity(ctx context.Context, id string) (*Entity, error)
}

// Waits blocks until something is durable. A wait on an instance that does not
// exist waits for its creation.
type Waits interface {
	// WaitStart returns when the status is no longer Pending.
	WaitStart(ctx context.Context, id string) (*Instance, error)
	// WaitCompletion returns when the status is terminal, with the output. The
	// input, which most callers know, may be left out: Instance returns it.
	WaitCompletion(ctx context.Context, id string) (*Instance, error)
	// Ask sends a request-reply event to an orchestration, or a called operation
	// to an entity (an id that begins with "@"), and returns the answer.
	Ask(ctx context.Context, r *Ask) (history.Text, error)
	// Position and Changes read the change feed; see store.Feed.
	Position(ctx context.Context) (store.Position, error)
	Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error)
}

// Rows reads and writes rows of instances (store.Row).
type Rows interface {
	// ReadRows returns rows and the cursor to go on with (nil = end).
	ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error)
	// WriteRows writes rows of one instance in one commit, if all conditions
	// hold, else fails with Conflict. NotFound if there is no such instance. Without
	// rows and event it only says in the audit that an Actor has done something, to what
	// need be no instance.
	WriteRows(ctx context.Context, r *WriteRows) error
	// WatchRows begins to watch the rows of a kind, of one owner or of all (""). When
	// such a row was written after it has returned, the channel holds a value; writes
	// that come before it is received share it. The channel is closed when the watch
	// ends: with ctx, with the purge of the owner, or with the hub. Who goes on then
	// watches anew and reads what was missed.
	WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error)
}

// Start creates an orchestration.
type Start struct {
	RequestID   string
	InstanceID  string // "" = generated
	Name        string
	Version     history.Text
	Input       history.Text
	ExecutionID string // used if it is 32 hex digits, else generated
	StartAt     time.Time
	Tags        map[string]string
	Trace       *history.TraceContext
	Fold        *perdure.Fold // nil = never
	// Replace lists the statuses in which an existing instance may be replaced;
	// nil = none.
	Replace []history.Status
	// OrGet makes an existing instance no error: it is left alone.
	OrGet bool
	// Event is raised in the same commit, also when the instance exists (OrGet
	// is implied).
	Event *Raise
	// Fork has the instance begin as a copy of another; nil = it begins at its beginning.
	// Name, Version, Tags and Fold are those of the other one then.
	Fork *Fork
}

// Fork says of what a new run is a copy. What has an outcome before the cut is served from
// the journal, what was open there is begun anew, by the new run and under new ids. The
// source stays as it is.
type Fork struct {
	Run string
	// Execution is the one whose events are counted, which must be readable; "" = the
	// current one.
	Execution string
	// To is the number of the first event that is not copied, from 1; of its turn what came
	// before it is given to the new run. One more than there are events = all are copied.
	To int
	// Asked is the point that was asked for, if who sends this has chosen To and Execution
	// by it. A repeat is known by it. nil = To and Execution.
	Asked *Point
	Patch *Patch // nil = all outcomes are as they were
	// Rows are rows of the new run, written with it. A run of an agent cannot be forked
	// without those that the agent needs.
	Rows []store.Row
}

// Patch is an outcome of a step in place of the one that it has, or has not yet.
type Patch struct {
	Event   int // number of the event that has scheduled the step, from 1
	Result  history.Text
	Failure *history.Failure // nil = Result is the outcome
}

// ForkedFrom says of what a run is a copy.
type ForkedFrom struct {
	Run       string
	Execution string
	Event     int // number of the first event that was not copied
}

// Started is the answer to a Start.
type Started struct {
	InstanceID  string
	ExecutionID string
	Existing    bool // the instance was there already and was left alone
}

// Raise is an external event.
type Raise struct {
	RequestID  string
	InstanceID string
	Name       string // case-insensitive for the receiver, kept as given
	Data       history.Text
}

// Signal is a one-way operation on an entity.
type Signal struct {
	RequestID  string
	InstanceID string // "@name@key"
	Operation  string
	Input      history.Text
	At         time.Time             // zero = at once
	Trace      *history.TraceContext // of who sends it; a repeat may have another one
	Begins     bool                  // it asks for new work: refused as a Start is when there is too much
}

// ControlKind is what a Control does.
type ControlKind uint8

// The kinds of Control.
const (
	Suspend ControlKind = iota + 1
	Resume
	Terminate // ends the run; running activities are cancelled
	Cancel    // as Terminate, with status Canceled
	Restart   // begins anew with the same input; a folded run needs another
	Rewind    // goes on from before the failure, or an event; a folded run cannot
)

// Control changes the course of an orchestration.
type Control struct {
	RequestID  string
	InstanceID string
	Kind       ControlKind
	Reason     history.Text // for Terminate the run's output
	Recursive  bool         // Terminate: its unfinished children too
	NewID      bool         // Restart: under a new id, in any status
	Input      history.Text // Restart: another input, if present
	// As is for Restart: the id under which the run begins anew, in any status; the old
	// run stays. An id that is in use is refused as that of a start is. "" = as NewID says.
	As      string
	Version history.Text // Restart: another version, if present; Some("") = none
	// To is for Rewind: the number of an event, from 1, of a run that has ended in
	// whatever way. The turn that has it is made anew, with what that turn was given
	// before the event; all that came of it, and later, is given up. 0 = what has failed
	// is given up, and the run must have failed.
	To int
	// Execution is for Rewind: the execution that is meant. If the run is in another one
	// the rewind is refused with Conflict. "" = whichever it is in.
	Execution string
	// Asked is for Rewind: the point that was asked for, if who sends this has chosen To
	// and Execution by it. A repeat is known by it. nil = To and Execution.
	Asked *Point
	// Session is for Rewind: the session of an agent, by its instance id, whose turn the
	// run is, if that has agreed and taken back what the turn has told it. Only the session
	// sends it; without it the rewind of a turn is refused. Execution has to be given.
	Session string
	// Tell is for Rewind with To: an event that is raised to the run in the commit that
	// rewinds it, before all else that it is given. nil = none.
	Tell *Told
}

// Told is an event with its data.
type Told struct {
	Name string
	Data history.Text
}

// TakeBackEvent is the event by which the hub tells turns of sessions that they were
// rewound; nobody else raises it.
const TakeBackEvent = "perdure.agent.takeback"

// Point is an event of a run: To and Execution of a rewind or a fork.
type Point struct {
	To        int
	Execution string
}

// Purge deletes instances. Give IDs, or a filter.
type Purge struct {
	RequestID string
	IDs       []string
	Filter    *store.Query // only what has ended is deleted
	Recursive bool         // sub-orchestrations too
	// SkipLive leaves those of IDs alone that have not ended or are held, as a filter
	// does; else such a one is an error, and ends the purge.
	SkipLive bool
	Timeout  time.Duration // that it may take; 0 = no bound
	DryRun   bool
	// Force deletes what is held too (RowHold). What held it is given up; the audit has it.
	Force bool
}

// Purged is the answer to a Purge.
type Purged struct {
	Count    int
	Complete bool // false if time ran out first
}

// Ask is a request that its receiver answers.
type Ask struct {
	RequestID  string // made if empty; a repeat finds the answer
	InstanceID string
	Name       string // event or operation
	Input      history.Text
	Begins     bool // as that of Signal
}

// WriteRows writes rows of one instance.
type WriteRows struct {
	RequestID string
	Owner     string
	Rows      []store.Row
	If        []RowCondition
	// Event is raised to the owner in the same commit, if set.
	Event *Raise
	// Activity, if set, is the token of an activity of the owner: if that is not
	// wanted any more, or was given to another worker, the write is refused with
	// FailedPrecondition.
	Activity string
}

// RowHold is the kind of the rows that hold an instance: while it has one, it is
// neither purged nor replaced. The value says why, to people.
const RowHold store.RowKind = 99

// RowSeries is the kind of the rows with what was counted in a minute, see package
// series.
const RowSeries store.RowKind = 97

// RowSecret is the kind of rows with secrets: they are read by the nodes of the hub alone,
// whatever others are permitted.
const RowSecret store.RowKind = 120

// RowLog is the kind of the rows with what the code of a run has logged, see package
// runlog.
const RowLog store.RowKind = 121

// RowCondition demands that a row has a value; nil = that it is absent.
type RowCondition struct {
	Kind  store.RowKind
	Key   []byte
	Value []byte
}

// Instance is what is known of an instance.
type Instance struct {
	store.Record // Packed is nil

	AppVersion   history.Text
	Started      time.Time
	Updated      time.Time
	StartAt      time.Time
	CustomStatus history.Text
	Input        history.Text // with payloads only
	Output       history.Text // with payloads only
	Failure      *history.Failure
	ParentTask   int32

	PhaseCause string
	Step       string   // the step that runs or waits, newest first
	WaitName   string   // the event waited for: the first of Waits
	Waits      []string // all events waited for, each name once, in the order of the waits
	NextFireAt time.Time
	Attempt    int32 // of the step that is retried
	Pending    Pending

	// Usage is what the models took that its own steps have called, in all executions.
	// Below is what its children took that have ended, with those below them; what turns of
	// sessions took that it has asked is theirs.
	Usage   history.Usage
	Below   history.Usage
	Worker  string     // who ran the step that has ended last, "" = not known
	Forked  ForkedFrom // zero = it is no copy
	TraceID string     // of whoever has started it, "" = none was told

	// These are of entities: the bytes of the state, who holds the lock, and the newest
	// operations, as in Entity.
	StateBytes int64
	LockedBy   string
	Operations []Operation

	HistoryEvents int64
	HistoryBytes  int64
	Folded        time.Time // when history and payloads were given up; zero = not
}

// Spent is what models took for an instance: in its own steps, and in those below it that
// have ended. The model is the one that it has called itself, if it has called any.
func (i *Instance) Spent() history.Usage {
	u := i.Below
	u.Add(i.Usage)
	return u
}

// Pending counts the open steps of an instance.
type Pending struct {
	Activities, Timers, Children, Entities, Events, Messages int
}

// Page is a part of a list.
type Page struct {
	Items   []*Instance
	Next    []byte
	Partial bool
	Scanned int
}

// Entity is the state of an entity.
type Entity struct {
	ID       string
	Modified time.Time
	Queue    int
	LockedBy string
	State    history.Text
	// Operations are the newest that it has carried out, the oldest of them first. A
	// deletion of the entity forgets them.
	Operations []Operation
}

// Operation is one that an entity has carried out. Long texts are cut.
type Operation struct {
	Name    string
	At      time.Time
	From    string // instance that has asked for it, "" = a client
	Called  bool   // who has asked for it waited for the answer
	Failure string // why it has failed; "" = it has not
}
