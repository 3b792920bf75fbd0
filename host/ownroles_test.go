package host_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// ownRoles says who may call which methods of our own service, and which streams.
func ownRoles() map[string][]string {
	reads := strings.Fields("Instance List Counts Entity WaitStart WaitCompletion Position Changes ReadRows WatchRows Ended Entities")
	writes := strings.Fields("Start Raise Signal Control Purge Ask WriteRows CleanEntities TerminateNow")
	all := map[string][]string{
		"Hello":   {"reader", "worker", "contributor"},
		"History": {"reader", "worker", "contributor"},
		"Work":    {"worker", "contributor"},
		// As over HTTP: activities are completed from outside by those who do work.
		"Complete":  {"worker", "contributor"},
		"Heartbeat": {"worker", "contributor"},
	}
	for _, m := range reads {
		all[m] = []string{"reader", "contributor"}
	}
	for _, m := range writes {
		all[m] = []string{"contributor"}
	}
	return all
}

// TestT26_RolesOfOurOwnService calls every method of our own service, and the streams of
// the protocol, as every role, in the own hub, a foreign one and one that there is not.
func TestT26_RolesOfOurOwnService(t *testing.T) {
	app, _ := guarded(t, "reader reader a", "worker worker a", "contributor contributor a")
	conn := rpc(t, app.URL(), nil)
	allowed := make(map[string][]string)
	methods := wirepb.File_perdure_hub_proto.Services().ByName("Hub").Methods()
	for i := range methods.Len() {
		name := string(methods.Get(i).Name())
		if ownRoles()[name] == nil {
			t.Errorf("it is not said who may call %s", name)
		}
		allowed["/perdure.hub.v1.Hub/"+name] = ownRoles()[name]
	}
	allowed[sidecar+"GetWorkItems"] = []string{"worker", "contributor"}
	allowed[sidecar+"StreamInstanceHistory"] = []string{"reader", "worker", "contributor"}
	call := func(hub, token, method string) error {
		ctx, cancel := context.WithTimeout(outgoing(t.Context(), hub, token), 150*time.Millisecond)
		defer cancel()
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		if err != nil {
			return err
		}
		_ = s.SendMsg(new(emptypb.Empty)) // what it comes to is told below
		_ = s.CloseSend()
		return s.RecvMsg(new(emptypb.Empty))
	}
	calls := 0
	for method, roles := range allowed {
		for _, token := range []string{"", "guess"} {
			if err := call("a", token, method); status.Code(err) != codes.Unauthenticated {
				t.Errorf("%s with the token %q = %v, want Unauthenticated", method, token, err)
			}
		}
		for _, role := range []string{"reader", "worker", "contributor"} {
			foreign, missing := call("b", role, method), call("c", role, method)
			want := strings.ReplaceAll(status.Convert(missing).Message(), `"c"`, `"b"`)
			if status.Code(foreign) != codes.NotFound || status.Convert(foreign).Message() != want {
				t.Errorf("%s in a foreign hub as %s = %v, want it as for a hub that there is not: %v", method, role, foreign, missing)
			}
			err := call("a", role, method)
			if got, want := status.Code(err) == codes.PermissionDenied, !slices.Contains(roles, role); got != want {
				t.Errorf("%s as %s = %v, want it to be refused is %t", method, role, err, want)
			}
			if c := status.Code(err); c == codes.Unauthenticated || c == codes.Internal || c == codes.Unimplemented {
				t.Errorf("%s as %s = %v", method, role, err)
			}
			calls++
		}
	}
	if calls != 3*(len(ownRoles())+2) {
		t.Errorf("%d calls were made, want those of %d methods", calls, len(ownRoles())+2)
	}
}
