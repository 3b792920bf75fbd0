package history_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/history"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// schema is the protocol's history with our own fields, in the notation of the
// wire contract: name=number type, string if no type is given.
const schema = `
HistoryChunk: events=1 []HistoryEvent
HistoryEvent: eventId=1 int32, timestamp=2 TS, executionStarted=3 ExecutionStartedEvent, executionCompleted=4 ExecutionCompletedEvent, executionTerminated=5 ExecutionTerminatedEvent, taskScheduled=6 TaskScheduledEvent, taskCompleted=7 TaskCompletedEvent, taskFailed=8 TaskFailedEvent, subOrchestrationInstanceCreated=9 SubOrchestrationInstanceCreatedEvent, subOrchestrationInstanceCompleted=10 SubOrchestrationInstanceCompletedEvent, subOrchestrationInstanceFailed=11 SubOrchestrationInstanceFailedEvent, timerCreated=12 TimerCreatedEvent, timerFired=13 TimerFiredEvent, orchestratorStarted=14 OrchestratorStartedEvent, orchestratorCompleted=15 OrchestratorCompletedEvent, eventSent=16 EventSentEvent, eventRaised=17 EventRaisedEvent, genericEvent=18 GenericEvent, historyState=19 HistoryStateEvent, continueAsNew=20 ContinueAsNewEvent, executionSuspended=21 ExecutionSuspendedEvent, executionResumed=22 ExecutionResumedEvent, entityOperationSignaled=23 EntityOperationSignaledEvent, entityOperationCalled=24 EntityOperationCalledEvent, entityOperationCompleted=25 EntityOperationCompletedEvent, entityOperationFailed=26 EntityOperationFailedEvent, entityLockRequested=27 EntityLockRequestedEvent, entityLockGranted=28 EntityLockGrantedEvent, entityUnlockSent=29 EntityUnlockSentEvent, executionRewound=30 ExecutionRewoundEvent, attempt=1000 int32, dequeuedAt=1001 TS, startedAt=1002 TS, worker=1003, effect=1004 bytes, usage=1005 bytes, payload=1006 PayloadReference, options=1007 bytes, delivery=1008 bytes, seed=1009, fork=1010 Fork, closed=1011 int64
OrchestrationInstance: instanceId=1, executionId=2 SV
ParentInstanceInfo: taskScheduledId=1 int32, name=2 SV, version=3 SV, orchestrationInstance=4 OrchestrationInstance, root=1000 SV
TraceContext: traceParent=1, spanID=2, traceState=3 SV
TaskFailureDetails: errorType=1, errorMessage=2, stackTrace=3 SV, innerFailure=4 TaskFailureDetails, isNonRetriable=5 bool, properties=6 MSV
PayloadReference: hash=1 bytes, size=2 int64
Fork: run=1, execution=2, event=3 int64, salt=4, as=5
OrchestrationState: instanceId=1
ExecutionStartedEvent: name=1, version=2 SV, input=3 SV, orchestrationInstance=4 OrchestrationInstance, parentInstance=5 ParentInstanceInfo, scheduledStartTimestamp=6 TS, parentTraceContext=7 TraceContext, orchestrationSpanID=8 SV, tags=9 MSS
ExecutionCompletedEvent: orchestrationStatus=1 int32, result=2 SV, failureDetails=3 TaskFailureDetails
ExecutionTerminatedEvent: input=1 SV, recurse=2 bool
TaskScheduledEvent: name=1, version=2 SV, input=3 SV, parentTraceContext=4 TraceContext, tags=5 MSS
TaskCompletedEvent: taskScheduledId=1 int32, result=2 SV
TaskFailedEvent: taskScheduledId=1 int32, failureDetails=2 TaskFailureDetails
SubOrchestrationInstanceCreatedEvent: instanceId=1, name=2, version=3 SV, input=4 SV, parentTraceContext=5 TraceContext, tags=6 MSS
SubOrchestrationInstanceCompletedEvent: taskScheduledId=1 int32, result=2 SV
SubOrchestrationInstanceFailedEvent: taskScheduledId=1 int32, failureDetails=2 TaskFailureDetails
TimerCreatedEvent: fireAt=1 TS
TimerFiredEvent: fireAt=1 TS, timerId=2 int32
OrchestratorStartedEvent:
OrchestratorCompletedEvent:
EventSentEvent: instanceId=1, name=2, input=3 SV
EventRaisedEvent: name=1, input=2 SV
GenericEvent: data=1 SV
HistoryStateEvent: orchestrationState=1 OrchestrationState
ContinueAsNewEvent: input=1 SV
ExecutionSuspendedEvent: input=1 SV
ExecutionResumedEvent: input=1 SV
EntityOperationSignaledEvent: requestId=1, operation=2, scheduledTime=3 TS, input=4 SV, targetInstanceId=5 SV, parentTraceContext=1000 TraceContext
EntityOperationCalledEvent: requestId=1, operation=2, scheduledTime=3 TS, input=4 SV, parentInstanceId=5 SV, parentExecutionId=6 SV, targetInstanceId=7 SV
EntityOperationCompletedEvent: requestId=1, output=2 SV
EntityOperationFailedEvent: requestId=1, failureDetails=2 TaskFailureDetails
EntityLockRequestedEvent: criticalSectionId=1, lockSet=2 []string, position=3 int32, parentInstanceId=4 SV, parentExecutionId=1001 SV
EntityLockGrantedEvent: criticalSectionId=1, lockSet=1000 []string, parentExecutionId=1001 SV
EntityUnlockSentEvent: criticalSectionId=1, parentInstanceId=2 SV, targetInstanceId=3 SV, lockSet=1000 []string, parentExecutionId=1001 SV
ExecutionRewoundEvent: reason=1 SV, parentExecutionId=2 SV, instanceId=3 SV, parentTraceContext=4 TraceContext, name=5 SV, version=6 SV, input=7 SV, parentInstance=8 ParentInstanceInfo, tags=9 MSS, to=1000 int64, tell=1001 EventRaisedEvent
`

