package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

// The tests hold that agents whose hub is the server of another process do what they
// do over a hub of their own, for those who ask the server and for those who ask the
// app.

// clerks are an agent with its app and the server of its hub.
type clerks struct {
	t                 *testing.T
	dir               string // of the server
	far, near         *host.App
	stopFar, stopNear func() error

	paid    chan payment
	ended   chan error    // calls of the model to "hang" that have ended, with their cause
	release chan struct{} // lets a call of the model to "slow" go on
	asked   func()        // called when the model is asked; nil = nothing
}

type payment struct {
	Amount int
}

func startClerks(t *testing.T) *clerks {
	c := &clerks{t: t, dir: filepath.Join(t.TempDir(), "data"), paid: make(chan payment, 10), ended: make(chan error, 10), release: make(chan struct{}, 10)}
	c.far, c.stopFar = server(t, c.dir)
	cfg := config(c.far.URL())
	cfg.Registry = c.registry()
	c.near, c.stopNear = start(t, cfg)
	c.until("the server knows the agent", func() bool {
		status, _ := c.http(c.far, "GET", "/api/v1/agents/Clerk", "")
		return status == http.StatusOK
	})
	return c
}

// registry is the code of the app.
func (c *clerks) registry() *perdure.Registry {
	reg := perdure.NewRegistry()
	pay := agent.NewTool("pay", "pays", func(_ context.Context, in payment) (string, error) {
		c.paid <- in
		return "paid", nil
	}, agent.AlwaysRequireApproval())
	clerk := &agent.Agent{Name: "Clerk", Model: model.Func(c.generate), Tools: []agent.Tool{pay}}
	if err := agent.Register(reg, clerk); err != nil {
		c.t.Fatal(err)
	}
	perdure.AddOrchestrationNamed(reg, "Ask", func(ctx *perdure.Context, prompt string) (string, error) {
		return clerk.Run(ctx, prompt, agent.InSession("asked")).Text()
	})
	return reg
}

// generate answers by what it was told last.
func (c *clerks) generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		say := func(text string) bool {
			return yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: text}}}, nil)
		}
		if c.asked != nil {
			c.asked()
		}
		last := req.Messages[len(req.Messages)-1]
		switch {
		case last.Role == model.RoleTool:
			say("Done.")
		case last.Text() == "pay":
			call := &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: `{"Amount":7}`}
			yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{call}, FinishReason: model.FinishToolCalls}, nil)
		case last.Text() == "hang":
			say("Half ")
			<-ctx.Done()
			c.ended <- context.Cause(ctx)
			yield(nil, context.Cause(ctx))
		case last.Text() == "slow":
			if say("Now ") {
				select {
				case <-c.release:
				case <-ctx.Done():
				}
				say("then.")
			}
		default:
			say("Re: " + last.Text())
		}
	}
}

// both are the server and the app, by name.
func (c *clerks) both() map[string]*host.App {
	return map[string]*host.App{"server": c.far, "app": c.near}
}

// http asks one of the two.
func (c *clerks) http(at *host.App, method, path, body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, at.URL()+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// until waits for a condition.
func (c *clerks) until(what string, condition func() bool) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("it did not come about in time that %s", what)
		}
	}
}

// say says something in a session and returns what was accepted.
func (c *clerks) say(at *host.App, session, text, busy string) (posted struct{ Turn, Stream, Steers string }) {
	c.t.Helper()
	status, body := c.http(at, "POST", "/api/v1/agents/Clerk/sessions/"+session+"/messages", fmt.Sprintf(`{"message":%q,"busy":%q}`, text, busy))
	if err := json.Unmarshal([]byte(body), &posted); err != nil || status != http.StatusAccepted {
		c.t.Fatalf("message = %d, %s, want it accepted", status, body)
	}
	return posted
}

// frames begins to read the stream of a turn.
func (c *clerks) frames(at *host.App, path string) <-chan agent.Frame {
	c.t.Helper()
	res, err := http.Get(at.URL() + path)
	if err != nil || res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s = %v, %v", path, res, err)
	}
	list := make(chan agent.Frame, 1000)
	go func() {
		defer close(list)
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var f agent.Frame
				if json.Unmarshal([]byte(data), &f) == nil {
					list <- f
				}
			}
		}
	}()
	return list
}

// hears reads frames up to one of a type, and returns it and what was said before.
func (c *clerks) hears(list <-chan agent.Frame, want agent.FrameType) (f agent.Frame, text string) {
	c.t.Helper()
	patience := time.After(20 * time.Second)
	for {
		select {
		case f, ok := <-list:
			if !ok {
				c.t.Fatalf("the stream has ended without a frame %s", want)
			}
			if text += f.Delta; f.Type == want {
				return f, text
			}
		case <-patience:
			c.t.Fatalf("no frame %s has come in time", want)
		}
	}
}

// wait waits for the end of a turn and returns its answer.
func (c *clerks) wait(at *host.App, turn string) (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	r, err := agent.NewService(at.Client()).Wait(ctx, turn)
	if err != nil {
		return "", err
	}
	return r.Text, nil
}

