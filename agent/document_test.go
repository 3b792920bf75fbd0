package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// document returns the state document of a session, as others read it.
func document(t *testing.T, n *node, key string, o agent.DocumentOptions) *dafx.Document {
	t.Helper()
	text, err := n.Document(ctxOf(t), session(t, key), o)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dafx.ParseDocument(text)
	if err != nil {
		t.Fatalf("ParseDocument(%s) = %v", text, err)
	}
	return d
}

// entries shows the entries of a document, one a line.
func entries(t *testing.T, d *dafx.Document) string {
	t.Helper()
	var b strings.Builder
	for _, e := range d.Entries {
		fmt.Fprintf(&b, "%s %s:", e.Kind(), e.CorrelationID())
		messages, err := e.Messages()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			b.WriteString(" " + line(m))
			for _, c := range m.Contents {
				if e, ok := c.(*model.ErrorContent); ok {
					b.WriteString(" error " + e.ErrorCode)
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestDocument(t *testing.T) {
	m := modeltest.Script(t, modeltest.Call("look", "{}"), modeltest.Say(`{"a":1}`))
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	signal(t, n, "k1", "run", `{"messages":[{"role":"user","authorName":"kiosk","createdAt":"2026-11-02T09:00:00Z","messageId":"m1","contents":[{"$type":"text","text":"Refund order 7"},{"$type":"data","uri":"data:image/png;base64,iVBO","mediaType":"image/png"}]}],"responseFormat":{"$type":"json","schema":{"type":"object"}},"correlationId":"5d1c","orchestrationId":"refund-7"}`)
	if _, err := n.Wait(ctxOf(t), session(t, "k1").Turn("5d1c")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	got, err := n.Document(ctxOf(t), session(t, "k1"), agent.DocumentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schemaVersion":"1.2.0","data":{"conversationHistory":[
	{"$type":"request","correlationId":"5d1c","createdAt":"2026-11-02T09:00:00Z","orchestrationId":"refund-7","responseType":"json","responseSchema":{"type":"object"},
	 "messages":[{"role":"user","authorName":"kiosk","createdAt":"2026-11-02T09:00:00Z","messageId":"m1","contents":[{"$type":"text","text":"Refund order 7"},{"$type":"data","uri":"data:image/png;base64,iVBO","mediaType":"image/png"}]}]},
	{"$type":"response","correlationId":"5d1c","createdAt":"2026-11-02T09:00:00Z","usage":"-","messages":[
	 {"role":"assistant","createdAt":"2026-11-02T09:00:00Z","messageId":"m1","contents":[{"$type":"functionCall","callId":"script-1-call-1","name":"look","arguments":{}},{"$type":"usage","usage":"-"}]},
	 {"role":"tool","createdAt":"2026-11-02T09:00:00Z","messageId":"m2","contents":[{"$type":"functionResult","callId":"script-1-call-1","result":"here"}]},
	 {"role":"assistant","createdAt":"2026-11-02T09:00:00Z","messageId":"m3","contents":[{"$type":"text","text":"{\"a\":1}"},{"$type":"usage","usage":"-"}]}]}],
	"expirationTimeUtc":"2026-11-16T09:00:00Z","extensionData":{"perdure":{"logHead":4}}}}`
	if d := cmp.Diff(shape(t, want, "messageId"), shape(t, string(got), "usage", "messageId")); d != "" {
		t.Errorf("Document() (-want +got):\n%s", d)
	}
	text, is, err := n.EntityDocument(ctxOf(t), "@dafx-joker@k1", agent.DocumentOptions{})
	if !is || err != nil || string(text) != string(got) {
		t.Errorf("EntityDocument() = %s, %v, %v, want the document", text, is, err)
	}
	if _, is, err := n.EntityDocument(ctxOf(t), "@counter@k1", agent.DocumentOptions{}); is || err != nil {
		t.Errorf("EntityDocument() of another entity = %v, %v, want false", is, err)
	}
	if _, err := n.Document(ctxOf(t), session(t, "k2"), agent.DocumentOptions{}); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Document() of no session = %v, want not_found", err)
	}
	if _, err := n.Document(ctxOf(t), session(t, "k1"), agent.DocumentOptions{Version: "2.0.0"}); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Document() in version 2.0.0 = %v, want invalid_argument", err)
	}
	if d := document(t, n, "k1", agent.DocumentOptions{Version: agent.DocumentVersion11}); d.Version != "1.1.0" {
		t.Errorf("version = %s, want 1.1.0", d.Version)
	}
}

// TestDocumentShowsFailures has those who poll for an answer see why there is none.
func TestDocumentShowsFailures(t *testing.T) {
	gate := make(chan struct{})
	m := modeltest.Script(t,
		modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"}),
		modeltest.Say("Never heard.").Check(func(*model.Request) error { <-gate; return nil }))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	a := send(t, n, "k1", agent.Message{Text: "one", CorrelationID: "a"})
	b := send(t, n, "k1", agent.Message{Text: "two", CorrelationID: "b", Options: agent.TurnOptions{ToolNames: []string{"none"}}})
	signal(t, n, "k1", "run", `{"message":"","correlationId":"c"}`)
	for _, turn := range []string{a.Turn, b.Turn, session(t, "k1").Turn("c")} {
		if _, err := n.Wait(ctxOf(t), turn); err == nil {
			t.Errorf("Wait(%s) = nil, want a failure", turn)
		}
	}
	d := send(t, n, "k1", agent.Message{Text: "four", CorrelationID: "d"})
	if _, err := n.hub.WaitStart(ctxOf(t), d.Turn); err != nil {
		t.Fatal(err)
	}
	for len(m.Requests()) < 2 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	got := entries(t, document(t, n, "k1", agent.DocumentOptions{}))
	want := "request a: user one\nresponse a: assistant error model.Error\nrequest b: user two\nresponse b: assistant error invalid_argument\n" +
		"request c: user \nresponse c: assistant error invalid_argument\nrequest d: user four\n"
	if got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
	if err := n.client.Terminate(ctxOf(t), d.Turn, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	close(gate)
	_, _ = n.Wait(ctxOf(t), d.Turn)
	if got := entries(t, document(t, n, "k1", agent.DocumentOptions{})); !strings.HasSuffix(got, "request d: user four\nresponse d: assistant error TurnEnded\n") {
		t.Errorf("entries after a terminate = %s, want an error for d", got)
	}
}

func TestDocumentIsBounded(t *testing.T) {
	steps := make([]modeltest.Step, 30)
	for i := range steps {
		steps[i] = modeltest.Say(strings.Repeat("a", 1000))
	}
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, steps...))))
	for i := range steps {
		a := send(t, n, "k1", agent.Message{Text: "u", CorrelationID: fmt.Sprintf("c%d", i)})
		if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
			t.Fatal(err)
		}
		n.clock.Advance(time.Minute)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	d := document(t, n, "k1", agent.DocumentOptions{Limit: 10000})
	shown := len(d.Entries) / 2
	if shown < 3 || shown > 9 || d.Entries[len(d.Entries)-1].CorrelationID() != "c29" {
		t.Fatalf("%d turns are shown, the last is %s; want the newest few", shown, d.Entries[len(d.Entries)-1].CorrelationID())
	}
	var left struct{ EvictedMessageCount int }
	if err := json.Unmarshal(d.Data("truncation"), &left); err != nil || left.EvictedMessageCount != 2*(30-shown) {
		t.Errorf("truncation = %s, want %d messages", d.Data("truncation"), 2*(30-shown))
	}
	d = document(t, n, "k1", agent.DocumentOptions{Limit: 10000, CorrelationID: "c3"})
	if last := d.Entries[len(d.Entries)-1]; last.CorrelationID() != "c3" || last.Kind() != dafx.EntryResponse {
		t.Errorf("last entry = %s, want the response of the polled turn", last.CorrelationID())
	}
	signal(t, n, "k1", "run", `{"message":"u","correlationId":"c1"}`)
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	d = document(t, n, "k1", agent.DocumentOptions{Limit: 10000})
	if last := d.Entries[len(d.Entries)-1]; last.CorrelationID() != "c1" || last.Kind() != dafx.EntryResponse {
		t.Errorf("last entry = %s, want the response to the message that was said again", last.CorrelationID())
	}
}

func TestDocumentOfMigratedSession(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, modeltest.Say("It was r5.")))))
	if _, err := call(t, n, "k1", "migrate", legacy); err != nil {
		t.Fatal(err)
	}
	a := send(t, n, "k1", agent.Message{Text: "Which?", CorrelationID: "w"})
	if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	d := document(t, n, "k1", agent.DocumentOptions{})
	id := d.Entries[0].CorrelationID()
	want := fmt.Sprintf("request %s: user Refund order 7\nresponse %s: assistant issue_refund({\"order\":7}) tool = {\"receipt\":\"r5\"} assistant Refunded.\n", id, id) +
		"request w: user Which?\nresponse w: assistant It was r5.\n"
	if got := entries(t, d); got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
}

func TestDocumentOfHandover(t *testing.T) {
	support := &agent.Agent{Name: "Support", Model: modeltest.Script(t, modeltest.Say("Support here."))}
	front := joker(modeltest.Script(t, modeltest.Call("handoff_to_Support", `{}`)))
	front.Handoffs = []agent.Ref{agent.Named("Support")}
	n := begin(t, &memory.Disk{}, registry(t, front, support))
	a := send(t, n, "k1", agent.Message{Text: "Help.", CorrelationID: "a"})
	if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	got := entries(t, document(t, n, "k1", agent.DocumentOptions{}))
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "Support here.") {
		t.Errorf("entries = %s, want one request and one response with both agents", got)
	}
}

func TestDocumentOfFoldedTurns(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("One."), modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"}), modeltest.Say("Three."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	for i := range 2 {
		a := send(t, n, "k1", agent.Message{Text: "u", CorrelationID: fmt.Sprintf("c%d", i)})
		_, _ = n.Wait(ctxOf(t), a.Turn)
	}
	pass(t, n, 25*time.Hour)
	a := send(t, n, "k1", agent.Message{Text: "u", CorrelationID: "c2"})
	if _, err := n.Wait(ctxOf(t), a.Turn); err != nil {
		t.Fatal(err)
	}
	if i, err := n.hub.Instance(ctxOf(t), session(t, "k1").Turn("c0"), false); err != nil || i.Folded.IsZero() {
		t.Fatalf("turn = %+v, %v, want it folded", i, err)
	}
	want := "request c0: user u\nresponse c0: assistant One.\nrequest c1: user u\nresponse c1: assistant error StepError\nrequest c2: user u\nresponse c2: assistant Three.\n"
	if got := entries(t, document(t, n, "k1", agent.DocumentOptions{})); got != want {
		t.Errorf("entries = %s, want %s", got, want)
	}
}

// TestForeignAgent keeps the state of an agent that a worker of another SDK hosts: it
// is Microsoft's document already and shown as it is.
func TestForeignAgent(t *testing.T) {
	reg := registry(t)
	perdure.AddEntityFunc(reg, "dafx-writer", func(ctx *perdure.EntityContext) (any, error) {
		ctx.SetState(json.RawMessage(`{"schemaVersion":"1.1.0","data":{"conversationHistory":[]}}`))
		return nil, nil
	})
	n := begin(t, &memory.Disk{}, reg)
	id, err := agent.NewSessionID("writer", "k1")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.hub.Signal(ctxOf(t), &hub.Signal{InstanceID: id.String(), Operation: "run"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	if text, is, err := n.EntityDocument(ctxOf(t), id.String(), agent.DocumentOptions{}); is || err != nil {
		t.Errorf("EntityDocument() = %s, %v, %v, want that it is none of ours", text, is, err)
	}
	if _, err := n.Document(ctxOf(t), id, agent.DocumentOptions{}); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Document() = %v, want not_found", err)
	}
}
