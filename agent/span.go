package agent

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// Names of the conventions for generative AI, which are not stable yet, and ours.
const (
	keyOperation    = "gen_ai.operation.name"
	keyProvider     = "gen_ai.provider.name"
	keyModel        = "gen_ai.request.model"
	keyTemperature  = "gen_ai.request.temperature"
	keyTopP         = "gen_ai.request.top_p"
	keyMaxTokens    = "gen_ai.request.max_tokens"
	keyOutputType   = "gen_ai.output.type"
	keyAnsweredBy   = "gen_ai.response.model"
	keyAnswerID     = "gen_ai.response.id"
	keyFinish       = "gen_ai.response.finish_reasons"
	keyFirstChunk   = "gen_ai.response.time_to_first_chunk"
	keyConversation = "gen_ai.conversation.id"
	keyAgentID      = "gen_ai.agent.id"
	keyAgentName    = "gen_ai.agent.name"
	keyAgentAbout   = "gen_ai.agent.description"
	keyToolName     = "gen_ai.tool.name"
	keyToolCall     = "gen_ai.tool.call.id"
	keyToolType     = "gen_ai.tool.type"
	keyToolAbout    = "gen_ai.tool.description"
	keyTokenType    = "gen_ai.token.type"
	keyOutput       = "gen_ai.output.messages"
	keyError        = "error.type"

	keyTurn    = "perdure.turn.id"
	keyStep    = "perdure.step"
	keySteps   = "perdure.turn.steps"
	keyOutcome = "perdure.turn.outcome"
	keyEffect  = "perdure.effect.id"
	keyCost    = "perdure.cost.usd"
)

// errPanic stands for the panic of a tool.
var errPanic = errors.New("the tool panicked")

// chatSpan is the span of a call of a model. nil is none.
type chatSpan struct {
	*observer
	span   trace.Span
	labels texts // of the metrics
	began  time.Time
	first  time.Time // when the answer began; zero = not yet
}

