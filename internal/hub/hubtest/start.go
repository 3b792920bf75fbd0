package hubtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var startCases = []testCase{
	{"Completes", startCompletes},
	{"GeneratedID", startGenerated},
	{"ExecutionID", startExecutionID},
	{"ReusePolicy", startReuse},
	{"ReplacesDuringTurn", startDuringTurn},
	{"OrGet", startOrGet},
	{"WithEvent", startWithEvent},
	{"Scheduled", startScheduled},
	{"BadRequests", startBad},
	{"UnknownName", startUnknown},
}

func startCompletes(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	st := must1(e, &hub.Start{
		Name: "echo", InstanceID: "a", Version: history.Some("v2"), Input: history.Some(`"x"`),
		Tags: map[string]string{"k": "v"},
	})
	if st.InstanceID != "a" || st.Existing || len(st.ExecutionID) != 32 {
		t.Errorf("Start() = %+v, want a new instance a", st)
	}
	e.completes("a", `"x"`)
	in := e.get("a")
	if in.Name != "echo" || in.AppVersion != history.Some("v2") || in.Input != history.Some(`"x"`) ||
		in.Execution != st.ExecutionID || !in.Created.Equal(epoch) || !in.Completed.Equal(epoch) {
		t.Errorf("Instance() = %+v, want what it was started with", in)
	}
	if diff := cmp.Diff(map[string]string{"k": "v"}, in.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if in.Version != 2 && !e.outside {
		t.Errorf("a run of one activity took %d commits, want 2", in.Version)
	}
	if bare, err := e.hub.Instance(e.ctx, "a", false); err != nil || bare.Input.Set || bare.Output.Set {
		t.Errorf("Instance(a, no payloads) = %+v, %v, want no payloads", bare, err)
	}
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=echo version="v2" input=`+"`\"x\"`"+` instance={instanceId=a executionId="$1"} tags={k=v}
		1 taskScheduled name=echo input=`+"`\"x\"`"+`
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=1 result=`+"`\"x\"`"+`
		2 executionCompleted status=completed result=`+"`\"x\"`"+`
		`)
}

// must1 starts with all that a request can say.
func must1(e *env, r *hub.Start) hub.Started {
	e.t.Helper()
	st, err := e.hub.Start(e.ctx, r)
	return must(e, st, err)
}

func startGenerated(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	a, b := e.start("echo", "", `"1"`), e.start("echo", "", `"2"`)
	if a.InstanceID == "" || a.InstanceID == b.InstanceID {
		t.Errorf("generated ids = %q and %q, want two", a.InstanceID, b.InstanceID)
	}
	e.completes(a.InstanceID, `"1"`)
	e.completes(b.InstanceID, `"2"`)
}

func startExecutionID(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	id := strings.Repeat("0f", 16)
	if st := must1(e, &hub.Start{Name: "wait", InstanceID: "a", ExecutionID: id}); st.ExecutionID != id {
		t.Errorf("ExecutionID = %q, want %q", st.ExecutionID, id)
	}
	if st := must1(e, &hub.Start{Name: "wait", InstanceID: "b", ExecutionID: "short"}); len(st.ExecutionID) != 32 {
		t.Errorf("ExecutionID = %q, want a generated one", st.ExecutionID)
	}
}

// inStatus brings an instance into a status.
func (e *env) inStatus(id string, status history.Status) {
	e.t.Helper()
	switch status {
	case history.StatusCompleted:
		e.start("echo", id, `"old"`)
		e.end(id)
	case history.StatusFailed:
		e.start("fail", id, "")
		e.end(id)
	case history.StatusPending:
		e.start("wait", id, "", at(epoch.Add(time.Hour)))
	default:
		e.start("wait", id, "")
	}
	switch status {
	case history.StatusCanceled:
		e.control(hub.Cancel, id)
	case history.StatusTerminated:
		e.control(hub.Terminate, id)
	case history.StatusSuspended:
		e.control(hub.Suspend, id)
	}
	e.status(id, store.Status(status))
}

func startReuse(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	all := []history.Status{
		history.StatusRunning, history.StatusCompleted, history.StatusFailed, history.StatusCanceled,
		history.StatusTerminated, history.StatusPending, history.StatusSuspended,
	}
	for _, is := range all {
		for _, may := range append([]history.Status{-1}, all...) {
			id := fmt.Sprintf("%v-%v", is, may)
			e.inStatus(id, is)
			var policy []history.Status
			if may >= 0 {
				policy = []history.Status{may}
			}
			live := may == history.StatusRunning || may == history.StatusPending || may == history.StatusSuspended
			if live {
				_, err := e.tryStart("echo", id, `"new"`, replace(may))
				e.code("Start("+id+", bad policy)", err, perdure.InvalidArgument)
				if err != nil && !strings.Contains(err.Error(), "Invalid reusable statuses") {
					t.Errorf("Start(%s, bad policy) = %v, want the text of the protocol", id, err)
				}
				policy = append(policy, history.StatusTerminated)
			}
			before := e.get(id).Execution
			st, err := e.tryStart("echo", id, `"new"`, replace(policy...))
			if !slices.Contains(policy, is) {
				e.code("Start("+id+")", err, perdure.AlreadyExists)
				if after := e.get(id); after.Execution != before || after.Status != store.Status(is) {
					t.Errorf("%s after a refused start is %v, want it left alone", id, after.Status)
				}
				continue
			}
			if err != nil || st.Existing || st.ExecutionID == before {
				t.Errorf("Start(%s) = %+v, %v, want a new execution", id, st, err)
				continue
			}
			e.completes(id, `"new"`)
		}
	}
}

