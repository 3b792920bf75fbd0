package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// Code that runs in the hub's process, for calls of clients.

var goOn = perdure.NewEvent[string]("go on")

// patient ends when it is told to.
func patient(ctx *perdure.Context, in string) (string, error) {
	return goOn.Wait(ctx).Await()
}

func failing(*perdure.Context, string) (string, error) {
	return "", &perdure.Error{Code: perdure.Conflict, Message: "no"}
}

func echoing(_ *perdure.Context, in string) (string, error) { return in, nil }

// parent waits for its child, which ends when it is told to.
func parent(ctx *perdure.Context, in string) (string, error) {
	return perdure.CallOrchestration(ctx, patient, in, perdure.WithID(ctx.InstanceID()+"-child")).Await()
}

func local(r *perdure.Registry) {
	perdure.AddOrchestration(r, patient)
	perdure.AddOrchestration(r, failing)
	perdure.AddOrchestration(r, echoing)
	perdure.AddOrchestration(r, parent)
}

func (s *server) start(in *wirepb.CreateInstanceRequest) string {
	s.t.Helper()
	return do[wirepb.CreateInstanceResponse](s, "StartInstance", in).InstanceId
}

func (s *server) get(id string) *wirepb.OrchestrationState {
	s.t.Helper()
	return do[wirepb.GetInstanceResponse](s, "GetInstance", &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: true}).OrchestrationState
}

func (s *server) wait(id string) *wirepb.OrchestrationState {
	s.t.Helper()
	return do[wirepb.GetInstanceResponse](s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id, GetInputsAndOutputs: true}).OrchestrationState
}

