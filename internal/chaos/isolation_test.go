package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// request is a call with values of the caller's own hub.
type request struct {
	rpc string
	in  proto.Message
}

// requests returns every call, those that change nothing first.
func requests() []request {
	const own = "own-run"
	return []request{
		{"Hello", &emptypb.Empty{}},
		{"GetInstance", &wirepb.GetInstanceRequest{InstanceId: own, GetInputsAndOutputs: true}},
		{"WaitForInstanceStart", &wirepb.GetInstanceRequest{InstanceId: own, GetInputsAndOutputs: true}},
		{"WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: own, GetInputsAndOutputs: true}},
		{"QueryInstances", &wirepb.QueryInstancesRequest{Query: &wirepb.InstanceQuery{FetchInputsAndOutputs: true}}},
		{"ListInstanceIds", &wirepb.ListInstanceIdsRequest{}},
		{"GetEntity", &wirepb.GetEntityRequest{InstanceId: "@acc@own", IncludeState: true}},
		{"QueryEntities", &wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{IncludeState: true}}},
		{"StreamInstanceHistory", &wirepb.StreamInstanceHistoryRequest{InstanceId: own}},
		{"GetWorkItems", &wirepb.GetWorkItemsRequest{WorkItemFilters: &wirepb.WorkItemFilters{}}},
		{"CompleteActivityTask", &wirepb.ActivityResponse{}},
		{"CompleteOrchestratorTask", &wirepb.OrchestratorResponse{}},
		{"CompleteEntityTask", &wirepb.EntityBatchResult{}},
		{"AbandonTaskActivityWorkItem", &wirepb.AbandonActivityTaskRequest{}},
		{"AbandonTaskOrchestratorWorkItem", &wirepb.AbandonOrchestrationTaskRequest{}},
		{"AbandonTaskEntityWorkItem", &wirepb.AbandonEntityTaskRequest{}},
		{"CleanEntityStorage", &wirepb.CleanEntityStorageRequest{RemoveEmptyEntities: true}},
		{"SkipGracefulOrchestrationTerminations", &wirepb.SkipGracefulOrchestrationTerminationsRequest{InstanceBatch: &wirepb.InstanceBatch{}}},
		{"PurgeInstances", &wirepb.PurgeInstancesRequest{}},
		{"RewindInstance", &wirepb.RewindInstanceRequest{InstanceId: own}},
		{"RestartInstance", &wirepb.RestartInstanceRequest{InstanceId: own}},
		{"RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: own, Name: "e"}},
		{"SuspendInstance", &wirepb.SuspendRequest{InstanceId: own}},
		{"ResumeInstance", &wirepb.ResumeRequest{InstanceId: own}},
		{"TerminateInstance", &wirepb.TerminateRequest{InstanceId: own}},
		{"SignalEntity", &wirepb.SignalEntityRequest{InstanceId: "@acc@own", Name: "add", RequestId: "8f14e45f-ceea-467f-a0e6-1f0f3c2b1a00"}},
		{"StartInstance", &wirepb.CreateInstanceRequest{Name: "program"}},
		{"CreateTaskHub", &wirepb.CreateTaskHubRequest{}},
		{"DeleteTaskHub", &wirepb.DeleteTaskHubRequest{}},
	}
}

// values are what a hub has that names something in it.
type values struct {
	texts []string // of each kind one, in an order that all hubs have
}

// populate fills a hub with instances and an entity that are named after a word, and
// returns what names them.
func populate(t *testing.T, addr, hubName, word string) (v values) {
	t.Helper()
	c := &client{dial(t, addr), hubName}
	secret := wrapperspb.String(`"secret of ` + word + `"`)
	for _, id := range []string{"-run", "-done", "-end"} {
		in := &wirepb.CreateInstanceRequest{InstanceId: word + id, Name: "name-" + word, Input: secret}
		if err := c.call(t.Context(), "StartInstance", in, new(wirepb.CreateInstanceResponse)); err != nil {
			t.Fatal(err)
		}
		if id == "-run" {
			continue
		}
		end := &wirepb.TerminateRequest{InstanceId: word + id, Output: secret}
		if err := c.call(t.Context(), "TerminateInstance", end, new(wirepb.TerminateResponse)); err != nil {
			t.Fatal(err)
		}
		if err := c.call(t.Context(), "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: word + id}, new(wirepb.GetInstanceResponse)); err != nil {
			t.Fatal(err)
		}
	}
	c.signal(t, "@acc@"+word, 7)
	c.signal(t, "@acc@2"+word, 7)
	c.begin(t, "child", word+"-acts", 1)
	v.texts = []string{hubName, word, word + "-run", word + "-done", "@acc@" + word, "name-" + word}

	// A worker has a turn, an activity and a batch: their tokens count.
	w := hold(t, addr, hubName, held())
	var batch, activity string
	for range 4 { // the activity comes once its turn is answered, before batches or after
		switch work := w.next(t); {
		case work.Orchestration != nil || work.Entity != nil && strings.HasPrefix(work.Entity.InstanceID, "@acc@2"):
			if err := w.as(t, work.Token, work); err != nil {
				t.Fatal(err)
			}
		case work.Entity != nil:
			batch = work.Token
		default:
			activity = work.Token
		}
	}
	v.texts = append(v.texts, batch, activity)
	turns := hold(t, addr, hubName, &wirepb.WorkItemFilters{Orchestrations: []*wirepb.OrchestrationFilter{{Name: "name-" + word}}})
	v.texts = append(v.texts, turns.next(t).Token)

	got := new(wirepb.GetInstanceResponse)
	instances := new(wirepb.QueryInstancesResponse)
	ended := new(wirepb.ListInstanceIdsResponse)
	listed := new(wirepb.QueryEntitiesResponse)
	for rpc, call := range map[string][2]proto.Message{
		"GetInstance":     {&wirepb.GetInstanceRequest{InstanceId: word + "-run"}, got},
		"QueryInstances":  {&wirepb.QueryInstancesRequest{Query: &wirepb.InstanceQuery{MaxInstanceCount: 1}}, instances},
		"ListInstanceIds": {&wirepb.ListInstanceIdsRequest{PageSize: 1}, ended},
		"QueryEntities":   {&wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{PageSize: wrapperspb.Int32(1), IncludeTransient: true}}, listed},
	} {
		if err := c.call(t.Context(), rpc, call[0], call[1]); err != nil {
			t.Fatal(err)
		}
	}
	v.texts = append(v.texts, got.OrchestrationState.ExecutionId.GetValue(), instances.ContinuationToken.GetValue(),
		ended.LastInstanceKey.GetValue(), listed.ContinuationToken.GetValue())
	if i := slices.Index(v.texts, ""); i >= 0 {
		t.Fatalf("hub %q has no value %d: %q", hubName, i, v.texts)
	}
	return v
}

