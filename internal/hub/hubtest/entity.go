package hubtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var entityCases = []testCase{
	{"CallAndSignal", entityCall},
	{"Batch", entityBatch},
	{"Delayed", entityDelayed},
	{"ToEntity", entityToEntity},
	{"StartsOrchestration", entityStarts},
	{"Deferred", entityDeferred},
	{"DeletedWhileDeferred", entityDeletedDeferred},
	{"DeleteAndRecreate", entityDelete},
	{"RollsBack", entityRollsBack},
	{"Panics", entityPanics},
	{"Struct", entityStruct},
	{"Unknown", entityUnknown},
	{"InOrder", entityInOrder},
	{"CallerEnded", entityCallerEnded},
	{"Operations", entityOperations},
}

// counters registers the entity counter, and the orchestrations call, which
// calls an operation, and calls, which calls "add" n times.
func counters(r *perdure.Registry) {
	perdure.AddEntityFunc(r, "Counter", func(ctx *perdure.EntityContext) (any, error) {
		var n, in int
		if err := errors.Join(ctx.State(&n), ctx.Input(&in)); err != nil {
			return nil, err
		}
		switch ctx.Operation() {
		case "add":
			n += in
		case "fail":
			if err := errors.Join(ctx.SetState(1000), ctx.Signal(perdure.NewEntityID("counter", "other"), "add", 1)); err != nil {
				return nil, err
			}
			return nil, errors.New("refused")
		case "panic":
			panic("boom")
		case "delete":
			ctx.DeleteState()
			return n, nil
		case "pass":
			return n, ctx.Signal(perdure.NewEntityID("counter", "other"), "add", n)
		}
		return n, ctx.SetState(n)
	})
	type call struct {
		Entity, Operation string
		Input             int
	}
	perdure.AddOrchestrationNamed(r, "call", func(ctx *perdure.Context, c call) (int, error) {
		id, err := perdure.ParseEntityID(c.Entity)
		if err != nil {
			return 0, err
		}
		return perdure.CallEntity[int](ctx, id, c.Operation, c.Input).Await()
	})
}

// state checks the state of an entity once nothing moves; "" = there is none.
func (e *env) state(id, want string) {
	e.t.Helper()
	e.settle()
	ent, err := e.hub.Entity(e.ctx, id)
	if want == "" {
		if perdure.CodeOf(err) != perdure.NotFound && (err != nil || ent.State.Set) {
			e.t.Errorf("Entity(%s) = %+v, %v, want none", id, ent, err)
		}
		return
	}
	if err != nil || ent.State.S != want {
		e.t.Errorf("Entity(%s) = %+v, %v, want state %s", id, ent, err, want)
	}
}

