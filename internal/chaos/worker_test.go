package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

const sidecar = "/TaskHubSidecarService/"

// witness is what workers of one hub have seen together.
type witness struct {
	mu        sync.Mutex          // guards what follows
	tokens    map[string][]string // of items, by worker: workers do not know in which order they got them
	acked     map[string]bool     // items whose completion was acknowledged
	stale     map[codes.Code]int
	items     int
	again     int // items that came again
	mistakes  []string
	execution map[string][]string // of instances
}

func newWitness() *witness {
	return &witness{
		tokens: make(map[string][]string), acked: make(map[string]bool), stale: make(map[codes.Code]int),
		execution: make(map[string][]string),
	}
}

func (w *witness) mistake(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mistakes = append(w.mistakes, fmt.Sprintf(format, args...))
}

// saw takes note of an item, and returns the tokens under which its worker had it before.
// It is called in the order in which the items come.
func (w *witness) saw(worker string, work *hub.Work) (old []string) {
	key := keyOf(work)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items++
	if o := work.Orchestration; o != nil && !slices.Contains(w.execution[o.InstanceID], o.ExecutionID) {
		w.execution[o.InstanceID] = append(w.execution[o.InstanceID], o.ExecutionID)
	}
	if w.acked[key] {
		w.mistakes = append(w.mistakes, key+" comes again, although its completion was acknowledged")
	}
	old = w.tokens[worker+" "+key]
	w.tokens[worker+" "+key] = append(old[:len(old):len(old)], work.Token)
	if len(old) > 0 {
		w.again++
	}
	return old
}

// count returns how many items came.
func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.items
}

// none fails the test if something was seen that must not be.
func (w *witness) none(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.mistakes {
		t.Error(m)
	}
}

func (w *witness) ack(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[key] = true
}

func (w *witness) answered(c codes.Code) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale[c]++
}

// worker is a worker that speaks nothing but the protocol.
type worker struct {
	conn    *grpc.ClientConn
	hub     string
	id      string
	code    func(*flow)
	seen    *witness
	filters *wirepb.WorkItemFilters
	pauses  bool // before it completes something, so that it has items when it is cut
	retries bool // completions are sent again when it is not known what became of them
	// mortal is the address of a server that gets killed. One that comes after it takes
	// an activity's older token while it has not handed the activity out itself, so wrong
	// answers go to nobody but the process that has given the newest.
	mortal string
	// do replaces what is done with an item; nil = it is carried out
	do    func(ctx context.Context, work *hub.Work, old older)
	calls sync.WaitGroup
}

// older says under which tokens a worker had an item before.
type older struct {
	tokens []string
	giver  *grpc.ClientConn // to who has given the newest
}

// run takes items and carries them out until ctx ends, on one stream after the other.
func (w *worker) run(ctx context.Context) {
	defer w.calls.Wait()
	for ctx.Err() == nil {
		_ = w.stream(ctx)
	}
}

func (w *worker) meta(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "taskhub", w.hub, "workerid", w.id)
}

// stream takes items from one stream until it ends.
func (w *worker) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(w.meta(ctx))
	defer cancel()
	conn := w.conn
	if w.mortal != "" {
		var err error
		if conn, err = dialOnce(w.mortal); err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
	}
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+"GetWorkItems", grpc.WaitForReady(w.mortal == ""))
	if err != nil {
		<-time.After(5 * time.Millisecond) // the next one may be there by then
		return err
	}
	if err := s.SendMsg(&wirepb.GetWorkItemsRequest{WorkItemFilters: w.filters}); err != nil {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for {
		item := &wirepb.WorkItem{}
		if err := s.RecvMsg(item); err != nil {
			return err
		}
		work, err := codec.DecodeWork(item)
		if err != nil {
			w.seen.mistake("an item cannot be read: %v", err)
			return err
		}
		if work == nil {
			continue
		}
		do := w.do
		if do == nil {
			do = w.carryOut
		}
		old := older{w.seen.saw(w.id, work), conn}
		w.calls.Go(func() { do(ctx, work, old) })
	}
}

// keyOf names an item, whatever its delivery.
func keyOf(work *hub.Work) string {
	switch {
	case work.Orchestration != nil:
		o := work.Orchestration
		return fmt.Sprintf("turn %s %s %d", o.InstanceID, o.ExecutionID, len(o.Past))
	case work.Activity != nil:
		a := work.Activity
		return fmt.Sprintf("activity %s %s %d", a.InstanceID, a.ExecutionID, a.TaskID)
	case work.Entity != nil:
		first, _ := history.Decode(work.Entity.Operations[0])
		request, _ := operation(first)
		return fmt.Sprintf("batch %s %s", work.Entity.InstanceID, request)
	}
	return ""
}