// startDuringTurn replaces a run while its code is in the middle of a turn.
func startDuringTurn(t *testing.T, s suite) {
	hold, began := make(chan struct{}), make(chan struct{}, 9)
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "slow", func(ctx *perdure.Context, _ string) (string, error) {
			began <- struct{}{}
			<-hold
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
	})
	old := e.start("slow", "a", `"old"`)
	receive(e, began)
	st := e.start("echo", "a", `"new"`, replace(history.StatusRunning, history.StatusPending, history.StatusTerminated))
	if st.ExecutionID == old.ExecutionID {
		t.Errorf("Start() = %+v, want another execution", st)
	}
	e.completes("a", `"new"`)
	close(hold)
	if in := e.get("a"); in.Execution != st.ExecutionID || in.Name != "echo" {
		t.Errorf("Instance() = %s, execution %s, want echo and that of its start", in.Name, in.Execution)
	}
}

func startOrGet(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	orGet := func(r *hub.Start) { r.OrGet = true }
	first := e.start("wait", "a", "", orGet)
	if first.Existing {
		t.Errorf("first Start() = %+v, want a new instance", first)
	}
	again := e.start("wait", "a", "", orGet)
	if want := (hub.Started{InstanceID: "a", ExecutionID: first.ExecutionID, Existing: true}); again != want {
		t.Errorf("second Start() = %+v, want %+v", again, want)
	}
}

func startWithEvent(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "two", func(ctx *perdure.Context, _ string) (string, error) {
			a, _ := perdure.NewEvent[string]("go").Wait(ctx).Await()
			b, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			return a + b, err
		})
	})
	with := func(data string) startOption {
		return func(r *hub.Start) { r.Event = &hub.Raise{Name: "Go", Data: history.Some(data)} }
	}
	first := e.start("two", "a", "", with(`"1"`))
	second := e.start("two", "a", "", with(`"2"`))
	if first.Existing || !second.Existing {
		t.Errorf("Start() = %+v then %+v, want a new instance, then an existing one", first, second)
	}
	e.completes("a", `"12"`)
}

func startScheduled(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "later", `"x"`, at(epoch.Add(time.Hour)))
	e.start("echo", "past", `"x"`, at(epoch.Add(-time.Hour)))
	e.start("wait", "told", "", at(epoch.Add(time.Minute)))
	e.raise("told", "go", `"early"`)
	e.completes("past", `"x"`)
	if in := e.get("later"); in.Status != store.Pending || !in.StartAt.Equal(epoch.Add(time.Hour)) || in.Input.S != `"x"` {
		t.Errorf("before its time it is %v with start %v and input %v, want pending", in.Status, in.StartAt, in.Input)
	}
	e.completes("told", `"early"`)
	e.advance(58 * time.Minute)
	e.status("later", store.Pending)
	e.restart(echoCode)
	e.completes("later", `"x"`)
	if e.since() != time.Hour {
		t.Errorf("it ran after %v, want 1h", e.since())
	}
}

func startBad(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for name, id := range map[string]string{
		"long": strings.Repeat("x", 101), "long in two bytes": strings.Repeat("é", 101), "entity": "@a@b", "NUL": "a\x00b", "control": "a\nb", "UTF-8": "a\xff",
	} {
		_, err := e.tryStart("echo", id, "")
		e.code("Start("+name+" id)", err, perdure.InvalidArgument)
		if err := e.hub.Raise(e.ctx, &hub.Raise{InstanceID: id, Name: "n"}); perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("Raise(%s id) = %v, want InvalidArgument", name, err)
		}
		_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Suspend, InstanceID: id})
		e.code("Control("+name+" id)", err, perdure.InvalidArgument)
	}
	if _, err := e.tryStart("echo", strings.Repeat("é", 100), `"x"`); err != nil {
		t.Errorf("Start(100 characters of two bytes) = %v, want it started", err)
	}
	_, err := e.tryStart("", "a", "")
	e.code("Start(no name)", err, perdure.InvalidArgument)
	for _, id := range []string{"", "plain", "@", "@a", "@@b", "@a@"} {
		err := e.hub.Signal(e.ctx, &hub.Signal{InstanceID: id, Operation: "op"})
		e.code("Signal("+id+")", err, perdure.InvalidArgument)
	}
	_, err = e.hub.Entity(e.ctx, "@"+strings.Repeat("x", 100)+"@k")
	e.code("Entity(long id)", err, perdure.InvalidArgument)
	_, err = e.hub.WaitStart(e.ctx, "a\x00")
	e.code("WaitStart(NUL)", err, perdure.InvalidArgument)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: 99, InstanceID: "a"})
	e.code("Control(unknown kind)", err, perdure.InvalidArgument)
}

func startUnknown(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("new-code", "a", `"x"`)
	e.start("new-code", "b", `"x"`)
	e.start("take", "c", "30")
	e.settle()
	for i := range 30 {
		e.raise("c", "go", fmt.Sprint(i))
		if i%10 == 9 {
			e.settle()
			e.restart(echoCode)
		}
	}
	e.settle()
	if in := e.get("a"); in.Status != store.Pending || in.Phase != store.Stuck || !strings.Contains(in.PhaseCause, `"new-code"`) {
		t.Errorf("without code it is %v, phase %d, cause %q; want pending, stuck and its name", in.Status, in.Phase, in.PhaseCause)
	}
	e.control(hub.Terminate, "b")
	e.status("b", store.Terminated)
	e.restart(func(r *perdure.Registry) {
		taker(r)
		perdure.AddOrchestrationNamed(r, "new-code", func(_ *perdure.Context, in string) (string, error) { return in, nil })
	})
	e.completes("c", sequence(30))
	e.completes("a", `"x"`)
}