const (
	typeString = descriptorpb.FieldDescriptorProto_TYPE_STRING
	typeBytes  = descriptorpb.FieldDescriptorProto_TYPE_BYTES
	typeInt32  = descriptorpb.FieldDescriptorProto_TYPE_INT32
	typeInt64  = descriptorpb.FieldDescriptorProto_TYPE_INT64
	typeBool   = descriptorpb.FieldDescriptorProto_TYPE_BOOL
	typeMsg    = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
)

var (
	scalars  = map[string]descriptorpb.FieldDescriptorProto_Type{"": typeString, "string": typeString, "bytes": typeBytes, "int32": typeInt32, "int64": typeInt64, "bool": typeBool}
	messages = map[string]string{"SV": ".google.protobuf.StringValue", "TS": ".google.protobuf.Timestamp", "Value": ".google.protobuf.Value"}
	fieldRE  = regexp.MustCompile(`^(\w+)=(\d+) ?(\[\])?(\w*)$`)
)

// compile builds the descriptors of schema.
func compile(t *testing.T) protoreflect.MessageDescriptors {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("history_test.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto", "google/protobuf/timestamp.proto", "google/protobuf/struct.proto"},
	}
	for line := range strings.Lines(strings.TrimSpace(schema)) {
		name, fields, _ := strings.Cut(strings.TrimSpace(line), ":")
		m := &descriptorpb.DescriptorProto{Name: &name}
		for _, text := range strings.Split(fields, ",") {
			if text = strings.TrimSpace(text); text != "" {
				addField(t, m, text)
			}
		}
		file.MessageType = append(file.MessageType, m)
	}
	fd, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return fd.Messages()
}

func addField(t *testing.T, m *descriptorpb.DescriptorProto, text string) {
	t.Helper()
	parts := fieldRE.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("schema: bad field %q", text)
	}
	num, _ := strconv.Atoi(parts[2])
	f := &descriptorpb.FieldDescriptorProto{Name: &parts[1], JsonName: &parts[1], Number: proto.Int32(int32(num)),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	if parts[3] != "" {
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	}
	m.Field = append(m.Field, f)
	typ := parts[4]
	if s, ok := scalars[typ]; ok {
		f.Type = s.Enum()
		return
	}
	f.Type = typeMsg.Enum()
	if typ != "MSS" && typ != "MSV" {
		f.TypeName = proto.String(".t." + typ)
		if known := messages[typ]; known != "" {
			f.TypeName = &known
		}
		return
	}
	entry := strings.ToUpper(parts[1][:1]) + parts[1][1:] + "Entry"
	e := &descriptorpb.DescriptorProto{Name: &entry, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}}
	addField(t, e, "key=1")
	addField(t, e, map[string]string{"MSS": "value=2", "MSV": "value=2 Value"}[typ])
	m.NestedType = append(m.NestedType, e)
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	f.TypeName = proto.String(".t." + m.GetName() + "." + entry)
}

// checkKnown fails if a message holds, at any depth, a field that its schema
// does not name.
func checkKnown(t *testing.T, m protoreflect.Message) {
	t.Helper()
	if u := m.GetUnknown(); len(u) > 0 {
		t.Errorf("%s has fields unknown to the schema: %x", m.Descriptor().Name(), u)
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() || fd.IsList() || fd.Message() == nil:
		default:
			checkKnown(t, v.Message())
		}
		return true
	})
}