func (s *server) raise(id, name, input string) {
	s.t.Helper()
	do[wirepb.RaiseEventResponse](s, "RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: id, Name: name, Input: text(input)})
}

// until polls for a condition.
func (s *server) until(what string, met func() bool) {
	s.t.Helper()
	for !met() {
		select {
		case <-s.ctx.Done():
			s.t.Fatalf("%s has not come", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (s *server) untilStatus(id string, want wirepb.OrchestrationStatus) {
	s.t.Helper()
	s.until(fmt.Sprintf("status %v of %s", want, id), func() bool { return s.get(id).GetOrchestrationStatus() == want })
}

const (
	running_   = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_RUNNING
	completed  = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED
	failed     = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_FAILED
	canceled   = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_CANCELED
	terminated = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_TERMINATED
	pending    = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_PENDING
	suspended  = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_SUSPENDED
	continued  = wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_CONTINUED_AS_NEW
)

// TestW01ServedInPlaintextWithoutMetadata calls as an SDK does that knows nothing
// but the address.
func TestW01ServedInPlaintextWithoutMetadata(t *testing.T) {
	s := serve(t, code(local))
	do[emptypb.Empty](s, "Hello", &emptypb.Empty{})
	id := s.start(&wirepb.CreateInstanceRequest{Name: "echoing", Input: text(`"x"`)})
	if got := s.wait(id); got.OrchestrationStatus != completed || got.Output.GetValue() != `"x"` {
		t.Errorf("the instance = %v, want it completed with its input", got)
	}
}

// TestW02MetadataSelectsTheHub starts the same id in two hubs and asks a third.
func TestW02MetadataSelectsTheHub(t *testing.T) {
	s := serve(t, code(local))
	other, none := s.with("taskhub", "other"), s.with("taskhub", "none")
	for _, ctx := range []context.Context{s.with("taskhub", "default"), other} {
		if _, err := call[wirepb.CreateInstanceResponse](ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{InstanceId: "i", Name: "patient"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := call[wirepb.RaiseEventResponse](other, s, "RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: "i", Name: "go on", Input: text(`"o"`)}); err != nil {
		t.Fatal(err)
	}
	out, err := call[wirepb.GetInstanceResponse](other, s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: "i"})
	if err != nil || out.OrchestrationState.OrchestrationStatus != completed {
		t.Errorf("in the other hub the instance = %v, %v, want it completed", out, err)
	}
	if got := s.get("i"); got.OrchestrationStatus == completed {
		t.Errorf("in the default hub the instance = %v, want it untouched", got)
	}
	for rpc, in := range everyRPC() {
		if rpc == "CreateTaskHub" {
			continue
		}
		_, err := s.any(none, rpc, in)
		wantStatus(t, rpc+" in an unknown hub", err, codes.NotFound)
	}
}

// TestHubsAreMadeAndDeleted creates, empties and deletes a hub.
func TestHubsAreMadeAndDeleted(t *testing.T) {
	s := serve(t, code(local))
	ctx := s.with("taskhub", "new")
	create := func(recreate bool) error {
		_, err := call[wirepb.CreateTaskHubResponse](ctx, s, "CreateTaskHub", &wirepb.CreateTaskHubRequest{RecreateIfExists: recreate})
		return err
	}
	get := func() *wirepb.GetInstanceResponse {
		t.Helper()
		out, err := call[wirepb.GetInstanceResponse](ctx, s, "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "i"})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	wantStatus(t, "CreateTaskHub(a new one)", create(false), codes.OK)
	if _, err := call[wirepb.CreateInstanceResponse](ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{InstanceId: "i", Name: "patient"}); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "CreateTaskHub(the same again)", create(false), codes.AlreadyExists)
	if !get().Exists {
		t.Error("a hub that was not recreated lost its instance")
	}
	wantStatus(t, "CreateTaskHub(the same, recreated)", create(true), codes.OK)
	if get().Exists {
		t.Error("a hub that was recreated kept its instance")
	}
	_, err := call[wirepb.DeleteTaskHubResponse](ctx, s, "DeleteTaskHub", &wirepb.DeleteTaskHubRequest{})
	wantStatus(t, "DeleteTaskHub()", err, codes.OK)
	_, err = call[emptypb.Empty](ctx, s, "Hello", &emptypb.Empty{})
	wantStatus(t, "Hello() in a hub that was deleted", err, codes.NotFound)
}

// TestW03UnknownFieldsAreIgnored sends fields that no version knows.
func TestW03UnknownFieldsAreIgnored(t *testing.T) {
	s := serve(t, code(local))
	in := &wirepb.CreateInstanceRequest{InstanceId: "i", Name: "echoing", Input: text(`"x"`)}
	in.ProtoReflect().SetUnknown([]byte{0xd2, 0x0f, 3, 'a', 'b', 'c', 0xd8, 0x0f, 7}) // fields 250 and 251
	policy := &wirepb.OrchestrationIdReusePolicy{}
	policy.ProtoReflect().SetUnknown([]byte{0x10, 1}) // the action of old Go clients
	in.OrchestrationIdReusePolicy = policy
	s.start(in)
	if got := s.wait("i").Output.GetValue(); got != `"x"` {
		t.Errorf("output = %s, want the input", got)
	}
}

// TestInterceptorsSeeCalls has an interceptor refuse calls.
func TestInterceptorsSeeCalls(t *testing.T) {
	s := serve(t)
	for rpc, in := range everyRPC() {
		if rpc == "GetWorkItems" || rpc == "StreamInstanceHistory" {
			continue
		}
		_, err := s.any(s.with("refuse", "yes"), rpc, in)
		if got, want := status.Convert(err), "/TaskHubSidecarService/"+rpc; got.Code() != codes.PermissionDenied || got.Message() != want {
			t.Errorf("%s = %v, want it refused by the interceptor, which was told of %s", rpc, err, want)
		}
	}
}

// TestW19ScheduledStartsArePendingUntilDue starts now, in the past and later.
func TestW19ScheduledStartsArePendingUntilDue(t *testing.T) {
	s := serve(t, code(local))
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "epoch", Name: "echoing", ScheduledStartTimestamp: &timestamppb.Timestamp{}, Input: text(`""`)})
	s.wait("epoch")
	due := time.Now().Add(300 * time.Millisecond)
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "later", Name: "echoing", ScheduledStartTimestamp: timestamppb.New(due), Input: text(`""`)})
	got := s.get("later")
	if got.OrchestrationStatus != pending || !got.ScheduledStartTimestamp.AsTime().Equal(due.Truncate(time.Microsecond)) && got.ScheduledStartTimestamp.AsTime().Sub(due).Abs() > time.Microsecond {
		t.Errorf("before it is due the instance = %v, want it pending until %v", got, due)
	}
	started := do[wirepb.GetInstanceResponse](s, "WaitForInstanceStart", &wirepb.GetInstanceRequest{InstanceId: "later"})
	if now := time.Now(); now.Before(due) || started.OrchestrationState.OrchestrationStatus == pending {
		t.Errorf("at %v WaitForInstanceStart() = %v, want it started after %v", now, started, due)
	}
	s.wait("later")
}

// TestW20WaitsEndWithTheChange lets several clients wait.
func TestW20WaitsEndWithTheChange(t *testing.T) {
	s := serve(t, code(local))
	type answer struct {
		state *wirepb.GetInstanceResponse
		err   error
		at    time.Time
	}
	waits := make(chan answer, 2)
	for _, rpc := range []string{"WaitForInstanceStart", "WaitForInstanceCompletion"} {
		s.calls.Go(func() { // before there is such an instance
			out, err := call[wirepb.GetInstanceResponse](s.ctx, s, rpc, &wirepb.GetInstanceRequest{InstanceId: "i", GetInputsAndOutputs: true})
			waits <- answer{out, err, time.Now()}
		})
	}
	began := time.Now()
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "patient", Input: text(`"in"`)})
	if a := <-waits; a.err != nil || a.state.OrchestrationState.OrchestrationStatus != running_ || a.at.Sub(began) > time.Second {
		t.Errorf("WaitForInstanceStart() = %v, %v after %v, want it running at once", a.state, a.err, a.at.Sub(began))
	}
	select {
	case a := <-waits:
		t.Fatalf("WaitForInstanceCompletion() = %v, %v, want no answer yet", a.state, a.err)
	case <-time.After(20 * time.Millisecond):
	}
	began = time.Now()
	s.raise("i", "go on", `"out"`)
	a := <-waits
	if st := a.state.GetOrchestrationState(); a.err != nil || st.GetOutput().GetValue() != `"out"` || st.GetInput().GetValue() != `"in"` || a.at.Sub(began) > time.Second {
		t.Errorf("WaitForInstanceCompletion() = %v, %v after %v, want output and input at once", a.state, a.err, a.at.Sub(began))
	}
	if out := do[wirepb.GetInstanceResponse](s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: "i"}).OrchestrationState; out.Input != nil || out.Output != nil {
		t.Errorf("a wait without payloads = %v, want neither input nor output", out)
	}
}

// TestW20WaitsThatAreGivenUpAreFree takes all waiters of an instance, gives them up
// and waits again.
func TestW20WaitsThatAreGivenUpAreFree(t *testing.T) {
	s := serve(t, code(local), func(h *hubs, _ *wire.Config) { h.limits.Waiters = 3 })
	for range 3 {
		ctx, cancel := context.WithCancel(s.ctx)
		ended := make(chan error, 3)
		for range 3 {
			s.calls.Go(func() {
				for {
					_, err := call[wirepb.GetInstanceResponse](ctx, s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: "i"})
					if status.Code(err) != codes.ResourceExhausted { // it may come while the probe waits
						ended <- err
						return
					}
				}
			})
		}
		s.until("the refusal of a fourth waiter", func() bool { return s.probe() == codes.ResourceExhausted })
		cancel()
		for range 3 {
			wantStatus(t, "a wait that was given up", <-ended, codes.Canceled)
		}
		s.until("a place for another waiter", func() bool { return s.probe() == codes.DeadlineExceeded })
	}
}