// carryOut does an item. Before that it answers it wrongly under the tokens under which
// it had it before.
func (w *worker) carryOut(ctx context.Context, work *hub.Work, old older) {
	key := keyOf(work)
	for _, token := range old.tokens {
		w.seen.answered(status.Code(complete(ctx, old.giver, w.wrong(token, work))))
	}
	done := w.outcome(work)
	if done == nil {
		return
	}
	if w.pauses {
		<-time.After(time.Duration(rand.IntN(4)*rand.IntN(8)) * time.Millisecond)
	}
	err := w.complete(ctx, done)
	for w.retries && (status.Code(err) == codes.Unavailable || status.Code(err) == codes.Canceled) {
		select {
		case <-ctx.Done(): // the stream has ended, the worker has not
			ctx = w.meta(context.WithoutCancel(ctx))
		default:
		}
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = w.complete(short, done)
		cancel()
	}
	switch status.Code(err) {
	case codes.OK:
		w.seen.ack(key)
	case codes.NotFound, codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
	default:
		w.seen.mistake("completion of %s: %v", key, err)
	}
}

// complete sends an outcome.
func (w *worker) complete(ctx context.Context, done any) error { return complete(ctx, w.conn, done) }

func complete(ctx context.Context, conn *grpc.ClientConn, done any) error {
	out := &wirepb.CompleteTaskResponse{}
	switch d := done.(type) {
	case *hub.OrchestrationDone:
		return conn.Invoke(ctx, sidecar+"CompleteOrchestratorTask", codec.EncodeTurn(d), out)
	case *hub.ActivityDone:
		return conn.Invoke(ctx, sidecar+"CompleteActivityTask", codec.EncodeActivityDone(d), out)
	case *hub.EntityDone:
		return conn.Invoke(ctx, sidecar+"CompleteEntityTask", codec.EncodeEntityDone(d), out)
	}
	panic(fmt.Sprintf("no outcome: %T", done))
}

// wrong returns an outcome that spoils the program, under a token.
func (w *worker) wrong(token string, work *hub.Work) any {
	d := hub.Delivery{Token: token}
	switch {
	case work.Orchestration != nil:
		end := engine.Action{ID: 666, Do: &engine.Complete{Status: history.StatusCompleted, Result: history.Some("666")}}
		return &hub.OrchestrationDone{Delivery: d, Result: engine.TurnResult{Actions: []engine.Action{end}}}
	case work.Activity != nil:
		return &hub.ActivityDone{Delivery: d, Result: history.Some("666")}
	}
	r := engine.EntityResult{State: history.Some(`{"n":666}`)}
	for range work.Entity.Operations {
		r.Results = append(r.Results, engine.OperationResult{Result: history.Some("666")})
	}
	return &hub.EntityDone{Delivery: d, Result: r}
}

// outcome carries an item out.
func (w *worker) outcome(work *hub.Work) any {
	d := hub.Delivery{Token: work.Token}
	switch {
	case work.Orchestration != nil:
		f, err := newFlow(work.Orchestration)
		if err != nil {
			w.seen.mistake("the history of %s cannot be read: %v", work.Orchestration.InstanceID, err)
			return nil
		}
		actions := f.run(w.code)
		if f.broken != "" {
			w.seen.mistake("%s", f.broken)
		}
		return &hub.OrchestrationDone{Delivery: d, Result: engine.TurnResult{Actions: actions}}
	case work.Activity != nil:
		n, err := strconv.Atoi(work.Activity.Input.S)
		if err != nil || work.Activity.Name != "double" {
			w.seen.mistake("activity %q of %q", work.Activity.Name, work.Activity.Input.S)
		}
		return &hub.ActivityDone{Delivery: d, Result: history.Some(strconv.Itoa(2 * n))}
	case work.Entity != nil:
		return &hub.EntityDone{Delivery: d, Result: w.batch(work.Entity)}
	}
	return nil
}

// account is the state of an entity.
type account struct {
	N    int      `json:"n"`
	Seen []string `json:"seen"` // operations
}

func (w *worker) batch(e *hub.EntityWork) (r engine.EntityResult) {
	var a account
	if e.State.Set {
		if err := json.Unmarshal([]byte(e.State.S), &a); err != nil {
			w.seen.mistake("state of %s: %q", e.InstanceID, e.State.S)
		}
	}
	for _, b := range e.Operations {
		ev, err := history.Decode(b)
		if err != nil {
			w.seen.mistake("an operation on %s cannot be read: %v", e.InstanceID, err)
			return r
		}
		request, input := operation(ev)
		if slices.Contains(a.Seen, request) {
			w.seen.mistake("operation %s on %s comes again, although its effect is in the state", request, e.InstanceID)
		}
		n, _ := strconv.Atoi(input.S)
		a.N, a.Seen = a.N+n, append(a.Seen, request)
		r.Results = append(r.Results, engine.OperationResult{Result: history.Some(strconv.Itoa(a.N))})
	}
	state, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	r.State = history.Some(string(state))
	return r
}

func operation(e *history.Event) (request string, input history.Text) {
	switch b := e.Body.(type) {
	case *history.EntityOperationCalled:
		return b.RequestID, b.Input
	case *history.EntityOperationSignaled:
		return b.RequestID, b.Input
	}
	return "", history.Text{}
}
