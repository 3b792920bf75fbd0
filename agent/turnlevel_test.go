package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// plainHub is a hub that speaks the Durable Task protocol only.
type plainHub struct {
	t    *testing.T
	addr string
	*client.Client
}

type oneHub struct{ hub hub.Hub }

func (h oneHub) Open(context.Context, string) (hub.Hub, error) { return h.hub, nil }
func (oneHub) Create(context.Context, string, bool) error      { return errors.ErrUnsupported }
func (oneHub) Delete(context.Context, string) error            { return errors.ErrUnsupported }

// publicOnly registers all services but our own.
type publicOnly struct{ grpc.ServiceRegistrar }

func (r publicOnly) RegisterService(d *grpc.ServiceDesc, s any) {
	if d.ServiceName != wire.OwnService {
		r.ServiceRegistrar.RegisterService(d, s)
	}
}

// beginPlain serves a hub that keeps nothing for agents but entities.
func beginPlain(t *testing.T) *plainHub {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	service, err := wire.New(wire.Config{Hubs: oneHub{near}})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	service.Register(publicOnly{server})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- near.Run(ctx) }()
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		cancel()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
		<-served
	})
	h := &plainHub{t: t, addr: listener.Addr().String()}
	h.Client = client.New(h.dial())
	return h
}

func (h *plainHub) dial() *remote.Hub {
	far, _ := h.connect()
	return far
}

// connect is dial for a connection that is closed before the end of the test.
func (h *plainHub) connect() (far *remote.Hub, cut func()) {
	h.t.Helper()
	far, err := remote.Dial(remote.Config{Target: remote.Target{Addr: h.addr, TaskHub: "default"}})
	if err != nil {
		h.t.Fatal(err)
	}
	cut = sync.OnceFunc(func() {
		if err := far.Close(); err != nil {
			h.t.Errorf("Close() = %v", err)
		}
	})
	h.t.Cleanup(cut)
	return far, cut
}

