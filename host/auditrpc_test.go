package host_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// rpcCase is a call of a method with what has to be there before.
type rpcCase struct {
	method string
	before func(*audited)
	in     proto.Message
	want   string // "" = no entry
}

func rpcCases() []rpcCase {
	one := func(id string) *wirepb.PurgeInstancesRequest {
		return &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id}}
	}
	now := func(id string) *wirepb.SkipGracefulOrchestrationTerminationsRequest {
		return &wirepb.SkipGracefulOrchestrationTerminationsRequest{InstanceBatch: &wirepb.InstanceBatch{InstanceIds: []string{id}}}
	}
	const ours = "/" + wire.OwnService + "/"
	cases := []rpcCase{
		{sidecar + "StartInstance", nil, &wirepb.CreateInstanceRequest{InstanceId: "r1", Name: "Approve"}, "start r1"},
		{sidecar + "RaiseEvent", waiting("r2"), &wirepb.RaiseEventRequest{InstanceId: "r2", Name: "other"}, "raise event r2"},
		{sidecar + "SuspendInstance", waiting("r3"), &wirepb.SuspendRequest{InstanceId: "r3"}, "suspend r3"},
		{sidecar + "ResumeInstance", func(a *audited) { waiting("r4")(a); a.do("POST", "/api/v1/runs/r4/suspend", "") }, &wirepb.ResumeRequest{InstanceId: "r4"}, "resume r4"},
		{sidecar + "TerminateInstance", waiting("r5"), &wirepb.TerminateRequest{InstanceId: "r5"}, "terminate r5"},
		{sidecar + "RewindInstance", failed("r6"), &wirepb.RewindInstanceRequest{InstanceId: "r6"}, "rewind r6"},
		{sidecar + "RestartInstance", ended("r7"), &wirepb.RestartInstanceRequest{InstanceId: "r7"}, "start r7"},
		{sidecar + "PurgeInstances", ended("r8"), one("r8"), "purge r8"},
		{sidecar + "SignalEntity", nil, &wirepb.SignalEntityRequest{InstanceId: "@counter@r", Name: "add"}, "signal @counter@r"},
		{sidecar + "SkipGracefulOrchestrationTerminations", waiting("r9"), now("r9"), "terminate now r9"},
		{sidecar + "CleanEntityStorage", nil, &wirepb.CleanEntityStorageRequest{}, ""}, // there is nothing to clean
		{sidecar + "CreateTaskHub", nil, &wirepb.CreateTaskHubRequest{}, "none"},       // it exists: refused
		{ours + "Start", nil, &wirepb.HubStart{InstanceId: "o1", Name: "Approve"}, "start o1"},
		{ours + "Raise", waiting("o2"), &wirepb.HubRaise{InstanceId: "o2", Name: "other"}, "raise event o2"},
		{ours + "Signal", nil, &wirepb.HubSignal{InstanceId: "@counter@o", Operation: "add"}, "signal @counter@o"},
		{ours + "Control", waiting("o3"), &wirepb.HubControl{InstanceId: "o3", Kind: uint32(hub.Suspend)}, "suspend o3"},
		{ours + "Purge", ended("o4"), &wirepb.HubPurge{Ids: []string{"o4"}}, "purge o4"},
		{ours + "Ask", nil, &wirepb.HubAsk{InstanceId: "@counter@o", Name: "get"}, "ask @counter@o"},
		{ours + "TerminateNow", waiting("o5"), &wirepb.HubTerminate{Ids: []string{"o5"}}, "terminate now o5"},
		{ours + "CleanEntities", nil, &wirepb.HubClean{Empty: true}, ""},
		{ours + "WriteRows", waiting("o6"), &wirepb.HubWriteRows{Owner: "o6", Rows: []*wirepb.HubRow{{Kind: 60_000, Owner: "o6", Key: []byte("k")}}}, ""}, // as workers do
	}
	return cases
}

// TestS23EachCallLogsOnce calls each method of gRPC that changes something, and finds one
// entry for it in the audit, with who has called.
func TestS23EachCallLogsOnce(t *testing.T) {
	a := auditedApp(t)
	conn := rpc(t, a.url, nil)
	cases := rpcCases()
	for method, allowed := range methods() {
		known := slices.ContainsFunc(cases, func(c rpcCase) bool { return c.method == sidecar+method })
		if slices.Equal(allowed, []string{"contributor"}) && method != "DeleteTaskHub" && !known {
			t.Errorf("%s changes something and is not in the table: does it log?", method)
		}
	}
	for _, c := range cases {
		if c.before != nil {
			c.before(a)
		}
		before := a.entries()
		err := conn.Invoke(outgoing(t.Context(), "", "ann"), c.method, c.in, new(emptypb.Empty))
		if (err != nil) != (c.want == "none") {
			t.Errorf("%s = %v", c.method, err)
		}
		after := a.entries()
		added := after[:len(after)-len(before)]
		want := 1
		if c.want == "" || c.want == "none" {
			want = 0
		}
		if len(added) != want || slices.ContainsFunc(added, func(e string) bool { return e != c.want+" by ann" }) {
			t.Errorf("%s has logged %q, want %d times %q by ann", c.method, added, want, c.want)
		}
	}
}

// TestS23InWhoseName has a program change something for somebody else: both are told, and
// only the token is believed.
func TestS23InWhoseName(t *testing.T) {
	a := auditedApp(t)
	waiting("n1")(a)
	target, err := remote.Parse(a.url)
	if err != nil {
		t.Fatal(err)
	}
	target.Token = "ann"
	h, err := remote.Dial(remote.Config{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	ctx, cancel := context.WithTimeout(hub.WithActor(t.Context(), &hub.Actor{By: "bob", Action: "hold", Reason: "lunch"}), 20*time.Second)
	defer cancel()
	if _, err := h.Control(ctx, &hub.Control{InstanceID: "n1", Kind: hub.Suspend, Reason: history.Some("x")}); err != nil {
		t.Fatal(err)
	}
	row := store.Row{Kind: 60_000, Owner: "n1", Key: []byte("k")}
	if err := h.WriteRows(ctx, &hub.WriteRows{Owner: "n1", Rows: []store.Row{row}}); err != nil {
		t.Fatal(err)
	}
	got := string(a.do("GET", "/api/v1/audit?by=bob", ""))
	if n := strings.Count(got, `"by":"ann","for":"bob"`); n != 2 || !strings.Contains(got, `"action":"hold","target":"n1","reason":"lunch"`) {
		t.Errorf("audit = %s, want two entries by ann for bob", got)
	}
}