func entityCall(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "1")
	e.signal("@counter@k", "add", "2")
	e.state("@counter@k", "3") // senders have no order among each other
	e.start("call", "a", `{"Entity":"@Counter@k","Operation":"add","Input":3}`)
	e.completes("a", "6")
	e.state("@counter@k", "6")
	ent, err := e.hub.Entity(e.ctx, "@counter@k")
	if must(e, ent, err); !ent.Modified.Equal(epoch) || ent.Queue != 0 || ent.LockedBy != "" {
		t.Errorf("Entity() = %+v, want a free one of this time", ent)
	}
	in := e.get("@counter@k")
	if in.Kind != store.Entity || in.Name != "counter" {
		t.Errorf("Instance() = %+v, want an entity counter", in)
	}
	e.restart(counters)
	e.signal("@counter@k", "add", "1")
	e.state("@counter@k", "7")
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=call input=`+"`"+`{"Entity":"@Counter@k","Operation":"add","Input":3}`+"`"+` instance={instanceId=a executionId="$1"}
		1 entityOperationCalled requestId=$2 operation=add input="3" targetInstanceId="@counter@k"
		-1 orchestratorStarted
		-1 entityOperationCompleted requestId=$2 output="6"
		2 executionCompleted status=completed result="6"
		`)
}

func entityBatch(t *testing.T, s suite) {
	e := s.open(t, counters)
	for range 500 {
		e.signal("@counter@k", "add", "1")
	}
	e.state("@counter@k", "500")
	// One for each signal, which is durable when it is accepted; not another for each
	// operation. On a busy machine some signals miss the commit that carries one out.
	if v := e.get("@counter@k").Version; v > 600 && !e.named && !e.outside {
		t.Errorf("500 signals took %d commits", v)
	}
}

func entityDelayed(t *testing.T, s suite) {
	e := s.open(t, counters)
	for i, d := range []time.Duration{2 * time.Hour, time.Hour} {
		e.ok(e.hub.Signal(e.ctx, &hub.Signal{
			InstanceID: "@counter@k", Operation: "add", Input: text(fmt.Sprint(10 * (i + 1))), At: epoch.Add(d),
		}))
	}
	e.state("@counter@k", "")
	e.restart(counters)
	e.advance(59 * time.Minute)
	e.state("@counter@k", "")
	e.advance(time.Minute)
	e.state("@counter@k", "20")
	e.advance(time.Hour)
	e.state("@counter@k", "30")
}

func entityToEntity(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "4")
	e.signal("@counter@k", "pass", "")
	e.settle()
	e.state("@counter@other", "4")
}

func entityStarts(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddEntityFunc(r, "starter", func(ctx *perdure.EntityContext) (any, error) {
			switch ctx.Operation() {
			case "start":
				return ctx.StartOrchestration("wait", nil, perdure.WithID("started"), perdure.WithTags(map[string]string{"k": "v"}))
			case "raise":
				return nil, ctx.RaiseEvent("started", "go", "x")
			}
			return nil, ctx.Terminate("started", "enough")
		})
	})
	if got, err := e.ask("@starter@k", "start", "", ""); err != nil || got != `"started"` {
		t.Fatalf("Ask(start) = %s, %v, want the id", got, err)
	}
	e.status("started", store.Running)
	if got := e.get("started").Tags["k"]; got != "v" {
		t.Errorf("tag of the orchestration = %q, want v", got)
	}
	e.signal("@starter@k", "raise", "")
	e.completes("started", `"x"`)
	if _, err := e.ask("@starter@k", "start", "", ""); err != nil {
		t.Fatal(err)
	}
	e.signal("@starter@k", "end", "")
	e.settle()
	if in := e.end("started"); in.Status != store.Terminated || in.Output.S != `"enough"` {
		t.Errorf("it ended %v with %s, want terminated with the reason", in.Status, in.Output.S)
	}
}

// deferring registers the entity queue: "wait" is answered by a later "serve".
func deferring(r *perdure.Registry) {
	perdure.AddEntityFunc(r, "queue", func(ctx *perdure.EntityContext) (any, error) {
		var tokens []string
		if err := ctx.State(&tokens); err != nil {
			return nil, err
		}
		switch ctx.Operation() {
		case "wait":
			return "dropped", ctx.SetState(append(tokens, ctx.Defer()))
		case "delete":
			ctx.DeleteState()
			return nil, nil
		case "refuse":
			ctx.FailReply(tokens[0], errors.New("refused"))
		default:
			var in string
			if err := errors.Join(ctx.Input(&in), ctx.ResolveReply(tokens[0], in)); err != nil {
				return nil, err
			}
		}
		return nil, ctx.SetState(tokens[1:])
	})
	perdure.AddOrchestrationNamed(r, "call", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallEntity[string](ctx, perdure.NewEntityID("queue", "k"), "wait", nil).Await()
	})
}

func entityDeferred(t *testing.T, s suite) {
	e := s.open(t, deferring)
	e.start("call", "a", "")
	e.settle()
	e.start("call", "b", "")
	e.settle()
	answered := make(chan string)
	go func() {
		got, err := e.ask("@queue@k", "wait", "ask", "")
		answered <- fmt.Sprint(got, err)
	}()
	for {
		e.settle()
		if ent, err := e.hub.Entity(e.ctx, "@queue@k"); err == nil && strings.Count(ent.State.S, ",") == 2 {
			break
		}
		if e.ctx.Err() != nil {
			t.Fatal("three callers do not wait")
		}
	}
	e.restart(deferring)
	e.status("a", store.Running)
	e.signal("@queue@k", "serve", `"x"`)
	e.completes("a", `"x"`)
	e.status("b", store.Running)
	e.signal("@queue@k", "refuse", "")
	if f := e.fails("b"); !strings.Contains(failureText(f), "refused") {
		t.Errorf("failure = %s, want refused", failureText(f))
	}
	<-answered // by the end of the first hub
	e.signal("@queue@k", "serve", `"y"`)
	if got, err := e.ask("@queue@k", "wait", "ask", ""); err != nil || got != `"y"` {
		t.Errorf("Ask(repeated) = %s, %v, want y", got, err)
	}
	e.state("@queue@k", "[]")
}

func entityDeletedDeferred(t *testing.T, s suite) {
	e := s.open(t, deferring)
	e.start("call", "a", "")
	e.settle()
	e.signal("@queue@k", "delete", "")
	if f := e.fails("a"); !strings.Contains(failureText(f), "deleted") {
		t.Errorf("failure = %s, want that the entity was deleted", failureText(f))
	}
	e.state("@queue@k", "")
}

func entityDelete(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "5")
	if got, err := e.ask("@counter@k", "delete", "", ""); err != nil || got != "5" {
		t.Errorf("Ask(delete) = %s, %v, want 5", got, err)
	}
	e.state("@counter@k", "")
	e.gone("@counter@k")
	e.signal("@counter@k", "add", "2")
	e.state("@counter@k", "2")
	e.start("call", "a", `{"Entity":"@counter@k","Operation":"delete"}`)
	e.completes("a", "2")
	e.start("call", "b", `{"Entity":"@counter@k","Operation":"add","Input":7}`)
	e.completes("b", "7")
	e.restart(counters)
	e.state("@counter@k", "7")
}

func entityRollsBack(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "5")
	e.start("call", "a", `{"Entity":"@counter@k","Operation":"fail"}`)
	if f := e.fails("a"); !strings.Contains(failureText(f), "refused") {
		t.Errorf("failure = %s, want refused", failureText(f))
	}
	e.signal("@counter@k", "fail", "")
	e.state("@counter@k", "5")
	e.state("@counter@other", "")
}

func entityPanics(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "5")
	if _, err := e.ask("@counter@k", "panic", "", ""); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("Ask(panic) = %v, want the panic's value", err)
	}
	e.state("@counter@k", "5")
}

// account is a struct entity.
type account struct{ Balance int }

func (a *account) Deposit(n int) int { a.Balance += n; return a.Balance }

func (a *account) Withdraw(ctx *perdure.EntityContext, n int) (int, error) {
	if n > a.Balance {
		a.Balance = -1
		return 0, fmt.Errorf("%s has %d", ctx.ID(), a.Balance)
	}
	a.Balance -= n
	return a.Balance, nil
}

func entityStruct(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) { perdure.AddEntity[account](r, "account") })
	for _, c := range []struct{ op, in, want string }{
		{"deposit", "10", "10"}, {"Withdraw", "3", "7"}, {"WITHDRAW", "100", "error"}, {"nothing", "", "error"},
		{"deposit", `"x"`, "error"}, {"deposit", "1", "8"},
	} {
		got, err := e.ask("@account@k", c.op, "", c.in)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("Ask(%s, %s) = %s, %v, want %s", c.op, c.in, got, err, c.want)
		}
	}
	e.state("@account@k", `{"Balance":8}`)
	e.signal("@account@k", "delete", "")
	e.state("@account@k", "")
}

func entityUnknown(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.signal("@counter@k", "add", "1")
	e.signal("@counter@k", "add", "2")
	e.settle()
	e.restart(counters)
	e.state("@counter@k", "3")
}

// entityInOrder sends signals before there is code, across restarts.
func entityInOrder(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for i := range 30 {
		e.signal("@log@k", "append", fmt.Sprint(i))
		if i%10 == 9 {
			e.settle()
			e.restart(echoCode)
		}
	}
	e.restart(func(r *perdure.Registry) {
		perdure.AddEntityFunc(r, "log", func(ctx *perdure.EntityContext) (any, error) {
			var all []int
			var in int
			if err := errors.Join(ctx.State(&all), ctx.Input(&in)); err != nil {
				return nil, err
			}
			return nil, ctx.SetState(append(all, in))
		})
	})
	e.state("@log@k", "["+strings.ReplaceAll(strings.Trim(sequence(30), `"`), " ", ",")+"]")
}

