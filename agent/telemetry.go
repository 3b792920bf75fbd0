package agent

import (
	"context"
	"crypto/rand"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/perdure/perdure"
)

// Telemetry says where spans and metrics of agents go, with the names of
// OpenTelemetry's conventions for generative AI. The zero value is none, and costs
// nothing.
//
// A turn is one span, whose ids follow from the turn, and each call of a model or
// of a tool that is really made is a span below it, whichever process makes it.
// The turn's own span is sent when the turn ends. After a crash at that moment it
// may be sent again, with the same ids.
type Telemetry struct {
	// TracerProvider takes the spans; nil = none. Its ids must come from SpanIDs,
	// which the option sdktrace.WithIDGenerator of OpenTelemetry's SDK is given.
	TracerProvider trace.TracerProvider
	// MeterProvider takes the metrics; nil = none.
	MeterProvider metric.MeterProvider
	// RecordContent adds what was said to the spans: instructions, messages,
	// arguments and results of tools, texts of errors. It may be personal.
	RecordContent bool
}

// Observe has the steps of the worker that runs with this Service be told to a
// Telemetry. It must be called before the worker runs.
func (s *Service) Observe(t Telemetry) error {
	if t.TracerProvider == nil && t.MeterProvider == nil {
		s.observer = nil
		return nil
	}
	o, err := newObserver(t)
	if err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "observe agents", Message: "the telemetry cannot be used", Cause: err}
	}
	s.observer = o
	return nil
}

// scope names the instrumentation.
const scope = "github.com/perdure/perdure/agent"

// observer tells what agents do to a Telemetry. nil tells nobody.
type observer struct {
	tracer  trace.Tracer
	content bool

	tokens   metric.Int64Histogram
	calls    metric.Float64Histogram // durations, in seconds, as the following
	first    metric.Float64Histogram
	turns    metric.Float64Histogram
	toolRuns metric.Float64Histogram
}

func newObserver(t Telemetry) (*observer, error) {
	o := &observer{content: t.RecordContent}
	if t.TracerProvider == nil {
		t.TracerProvider = tracenoop.NewTracerProvider()
	}
	o.tracer = t.TracerProvider.Tracer(scope)
	if err := checkIDs(o.tracer); err != nil {
		return nil, err
	}
	if t.MeterProvider == nil {
		t.MeterProvider = metricnoop.NewMeterProvider()
	}
	return o, o.instruments(t.MeterProvider.Meter(scope))
}

// Bounds of histograms: the conventions' of tokens and of calls; turns may last
// for days.
var (
	tokenBounds = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	callBounds  = []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	turnBounds  = []float64{0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400, 604800}
)

func (o *observer) instruments(m metric.Meter) (err error) {
	o.tokens, err = m.Int64Histogram("gen_ai.client.token.usage", metric.WithUnit("{token}"),
		metric.WithDescription("Tokens that calls of models used."), metric.WithExplicitBucketBoundaries(tokenBounds...))
	if err != nil {
		return err
	}
	for _, h := range []struct {
		to         *metric.Float64Histogram
		name, what string
		bounds     []float64
	}{
		{&o.calls, "gen_ai.client.operation.duration", "Durations of calls of models.", callBounds},
		{&o.first, "gen_ai.client.operation.time_to_first_chunk", "Times until the first part of an answer.", callBounds},
		{&o.toolRuns, "gen_ai.execute_tool.duration", "Durations of calls of tools.", callBounds},
		{&o.turns, "gen_ai.invoke_agent.duration", "Durations of turns that have ended, with all pauses.", turnBounds},
	} {
		*h.to, err = m.Float64Histogram(h.name, metric.WithUnit("s"), metric.WithDescription(h.what),
			metric.WithExplicitBucketBoundaries(h.bounds...))
		if err != nil {
			return err
		}
	}
	return nil
}

// observerOf returns the observer of the worker that runs an activity.
func observerOf(ctx context.Context) *observer {
	s, _ := ctx.Value(serviceKey{}).(*Service)
	if s == nil {
		return nil
	}
	return s.observer
}

// SpanIDs makes the ids of traces and spans: those of turns follow from the turn,
// all others are random. It is an IDGenerator of OpenTelemetry's SDK.
type SpanIDs struct{}

// wantedIDs are the ids of the span that begins with a context.
type wantedIDs struct {
	trace trace.TraceID
	span  trace.SpanID
}

type wantedKey struct{}

// NewIDs returns ids for the first span of a trace.
func (g SpanIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if w, ok := ctx.Value(wantedKey{}).(wantedIDs); ok {
		return w.trace, w.span
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:]) // never fails
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID returns an id for a span of a trace.
func (SpanIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if w, ok := ctx.Value(wantedKey{}).(wantedIDs); ok {
		return w.span
	}
	var id trace.SpanID
	_, _ = rand.Read(id[:])
	return id
}
