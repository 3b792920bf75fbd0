package agent_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// recorder keeps the spans that have ended.
type recorder struct {
	*tracetest.InMemoryExporter
	agent.Telemetry
}

func record(options ...sdktrace.TracerProviderOption) *recorder {
	r := &recorder{InMemoryExporter: tracetest.NewInMemoryExporter()}
	r.TracerProvider = sdktrace.NewTracerProvider(append([]sdktrace.TracerProviderOption{
		sdktrace.WithSyncer(r.InMemoryExporter), sdktrace.WithIDGenerator(agent.SpanIDs{}),
	}, options...)...)
	return r
}

// tree shows spans below each other, by name; those whose parent is not there
// stand at the left, after the parent's id if they have one.
func tree(spans tracetest.SpanStubs) string {
	children := map[string][]string{}
	lines := map[string]string{}
	var roots []string
	for _, s := range spans {
		id := s.SpanContext.SpanID().String()
		lines[id] = s.Name
	}
	for id := range lines {
		for _, s := range spans {
			if s.SpanContext.SpanID().String() != id {
				continue
			}
			parent := s.Parent.SpanID().String()
			if lines[parent] != "" {
				children[parent] = append(children[parent], id)
			} else {
				if s.Parent.IsValid() {
					lines[id] = parent + " < " + lines[id]
				}
				roots = append(roots, id)
			}
			break // of a span that was sent again the first will do
		}
	}
	var show func(ids []string, depth int) string
	show = func(ids []string, depth int) string {
		var parts []string
		for _, id := range ids {
			parts = append(parts, strings.Repeat("  ", depth)+lines[id]+"\n"+show(children[id], depth+1))
		}
		slices.Sort(parts)
		return strings.Join(parts, "")
	}
	return show(roots, 0)
}

func traces(spans tracetest.SpanStubs) int {
	ids := map[trace.TraceID]bool{}
	for _, s := range spans {
		ids[s.SpanContext.TraceID()] = true
	}
	return len(ids)
}

// lookTool is a pure tool that answers "here".
func lookTool() agent.Tool {
	return agent.NewTool("look", "looks", func(context.Context, struct {
		Where string `json:"where"`
	}) (string, error) {
		return "here", nil
	}, agent.WithEffect(agent.Pure))
}

// office is an agent that calls a tool and another agent.
func office(t *testing.T) []*agent.Agent {
	physics := named("Physicist", modeltest.Script(t, modeltest.Say("Heat.")))
	lead := joker(modeltest.Script(t,
		modeltest.Call("look", `{"where":"under the secret bed"}`).Then(modeltest.Call("Physicist", `{"query":"What is it?"}`)),
		modeltest.Say("All done.")), lookTool(), physics.AsTool())
	return []*agent.Agent{lead, physics}
}

const officeTree = `invoke_agent Joker
  chat script
  chat script
  execute_tool look
  invoke_agent Physicist
    chat script
`

func TestSpans(t *testing.T) {
	r := record()
	disk := &memory.Disk{}
	reg := registry(t, office(t)...)
	n := begin(t, disk, reg, r.Telemetry)
	a := say(t, n, "k1", "Temperature?")
	got := r.GetSpans()
	if diff := cmp.Diff(officeTree, tree(got)); diff != "" || traces(got) != 1 || len(got) != 6 {
		t.Errorf("%d spans in %d traces (-want +got):\n%s", len(got), traces(got), diff)
	}
	for _, s := range got {
		if strings.Contains(fmt.Sprint(s.Attributes, s.Status), "secret") {
			t.Errorf("%s shows content: %v", s.Name, s.Attributes)
		}
		for _, kv := range s.Attributes {
			if key := string(kv.Key); strings.Contains(key, "messages") || strings.Contains(key, "instructions") || strings.Contains(key, "definitions") ||
				strings.HasSuffix(key, "arguments") || strings.HasSuffix(key, "result") {
				t.Errorf("%s shows %s", s.Name, key)
			}
		}
	}
	want := map[string]string{
		"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "Joker", "gen_ai.agent.id": "joker", "gen_ai.provider.name": modeltest.Provider,
		"gen_ai.request.model": "script", "gen_ai.conversation.id": "@dafx-joker@k1", "perdure.turn.id": a.Turn,
		"perdure.turn.outcome": "completed", "perdure.turn.steps": "2", "gen_ai.response.finish_reasons": `["stop"]`,
	}
	checkAttributes(t, got, "invoke_agent Joker", want)
	checkAttributes(t, got, "execute_tool look", map[string]string{
		"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look", "gen_ai.tool.description": "looks", "gen_ai.tool.type": "function",
		"gen_ai.agent.name": "Joker", "gen_ai.conversation.id": "@dafx-joker@k1", "perdure.turn.id": a.Turn,
	})
	checkAttributes(t, got, "chat script", map[string]string{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": modeltest.Provider, "gen_ai.request.model": "script",
	})

	// What is recorded is told once: a process that replays it tells nothing.
	disk.Crash()
	n.stop()
	n = begin(t, disk, reg, r.Telemetry)
	if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	if again := r.GetSpans(); len(again) != len(got) {
		t.Errorf("%d spans after a restart, want %d", len(again), len(got))
	}
}