// field sets a text in a message.
type field struct {
	name string
	set  func(m protoreflect.Message, text string)
}

// fieldsOf returns all texts of a message, also of those in it.
func fieldsOf(d protoreflect.MessageDescriptor, depth int) (list []field) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		name := string(f.Name())
		switch {
		case f.IsMap():
		case f.Kind() == protoreflect.StringKind && f.IsList():
			list = append(list, field{name, func(m protoreflect.Message, text string) {
				m.Mutable(f).List().Append(protoreflect.ValueOfString(text))
			}})
		case f.Kind() == protoreflect.StringKind:
			list = append(list, field{name, func(m protoreflect.Message, text string) { m.Set(f, protoreflect.ValueOfString(text)) }})
		case f.Kind() == protoreflect.MessageKind && depth > 0:
			for _, in := range fieldsOf(f.Message(), depth-1) {
				list = append(list, field{name + "." + in.name, func(m protoreflect.Message, text string) {
					if f.IsList() {
						in.set(m.Mutable(f).List().AppendMutable().Message(), text)
					} else {
						in.set(m.Mutable(f).Message(), text)
					}
				}})
			}
		}
	}
	return list
}

// moment is what a call that waits is given, which should be refused or wait for ever.
const moment = 10 * time.Millisecond

// answer is all that a caller sees of a call, with one word for what it has asked for. A
// call that waits is given up after patience.
func (c *client) answer(ctx context.Context, rpc string, in proto.Message, text, word string, patience time.Duration) string {
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "taskhub", c.hub, "perdure-level", "1"), 15*time.Second)
	defer cancel()
	if strings.HasPrefix(rpc, "WaitFor") {
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	out := new(emptypb.Empty) // keeps what it does not know
	var err error
	if rpc == "GetWorkItems" || rpc == "StreamInstanceHistory" {
		err = c.first(ctx, rpc, in, out)
	} else {
		err = c.conn.Invoke(ctx, sidecar+rpc, in, out)
	}
	// A text that stands in a message has its length before it, which tells nothing.
	raw := strings.ReplaceAll(string(out.ProtoReflect().GetUnknown()), string(rune(len(text)))+text, "VALUE")
	seen := fmt.Sprintf("%v %q", status.Code(err), raw)
	if status.Code(err).String() != "DeadlineExceeded" {
		seen += " " + status.Convert(err).Message()
	}
	return strings.NewReplacer(text, "VALUE", word, "WORD").Replace(seen)
}