// probe waits for a moment.
func (s *server) probe() codes.Code {
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Millisecond)
	defer cancel()
	_, err := call[wirepb.GetInstanceResponse](ctx, s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: "i"})
	return status.Code(err)
}

func TestW22EventsToNobodyAndToTheFinished(t *testing.T) {
	s := serve(t, code(local))
	_, err := call[wirepb.RaiseEventResponse](s.ctx, s, "RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: "none", Name: "e"})
	wantStatus(t, "RaiseEvent(to nobody)", err, codes.NotFound)
	s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "echoing", Input: text(`""`)}))
	before := len(s.history("i"))
	s.raise("i", "e", "1")
	if got := len(s.history("i")); got != before {
		t.Errorf("after an event to a finished instance its history has %d events, want %d", got, before)
	}
}

func TestW35ControlOfTheFinishedIsNoError(t *testing.T) {
	s := serve(t, code(local))
	s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "echoing", Input: text(`""`)}))
	for id, want := range map[string]codes.Code{"i": codes.OK, "none": codes.NotFound} {
		_, err := call[wirepb.SuspendResponse](s.ctx, s, "SuspendInstance", &wirepb.SuspendRequest{InstanceId: id})
		wantStatus(t, "SuspendInstance("+id+")", err, want)
		_, err = call[wirepb.ResumeResponse](s.ctx, s, "ResumeInstance", &wirepb.ResumeRequest{InstanceId: id})
		wantStatus(t, "ResumeInstance("+id+")", err, want)
		_, err = call[wirepb.TerminateResponse](s.ctx, s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: id, Output: text(`1`)})
		wantStatus(t, "TerminateInstance("+id+")", err, want)
	}
	if got := s.get("i"); got.OrchestrationStatus != completed || got.Output.GetValue() != `""` {
		t.Errorf("the finished instance = %v, want it as it was", got)
	}
}