// work runs a worker with agents until the function returned is called, which has it
// stop in order.
func (h *plainHub) work(link *remote.Hub, reg *perdure.Registry) (stop func()) {
	h.t.Helper()
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: link, Registry: reg, Plain: func(ctx context.Context) (context.Context, error) {
		return agent.TurnLevel(ctx, ""), agent.CheckTurnLevel(reg)
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	stop = func() {
		cancel()
		done <- <-done
	}
	h.t.Cleanup(stop)
	return stop
}

// joke is an orchestration that says something to the Joker.
func joke(ctx *perdure.Context, prompt string) (*agent.Response, error) {
	return agent.Named("Joker").Run(ctx, prompt, agent.InSession("k")).Await()
}

// forward is an orchestration that passes a request to the Joker.
func forward(ctx *perdure.Context, request json.RawMessage) (json.RawMessage, error) {
	return perdure.CallEntity[json.RawMessage](ctx, perdure.NewEntityID("dafx-joker", "k"), "run_agent", request).Await()
}

// jokeAlone is an orchestration that runs the Joker without a session.
func jokeAlone(ctx *perdure.Context, prompt string) (*agent.Response, error) {
	return agent.Named("Joker").Run(ctx, prompt).Await()
}

func plainRegistry(t *testing.T, joker *agent.Agent) *perdure.Registry {
	t.Helper()
	reg := registry(t, joker)
	perdure.AddOrchestration(reg, joke)
	perdure.AddOrchestration(reg, forward)
	perdure.AddOrchestration(reg, jokeAlone)
	return reg
}

// state waits until the session's state is as it should be, and returns it.
func (h *plainHub) state(what string, is func(*dafx.Document) bool) *dafx.Document {
	h.t.Helper()
	ctx := ctxOf(h.t)
	far, err := h.Hub(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	for {
		e, err := far.Entity(ctx, "@dafx-joker@k")
		if err == nil && e.State.Set {
			d, err := dafx.ParseDocument([]byte(e.State.S))
			if err != nil {
				h.t.Fatalf("the state is no document: %v\n%s", err, e.State.S)
			}
			if is(d) {
				return d
			}
		}
		if ctx.Err() != nil {
			h.t.Fatalf("the session never had %s: %+v, %v", what, e, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func (h *plainHub) signal(operation, input string) {
	h.t.Helper()
	ctx := ctxOf(h.t)
	far, err := h.Hub(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := far.Signal(ctx, &hub.Signal{InstanceID: "@dafx-joker@k", Operation: operation, Input: history.Some(input)}); err != nil {
		h.t.Fatal(err)
	}
}

// forwarded passes a request of our own and returns the response.
func forwarded(t *testing.T, h *plainHub, request json.RawMessage) (*agent.Response, error) {
	t.Helper()
	text, err := client.Run(ctxOf(t), h.Client, forward, request, client.StartOptions{})
	if err != nil {
		return nil, err
	}
	r := &agent.Response{}
	return r, json.Unmarshal(text, r)
}

func kinds(d *dafx.Document) (list []string) {
	for _, e := range d.Entries {
		list = append(list, e.Kind())
	}
	return list
}

// TestTurnLevelConversation: orchestrations talk with an agent on a hub that keeps
// nothing but the session's document; the model is given what was said before.
func TestTurnLevelConversation(t *testing.T) {
	h := beginPlain(t)
	var effects atomic.Int32
	both := make(chan struct{}, 2)
	dice := agent.NewTool("dice", "Throws dice.", func(ctx context.Context, in struct{ Sides int }) (int, error) {
		if agent.EffectID(ctx) != "" && agent.CallOf(ctx).Session == "@dafx-joker@k" {
			effects.Add(1)
		}
		both <- struct{}{} // the calls of an answer run at the same time
		for len(both) < 2 {
			time.Sleep(time.Millisecond)
		}
		return in.Sides, nil
	}, agent.WithEffect(agent.Pure))
	said := func(want ...string) func(*model.Request) error {
		return func(r *model.Request) error {
			var got []string
			for _, m := range r.Messages {
				text := string(m.Role) + ":" + m.Text()
				for _, c := range m.Contents {
					if c, ok := c.(*model.FunctionResult); ok {
						text += string(c.Result) + c.Error
					}
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the model was given (-want +got):\n%s", diff)
			}
			return nil
		}
	}
	script := modeltest.Script(t,
		modeltest.Call("dice", map[string]int{"Sides": 6}).Then(modeltest.Call("dice", map[string]int{"Sides": 20})),
		modeltest.Call("dice", map[string]string{"Sides": "x"}).Check(said("user:throw", "assistant:", "tool:6", "tool:20")),
		modeltest.Say("26"),
		modeltest.Say("hello"),
		modeltest.Say("bye").Check(func(r *model.Request) error {
			if n := len(r.Messages); n != 10 || r.Messages[0].Text() != "throw" || r.Messages[n-1].Text() != "third" || r.Instructions != "Be funny." {
				t.Errorf("the third turn was given %d messages", n)
			}
			return nil
		}),
	)
	h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Instructions: "Be funny.", Model: script, Tools: []agent.Tool{dice}}))
	r, err := client.Run(ctxOf(t), h.Client, joke, "throw", client.StartOptions{})
	if err != nil || r.Text != "26" || r.Steps != 3 || r.Session != "@dafx-joker@k" || r.First != 0 || r.Messages != 7 || r.Usage.TotalTokenCount == 0 {
		t.Fatalf("first turn = %+v, %v, want 26 in 3 steps", r, err)
	}
	if effects.Load() != 2 {
		t.Errorf("%d calls had an effect id and knew their session, want 2", effects.Load())
	}
	request := json.RawMessage(`{"message":"second","correlationId":"c2"}`)
	first, err := client.Run(ctxOf(t), h.Client, forward, request, client.StartOptions{})
	if err != nil || !strings.Contains(string(first), `"type":"agent_response"`) || !strings.Contains(string(first), "hello") {
		t.Fatalf("second turn = %s, %v, want hello in the dialect of Python", first, err)
	}
	again, err := client.Run(ctxOf(t), h.Client, forward, request, client.StartOptions{})
	if err != nil || string(again) != string(first) {
		t.Errorf("the message said again = %s, %v, want %s", again, err, first)
	}
	if r, err = client.Run(ctxOf(t), h.Client, joke, "third", client.StartOptions{}); err != nil || r.Text != "bye" || r.First != 9 || r.Messages != 11 {
		t.Errorf("third turn = %+v, %v, want bye", r, err)
	}
	d := h.state("three turns", func(d *dafx.Document) bool { return len(d.Entries) == 6 })
	want := []string{"request", "response", "request", "response", "request", "response"}
	if diff := cmp.Diff(want, kinds(d)); diff != "" || d.Version != "1.2.0" || d.Expires().IsZero() {
		t.Errorf("document %s expires %v, entries (-want +got):\n%s", d.Version, d.Expires(), diff)
	}
	if text := string(d.Marshal()); !strings.Contains(text, `{"$type":"functionCall","callId":`) || !strings.Contains(text, `"orchestrationId":`) {
		t.Errorf("the document lacks calls or the orchestration's id: %s", text)
	}
}

// TestTurnLevelRepeatsOwn: a message of our own that is said again has the same
// response, with its structured value.
func TestTurnLevelRepeatsOwn(t *testing.T) {
	h := beginPlain(t)
	script := modeltest.Script(t, modeltest.Say("seven"), modeltest.Say(`{"n":7}`))
	h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Model: script}))
	request := json.RawMessage(`{"message":"count","correlationId":"c1","turnOptions":{"format":{"schema":{"type":"object","required":["n"]}}}}`)
	first, err := forwarded(t, h, request)
	if err != nil || string(first.Value) != `{"n":7}` || first.Text != `{"n":7}` || first.Steps != 2 {
		t.Fatalf("first = %+v, %v, want the value after one repair", first, err)
	}
	again, err := forwarded(t, h, request)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("again = %v (-want +got):\n%s", err, diff)
	}
}

// TestTurnLevelCrash: of a turn whose worker is lost nothing is kept; another worker
// does it again from its first step, with the same effect id.
func TestTurnLevelCrash(t *testing.T) {
	for _, orderly := range []bool{false, true} {
		h := beginPlain(t)
		ids, asked := make(chan string, 2), make(chan struct{})
		dice := agent.NewTool("dice", "Throws dice.", func(ctx context.Context, _ struct{}) (int, error) {
			ids <- agent.EffectID(ctx)
			return 6, nil
		}, agent.WithEffect(agent.Idempotent))
		stuck := modeltest.Reply(func(r *model.Request) modeltest.Step {
			if len(r.Messages) == 1 {
				return modeltest.Call("dice", struct{}{})
			}
			close(asked)
			return modeltest.Pause(time.Hour)
		})
		link, cut := h.connect()
		stop := h.work(link, plainRegistry(t, &agent.Agent{Name: "Joker", Model: stuck, Tools: []agent.Tool{dice}}))
		h.signal("run", `{"message":"throw","correlationId":"c1"}`)
		<-asked
		if !orderly {
			cut()
		}
		stop()
		script := modeltest.Script(t, modeltest.Call("dice", struct{}{}), modeltest.Say("six"))
		h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Model: script, Tools: []agent.Tool{dice}}))
		d := h.state("the turn", func(d *dafx.Document) bool { return len(d.Entries) > 0 })
		if diff := cmp.Diff([]string{"request", "response"}, kinds(d)); diff != "" || d.Entries[1].Failed() {
			t.Errorf("after the crash (in order: %v) there is %s", orderly, d.Marshal())
		}
		if a, b := <-ids, <-ids; a == "" || a != b {
			t.Errorf("effect ids of the call and of its repeat = %q and %q, want the same", a, b)
		}
	}
}

