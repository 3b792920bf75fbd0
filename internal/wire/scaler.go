package wire

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// ScalerService is the name by which KEDA calls a scaler.
const ScalerService = "externalscaler.ExternalScaler"

// backlogMetric is the name of the number that a scaler is asked for.
const backlogMetric = "perdure-backlog"

// defaultTarget is how many items there are to be for each worker, if it is not said:
// as many as a worker takes by default.
const defaultTarget = 100

// lookAgain is the least time between two looks at a demand that changes.
const lookAgain = 250 * time.Millisecond

// scalerDesc describes the service of KEDA's external scalers.
func (s *Service) scalerDesc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: ScalerService,
		HandlerType: (*any)(nil),
		Metadata:    "perdure/scaler.proto",
		Methods: []grpc.MethodDesc{
			unaryOf(s, ScalerService, "IsActive", func(s *Service, ctx context.Context, in *wirepb.ScaledObjectRef) (*wirepb.IsActiveResponse, error) {
				n, err := s.measure(ctx, in)
				return &wirepb.IsActiveResponse{Result: n > 0}, err
			}),
			unaryOf(s, ScalerService, "GetMetricSpec", func(s *Service, ctx context.Context, in *wirepb.ScaledObjectRef) (*wirepb.GetMetricSpecResponse, error) {
				m, _, err := s.admitScaler(ctx, in)
				if err != nil {
					return nil, err
				}
				return &wirepb.GetMetricSpecResponse{MetricSpecs: []*wirepb.MetricSpec{
					{MetricName: backlogMetric, TargetSize: int64(m.target), TargetSizeFloat: float64(m.target)},
				}}, nil
			}),
			unaryOf(s, ScalerService, "GetMetrics", func(s *Service, ctx context.Context, in *wirepb.GetMetricsRequest) (*wirepb.GetMetricsResponse, error) {
				n, err := s.measure(ctx, in.GetScaledObjectRef())
				return &wirepb.GetMetricsResponse{MetricValues: []*wirepb.MetricValue{
					{MetricName: backlogMetric, MetricValue: int64(n), MetricValueFloat: float64(n)},
				}}, err
			}),
		},
		Streams: []grpc.StreamDesc{{StreamName: "StreamIsActive", ServerStreams: true, Handler: s.streamIsActive}},
	}
}

// measured is what a scaler wants to know: metadata of the form that a ScaledObject has
// for a trigger, with Durable Task's names for some of it beside ours.
type measured struct {
	hub, token string
	kinds      []hub.WorkKind // none = all
	names      []string       // none = all
	versions   []string       // none = all
	target     int            // items for each worker
}

// kindNames are the words for kinds of work, the first of which are ours.
func kindNames() map[string]hub.WorkKind {
	return map[string]hub.WorkKind{
		"orchestrations": hub.Orchestrations, "activities": hub.ActivityItems, "entities": hub.EntityItems,
		"orchestration": hub.Orchestrations, "activity": hub.ActivityItems, "entity": hub.EntityItems,
	}
}

// readMeasured reads the metadata of a trigger. What it does not know is KEDA's own.
func readMeasured(metadata map[string]string) (*measured, error) {
	first := func(keys ...string) string {
		for _, k := range keys {
			if v := strings.TrimSpace(metadata[k]); v != "" {
				return v
			}
		}
		return ""
	}
	m := &measured{hub: first("taskhub", "hub", "taskhubName"), token: first("token", "tokenFromEnv"),
		names: words(metadata["names"]), versions: words(metadata["versions"]), target: defaultTarget}
	if m.hub == "" {
		m.hub = DefaultHub
	}
	for _, word := range words(first("kinds", "workItemType")) {
		k, ok := kindNames()[strings.ToLower(word)]
		if !ok {
			return nil, invalid("scale", "", fmt.Sprintf("no kind of work is called %q; there are orchestrations, activities and entities", word))
		}
		m.kinds = append(m.kinds, k)
	}
	if text := first("target", "maxConcurrentWorkItemsCount"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, invalid("scale", "", fmt.Sprintf("the target %q is no number of items for a worker", text))
		}
		m.target = n
	}
	return m, nil
}