// instanceIn makes an instance with a status.
func (s *server) instanceIn(id string, want wirepb.OrchestrationStatus) {
	s.t.Helper()
	in := &wirepb.CreateInstanceRequest{InstanceId: id, Name: "patient", Input: text(`"in"`)}
	switch want {
	case completed:
		in.Name = "echoing"
	case failed:
		in.Name = "failing"
	case pending:
		in.ScheduledStartTimestamp = timestamppb.New(time.Now().Add(time.Hour))
	}
	s.start(in)
	switch want {
	case suspended:
		s.untilStatus(id, running_)
		do[wirepb.SuspendResponse](s, "SuspendInstance", &wirepb.SuspendRequest{InstanceId: id})
	case terminated:
		do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: id})
	case canceled:
		if _, err := s.hubs.open["default"].hub.Control(s.ctx, &hub.Control{Kind: hub.Cancel, InstanceID: id}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.untilStatus(id, want)
}

// TestW36ReusePolicies starts over an instance in each status with each policy.
func TestW36ReusePolicies(t *testing.T) {
	s := serve(t, code(local))
	statuses := []wirepb.OrchestrationStatus{running_, completed, failed, canceled, terminated, pending, suspended}
	policy := func(list ...wirepb.OrchestrationStatus) *wirepb.OrchestrationIdReusePolicy {
		return &wirepb.OrchestrationIdReusePolicy{ReplaceableStatus: list}
	}
	for _, existing := range statuses {
		others := slices.DeleteFunc(slices.Clone(statuses), func(x wirepb.OrchestrationStatus) bool { return x == existing })
		withoutOthers := codes.AlreadyExists
		if existing == terminated {
			withoutOthers = codes.InvalidArgument
		}
		for i, test := range []struct {
			policy *wirepb.OrchestrationIdReusePolicy
			want   codes.Code
		}{
			{nil, codes.AlreadyExists}, {policy(), codes.AlreadyExists}, {policy(others...), withoutOthers},
			{policy(existing, terminated), codes.OK}, {policy(statuses...), codes.OK},
		} {
			id := fmt.Sprintf("%v-%d", existing, i)
			s.instanceIn(id, existing)
			before := s.get(id).ExecutionId.GetValue()
			_, err := call[wirepb.CreateInstanceResponse](s.ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{
				InstanceId: id, Name: "echoing", Input: text(`"new"`), OrchestrationIdReusePolicy: test.policy,
			})
			wantStatus(t, fmt.Sprintf("StartInstance(over %v, %v)", existing, test.policy), err, test.want)
			if test.want == codes.OK {
				if got := s.wait(id); got.Output.GetValue() != `"new"` || got.ExecutionId.GetValue() == before {
					t.Errorf("the instance that replaced one that was %v = %v, want a new execution", existing, got)
				}
			} else if got := s.get(id); got.OrchestrationStatus != existing || got.ExecutionId.GetValue() != before {
				t.Errorf("after a refused start the instance = %v, want it %v as before", got, existing)
			}
		}
	}
	for _, live := range []wirepb.OrchestrationStatus{running_, pending, suspended} {
		_, err := call[wirepb.CreateInstanceResponse](s.ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{
			InstanceId: "x", Name: "echoing", OrchestrationIdReusePolicy: policy(live, completed),
		})
		const want = "Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances"
		if got := status.Convert(err); got.Code() != codes.InvalidArgument || !strings.HasPrefix(got.Message(), want) {
			t.Errorf("StartInstance(policy %v) = %v, want INVALID_ARGUMENT with the protocol's text", live, err)
		}
	}
}

