package host_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

const scaler = "/externalscaler.ExternalScaler/"

// TestT26_Scaler has scalers ask as every role, in the own hub, a foreign one and one
// that there is not. They name the hub and show the token in the trigger's metadata.
func TestT26_Scaler(t *testing.T) {
	app, _ := guarded(t, "reader reader a", "worker worker a", "contributor contributor a")
	conn := rpc(t, app.URL(), nil)
	call := func(ctx context.Context, hub, token, method string) error {
		ref := &wirepb.ScaledObjectRef{ScalerMetadata: map[string]string{"taskhub": hub, "token": token}}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if method != "StreamIsActive" {
			return conn.Invoke(ctx, scaler+method, ref, &wirepb.IsActiveResponse{})
		}
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, scaler+method)
		if err == nil {
			err = s.SendMsg(ref)
		}
		if err == nil {
			err = s.RecvMsg(&wirepb.IsActiveResponse{})
		}
		return err
	}
	for _, method := range []string{"IsActive", "GetMetricSpec", "StreamIsActive"} {
		for _, c := range []struct {
			hub, token string
			want       codes.Code
		}{
			{"a", "", codes.Unauthenticated},
			{"a", "guess", codes.Unauthenticated},
			{"a", "reader", codes.OK},
			{"a", "worker", codes.OK},
			{"a", "contributor", codes.OK},
			{"b", "contributor", codes.NotFound},
			{"c", "contributor", codes.NotFound},
		} {
			if err := call(t.Context(), c.hub, c.token, method); status.Code(err) != c.want {
				t.Errorf("%s in hub %s with the token %q = %v, want %v", method, c.hub, c.token, err, c.want)
			}
		}
		if err := call(outgoing(t.Context(), "", "worker"), "a", "", method); err != nil {
			t.Errorf("%s with the token in the header = %v, want no error", method, err)
		}
		foreign, missing := call(t.Context(), "b", "worker", method), call(t.Context(), "c", "worker", method)
		if got, want := status.Convert(foreign).Message(), status.Convert(missing).Message(); len(got) != len(want) {
			t.Errorf("%s in a foreign hub = %q, want it as for one that there is not: %q", method, got, want)
		}
	}
}