// checkAttributes checks some attributes of the first span with a name.
func checkAttributes(t *testing.T, spans tracetest.SpanStubs, name string, want map[string]string) {
	t.Helper()
	i := slices.IndexFunc(spans, func(s tracetest.SpanStub) bool { return s.Name == name })
	if i < 0 {
		t.Errorf("there is no span %q", name)
		return
	}
	set := attribute.NewSet(spans[i].Attributes...)
	for key, value := range want {
		got, _ := set.Value(attribute.Key(key))
		if got.String() != value {
			t.Errorf("%s: %s = %q, want %q", name, key, got.String(), value)
		}
	}
}

func TestSpansWithContent(t *testing.T) {
	r := record()
	r.RecordContent = true
	n := begin(t, &memory.Disk{}, registry(t, office(t)...), r.Telemetry)
	say(t, n, "k1", "Temperature?")
	checkAttributes(t, r.GetSpans(), "execute_tool look", map[string]string{
		"gen_ai.tool.call.arguments": `{"where":"under the secret bed"}`, "gen_ai.tool.call.result": `"here"`,
	})
	checkAttributes(t, r.GetSpans(), "invoke_agent Joker", map[string]string{
		"gen_ai.system_instructions": `[{"type":"text","content":"You are good at telling jokes."}]`,
		"gen_ai.input.messages":      `[{"role":"user","parts":[{"type":"text","content":"Temperature?"}]}]`,
		"gen_ai.output.messages":     `[{"role":"assistant","parts":[{"type":"text","content":"All done."}],"finish_reason":"stop"}]`,
	})
	found := false
	for _, s := range r.GetSpans() {
		set := attribute.NewSet(s.Attributes...)
		given, _ := set.Value("gen_ai.input.messages")
		found = found || strings.Contains(given.String(), `{"type":"tool_call_response","id":"`) && strings.Contains(given.String(), `"response":"here"`)
	}
	if !found {
		t.Error("no chat shows the result of the tool that it was given")
	}
}

