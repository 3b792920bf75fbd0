package client

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// StartOptions says how an orchestration is started. The zero value starts it
// at once under a new id.
type StartOptions struct {
	// ID is the instance id, 1 to 100 characters without control characters,
	// not beginning with "@". "" = a random one.
	ID string
	// Version is recorded and stays the run's version. "" = none.
	Version string
	// Tags are shown and can be filtered by.
	Tags map[string]string
	// At is when the orchestration begins. Zero = at once.
	At time.Time
	// Exists says what happens if an instance with this ID exists.
	Exists Policy
	// Fold has the run give up its history some time after its end; nil = never.
	Fold *perdure.Fold
	// Event is raised to the new run, or to the existing one, in the same
	// commit (signal-with-start); nil = none.
	Event *Event
	// RequestID makes the start repeatable; see WithRequestID.
	RequestID string
}

// Event is an external event.
type Event struct {
	Name string
	Data any // becomes JSON; nil = none
}

// Policy says what a start does if the id is taken.
type Policy uint8

// The policies.
const (
	Reject        Policy = iota // AlreadyExists
	Get                         // the existing instance is left alone, and is the answer
	ReplaceEnded                // one that has ended gives way, else AlreadyExists
	ReplaceFailed               // one that failed or was terminated or canceled gives way
)

// Started is the answer to a start.
type Started struct {
	ID        string
	Execution string
	Existing  bool // it was there already and was left alone
}

// Start starts the orchestration that is registered under name. input becomes
// JSON; nil passes none.
func (c *Client) Start(ctx context.Context, name string, input any, o StartOptions) (Started, error) {
	r := &hub.Start{RequestID: o.RequestID, InstanceID: o.ID, Name: name, Version: history.NoneIfEmpty(o.Version), StartAt: o.At, Tags: o.Tags, Fold: o.Fold}
	var err error
	if r.Input, err = encode("start", o.ID, input); err != nil {
		return Started{}, err
	}
	switch o.Exists {
	case Reject:
	case Get:
		r.OrGet = true
	case ReplaceEnded:
		r.Replace = []history.Status{history.StatusCompleted, history.StatusFailed, history.StatusTerminated, history.StatusCanceled}
	case ReplaceFailed:
		r.Replace = []history.Status{history.StatusFailed, history.StatusTerminated, history.StatusCanceled}
	default:
		return Started{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "start", Instance: o.ID, Message: fmt.Sprintf("unknown policy %d", o.Exists)}
	}
	if o.Event != nil {
		r.Event = &hub.Raise{InstanceID: o.ID, Name: o.Event.Name}
		if r.Event.Data, err = encode("start", o.ID, o.Event.Data); err != nil {
			return Started{}, err
		}
	}
	var s hub.Started
	err = c.Do(ctx, func(h hub.Hub) (err error) { s, err = h.Start(ctx, r); return err })
	return Started{ID: s.InstanceID, Execution: s.ExecutionID, Existing: s.Existing}, err
}

// Start starts an orchestration by its function, which is registered under its
// own name. With another name use the method.
func Start[In, Out any](ctx context.Context, c *Client, fn func(*perdure.Context, In) (Out, error), in In, o StartOptions) (Started, error) {
	name, err := nameOf(fn)
	if err != nil {
		return Started{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "start", Instance: o.ID, Message: err.Error()}
	}
	return c.Start(ctx, name, in, o)
}

// Run starts an orchestration by its function, as Start does, and waits for
// its result. When ctx ends first, the run goes on.
func Run[In, Out any](ctx context.Context, c *Client, fn func(*perdure.Context, In) (Out, error), in In, o StartOptions) (Out, error) {
	s, err := Start(ctx, c, fn, in, o)
	if err != nil {
		var none Out
		return none, err
	}
	return Result[Out](ctx, c, s.ID)
}

// nameOf returns the name of a top-level function without its package, under
// which perdure.AddOrchestration registers it.
func nameOf(fn any) (string, error) {
	v := reflect.ValueOf(fn)
	if v.IsNil() {
		return "", fmt.Errorf("the function is nil")
	}
	full := runtime.FuncForPC(v.Pointer()).Name()
	_, name, _ := strings.Cut(full[strings.LastIndexByte(full, '/')+1:], ".")
	if name == "" || strings.ContainsAny(name, ".([") || strings.HasSuffix(name, "-fm") {
		return "", fmt.Errorf("%s is no plain function: start it by the name that it is registered under", full)
	}
	return name, nil
}