// TestTurnLevelFailures: those who look for an answer see why there is none, callers
// are told, and later turns are not given what has failed.
func TestTurnLevelFailures(t *testing.T) {
	h := beginPlain(t)
	refused := modeltest.Fail(&model.Error{Status: 400, Code: model.CodeBadRequest, Message: "no such image"})
	script := modeltest.Script(t, refused, refused, modeltest.Say("fine").Check(func(r *model.Request) error {
		if len(r.Messages) != 1 {
			t.Errorf("the model was given %d messages, want 1", len(r.Messages))
		}
		return nil
	}))
	h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Model: script}))
	h.signal("run", `{"message":"look","correlationId":"c1"}`)
	d := h.state("the failure", func(d *dafx.Document) bool { return len(d.Entries) == 2 })
	if !d.Entries[1].Failed() || !strings.Contains(string(d.Marshal()), "no such image") {
		t.Errorf("document = %s, want the failure", d.Marshal())
	}
	for _, said := range []string{"c1", "c2"} { // the first was answered before
		if out, err := client.Run(ctxOf(t), h.Client, forward, json.RawMessage(`{"message":"look","correlationId":"`+said+`"}`), client.StartOptions{}); err == nil || !strings.Contains(err.Error(), "no such image") {
			t.Errorf("call %s = %s, %v, want the failure", said, out, err)
		}
	}
	if r, err := client.Run(ctxOf(t), h.Client, joke, "hello", client.StartOptions{}); err != nil || r.Text != "fine" {
		t.Errorf("next turn = %+v, %v, want fine", r, err)
	}
	if _, err := client.Run(ctxOf(t), h.Client, jokeAlone, "hello", client.StartOptions{}); err == nil || !strings.Contains(err.Error(), "InSession") {
		t.Errorf("a run without a session = %v, want an error that names InSession", err)
	}
	id := session(t, "k")
	if _, err := agent.NewService(h.Client).Send(ctxOf(t), id, agent.Message{Text: "hello"}); perdure.CodeOf(err) != perdure.Unimplemented {
		t.Errorf("Send() = %v, want Unimplemented", err)
	}
	h.signal("reset", "")
	h.state("no history", func(d *dafx.Document) bool { return len(d.Entries) == 0 })
	h.signal("migrate", `{"schemaVersion":"1.1.0","data":{"conversationHistory":[],"theirs":1}}`)
	if d := h.state("their document", func(d *dafx.Document) bool { return d.Version == "1.1.0" }); string(d.Data("theirs")) != "1" {
		t.Errorf("after migrate the document is %s, want what it had", d.Marshal())
	}
}

