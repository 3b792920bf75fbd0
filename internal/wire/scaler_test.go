package wire_test

import (
	"context"
	"math"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

const scalerMethod = "/externalscaler.ExternalScaler/"

// trigger is what KEDA sends of a ScaledObject, with metadata as key and value in turn.
func trigger(metadata ...string) *wirepb.ScaledObjectRef {
	r := &wirepb.ScaledObjectRef{Name: "worker", Namespace: "default", ScalerMetadata: map[string]string{"scalerAddress": "perdure:8080"}}
	for i := 0; i+1 < len(metadata); i += 2 {
		r.ScalerMetadata[metadata[i]] = metadata[i+1]
	}
	return r
}

// serveScaler serves hubs without code, to scalers that admit lets in.
func serveScaler(t *testing.T, admit func(context.Context, string, string) (<-chan struct{}, error)) (hub.Hub, *grpc.ClientConn) {
	t.Helper()
	s := serve(t, func(_ *hubs, c *wire.Config) { c.Admit = admit })
	return s.hubs.open["default"].hub, s.conn
}

// measure asks for the backlog.
func measure(t *testing.T, conn *grpc.ClientConn, ref *wirepb.ScaledObjectRef) int64 {
	t.Helper()
	out, active := &wirepb.GetMetricsResponse{}, &wirepb.IsActiveResponse{}
	if err := conn.Invoke(t.Context(), scalerMethod+"GetMetrics", &wirepb.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "perdure-backlog"}, out); err != nil {
		t.Fatal(err)
	}
	if err := conn.Invoke(t.Context(), scalerMethod+"IsActive", ref, active); err != nil {
		t.Fatal(err)
	}
	v := out.GetMetricValues()
	if len(v) != 1 || v[0].MetricName != "perdure-backlog" || v[0].MetricValueFloat != float64(v[0].MetricValue) || active.Result != (v[0].MetricValue > 0) {
		t.Fatalf("GetMetrics() = %v and IsActive() = %v, want one value in both forms, active unless it is 0", out, active)
	}
	return v[0].MetricValue
}