// words are the words of a list with commas.
func words(text string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), func(w string) bool { return w == "" })
}

// counts reports whether a load is one of those that are measured.
func (m *measured) counts(l hub.Load) bool {
	is := func(name string) bool {
		return name == l.Name || l.Kind == hub.EntityItems && strings.EqualFold(name, l.Name)
	}
	return (len(m.kinds) == 0 || slices.Contains(m.kinds, l.Kind)) &&
		(len(m.names) == 0 || slices.ContainsFunc(m.names, is)) &&
		(len(m.versions) == 0 || l.Kind == hub.EntityItems || slices.Contains(m.versions, l.Version))
}

// admitScaler reads what a scaler wants to know, if it may. ended is closed when it may
// not any more.
func (s *Service) admitScaler(ctx context.Context, in *wirepb.ScaledObjectRef) (m *measured, ended <-chan struct{}, err error) {
	if m, err = readMeasured(in.GetScalerMetadata()); err != nil {
		return nil, nil, err
	}
	if s.cfg.Admit != nil {
		if ended, err = s.cfg.Admit(ctx, m.hub, m.token); err != nil {
			return nil, nil, err
		}
	}
	return m, ended, nil
}

// measure returns how many items there are for workers.
func (s *Service) measure(ctx context.Context, in *wirepb.ScaledObjectRef) (int, error) {
	m, _, err := s.admitScaler(ctx, in)
	if err != nil {
		return 0, err
	}
	b, err := s.demandOf(ctx, m)
	if err != nil {
		return 0, err
	}
	return m.sum(ctx, b)
}

func (s *Service) demandOf(ctx context.Context, m *measured) (hub.Demand, error) {
	h, err := s.cfg.Hubs.Open(ctx, m.hub)
	if err != nil {
		return nil, err
	}
	b, ok := h.(hub.Demand)
	if !ok {
		return nil, unimplemented("demand for workers")
	}
	return b, nil
}

// sum adds up what waits for workers and what they have. What is held waits for other
// workers than these: one more of them would not help.
func (m *measured) sum(ctx context.Context, b hub.Demand) (n int, err error) {
	loads, err := b.Demand(ctx)
	for _, l := range loads {
		if m.counts(l) {
			n += l.Waiting + l.Running
		}
	}
	return n, err
}

// streamIsActive tells whether there is work, and again whenever that changes.
func (s *Service) streamIsActive(_ any, stream grpc.ServerStream) error {
	in, ctx := new(wirepb.ScaledObjectRef), stream.Context()
	if err := stream.RecvMsg(in); err != nil {
		return malformed(err)
	}
	err := s.tellActive(ctx, in, func(active bool) error { return stream.SendMsg(&wirepb.IsActiveResponse{Result: active}) })
	return s.status(ctx, "/"+ScalerService+"/StreamIsActive", err)
}

func (s *Service) tellActive(ctx context.Context, in *wirepb.ScaledObjectRef, send func(bool) error) error {
	m, ended, err := s.admitScaler(ctx, in)
	if err != nil {
		return err
	}
	b, err := s.demandOf(ctx, m)
	if err != nil {
		return err
	}
	changed, err := b.WatchDemand(ctx)
	if err != nil {
		return err
	}
	for told, was := false, false; ; told = true {
		n, err := m.sum(ctx, b)
		if err != nil {
			return err
		}
		if active := n > 0; !told || active != was {
			if err := send(active); err != nil {
				return err
			}
			was = active
		}
		if err := m.change(ctx, changed, ended); err != nil {
			return err
		}
	}
}

// change waits until the demand may have changed, and a little so that what changes all
// the time is not looked at all the time.
func (*measured) change(ctx context.Context, changed, ended <-chan struct{}) error {
	pause := time.NewTimer(lookAgain)
	defer pause.Stop()
	for news, waited := (<-chan struct{})(nil), pause.C; ; news, waited = changed, nil {
		select {
		case <-waited:
		case _, open := <-news:
			if !open {
				return &perdure.Error{Code: perdure.Unavailable, Op: "watch the demand", Message: "the hub has ended"}
			}
			return nil
		case <-ended:
			return &perdure.Error{Code: perdure.Unauthenticated, Message: "the token was revoked, or has expired"}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