// TestTurnLevelExpires: a session is deleted when its time is over.
func TestTurnLevelExpires(t *testing.T) {
	h := beginPlain(t)
	h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Model: modeltest.Script(t, modeltest.Say("hi")), TTL: time.Millisecond}))
	if r, err := client.Run(ctxOf(t), h.Client, joke, "hello", client.StartOptions{}); err != nil || r.Text != "hi" {
		t.Fatalf("turn = %+v, %v, want hi", r, err)
	}
	ctx := ctxOf(t)
	far, err := h.Hub(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := far.Entity(ctx, "@dafx-joker@k")
		if perdure.CodeOf(err) == perdure.NotFound || err == nil && !e.State.Set {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("the session is still there: %+v, %v", e, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestTurnLevelAllowed: with the option such tools are called, but for calls that need
// approval.
func TestTurnLevelAllowed(t *testing.T) {
	h := beginPlain(t)
	var paid atomic.Int64
	pay := agent.NewTool("pay", "Pays.", func(_ context.Context, in struct{ Cents int64 }) (string, error) {
		paid.Add(in.Cents)
		return "paid", nil
	}, agent.RequireApproval(func(_ context.Context, in struct{ Cents int64 }) bool { return in.Cents > 100 }))
	script := modeltest.Script(t,
		modeltest.Call("pay", map[string]int{"Cents": 1}).Then(modeltest.Call("pay", map[string]int{"Cents": 500})),
		modeltest.Say("done").Check(func(r *model.Request) error {
			if text, err := json.Marshal(r.Messages); err != nil || !strings.Contains(string(text), "needs the approval") {
				t.Errorf("the model was told %s, %v, want that a call needs approval", text, err)
			}
			return nil
		}),
	)
	h.work(h.dial(), plainRegistry(t, &agent.Agent{Name: "Joker", Model: script, Tools: []agent.Tool{pay}, AllowTurnLevelDurability: true}))
	if r, err := client.Run(ctxOf(t), h.Client, joke, "pay", client.StartOptions{}); err != nil || r.Text != "done" || paid.Load() != 1 {
		t.Errorf("turn = %+v, %v with %d cents paid, want done with 1", r, err, paid.Load())
	}
}

// TestCheckTurnLevel names what agents have that is not there.
func TestCheckTurnLevel(t *testing.T) {
	tool := func(opts ...agent.ToolOption) []agent.Tool {
		return []agent.Tool{agent.NewTool("pay", "Pays.", func(context.Context, struct{}) (int, error) { return 0, nil }, opts...)}
	}
	pure := agent.WithEffect(agent.Pure)
	for _, c := range []struct {
		name    string
		agent   agent.Agent
		want    string // "" = none
		allowed bool   // by the option
	}{
		{"plain", agent.Agent{Tools: tool(pure), Window: 10}, "", true},
		{"irreversible", agent.Agent{Tools: tool()}, `"pay", which is irreversible`, true},
		{"reversible", agent.Agent{Tools: tool(agent.WithEffect(agent.Reversible))}, `"pay", which is reversible`, true},
		{"approval", agent.Agent{Tools: tool(pure, agent.RequireApproval(func(context.Context, struct{}) bool { return true }))}, "needs approval", true},
		{"budget", agent.Agent{Budget: agent.Budget{Calls: 3}}, "Budget", true},
		{"handoff", agent.Agent{Handoffs: []agent.Ref{agent.Named("Other")}}, "Handoffs", false},
		{"agent", agent.Agent{Tools: []agent.Tool{agent.Named("Other").AsTool("Helps.")}}, "the agent other as a tool", false},
		{"compaction", agent.Agent{Compaction: &agent.Compaction{MaxMessages: 20}}, "Compaction", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, allow := range []bool{false, true} {
				a := c.agent
				a.Name, a.Model, a.AllowTurnLevelDurability = "Joker", modeltest.Script(t), allow
				err := agent.CheckTurnLevel(registry(t, &a))
				want := c.want
				if allow && c.allowed {
					want = ""
				}
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("CheckTurnLevel() with the option %v = %v, want %q", allow, err, want)
				}
			}
		})
	}
}