// first returns the first message of a stream.
func (c *client) first(ctx context.Context, rpc string, in, out proto.Message) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+rpc)
	if err != nil {
		return err
	}
	if err := errors.Join(s.SendMsg(in), s.CloseSend()); err != nil {
		return err
	}
	if err := s.RecvMsg(out); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// names are the fields that name something: they get every value.
var names = regexp.MustCompile("id|token|key|instance|prefix|starts")

// malformed begins answers that tell of a value's form alone.
const malformed = "InvalidArgument "

// betrayals asks in a hub for each value in each field of each call, and for its twin,
// which nobody has, and says where the answers differ.
func betrayals(t *testing.T, c *client, has, none values) (list []string, calls int) {
	t.Helper()
	for _, r := range requests() {
		if strings.HasSuffix(r.rpc, "TaskHub") {
			continue // they have no texts; see the test of roles
		}
		for _, f := range fieldsOf(r.in.ProtoReflect().Descriptor(), 2) {
			for i := range has.texts {
				if i >= 3 && !names.MatchString(f.name) {
					break
				}
				ask := func(text, word string, patience time.Duration) string {
					in := proto.Clone(r.in)
					calls++
					fresh := fmt.Sprintf("%08d-0000-0000-0000-000000000000", calls)
					switch m := in.(type) {
					case *wirepb.CreateInstanceRequest:
						m.InstanceId = fresh
					case *wirepb.SignalEntityRequest:
						m.RequestId = fresh
					}
					f.set(in.ProtoReflect(), text)
					return strings.ReplaceAll(c.answer(t.Context(), r.rpc, in, text, word, patience), fresh, "FRESH")
				}
				got, want := ask(has.texts[i], has.texts[1], moment), ask(none.texts[i], none.texts[1], moment)
				if got != want && strings.HasPrefix(r.rpc, "WaitFor") { // a refusal may take longer
					got, want = ask(has.texts[i], has.texts[1], 2*time.Second), ask(none.texts[i], none.texts[1], 2*time.Second)
				}
				if got != want && !(strings.HasPrefix(got, malformed) && strings.HasPrefix(want, malformed)) {
					list = append(list, fmt.Sprintf("%s with %s = %q: %s; for what there is not: %s", r.rpc, f.name, has.texts[i], got, want))
				}
				if strings.Contains(got, "secret") {
					list = append(list, fmt.Sprintf("%s with %s = %q shows a secret: %s", r.rpc, f.name, has.texts[i], got))
				}
			}
		}
	}
	return list, calls
}

// dump is all that a hub has.
func (c *client) dump(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, r := range requests() {
		if r.rpc == "QueryInstances" || r.rpc == "QueryEntities" || r.rpc == "ListInstanceIds" {
			all.WriteString(c.answer(t.Context(), r.rpc, r.in, "\x00", "\x00", moment))
		}
	}
	return all.String()
}

// TestS06_ForeignValues asks in one hub for what another has, in every field of every
// call: nothing is read, changed or betrayed.
func TestS06_ForeignValues(t *testing.T) {
	normalOnly(t)
	addr := serve(t, host.Config{TaskHubs: []string{"mine", "theirs", "others"}})
	has, none := populate(t, addr, "theirs", "canary"), populate(t, addr, "others", "nobody")
	mine, theirs := &client{dial(t, addr), "mine"}, &client{dial(t, addr), "theirs"}
	if err := (&client{mine.conn, "others"}).call(t.Context(), "DeleteTaskHub", new(wirepb.DeleteTaskHubRequest), new(wirepb.DeleteTaskHubResponse)); err != nil {
		t.Fatal(err)
	}
	mine.begin(t, "program", "own-run", 0)
	mine.signal(t, "@acc@own", 1)
	before := theirs.dump(t)
	list, calls := betrayals(t, mine, has, none)
	for _, b := range list {
		t.Error(b)
	}
	if calls < 1000 {
		t.Errorf("%d calls, want those of every field", calls)
	}
	if after := theirs.dump(t); after != before {
		t.Errorf("the other hub has changed:\n%s\nit was:\n%s", after, before)
	}
	t.Logf("%d calls", calls)

	// The control: in the hub that has the values the answers differ.
	differ := make(map[string]bool)
	list, _ = betrayals(t, theirs, has, none)
	for _, b := range list {
		rpc, _, _ := strings.Cut(b, " ")
		differ[rpc] = true
	}
	if len(differ) < 12 {
		t.Errorf("in the hub that has the values only %d calls answer otherwise: the test would notice little", len(differ))
	}
}
