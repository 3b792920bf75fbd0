package hubtest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// patience is the real time after which a test counts as hung; all take seconds. Under
// the race detector, on a database and on a busy machine they take many times as long.
const patience = 4 * time.Minute

// epoch is when each test begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// env is a running hub with its clock.
type env struct {
	t       *testing.T
	ctx     context.Context
	harness Harness
	clock   *clock.Virtual
	hub     Hub
	stop    func()
	named   bool // see Far
	outside bool
}

// open runs a hub with the code that register registers.
func (s suite) open(t *testing.T, register func(r *perdure.Registry)) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	e := &env{t: t, ctx: ctx, harness: s.harness(t), clock: clock.NewVirtual(epoch)}
	if far, ok := e.harness.(Far); ok {
		e.named, e.outside = far.NamesRequests(), far.RunsOutside()
	}
	e.run(register)
	t.Cleanup(func() {
		e.stop()
		cancel()
	})
	return e
}

func (e *env) run(register func(r *perdure.Registry)) {
	e.t.Helper()
	reg := perdure.NewRegistry()
	register(reg)
	if err := reg.Err(); err != nil {
		e.t.Fatal(err)
	}
	h, stop := e.harness.Start(e.t, reg, e.clock)
	e.hub, e.stop = h, sync.OnceFunc(stop)
}

// restart ends the hub and runs another over its store, with other code.
func (e *env) restart(register func(r *perdure.Registry)) {
	e.t.Helper()
	e.stop()
	e.run(register)
}

// settle waits until nothing moves by itself and returns what is due next.
func (e *env) settle() time.Time {
	e.t.Helper()
	next, err := e.hub.Idle(e.ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	return next
}

// advance lets time pass, with all that happens meanwhile.
func (e *env) advance(d time.Duration) {
	e.t.Helper()
	to := e.clock.Now().Add(d)
	for {
		next := e.settle()
		if next.IsZero() || next.After(to) {
			break
		}
		e.clock.Advance(max(next.Sub(e.clock.Now()), 0))
	}
	e.clock.Advance(to.Sub(e.clock.Now()))
	e.settle()
}

// since is the hub's time since the test began.
func (e *env) since() time.Duration { return e.clock.Now().Sub(epoch) }

func must[T any](e *env, v T, err error) T {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
	return v
}

func (e *env) ok(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// code checks the code of an error.
func (e *env) code(what string, err error, want perdure.Code) {
	e.t.Helper()
	if got := perdure.CodeOf(err); got != want {
		e.t.Errorf("%s = %v (code %v), want code %v", what, err, got, want)
	}
}

// startOption changes a hub.Start.
type startOption func(*hub.Start)

func at(t time.Time) startOption              { return func(s *hub.Start) { s.StartAt = t } }
func tags(kv map[string]string) startOption   { return func(s *hub.Start) { s.Tags = kv } }
func replace(r ...history.Status) startOption { return func(s *hub.Start) { s.Replace = r } }

// start starts an orchestration under an id; input is JSON, "" = none.
func (e *env) start(name, id, input string, opts ...startOption) hub.Started {
	e.t.Helper()
	st, err := e.tryStart(name, id, input, opts...)
	if err != nil {
		e.t.Fatal(err)
	}
	return st
}

func (e *env) tryStart(name, id, input string, opts ...startOption) (hub.Started, error) {
	r := &hub.Start{Name: name, InstanceID: id, Input: history.NoneIfEmpty(input)}
	for _, o := range opts {
		o(r)
	}
	return e.hub.Start(e.ctx, r)
}

func (e *env) raise(id, name, data string) {
	e.t.Helper()
	e.ok(e.hub.Raise(e.ctx, &hub.Raise{InstanceID: id, Name: name, Data: history.NoneIfEmpty(data)}))
}

func (e *env) signal(entity, operation, input string) {
	e.t.Helper()
	e.ok(e.hub.Signal(e.ctx, &hub.Signal{InstanceID: entity, Operation: operation, Input: history.NoneIfEmpty(input)}))
}

func (e *env) control(kind hub.ControlKind, id string) {
	e.t.Helper()
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: kind, InstanceID: id})
	e.ok(err)
}

func (e *env) get(id string) *hub.Instance {
	e.t.Helper()
	in, err := e.hub.Instance(e.ctx, id, true)
	return must(e, in, err)
}