// TestAgainstProtobuf reads our bytes of every kind with the schema and ours of
// what the protobuf runtime writes.
func TestAgainstProtobuf(t *testing.T) {
	event := compile(t).ByName("HistoryEvent")
	for _, body := range bodies() {
		t.Run(kindName(body), func(t *testing.T) {
			want := new(filler).event(body)
			m := dynamicpb.NewMessage(event)
			if err := proto.Unmarshal(want.Append(nil), m); err != nil {
				t.Fatalf("Unmarshal(%v) = %v", want, err)
			}
			checkKnown(t, m)
			member := event.Fields().ByNumber(protoreflect.FieldNumber(body.Kind()))
			if got := string(member.Name()); got != kindName(body) {
				t.Errorf("kind %d is called %s, want %s", body.Kind(), kindName(body), got)
			}
			inner := m.Get(member).Message()
			if got, want := setFields(inner), inner.Descriptor().Fields().Len(); got != want {
				t.Errorf("fields of %s written: %d, want %d", inner.Descriptor().Name(), got, want)
			}
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			got, err := history.Decode(b)
			if err != nil {
				t.Fatalf("Decode(Marshal(%v)) = %v", m, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Decode(Marshal(event)) differs (-want +got):\n%s", diff)
			}
		})
	}
}

func setFields(m protoreflect.Message) int {
	n := 0
	m.Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool { n++; return true })
	return n
}

// TestFieldsByName says which Go field is which field of the protocol.
func TestFieldsByName(t *testing.T) {
	event := compile(t).ByName("HistoryEvent")
	at := func(s int64, n int64) time.Time { return time.Unix(s, n).UTC() }
	some := history.Some
	for _, test := range []struct {
		text string
		want *history.Event
	}{
		{`timestamp {seconds: 5 nanos: 6} executionStarted {
			name: "n" version {value: "v"} input {}
			orchestrationInstance {instanceId: "i" executionId {value: "e"}}
			parentInstance {taskScheduledId: 7 name {value: "pn"} version {value: "pv"}
				orchestrationInstance {instanceId: "pi"} root {value: "pr"}}
			scheduledStartTimestamp {seconds: 8}
			parentTraceContext {traceParent: "tp" spanID: "sp" traceState {value: "ts"}}
			orchestrationSpanID {value: "os"} tags {key: "k" value: "v"}}`,
			&history.Event{Time: at(5, 6), Body: &history.ExecutionStarted{
				Name: "n", Version: some("v"), Input: some(""),
				Instance: &history.Instance{InstanceID: "i", ExecutionID: some("e")},
				Parent: &history.ParentInstance{TaskScheduledID: 7, Name: some("pn"), Version: some("pv"),
					Instance: &history.Instance{InstanceID: "pi"}, Root: some("pr")},
				ScheduledStart: at(8, 0),
				ParentTrace:    &history.TraceContext{TraceParent: "tp", SpanID: "sp", TraceState: some("ts")},
				SpanID:         some("os"), Tags: map[string]string{"k": "v"}}}},
		{`eventId: 1 taskScheduled {name: "n" input {value: "x"} tags {key: "k" value: "v"}}`,
			&history.Event{ID: 1, Body: &history.TaskScheduled{
				Name: "n", Input: some("x"), Tags: map[string]string{"k": "v"}}}},
		{`eventId: -1 taskFailed {taskScheduledId: 2 failureDetails {errorType: "T" errorMessage: "m"
			stackTrace {value: "s"} isNonRetriable: true innerFailure {errorType: "U"}
			properties {key: "p" value {string_value: "q"}}}}`,
			&history.Event{ID: -1, Body: &history.TaskFailed{TaskScheduledID: 2, Failure: &history.Failure{
				Type: "T", Message: "m", Stack: some("s"), NonRetriable: true, Inner: &history.Failure{Type: "U"},
				Properties: [][]byte{[]byte("\x0a\x01p\x12\x03\x1a\x01q")}}}}},
		{`eventId: 3 timerCreated {fireAt {seconds: -9 nanos: 1}}`,
			&history.Event{ID: 3, Body: &history.TimerCreated{FireAt: at(-9, 1)}}},
		{`eventId: 4 entityLockRequested {criticalSectionId: "c" lockSet: ["@a@b", ""] position: 1
			parentInstanceId {value: "p"} parentExecutionId {value: "e"}}`,
			&history.Event{ID: 4, Body: &history.EntityLockRequested{CriticalSectionID: "c",
				LockSet: []string{"@a@b", ""}, Position: 1, ParentInstanceID: some("p"), ParentExecutionID: some("e")}}},
		{`eventId: 5 attempt: 2 dequeuedAt {seconds: 1} startedAt {seconds: 2} worker: "w" effect: "\x01"
			usage: "\x02" payload {hash: "\x03" size: 4} executionCompleted {orchestrationStatus: 3 result {value: "r"}}`,
			&history.Event{ID: 5, Body: &history.ExecutionCompleted{Status: history.StatusFailed, Result: some("r")},
				Meta: &history.Meta{Attempt: 2, DequeuedAt: at(1, 0), StartedAt: at(2, 0), Worker: "w",
					Effect: []byte{1}, Usage: []byte{2}, Payload: &history.PayloadReference{Hash: []byte{3}, Size: 4}}}},
	} {
		m := dynamicpb.NewMessage(event)
		if err := prototext.Unmarshal([]byte(test.text), m); err != nil {
			t.Fatalf("%s: %v", test.text, err)
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := history.Decode(b)
		if err != nil {
			t.Errorf("Decode(%s) = %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Decode(%s) differs (-want +got):\n%s", test.text, diff)
		}
	}
}