// TestSpansBelowCaller has turns run below a span of who asks: by the Go context,
// also when the message is repeated with another one.
func TestSpansBelowCaller(t *testing.T) {
	r := record()
	m := behaving(func(context.Context, *model.Request) model.Content { return saying("Fine.") })
	n := begin(t, &memory.Disk{}, registry(t, joker(m)), r.Telemetry)
	parent := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for i, busy := range []agent.Busy{agent.BusyQueue, agent.BusyReject} {
		r.Reset()
		ctx := agent.WithTrace(ctxOf(t), parent, "vendor=x")
		m := agent.Message{Text: "go", CorrelationID: fmt.Sprint("m", i), Busy: busy}
		a, err := n.Send(ctx, session(t, "k1"), m)
		if err != nil {
			t.Fatal(err)
		}
		other := agent.WithTrace(ctxOf(t), strings.Replace(parent, "902b7", "902b8", 1), "")
		if again, err := n.Send(other, session(t, "k1"), m); err != nil || again.Turn != a.Turn {
			t.Errorf("Send() again = %+v, %v, want the turn %s", again, err, a.Turn)
		}
		if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
			t.Fatal(err)
		}
		got := r.GetSpans()
		want := "00f067aa0ba902b7 < invoke_agent Joker\n  chat\n"
		if tree(got) != want || got[0].SpanContext.TraceID().String() != parent[3:35] || got[0].SpanContext.TraceState().String() != "vendor=x" {
			t.Errorf("spans = %s in %v, want\n%s in the caller's trace", tree(got), got[0].SpanContext, want)
		}
	}
	r.Reset()
	unsampled := agent.WithTrace(ctxOf(t), parent[:53]+"00", "")
	a, err := n.Send(unsampled, session(t, "k2"), agent.Message{Text: "go"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	if got := r.GetSpans(); len(got) != 0 {
		t.Errorf("a trace that the caller does not sample has the spans\n%s", tree(got))
	}
}

// Pair has two agents answer, for an orchestration.
func Pair(ctx *perdure.Context, _ string) (string, error) {
	first := agent.Named("Joker").Run(ctx, "One")
	second := agent.Named("Joker").Run(ctx, "Two", agent.InSession("k1"))
	if err := perdure.All(ctx, first, second); err != nil {
		return "", err
	}
	return "done", nil
}

func TestSpansOfOrchestration(t *testing.T) {
	r := record()
	m := behaving(func(context.Context, *model.Request) model.Content { return saying("Fine.") })
	reg := registry(t, joker(m))
	perdure.AddOrchestration(reg, Pair)
	n := begin(t, &memory.Disk{}, reg, r.Telemetry)
	if got, err := client.Run(ctxOf(t), n.client, Pair, "x", client.StartOptions{}); err != nil || got != "done" {
		t.Fatalf("Run() = %q, %v", got, err)
	}
	one := "invoke_agent Joker\n  chat\n"
	if got := r.GetSpans(); tree(got) != one+one || traces(got) != 1 {
		t.Errorf("spans = %s in %d traces, want two turns in one", tree(got), traces(got))
	}
}

// TestSpansAfterCrash cuts the power at each moment of a turn: all spans are in
// one trace, below the one span of the turn, and each call that was made is one.
func TestSpansAfterCrash(t *testing.T) {
	cuts := 0
	for at := 1; ; at++ {
		var calls, looks atomic.Int32
		agents := func() []*agent.Agent {
			m := behaving(func(_ context.Context, req *model.Request) model.Content {
				if calls.Add(1); last(req).Role == model.RoleTool {
					return saying("Done.")
				}
				return calling(req, "look", `{}`)
			})
			look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) {
				looks.Add(1)
				return "here", nil
			}, agent.WithEffect(agent.Pure))
			return []*agent.Agent{joker(m, look)}
		}
		r, disk, hit, moment := record(), &memory.Disk{}, false, 0
		disk.OnGroup(func(memory.GroupEvent) memory.Verdict {
			if moment++; moment == at {
				hit = true
				return memory.CrashNow
			}
			return memory.Proceed
		})
		scenario := func(n *node) error {
			a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "go", CorrelationID: "a"})
			if err == nil {
				_, err = n.Wait(ctxOf(t), a.Turn)
			}
			if err == nil {
				_, err = n.hub.Idle(ctxOf(t))
			}
			return err
		}
		n := begin(t, disk, registry(t, agents()...), r.Telemetry)
		if scenario(n) != nil {
			n.stop()
			disk.OnGroup(nil)
			n = begin(t, disk, registry(t, agents()...), r.Telemetry)
			if err := scenario(n); err != nil {
				t.Fatalf("cut at %d: %v", at, err)
			}
		}
		n.stop()
		// A call of the process that has lost its power may still be ending.
		for patience := ctxOf(t); patience.Err() == nil && ended(r.GetSpans()) < int(calls.Load()+looks.Load()); {
			runtime.Gosched()
		}
		checkCut(t, at, r.GetSpans(), int(calls.Load()), int(looks.Load()))
		if !hit {
			break
		}
		cuts++
	}
	if cuts < 10 {
		t.Errorf("the power was cut %d times, want at least 10", cuts)
	}
}

// ended counts the spans of calls.
func ended(spans tracetest.SpanStubs) (n int) {
	for _, s := range spans {
		if s.Name != "invoke_agent Joker" {
			n++
		}
	}
	return n
}

func checkCut(t *testing.T, at int, spans tracetest.SpanStubs, calls, looks int) {
	t.Helper()
	want := "invoke_agent Joker\n" + strings.Repeat("  chat\n", calls) + strings.Repeat("  execute_tool look\n", looks)
	if got := tree(spans); got != want || traces(spans) != 1 {
		t.Errorf("cut at %d: spans in %d traces\n%swant\n%s", at, traces(spans), got, want)
	}
	seen := map[trace.SpanID]bool{}
	for _, s := range spans {
		if id := s.SpanContext.SpanID(); seen[id] && s.Name != "invoke_agent Joker" {
			t.Errorf("cut at %d: %s was sent twice", at, s.Name)
		} else {
			seen[id] = true
		}
	}
}