// pending waits for an open decision of a kind.
func (c *clerks) pending(at *host.App, kind string) (d agent.Decision) {
	c.t.Helper()
	c.until("a decision is asked for", func() bool {
		var page struct{ Items []agent.Decision }
		_, body := c.http(at, "GET", "/api/v1/decisions?state=pending&kind="+kind, "")
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Items) == 0 {
			return false
		}
		d = page.Items[0]
		return true
	})
	return d
}

// TestFarApproval has a call approved through either, after which the other refuses
// an answer.
func TestFarApproval(t *testing.T) {
	c := startClerks(t)
	for name, at := range c.both() {
		a := c.say(at, "approve-"+name, "pay", "")
		d := c.pending(at, agent.DecisionApproval)
		if d.Run != a.Turn || d.Tool != "pay" || string(d.Args) != `{"Amount":7}` {
			t.Errorf("%s: the decision is %+v, want the approval of pay", name, d)
		}
		select {
		case p := <-c.paid:
			t.Errorf("%s: paid %v before it was approved", name, p)
		default:
		}
		if status, body := c.http(at, "POST", "/api/v1/decisions/"+d.ID, fmt.Sprintf(`{"answer":"approve","args_hash":%q}`, d.ArgsHash)); status != http.StatusOK {
			t.Errorf("%s: answer = %d, %s, want 200", name, status, body)
		}
		if text, err := c.wait(at, a.Turn); err != nil || text != "Done." || len(c.paid) != 1 {
			t.Errorf("%s: Wait() = %q, %v with %d payments, want Done. with 1", name, text, err, len(c.paid))
		}
		<-c.paid
		for other, at := range c.both() {
			if status, body := c.http(at, "POST", "/api/v1/decisions/"+d.ID, `{"answer":"deny"}`); status != http.StatusConflict {
				t.Errorf("%s: second answer at the %s = %d, %s, want 409", name, other, status, body)
			}
		}
	}
}

// TestFarStream reads a turn at both while the model speaks: what it has said comes
// before the rest is there.
func TestFarStream(t *testing.T) {
	c := startClerks(t)
	a := c.say(c.far, "stream", "slow", "")
	streams := map[string]<-chan agent.Frame{}
	for name, at := range c.both() {
		streams[name] = c.frames(at, a.Stream)
		if f, _ := c.hears(streams[name], agent.FrameText); f.Delta != "Now " {
			t.Errorf("%s: first text = %q, want Now", name, f.Delta)
		}
	}
	c.release <- struct{}{}
	for name, list := range streams {
		if f, text := c.hears(list, agent.FrameEnd); f.Status != "completed" || text != "then." {
			t.Errorf("%s: the stream ends with %+v after %q, want completed after then.", name, f, text)
		}
		if f, ok := <-list; ok {
			t.Errorf("%s: %+v follows the end", name, f)
		}
	}
	list := c.frames(c.far, a.Stream) // from the rows
	if f, text := c.hears(list, agent.FrameEnd); f.Status != "completed" || text != "Now then." {
		t.Errorf("afterwards the stream ends with %+v after %q, want completed after all", f, text)
	}
}

// TestFarStop stops a turn in the middle of a call of the model, which hears it
// within a second.
func TestFarStop(t *testing.T) {
	c := startClerks(t)
	for name, at := range c.both() {
		a := c.say(at, "stop-"+name, "hang", "")
		next := c.say(at, "stop-"+name, "next", "")
		list := c.frames(at, a.Stream)
		c.hears(list, agent.FrameText)
		began := time.Now()
		if status, body := c.http(at, "POST", "/api/v1/agents/Clerk/sessions/stop-"+name+"/stop", ""); status != http.StatusOK && status != http.StatusAccepted {
			t.Errorf("%s: stop = %d, %s", name, status, body)
		}
		select {
		case <-c.ended:
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: the call of the model has heard of it after %v, want within 1 s", name, took)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the call of the model goes on", name)
		}
		if f, _ := c.hears(list, agent.FrameEnd); f.Status != "canceled" {
			t.Errorf("%s: the stream ends with %+v, want canceled", name, f)
		}
		if _, err := c.wait(at, a.Turn); perdure.CodeOf(err) != perdure.Canceled {
			t.Errorf("%s: Wait() = %v, want canceled", name, err)
		}
		if text, err := c.wait(at, next.Turn); err != nil || text != "Re: next" {
			t.Errorf("%s: Wait() for the next = %q, %v, want Re: next", name, text, err)
		}
	}
}