// TestW37LongIDsAreRefused gives each call that names an instance one of 100
// characters, and one of 101.
func TestW37LongIDsAreRefused(t *testing.T) {
	s := serve(t, code(local))
	for _, letter := range []string{"x", "ü"} {
		orchestration, entity := strings.Repeat(letter, 100), "@e@"+strings.Repeat(letter, 97)
		for rpc, in := range everyRPC() {
			base := orchestration
			if strings.Contains(rpc, "Entity") {
				base = entity
			}
			name := in.ProtoReflect().Descriptor().Fields().ByName("instance_id")
			if name == nil || rpc == "CompleteActivityTask" || rpc == "CompleteOrchestratorTask" || strings.HasPrefix(rpc, "Wait") {
				continue
			}
			in.ProtoReflect().Set(name, protoreflect.ValueOfString(base))
			if _, err := s.any(s.ctx, rpc, in); status.Code(err) == codes.InvalidArgument {
				t.Errorf("%s(an id of 100 %s) = %v, want it to be allowed", rpc, letter, err)
			}
			in.ProtoReflect().Set(name, protoreflect.ValueOfString(base+letter))
			_, err := s.any(s.ctx, rpc, in)
			if got := status.Convert(err); got.Code() != codes.InvalidArgument || !strings.Contains(got.Message(), "length") {
				t.Errorf("%s(an id of 101 %s) = %v, want INVALID_ARGUMENT that tells of the length", rpc, letter, err)
			}
		}
	}
	_, err := call[wirepb.CreateInstanceResponse](s.ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{InstanceId: "@e@k", Name: "echoing"})
	wantStatus(t, "StartInstance(an entity's id)", err, codes.InvalidArgument)
	if got := do[wirepb.GetInstanceResponse](s, "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "@e@k"}); got.Exists {
		t.Errorf("GetInstance(an entity's id) = %v, want exists false", got)
	}
}

func TestW38TagsComeBack(t *testing.T) {
	s := serve(t, code(local))
	tags := map[string]string{"a": "1", "": "", "ü": "ö"}
	s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "echoing", Tags: tags, Version: text("v1"), Input: text(`""`)}))
	if got := s.get("i"); !maps.Equal(got.Tags, tags) || got.Version.GetValue() != "v1" {
		t.Errorf("GetInstance() = %v, want tags %v and version v1", got, tags)
	}
	list := do[wirepb.QueryInstancesResponse](s, "QueryInstances", &wirepb.QueryInstancesRequest{}).OrchestrationState
	if len(list) != 1 || !maps.Equal(list[0].Tags, tags) {
		t.Errorf("QueryInstances() = %v, want tags %v", list, tags)
	}
}

// TestW39AbsentInputsStayAbsent starts with null, "" and more; outputs and statuses
// of workers are in TestW39NullAndEmptyOfWorkers.
func TestW39AbsentInputsStayAbsent(t *testing.T) {
	s := serve(t, code(local))
	for id, input := range map[string]*wrapperspb.StringValue{"null": nil, "empty": text(""), "quotes": text(`""`), "space": text(" ")} {
		s.start(&wirepb.CreateInstanceRequest{InstanceId: id, Name: "patient", Input: input, ScheduledStartTimestamp: timestamppb.New(time.Now().Add(time.Hour))})
		if got := s.get(id).Input; !proto.Equal(got, input) {
			t.Errorf("input of %s = %v, want %v", id, got, input)
		}
	}
}