// TestSpansSampled has the sampler decide about traces that begin with a turn:
// about all spans of a turn alike.
func TestSpansSampled(t *testing.T) {
	r := record(sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.5))))
	m := behaving(func(_ context.Context, req *model.Request) model.Content {
		if last(req).Role == model.RoleTool || last(req).Text() == "What?" {
			return saying("Done.")
		}
		return calling(req, "Physicist", `{"query":"What?"}`)
	})
	physics := named("Physicist", m)
	n := begin(t, &memory.Disk{}, registry(t, joker(m, physics.AsTool()), physics), r.Telemetry)
	whole := "invoke_agent Joker\n  chat\n  chat\n  invoke_agent Physicist\n    chat\n"
	sampled := 0
	for range 40 {
		r.Reset()
		say(t, n, agent.NewSessionKey(), "go")
		switch got := tree(r.GetSpans()); got {
		case "":
		case whole:
			sampled++
		default:
			t.Fatalf("spans = %s, want none or\n%s", got, whole)
		}
	}
	if sampled == 0 || sampled == 40 {
		t.Errorf("%d of 40 turns are sampled, want about half", sampled)
	}
}

func TestObserveRefuses(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(stateless{})))
	err := n.Observe(agent.Telemetry{TracerProvider: sdktrace.NewTracerProvider()})
	if perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), "SpanIDs") {
		t.Errorf("Observe(ids of its own) = %v, want what to do", err)
	}
}

func TestFailedSpans(t *testing.T) {
	r := record()
	m := modeltest.Script(t, modeltest.Call("look", `{}`), modeltest.Fail(&model.Error{Provider: "script", Status: 400, Code: "content_filter", Message: "no"}))
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { panic("secret") }, agent.WithEffect(agent.Pure))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)), r.Telemetry)
	a := send(t, n, "k1", agent.Message{Text: "go"})
	if _, err := n.Wait(ctxOf(t), a.Turn); err == nil {
		t.Fatal("Wait() = nil, want an error")
	}
	got := map[string]string{}
	for _, s := range r.GetSpans() {
		set := attribute.NewSet(s.Attributes...)
		if kind, there := set.Value("error.type"); there {
			got[s.Name] += kind.String() + s.Status.Description
		}
	}
	want := map[string]string{"execute_tool look": "panic", "chat script": "content_filter", "invoke_agent Joker": "model.Error"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors differ (-want +got):\n%s", diff)
	}
}

func TestMetrics(t *testing.T) {
	reader := metric.NewManualReader()
	n := begin(t, &memory.Disk{}, registry(t, office(t)...), agent.Telemetry{MeterProvider: metric.NewMeterProvider(metric.WithReader(reader))})
	say(t, n, "k1", "Temperature?")
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					got[m.Name] += p.Count
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					kind, _ := p.Attributes.Value("gen_ai.token.type")
					got[m.Name+" "+kind.String()] += p.Count
				}
			}
		}
	}
	want := map[string]uint64{
		"gen_ai.client.token.usage input": 3, "gen_ai.client.token.usage output": 3, "gen_ai.client.operation.duration": 3,
		"gen_ai.client.operation.time_to_first_chunk": 3, "gen_ai.execute_tool.duration": 1, "gen_ai.invoke_agent.duration": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics differ (-want +got):\n%s", diff)
	}
}

// TestSpansOfHandoff hands a conversation over, below a caller's span and without
// one: the other agent's turn lies below the turn.
func TestSpansOfHandoff(t *testing.T) {
	r := record()
	m := behaving(func(_ context.Context, req *model.Request) model.Content {
		for _, tool := range req.Tools {
			if tool.Name == "handoff_to_Clerk" {
				return calling(req, tool.Name, `{}`)
			}
		}
		return saying("Hello.")
	})
	front := named("Joker", m)
	front.Handoffs = []agent.Ref{agent.Named("Clerk")}
	n := begin(t, &memory.Disk{}, registry(t, front, named("Clerk", m)), r.Telemetry)
	for parent, above := range map[string]string{"": "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "00f067aa0ba902b7 < "} {
		r.Reset()
		a, err := n.Send(agent.WithTrace(ctxOf(t), parent, ""), session(t, "k"+parent), agent.Message{Text: "go"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
			t.Fatal(err)
		}
		want := above + "invoke_agent Joker\n  chat\n  invoke_agent Clerk\n    chat\n"
		if got := r.GetSpans(); tree(got) != want || traces(got) != 1 {
			t.Errorf("spans in %d traces\n%swant\n%s", traces(got), tree(got), want)
		}
	}
}