// TestFarDeferredReply has an orchestration ask a session, which answers when its
// turn has ended.
func TestFarDeferredReply(t *testing.T) {
	c := startClerks(t)
	s, err := c.far.Client().Start(t.Context(), "Ask", "slow", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	later, err := c.near.Client().Start(t.Context(), "Ask", "more", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.release <- struct{}{}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for id, want := range map[string]string{s.ID: "Now then.", later.ID: "Re: more"} {
		if got, err := client.Result[string](ctx, c.far.Client(), id); err != nil || got != want {
			t.Errorf("Result() = %q, %v, want %s", got, err, want)
		}
	}
}

// TestFarSteer adds a message to a turn while it waits for a tool, and has another
// wait.
func TestFarSteer(t *testing.T) {
	c := startClerks(t)
	a := c.say(c.near, "steer", "pay", "")
	d := c.pending(c.far, agent.DecisionApproval)
	queued := c.say(c.far, "steer", "then this", "queue")
	steers := c.say(c.far, "steer", "and that", "steer")
	if steers.Steers != a.Turn || queued.Steers != "" {
		t.Errorf("messages steer %q and %q, want %q and none", steers.Steers, queued.Steers, a.Turn)
	}
	if status, body := c.http(c.far, "POST", "/api/v1/agents/Clerk/sessions/steer/messages", `{"message":"no","busy":"reject"}`); status/100 != 4 {
		t.Errorf("message to a busy session = %d, %s, want it refused", status, body)
	}
	if status, body := c.http(c.far, "POST", "/api/v1/decisions/"+d.ID, `{"answer":"approve"}`); status != http.StatusOK {
		t.Errorf("answer = %d, %s, want 200", status, body)
	}
	for turn, want := range map[string]string{a.Turn: "Re: and that", steers.Turn: "Re: and that", queued.Turn: "Re: then this"} {
		if text, err := c.wait(c.far, turn); err != nil || text != want {
			t.Errorf("Wait(%s) = %q, %v, want %s", turn, text, err, want)
		}
	}
}

// TestFarSwitch switches an agent off through either: the call of the model that runs
// ends within moments, and none begins until the agent is switched on.
func TestFarSwitch(t *testing.T) {
	c := startClerks(t)
	for name, at := range c.both() {
		a := c.say(at, "switch-"+name, "hang", "")
		c.hears(c.frames(at, a.Stream), agent.FrameText)
		began := time.Now()
		if status, body := c.http(at, "POST", "/api/v1/switches", `{"agent":"Clerk","off":true,"by":"ops","reason":"too dear"}`); status != http.StatusOK {
			t.Errorf("%s: switch = %d, %s", name, status, body)
		}
		select {
		case err := <-c.ended:
			if took := time.Since(began); took > time.Second || !strings.Contains(fmt.Sprint(err), "switched off by ops") {
				t.Errorf("%s: the call of the model has ended after %v with %v, want within 1 s as it is switched off", name, took, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the call of the model goes on", name)
		}
		later := c.say(at, "switch-"+name, "more", "")
		for _, turn := range []string{a.Turn, later.Turn} {
			if _, err := c.wait(at, turn); err == nil || !strings.Contains(err.Error(), "switched off by ops: too dear") {
				t.Errorf("%s: Wait() = %v, want that it is switched off", name, err)
			}
		}
		if status, body := c.http(at, "POST", "/api/v1/switches", `{"agent":"Clerk","off":false}`); status != http.StatusOK {
			t.Errorf("%s: switch = %d, %s", name, status, body)
		}
		if text, err := c.wait(at, c.say(at, "switch-"+name, "again", "").Turn); err != nil || text != "Re: again" {
			t.Errorf("%s: Wait() = %q, %v, want Re: again", name, text, err)
		}
	}
}

// TestFarOutcomeUnknown kills the process with the agent after a tool has had its
// effect: what became of the call is asked for in the inbox of the server, and the
// call is not made again.
func TestFarOutcomeUnknown(t *testing.T) {
	far, _ := server(t, filepath.Join(t.TempDir(), "data"))
	w := newWorld(t)
	inbox := &process{url: far.URL()}
	p := startClerk(t, w, far.URL())
	w.cuts["order-1"] = &cut{tool: "pay", after: true}
	if status, body := w.http(t, p, "POST", "/api/v1/agents/Clerk/sessions/order-1/messages", `{"message":"order-1"}`, "order-1"); status != http.StatusAccepted {
		t.Fatalf("message = %d, %s", status, body)
	}
	text := ""
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if gone(p) {
			p = startClerk(t, w, far.URL())
		}
		w.decide(t, inbox)
		var over bool
		if text, over = w.conversation(t, inbox, "order-1"); over {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the order was not served in time:\n%s", text)
		}
	}
	p.kill()
	if n := len(w.committed("order-1", "pay")); n != 1 {
		t.Errorf("the payment was made %d times, want once", n)
	}
	for _, kind := range []string{agent.DecisionApproval, agent.DecisionOutcomeUnknown} {
		_, body := w.http(t, inbox, "GET", "/api/v1/decisions?state=answered&kind="+kind, "", "")
		var page struct{ Items []agent.Decision }
		if err := json.Unmarshal(body, &page); err != nil || !slices.ContainsFunc(page.Items, func(d agent.Decision) bool { return d.Tool == "pay" }) {
			t.Errorf("answered decisions of the kind %s = %s, want one about pay", kind, body)
		}
	}
	if w.done.kills != 1 || !strings.Contains(text, "pay of order-1 done") {
		t.Errorf("%d kills, and the conversation is\n%s\nwant 1 and the payment in it", w.done.kills, text)
	}
}