// TestW43Restarts under the same id, and under another.
func TestW43Restarts(t *testing.T) {
	s := serve(t, code(local))
	restart := func(id string, fresh bool) (string, error) {
		out, err := call[wirepb.RestartInstanceResponse](s.ctx, s, "RestartInstance", &wirepb.RestartInstanceRequest{InstanceId: id, RestartWithNewInstanceId: fresh})
		return out.GetInstanceId(), err
	}
	_, err := restart("none", false)
	wantStatus(t, "RestartInstance(unknown)", err, codes.NotFound)
	for _, status := range []wirepb.OrchestrationStatus{running_, suspended} {
		id := status.String()
		s.instanceIn(id, status)
		_, err = restart(id, false)
		wantStatus(t, "RestartInstance("+id+")", err, codes.FailedPrecondition)
		fresh, err := restart(id, true)
		if err != nil || fresh == id || s.get(fresh).Input.GetValue() != `"in"` {
			t.Errorf("RestartInstance(%s, new id) = %s, %v, want another instance with its input", id, fresh, err)
		}
	}
	s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "echoing", Input: text(`"x"`), Version: text("v"), Tags: map[string]string{"k": "v"}}))
	before := s.get("i")
	id, err := restart("i", false)
	after := s.wait("i")
	if err != nil || id != "i" || after.ExecutionId.GetValue() == before.ExecutionId.GetValue() || after.Name != "echoing" ||
		after.Version.GetValue() != "v" || after.Input.GetValue() != `"x"` || after.Tags["k"] != "v" {
		t.Errorf("RestartInstance(i) = %s, %v: %v, want a new execution of the same", id, err, after)
	}
}

func TestW44RewindsOnlyWhatHasFailed(t *testing.T) {
	s := serve(t, code(local))
	rewind := func(id string) error {
		_, err := call[wirepb.RewindInstanceResponse](s.ctx, s, "RewindInstance", &wirepb.RewindInstanceRequest{InstanceId: id})
		return err
	}
	wantStatus(t, "RewindInstance(unknown)", rewind("none"), codes.NotFound)
	for _, status := range []wirepb.OrchestrationStatus{running_, completed, terminated} {
		s.instanceIn(status.String(), status)
		wantStatus(t, "RewindInstance("+status.String()+")", rewind(status.String()), codes.FailedPrecondition)
	}
	s.instanceIn("failed", failed)
	wantStatus(t, "RewindInstance(failed)", rewind("failed"), codes.OK)
}

// TestW45HistoryComesInChunks reads a history of more than one message.
func TestW45HistoryComesInChunks(t *testing.T) {
	s := serve(t, code(local))
	if got := s.history("none"); got != nil {
		t.Errorf("history of an unknown instance = %v, want none", got)
	}
	if got := s.history("@e@k"); got != nil {
		t.Errorf("history of an unknown entity = %v, want none", got)
	}
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "patient", Input: text(`"` + strings.Repeat("x", 900_000) + `"`)})
	s.untilStatus("i", running_)
	for range 3 {
		s.raise("i", "other", `"`+strings.Repeat("y", 700_000)+`"`)
	}
	s.raise("i", "go on", `"end"`)
	s.wait("i")
	var kinds []string
	for _, work := range []bool{false, true} {
		kinds = nil
		for _, e := range s.read("i", work, func(chunk *wirepb.HistoryChunk) {
			if n := proto.Size(chunk); n > 1<<20 {
				t.Errorf("a chunk has %d bytes, want at most 1 MiB", n)
			}
		}) {
			if e.Meta != nil || e.Unknown != nil {
				t.Errorf("event %+v has fields of ours", e)
			}
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "*history."))
		}
	}
	slices.Sort(kinds)
	kinds = slices.Compact(kinds)
	if want := []string{"EventRaised", "ExecutionCompleted", "ExecutionStarted", "OrchestratorStarted"}; !slices.Equal(kinds, want) {
		t.Errorf("the history has the kinds %v, want %v", kinds, want)
	}
}

func (s *server) history(id string) []*history.Event {
	s.t.Helper()
	return s.read(id, false, func(*wirepb.HistoryChunk) {})
}

// read reads the history of the current execution.
func (s *server) read(id string, work bool, each func(*wirepb.HistoryChunk)) (events []*history.Event) {
	s.t.Helper()
	stream, err := s.conn.NewStream(s.ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/StreamInstanceHistory")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := stream.SendMsg(&wirepb.StreamInstanceHistoryRequest{InstanceId: id, ForWorkItemProcessing: work}); err != nil {
		s.t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		s.t.Fatal(err)
	}
	for {
		var chunk wirepb.HistoryChunk
		err := stream.RecvMsg(&chunk)
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			s.t.Fatalf("StreamInstanceHistory(%s) = %v", id, err)
		}
		each(&chunk)
		for _, b := range chunk.Events {
			e, err := history.Decode(b)
			if err != nil {
				s.t.Fatal(err)
			}
			events = append(events, e)
		}
	}
}
