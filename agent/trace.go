package agent

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// traceRef names the span below which a turn runs, as it is stored with the turn:
// "trace-span-flags", in the hex digits of W3C's traceparent, and ";tracestate" if
// there is one. Without flags nobody has decided yet whether the trace is sampled.
// A span of zeros is that of the turn that has started this one, which its ids
// tell, or none. "" = the turn begins a trace.
type traceRef string

// maxTraceState bounds the tracestate that is kept, in bytes.
const maxTraceState = 512

const noSpan = "0000000000000000"

// traceIn returns the span of the Go context of a caller.
func traceIn(ctx context.Context) traceRef {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	flags := (sc.TraceFlags() & trace.FlagsSampled).String()
	ref := sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + flags
	if state := sc.TraceState().String(); state != "" && len(state) <= maxTraceState {
		ref += ";" + state
	}
	return traceRef(ref)
}

// WithTrace returns a context in which what is sent to agents runs below a span
// of somebody else, named by W3C's headers traceparent and tracestate. If they are
// not valid, it returns ctx.
func WithTrace(ctx context.Context, traceparent, tracestate string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate})
}

// traceOf returns the span that a request of a hub came with.
func traceOf(t *history.TraceContext) traceRef {
	if t == nil {
		return ""
	}
	return traceIn(WithTrace(context.Background(), t.TraceParent, t.TraceState.S))
}

// traceContext is a ref as requests of a hub carry it, nil if there is none.
func (r traceRef) traceContext() *history.TraceContext {
	if r == "" {
		return nil
	}
	ids, state, _ := strings.Cut(string(r), ";")
	return &history.TraceContext{TraceParent: "00-" + ids, TraceState: history.NoneIfEmpty(state)}
}

// valid returns the ref, "" if it is none.
func (r traceRef) valid() traceRef {
	if _, ok := r.parse(); !ok {
		return ""
	}
	return r
}

func (r traceRef) parse() (p turnSpan, ok bool) {
	ids, state, _ := strings.Cut(string(r), ";")
	parts := strings.Split(ids, "-")
	if len(parts) != 3 || len(state) > maxTraceState {
		return p, false
	}
	var err error
	if p.trace, err = trace.TraceIDFromHex(parts[0]); err != nil {
		return p, false
	}
	if parts[1] != noSpan {
		if p.parent, err = trace.SpanIDFromHex(parts[1]); err != nil {
			return p, false
		}
	}
	if p.state, err = trace.ParseTraceState(state); err != nil {
		return p, false
	}
	switch parts[2] {
	case "":
	case "00":
		p.decided = true
	case "01":
		p.decided, p.flags = true, trace.FlagsSampled
	default:
		return p, false
	}
	return p, true
}

// turnSpan is the span of a turn. All of it but the decision follows from what is
// stored with the turn.
type turnSpan struct {
	trace   trace.TraceID
	span    trace.SpanID
	parent  trace.SpanID // zero = none
	decided bool         // whether the trace is sampled, as the flags say
	flags   trace.TraceFlags
	state   trace.TraceState
}

// newTurnSpan returns the span of a turn that runs below ref.
func newTurnSpan(ref traceRef, instance, execution string) turnSpan {
	s, ok := ref.parse()
	if !ok {
		s = turnSpan{}
		s.trace, _ = trace.TraceIDFromHex(digest("trace", instance, execution))
	}
	s.span = spanID(instance, execution)
	return s
}

func spanID(instance, execution string) trace.SpanID {
	id, err := trace.SpanIDFromHex(digest("span", instance, execution)[:16])
	if err != nil { // a digest is hex, and hardly ever zero
		panic(err)
	}
	return id
}

// ref names the trace for the turns that the turn starts.
func (s turnSpan) ref() traceRef {
	ref := s.trace.String() + "-" + noSpan + "-"
	if s.decided {
		ref += s.flags.String()
	}
	if state := s.state.String(); state != "" {
		ref += ";" + state
	}
	return traceRef(ref)
}

// runTrace names what the agents run below that an orchestration runs: the span of
// who has started it, else a trace of the orchestration's own, which a rewind keeps: what
// runs are begun with must not change by it.
func runTrace(ctx *perdure.Context) traceRef {
	if ref := traceOf(perdure.RuntimeOf(ctx).Info().Trace); ref != "" {
		return ref
	}
	return traceRef(digest("trace", ctx.InstanceID(), seedOf(ctx)) + "-" + noSpan + "-")
}

// span is the span of the turn.
func (t *turn) span() turnSpan {
	s := newTurnSpan(t.in.Trace, t.ctx.InstanceID(), t.ctx.ExecutionID())
	if p := t.ctx.Parent(); p != nil && !s.parent.IsValid() && p.ExecutionID != "" && strings.HasPrefix(p.Name, turnPrefix) {
		s.parent = spanID(p.InstanceID, p.ExecutionID)
	}
	return s
}

// decide finds out whether a trace is sampled, if that is not decided yet: the
// sampler is asked by a first span of the trace, which is then forgotten. All
// processes get the same answer from samplers that go by the trace's id.
func (o *observer) decide(s turnSpan) turnSpan {
	if s.decided {
		return s
	}
	_, asked := o.tracer.Start(withIDs(s), "invoke_agent", trace.WithNewRoot())
	sc := asked.SpanContext()
	s.decided, s.flags, s.state = true, sc.TraceFlags()&trace.FlagsSampled, sc.TraceState()
	return s
}

func withIDs(s turnSpan) context.Context {
	return context.WithValue(context.Background(), wantedKey{}, wantedIDs{s.trace, s.span})
}

// below returns a context whose spans are below the span of the turn of a step.
func (o *observer) below(ctx context.Context, ref traceRef) context.Context {
	step := perdure.Activity(ctx)
	s := o.decide(newTurnSpan(ref, step.InstanceID, step.ExecutionID))
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: s.trace, SpanID: s.span, TraceFlags: s.flags, TraceState: s.state,
	}))
}

// start starts the span of a turn.
func (o *observer) start(s turnSpan, name string, options ...trace.SpanStartOption) trace.Span {
	s = o.decide(s)
	ctx := withIDs(s)
	if s.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: s.trace, SpanID: s.parent, TraceFlags: s.flags, TraceState: s.state,
		}))
	}
	_, span := o.tracer.Start(ctx, name, options...)
	return span
}

// checkIDs returns an error if a tracer makes other ids than SpanIDs, so that
// nothing would be below the spans of turns.
func checkIDs(t trace.Tracer) error {
	want := newTurnSpan("", "perdure", "check")
	_, asked := t.Start(withIDs(want), "perdure", trace.WithNewRoot())
	if sc := asked.SpanContext(); sc.IsValid() && (sc.TraceID() != want.trace || sc.SpanID() != want.span) {
		return errors.New("the TracerProvider makes ids of its own: make it with sdktrace.WithIDGenerator(agent.SpanIDs{})")
	}
	return nil
}