// end lets time pass until the orchestration has ended, and returns it.
func (e *env) end(id string) *hub.Instance {
	e.t.Helper()
	for {
		next := e.settle()
		in := e.get(id)
		switch {
		case in.Status.Terminal():
			waited, err := e.hub.WaitCompletion(e.ctx, id)
			must(e, waited, err)
			if waited.Status != in.Status || waited.Output != in.Output {
				e.t.Errorf("WaitCompletion(%s) = %v %v, want as in Instance: %v %v", id, waited.Status, waited.Output, in.Status, in.Output)
			}
			return in
		case next.IsZero():
			e.t.Fatalf("%s waits for ever: status %v, phase %d, cause %q, step %q, waits for %q",
				id, in.Status, in.Phase, in.PhaseCause, in.Step, in.WaitName)
		}
		e.clock.Advance(max(next.Sub(e.clock.Now()), 0))
	}
}

// completes lets the orchestration end and checks its output, which is JSON.
func (e *env) completes(id, output string) {
	e.t.Helper()
	in := e.end(id)
	if in.Status != store.Completed || in.Output.S != output {
		e.t.Errorf("%s ended %v with output %s and failure %s, want completed with %s",
			id, history.Status(in.Status), in.Output.S, failureText(in.Failure), output)
	}
}

// fails lets the orchestration end and returns how it failed.
func (e *env) fails(id string) *history.Failure {
	e.t.Helper()
	in := e.end(id)
	if in.Status != store.Failed || in.Failure == nil {
		e.t.Fatalf("%s ended %v with output %s, want failed", id, history.Status(in.Status), in.Output.S)
	}
	return in.Failure
}

func failureText(f *history.Failure) string {
	if f == nil {
		return "none"
	}
	var b strings.Builder
	for ; f != nil; f = f.Inner {
		fmt.Fprintf(&b, "[%s: %s]", f.Type, f.Message)
	}
	return b.String()
}

// status checks the status of an instance once nothing moves.
func (e *env) status(id string, want store.Status) {
	e.t.Helper()
	e.settle()
	if got := e.get(id).Status; got != want {
		e.t.Errorf("status of %s = %v, want %v", id, history.Status(got), history.Status(want))
	}
}

// random matches ids that are made at random.
var random = regexp.MustCompile(`\b[0-9a-f]{32}\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// effects matches effect ids, which derive from random ids.
var effects = regexp.MustCompile(` effect=[0-9a-f]+`)

// script compares the history of an execution ("" = the current one) with its
// golden text, in which random ids are numbered in the order of their appearance.
func (e *env) script(id, execution, want string) {
	e.t.Helper()
	events, err := e.hub.History(e.ctx, id, execution)
	must(e, events, err)
	seen := map[string]string{}
	plain := effects.ReplaceAllString(history.Script(events), "")
	got := random.ReplaceAllStringFunc(plain, func(s string) string {
		if seen[s] == "" {
			seen[s] = fmt.Sprintf("$%d", len(seen)+1)
		}
		return seen[s]
	})
	want = strings.ReplaceAll(strings.TrimPrefix(want, "\n"), "\n\t\t", "\n")
	want = strings.TrimLeft(want, "\t")
	want = strings.TrimRight(want, "\t")
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("history of %s (-want +got):\n%s", id, diff)
	}
}

// probe counts what code does.
type probe struct {
	mu    sync.Mutex // guards the rest
	notes []string
}

func (p *probe) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// check compares the notes so far.
func (p *probe) check(t *testing.T, what string, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.notes); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (p *probe) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.notes)
}

// receive takes a value that code sends.
func receive[T any](e *env, c <-chan T) T {
	e.t.Helper()
	select {
	case v := <-c:
		return v
	case <-e.ctx.Done():
		e.t.Fatal("the code did not run")
		panic("unreachable")
	}
}

func echo(_ context.Context, in string) (string, error) { return in, nil }

// echoCode registers the activity echo, and the orchestrations echo, which calls
// it, and wait, which waits for the event go.
func echoCode(r *perdure.Registry) {
	perdure.AddActivityNamed(r, "echo", echo)
	perdure.AddOrchestrationNamed(r, "echo", func(ctx *perdure.Context, in string) (string, error) {
		return perdure.CallNamed[string](ctx, "echo", in).Await()
	})
	perdure.AddOrchestrationNamed(r, "wait", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.NewEvent[string]("go").Wait(ctx).Await()
	})
	perdure.AddOrchestrationNamed(r, "fail", func(*perdure.Context, string) (string, error) {
		return "", fmt.Errorf("no luck")
	})
}

// text is JSON that is present.
func text(s string) history.Text { return history.Some(s) }
