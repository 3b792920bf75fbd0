package hub

import (
	"context"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Workers hands work items to workers outside the hub's process and takes what
// they have done. A hub that runs its instances implements it beside Hub.
//
// A work item is one delivery, named by its token. It belongs to the stream that
// got it until it is completed or abandoned, or the stream ends: then it is
// delivered again, under a new token. There is no other time limit. An outcome
// counts while its delivery is the newest of its item, also if the stream has
// ended. Completing returns nil once the outcome is durable, and again nil, without
// effect, when the same delivery is completed once more; NotFound, without effect,
// if the delivery is not the newest any more or is not known.
type Workers interface {
	// Connect registers a worker, which is offered work from then on until the
	// stream is closed or the hub stops.
	Connect(ctx context.Context, w *Worker) (Stream, error)
	CompleteOrchestration(ctx context.Context, done *OrchestrationDone) error
	CompleteActivity(ctx context.Context, done *ActivityDone) error
	CompleteEntity(ctx context.Context, done *EntityDone) error
	// Abandon gives an item back: it is delivered again after a pause that grows
	// with each time, to another stream first; at once if it was lost, which is counted
	// as with a stream that was.
	Abandon(ctx context.Context, d Delivery) error
}

// Stream is a connected worker. Next and Close may be called concurrently, Next by
// one goroutine at a time.
type Stream interface {
	// Next waits for an item and returns it. What it has returned counts as
	// outstanding until its end, and never more is than the worker has stated.
	// Canceled if ctx ends, Unavailable once the stream or the hub is closed.
	Next(ctx context.Context) (*Work, error)
	// Close ends the stream: its outstanding items go to others at once. lost says
	// that the worker was lost with them, which is counted against the items;
	// planned ends never are.
	Close(lost bool)
}

// Worker is what a worker says of itself when it connects.
type Worker struct {
	ID      string // of its process; "" = unknown
	Client  string // name and version of its SDK, as it says; "" = unknown
	Address string // from which it is connected, an IP address; "" = unknown
	// How many items of a kind it works on at a time; 0 = the default, 100.
	Orchestrations, Activities, Entities int
	Filters                              *Filters // nil = it takes everything
	// Own says that it is one of ours: events and items have our own fields, it is
	// told of cancelled activities, and of an orchestration that it has just had a
	// turn of it gets new events only.
	Own bool
	// MaxHistory is how many bytes of events it can be sent in an item; 0 = any
	// number. StreamsHistory says that it reads the history of an item itself when
	// there is much of it, so that only new events count. An instance with more for a
	// worker is held, with a reason. Workers that are Own take any item, but read
	// histories themselves when an item would have more.
	MaxHistory     int
	StreamsHistory bool
	// Forgets says that it keeps nothing between two turns: each comes with its history.
	Forgets bool
	// Follows says that the outcomes of its activities may come with a FollowUp.
	Follows bool
}

// Filters say which items a worker takes: only what is listed. The names of
// entities are lower case.
type Filters struct {
	Orchestrations, Activities []NameFilter
	Entities                   []string
	// Never lists activities that are not to be sent even if they match.
	Never []NameFilter
}

// NameFilter matches a name, in one of the versions; no versions = any. With
// versions it matches no item without version, except an activity: that counts as
// of its orchestration's version.
type NameFilter struct {
	Name     string
	Versions []string
}

// Work is a work item: one of the pointers is set.
type Work struct {
	Token         string
	Orchestration *OrchestrationWork
	Activity      *ActivityWork
	Entity        *EntityWork
	Cancel        *CancelWork
	More          *MoreWork
}

// OrchestrationWork is a turn to be carried out. Events are encoded, as in
// package history, without our own fields unless the worker is Own; they must not
// be changed.
type OrchestrationWork struct {
	InstanceID  string
	ExecutionID string
	Past        [][]byte // nil also if Warm or Long
	New         [][]byte // begins with an OrchestratorStarted
	// Warm says that Past is what this worker had and did when it completed its last
	// turn of this execution. If it does not know it any more it answers NeedHistory.
	Warm bool
	// Long says that the worker reads Past itself (StreamsHistory).
	Long  bool
	Trace *OrchestrationTrace // that the last turn has returned
}

// OrchestrationTrace is the span that an orchestration's turns share.
type OrchestrationTrace struct {
	SpanID history.Text
	Start  time.Time
}

// ActivityWork is an activity to be run.
type ActivityWork struct {
	InstanceID, ExecutionID string
	TaskID                  int32
	Name                    string
	Version, Input          history.Text
	Tags                    map[string]string
	Trace                   *history.TraceContext
	Attempt                 int           // from 1
	Effect                  string        // effect id
	HeartbeatTimeout        time.Duration // longest silence; 0 = none
	Deadline                time.Time     // zero = none
	// TurnAt is the hub's time if the worker may carry out the next turn on the outcome
	// without being given it, see FollowUp; zero = it may not.
	TurnAt time.Time
}

// EntityWork is a batch of operations on an entity, in order.
type EntityWork struct {
	InstanceID  string
	ExecutionID string
	Time        time.Time    // of the hub, for its code; zero = the hub does not say
	State       history.Text // absent = there is no such entity
	// Operations are encoded EntityOperationSignaled and EntityOperationCalled.
	Operations [][]byte
}

// CancelWork says that nobody waits any more for an activity that the worker was
// given under the work's token. It needs no answer; the activity's completion does
// no harm. Only workers that are Own get it.
type CancelWork struct{ Reason string }

// Batched may be implemented by a Stream, for those who wait for other things beside
// its items.
type Batched interface {
	Stream
	// Ready returns a channel that has a value when there may be something to take.
	Ready() <-chan struct{}
	// Take returns what Next would return without waiting, all of it; nil = nothing.
	// One goroutine at a time calls Next or Take.
	Take() ([]*Work, error)
}

// Outcomes may be implemented by Workers, for those who do not want to wait for each
// outcome on a goroutine of its own.
type Outcomes interface {
	// Tell gives an outcome to the hub. told is called once with what the method of
	// Workers for that outcome would return, on some goroutine, maybe before Tell returns.
	// It must not block.
	Tell(o Outcome, told func(error))
}

// Outcome is what became of an item: one of the pointers is set.
type Outcome struct {
	Orchestration *OrchestrationDone
	Activity      *ActivityDone
	Entity        *EntityDone
	Abandoned     *Delivery
}

// Rationed may be implemented by a Stream whose worker takes items of several hubs:
// then its places are rationed among these.
type Rationed interface {
	Stream
	// Ration sets how many items the stream may have outstanding from now on, instead of
	// what its worker has stated, and returns how many it has. If there are items for it
	// beyond that, now or later, Next returns MoreWork, once for each kind and ration.
	Ration(ctx context.Context, p Places) (taken Places, err error)
}

// Places counts work items by kind.
type Places struct{ Orchestrations, Activities, Entities int }

// MoreWork says that there are items of some kinds for which a rationed stream has no
// place.
type MoreWork struct{ Orchestrations, Activities, Entities bool }

// Delivery names a delivery: by its token, or, if that is empty, as the only
// outstanding item of the instance, for activities of the instance and task.
type Delivery struct {
	Token      string
	InstanceID string
	TaskID     int32
	// Lost says of an item that is abandoned that whoever did it was lost with it.
	Lost bool
}

// OrchestrationDone is the outcome of a turn.
type OrchestrationDone struct {
	Delivery
	Result engine.TurnResult
	// Processed is how many of the new events the turn has taken, nil = all; the rest
	// is delivered again after it.
	Processed *int
	// NeedHistory says that nothing was done, for the history is needed in full.
	NeedHistory bool
	Trace       *OrchestrationTrace
}

// ActivityDone is the outcome of an activity.
type ActivityDone struct {
	Delivery
	Result  history.Text
	Failure *history.Failure // not nil = it has failed
	// Pending says that the activity will be completed by its token from elsewhere:
	// the worker's place is free, the end of its stream changes nothing.
	Pending  bool
	FollowUp *FollowUp // nil = none
}

// FollowUp is the turn that a worker has carried out right after an activity, on its
// outcome alone, instead of waiting to be given it: the orchestration is the one that the
// worker holds warm, and has taken in what the worker did before. It counts if the hub
// would have given it that very turn next.
type FollowUp struct {
	At     time.Time // the turn's time: TurnAt of the activity, and what has passed since
	Result engine.TurnResult
	// Taken is set before the activity's outcome is answered: if that was taken, so was
	// the turn, in one commit. Otherwise the code that has carried it out is to be given up.
	Taken bool
}

// EntityDone is the outcome of a batch.
type EntityDone struct {
	Delivery
	Result engine.EntityResult
	// NeedState says that nothing was done, for the state is needed.
	NeedState bool
}