func TestScalerMeasures(t *testing.T) {
	h, conn := serveScaler(t, nil)
	ctx := t.Context()
	for _, id := range []string{"a", "b", "c"} {
		if _, err := h.Start(ctx, &hub.Start{Name: "Order", InstanceID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Start(ctx, &hub.Start{Name: "Refund", InstanceID: "d", Version: history.Some("2")}); err != nil {
		t.Fatal(err)
	}
	if err := h.Signal(ctx, &hub.Signal{InstanceID: "@Counter@k", Operation: "add"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		metadata []string
		want     int64
	}{
		{nil, 5},
		{[]string{"kinds", "orchestrations"}, 4},
		{[]string{"workItemType", "Orchestration"}, 4},
		{[]string{"kinds", "activities"}, 0},
		{[]string{"kinds", "activities, entities"}, 1},
		{[]string{"names", "Order"}, 3},
		{[]string{"names", "order"}, 0},
		{[]string{"names", "Order, counter"}, 4},
		{[]string{"names", "COUNTER"}, 1},
		{[]string{"versions", "2"}, 2}, // entities have none
		{[]string{"versions", "2", "kinds", "orchestrations"}, 1},
		{[]string{"taskhub", "default"}, 5},
		{[]string{"taskhubName", "other"}, 0},
	} {
		if got := measure(t, conn, trigger(c.metadata...)); got != c.want {
			t.Errorf("backlog with %q = %d, want %d", c.metadata, got, c.want)
		}
	}
}

func TestScalerTarget(t *testing.T) {
	_, conn := serveScaler(t, nil)
	for _, c := range []struct {
		metadata []string
		want     int64
		code     codes.Code
	}{
		{nil, 100, codes.OK},
		{[]string{"target", "7"}, 7, codes.OK},
		{[]string{"maxConcurrentWorkItemsCount", "3"}, 3, codes.OK},
		{[]string{"target", "0"}, 0, codes.InvalidArgument},
		{[]string{"target", "many"}, 0, codes.InvalidArgument},
		{[]string{"kinds", "timers"}, 0, codes.InvalidArgument},
	} {
		out := &wirepb.GetMetricSpecResponse{}
		err := conn.Invoke(t.Context(), scalerMethod+"GetMetricSpec", trigger(c.metadata...), out)
		if status.Code(err) != c.code {
			t.Errorf("GetMetricSpec(%q) = %v, want %v", c.metadata, err, c.code)
			continue
		}
		if s := out.GetMetricSpecs(); err == nil && (len(s) != 1 || s[0].TargetSize != c.want || s[0].TargetSizeFloat != float64(c.want) || s[0].MetricName != "perdure-backlog") {
			t.Errorf("GetMetricSpec(%q) = %v, want the target %d", c.metadata, s, c.want)
		}
	}
	for name, want := range map[string]codes.Code{"GetMetricSpec": codes.OK, "IsActive": codes.NotFound} {
		if err := conn.Invoke(t.Context(), scalerMethod+name, trigger("taskhub", "none"), &wirepb.IsActiveResponse{}); status.Code(err) != want {
			t.Errorf("%s in a hub that there is not = %v, want %v", name, err, want)
		}
	}
}

// activity opens a stream of whether there is work, and returns what reads it.
func activity(t *testing.T, conn *grpc.ClientConn, ref *wirepb.ScaledObjectRef) (next func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, scalerMethod+"StreamIsActive")
	if err == nil {
		err = s.SendMsg(ref)
	}
	if err == nil {
		err = s.CloseSend()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() (bool, error) {
		m := &wirepb.IsActiveResponse{}
		err := s.RecvMsg(m)
		return m.Result, err
	}
}

// TestScalerPushes is told of work the moment that it comes, and when there is no more.
func TestScalerPushes(t *testing.T) {
	h, conn := serveScaler(t, nil)
	next := activity(t, conn, trigger("names", "Order"))
	other := activity(t, conn, trigger("names", "Refund"))
	expect := func(next func() (bool, error), want bool) {
		t.Helper()
		if got, err := next(); got != want || err != nil {
			t.Fatalf("StreamIsActive = %v, %v, want %v", got, err, want)
		}
	}
	expect(next, false)
	expect(other, false)
	began := time.Now()
	if _, err := h.Start(t.Context(), &hub.Start{Name: "Order", InstanceID: "a"}); err != nil {
		t.Fatal(err)
	}
	expect(next, true)
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v until the scaler knew of work, want less than 2 s", d)
	}
	w := h.(hub.Workers)
	s, err := w.Connect(t.Context(), &hub.Worker{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(false)
	work, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = w.CompleteOrchestration(t.Context(), &hub.OrchestrationDone{Delivery: hub.Delivery{Token: work.Token}, Result: engine.TurnResult{
		Actions: []engine.Action{{ID: 1, Do: &engine.Complete{Status: history.StatusCompleted}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	expect(next, false)
	if _, err := h.Start(t.Context(), &hub.Start{Name: "Refund", InstanceID: "b"}); err != nil {
		t.Fatal(err)
	}
	expect(other, true) // and it has heard of nothing in between
}

// TestScalerIsAdmitted has a scaler shown the door whose token does not hold, or holds
// no more.
func TestScalerIsAdmitted(t *testing.T) {
	revoked := make(chan struct{})
	_, conn := serveScaler(t, func(_ context.Context, hub, token string) (<-chan struct{}, error) {
		if hub == "default" && token == "good" {
			return revoked, nil
		}
		return nil, status.Error(codes.Unauthenticated, "who are you?")
	})
	for _, metadata := range [][]string{nil, {"token", "bad"}, {"token", "good", "taskhub", "other"}} {
		for _, name := range []string{"IsActive", "GetMetricSpec", "GetMetrics"} {
			var in proto.Message = trigger(metadata...)
			if name == "GetMetrics" {
				in = &wirepb.GetMetricsRequest{ScaledObjectRef: trigger(metadata...)}
			}
			if err := conn.Invoke(t.Context(), scalerMethod+name, in, &wirepb.IsActiveResponse{}); err == nil {
				t.Errorf("%s with %q = nil, want an error", name, metadata)
			}
		}
		if _, err := activity(t, conn, trigger(metadata...))(); err == nil {
			t.Errorf("StreamIsActive with %q = nil, want an error", metadata)
		}
	}
	if got := measure(t, conn, trigger("tokenFromEnv", "good")); got != 0 {
		t.Errorf("backlog = %d, want 0", got)
	}
	next := activity(t, conn, trigger("token", "good"))
	if _, err := next(); err != nil {
		t.Fatal(err)
	}
	close(revoked)
	if _, err := next(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("StreamIsActive with a token that was revoked = %v, want unauthenticated", err)
	}
}

// TestScalerWire writes a request, and reads an answer, by the numbers of the published
// schema.
func TestScalerWire(t *testing.T) {
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "target")
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), "9")
	ref := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "worker")
	ref = protowire.AppendString(protowire.AppendTag(ref, 2, protowire.BytesType), "default")
	ref = protowire.AppendBytes(protowire.AppendTag(ref, 3, protowire.BytesType), entry)
	in := &wirepb.ScaledObjectRef{}
	if err := proto.Unmarshal(ref, in); err != nil || in.Name != "worker" || in.Namespace != "default" || in.ScalerMetadata["target"] != "9" {
		t.Errorf("a reference is read as %v, %v", in, err)
	}
	request := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), ref)
	request = protowire.AppendString(protowire.AppendTag(request, 2, protowire.BytesType), "m")
	asked := &wirepb.GetMetricsRequest{}
	if err := proto.Unmarshal(request, asked); err != nil || asked.MetricName != "m" || asked.ScaledObjectRef.GetName() != "worker" {
		t.Errorf("a request is read as %v, %v", asked, err)
	}
	value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "m")
	value = protowire.AppendVarint(protowire.AppendTag(value, 2, protowire.VarintType), 9)
	value = protowire.AppendFixed64(protowire.AppendTag(value, 3, protowire.Fixed64Type), math.Float64bits(9))
	want := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), value)
	for _, m := range []proto.Message{
		&wirepb.GetMetricsResponse{MetricValues: []*wirepb.MetricValue{{MetricName: "m", MetricValue: 9, MetricValueFloat: 9}}},
		&wirepb.GetMetricSpecResponse{MetricSpecs: []*wirepb.MetricSpec{{MetricName: "m", TargetSize: 9, TargetSizeFloat: 9}}},
	} {
		if got, err := (proto.MarshalOptions{Deterministic: true}).Marshal(m); err != nil || string(got) != string(want) {
			t.Errorf("%T is written as %x, %v, want %x", m, got, err, want)
		}
	}
	if wire.ScalerService != "externalscaler.ExternalScaler" {
		t.Errorf("the service is called %s", wire.ScalerService)
	}
}