func entityCallerEnded(t *testing.T, s suite) {
	e := s.open(t, deferring)
	e.start("call", "a", "")
	e.settle()
	e.control(hub.Terminate, "a")
	e.status("a", store.Terminated)
	e.signal("@queue@k", "serve", `"x"`) // nobody waits for it
	e.state("@queue@k", "[]")
	e.status("a", store.Terminated)
}

// entityOperations shows what an entity has carried out, also after a restart, in its
// own view and in lists, and forgets it with the entity.
func entityOperations(t *testing.T, s suite) {
	e := s.open(t, counters)
	const id = "@counter@k"
	for range 9 {
		e.signal(id, "add", "1")
	}
	e.state(id, "9")
	e.start("call", "a", `{"Entity":"@counter@k","Operation":"add","Input":2}`)
	e.completes("a", "11")
	e.signal(id, "fail", "0")
	e.state(id, "11")
	e.restart(counters)
	ent, err := e.hub.Entity(e.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	page, err := e.hub.List(e.ctx, store.Query{Kind: store.Entity, IDPrefix: id})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("List() = %d entities, %v, want one", len(page.Items), err)
	}
	row := page.Items[0]
	if row.StateBytes != 2 || row.LockedBy != "" || row.Pending.Messages != 0 {
		t.Errorf("row of %s = %d bytes, locked by %q, %d waiting, want 2 bytes", id, row.StateBytes, row.LockedBy, row.Pending.Messages)
	}
	for _, got := range [][]hub.Operation{ent.Operations, row.Operations} {
		if len(got) < 2 || len(got) > 20 {
			t.Fatalf("%d operations, want some of the newest", len(got))
		}
		var texts []string
		for i, o := range got {
			if o.At.IsZero() || i > 0 && o.At.Before(got[i-1].At) {
				t.Errorf("operation %d was at %v, want times in order", i, o.At)
			}
			texts = append(texts, fmt.Sprintf("%s %q %v %v", o.Name, o.From, o.Called, strings.Contains(o.Failure, "refused")))
		}
		want := []string{`add "" false false`, `add "a" true false`, `fail "" false true`}
		if diff := cmp.Diff(want, texts[len(texts)-3:]); diff != "" {
			t.Errorf("newest operations (-want +got):\n%s", diff)
		}
	}
	e.signal(id, "delete", "0")
	e.state(id, "")
	e.signal(id, "add", "1")
	e.state(id, "1")
	if ent, err = e.hub.Entity(e.ctx, id); err != nil || len(ent.Operations) != 1 {
		t.Errorf("Entity() after a deletion = %d operations, %v, want one", len(ent.Operations), err)
	}
}