// beginChat begins the span of a call of a model. The call is to be made with the
// context that it returns.
func (s *modelCall) beginChat(ctx context.Context, about model.Info, r *model.Request) (context.Context, *chatSpan) {
	o := observerOf(ctx)
	if o == nil {
		return ctx, nil
	}
	name, in := r.Model, s.prompt.in
	if name == "" {
		name = about.Model
	}
	labels := texts{}.with(keyOperation, "chat").with(keyProvider, about.Provider).with(keyModel, name)
	attributes := labels.clone().with(keyAgentName, s.agent.Name).with(keyTurn, perdure.Activity(ctx).InstanceID).with(keyConversation, in.Session)
	attributes = append(attributes, attribute.Int(keyStep, in.Step))
	if r.Temperature != nil {
		attributes = append(attributes, attribute.Float64(keyTemperature, *r.Temperature))
	}
	if r.TopP != nil {
		attributes = append(attributes, attribute.Float64(keyTopP, *r.TopP))
	}
	if r.MaxOutputTokens != nil {
		attributes = append(attributes, attribute.Int(keyMaxTokens, *r.MaxOutputTokens))
	}
	if r.Format != nil {
		attributes = attributes.with(keyOutputType, "json")
	}
	if o.content {
		attributes = append(attributes, contentOf(r.Instructions, r.Messages)...)
		attributes = append(attributes, definitionsOf(r.Tools)...)
	}
	c := &chatSpan{observer: o, labels: labels, began: time.Now()}
	ctx, c.span = o.tracer.Start(o.below(ctx, in.Trace), spanName("chat", name),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, c
}

// heard notes that a part of the answer has come.
func (c *chatSpan) heard() {
	if c != nil && c.first.IsZero() {
		c.first = time.Now()
	}
}

// end ends the span with the answer, or what came before the error.
func (c *chatSpan) end(answer *model.Response, cost model.NanoUSD, err error) {
	if c == nil {
		return
	}
	usage := answer.Usage()
	c.labels = c.labels.with(keyAnsweredBy, answer.Model())
	c.span.SetAttributes(texts{}.with(keyAnsweredBy, answer.Model()).with(keyAnswerID, answer.ID)...)
	if answer.FinishReason != "" {
		c.span.SetAttributes(attribute.StringSlice(keyFinish, []string{answer.FinishReason}))
	}
	if cost != 0 {
		c.span.SetAttributes(attribute.Float64(keyCost, float64(cost)/1e9))
	}
	c.span.SetAttributes(usageOf(usage)...)
	if c.content && len(answer.Messages) > 0 {
		c.span.SetAttributes(attribute.String(keyOutput, messagesJSON(answer.Messages, answer.FinishReason)))
	}
	c.count(usage)
	if !c.first.IsZero() {
		wait := c.first.Sub(c.began).Seconds()
		c.span.SetAttributes(attribute.Float64(keyFirstChunk, wait))
		c.observer.first.Record(context.Background(), wait, metric.WithAttributes(c.labels...))
	}
	c.labels = c.fail(c.span, c.labels, err)
	c.calls.Record(context.Background(), time.Since(c.began).Seconds(), metric.WithAttributes(c.labels...))
	c.span.End()
}

// count counts the tokens of a call whose provider has told them.
func (c *chatSpan) count(u model.Usage) {
	if u.InputTokenCount == 0 && u.OutputTokenCount == 0 {
		return
	}
	for kind, n := range map[string]int64{"input": u.InputTokenCount, "output": u.OutputTokenCount} {
		c.tokens.Record(context.Background(), n, metric.WithAttributes(c.labels.clone().with(keyTokenType, kind)...))
	}
}

// fail marks a span as failed, if there is an error, and returns the labels with
// its type.
func (o *observer) fail(span trace.Span, labels texts, err error) texts {
	if err == nil {
		return labels
	}
	text := ""
	if o.content {
		text = err.Error()
	}
	span.SetStatus(codes.Error, text)
	span.SetAttributes(attribute.String(keyError, errorType(err)))
	return labels.with(keyError, errorType(err))
}

// errorType is the class of an error, of which there are few.
func errorType(err error) string {
	var refused *model.Error
	var failed *perdure.StepError
	switch {
	case errors.Is(err, errPanic):
		return "panic"
	case errors.As(err, &refused) && refused.Code != "":
		return refused.Code
	case errors.As(err, &refused) && refused.Status != 0:
		return strconv.Itoa(refused.Status)
	case errors.As(err, &failed):
		return failed.Type
	case errors.Is(err, errSlow), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case perdure.CodeOf(err) != 0:
		return perdure.CodeOf(err).String()
	}
	return "_OTHER"
}

func usageOf(u model.Usage) []attribute.KeyValue {
	var out []attribute.KeyValue
	for _, n := range []struct {
		key   string
		count int64
	}{
		{"gen_ai.usage.input_tokens", u.InputTokenCount},
		{"gen_ai.usage.output_tokens", u.OutputTokenCount},
		{"gen_ai.usage.cache_read.input_tokens", u.CachedInputTokenCount},
		{"gen_ai.usage.cache_creation.input_tokens", u.AdditionalCounts[model.CountCacheWrite]},
		{"gen_ai.usage.reasoning.output_tokens", u.ReasoningTokenCount},
	} {
		if n.count != 0 {
			out = append(out, attribute.Int64(n.key, n.count))
		}
	}
	return out
}

func spanName(operation, of string) string {
	if of == "" {
		return operation
	}
	return operation + " " + of
}

// toolSpan is the span of a call of a tool. nil is none.
type toolSpan struct {
	*observer
	span   trace.Span
	labels texts
	began  time.Time
}

// beginTool begins the span of a call of a tool, which is to be made with the
// context that it returns.
func (b *boundTool) beginTool(ctx context.Context, arguments string) (context.Context, *toolSpan) {
	o := observerOf(ctx)
	if o == nil {
		return ctx, nil
	}
	call := CallOf(ctx)
	labels := texts{}.with(keyOperation, "execute_tool").with(keyToolName, b.offer.Name).with(keyToolType, "function").with(keyAgentName, call.Agent)
	attributes := labels.clone().with(keyToolCall, call.CallID).with(keyToolAbout, b.offer.Description).
		with(keyTurn, call.Turn).with(keyConversation, call.Session).with(keyEffect, EffectID(ctx))
	if o.content {
		attributes = attributes.with("gen_ai.tool.call.arguments", arguments)
	}
	s := &toolSpan{observer: o, labels: labels, began: time.Now()}
	ctx, s.span = o.tracer.Start(ctx, spanName("execute_tool", b.offer.Name), trace.WithAttributes(attributes...))
	return ctx, s
}

func (s *toolSpan) end(result json.RawMessage, err error) {
	if s.content && err == nil {
		s.span.SetAttributes(attribute.String("gen_ai.tool.call.result", string(result)))
	}
	s.labels = s.fail(s.span, s.labels, err)
	s.toolRuns.Record(context.Background(), time.Since(s.began).Seconds(), metric.WithAttributes(s.labels...))
	s.span.End()
}

// observe tells of the end of the turn, once in its life but for crashes. It
// leaves no trace in the run.
func (t *turn) observe(outcome string, r *Response, failed error) {
	info := perdure.RuntimeOf(t.ctx).Info()
	s, _ := info.Value(serviceKey{}).(*Service)
	if info.Replaying || s == nil || s.observer == nil || t.in.Import {
		return
	}
	if r == nil {
		r = &Response{}
	}
	o, about := s.observer, model.Describe(t.agent.Model)
	labels := texts{}.with(keyOperation, "invoke_agent").with(keyAgentName, t.agent.Name).with(keyProvider, about.Provider).
		with(keyModel, about.Model).with(keyOutcome, outcome)
	attributes := labels.clone().with(keyAgentID, fold(t.agent.Name)).with(keyAgentAbout, t.agent.Description).
		with(keyTurn, t.ctx.InstanceID()).with(keyConversation, t.in.Session).with(keyAnsweredBy, r.Model)
	attributes = append(attributes, attribute.Int(keySteps, t.step), attribute.Float64(keyCost, float64(t.spent.USD)/1e9))
	attributes = append(attributes, usageOf(t.usage)...)
	if r.FinishReason != "" {
		attributes = append(attributes, attribute.StringSlice(keyFinish, []string{r.FinishReason}))
	}
	if o.content {
		attributes = append(attributes, contentOf(t.agent.Instructions, t.in.Messages)...)
		if r.Text != "" {
			said := &model.Message{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: r.Text}}}
			attributes = attributes.with(keyOutput, messagesJSON([]*model.Message{said}, r.FinishReason))
		}
	}
	span := o.start(t.span(), spanName("invoke_agent", t.agent.Name), trace.WithTimestamp(t.began), trace.WithAttributes(attributes...))
	labels = o.fail(span, labels, failed)
	o.turns.Record(context.Background(), t.ctx.Now().Sub(t.began).Seconds(), metric.WithAttributes(labels...))
	span.End(trace.WithTimestamp(t.ctx.Now()))
}

// texts are attributes; those without a value are left out.
type texts []attribute.KeyValue

func (t texts) with(key, value string) texts {
	if value == "" {
		return t
	}
	return append(t, attribute.String(key, value))
}

// clone returns a list to which more may be added.
func (t texts) clone() texts { return t[:len(t):len(t)] }
