package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// call carries out an operation of a session as an SDK does and returns its result.
func call(t *testing.T, n *node, key, operation, input string) (string, error) {
	t.Helper()
	in := history.Text{}
	if input != "" {
		in = history.Some(input)
	}
	out, err := n.hub.Ask(ctxOf(t), &hub.Ask{InstanceID: session(t, key).String(), Name: operation, Input: in})
	return out.S, err
}

// signal is call for those who do not wait.
func signal(t *testing.T, n *node, key, operation, input string) {
	t.Helper()
	err := n.hub.Signal(ctxOf(t), &hub.Signal{InstanceID: session(t, key).String(), Operation: operation, Input: history.Some(input)})
	if err != nil {
		t.Fatal(err)
	}
}

// shape is JSON with the values of some members, at any depth, left out.
func shape(t *testing.T, text string, without ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var clean func(v any)
	clean = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range without {
				if _, ok := v[name]; ok {
					v[name] = "-"
				}
			}
			for _, e := range v {
				clean(e)
			}
		case []any:
			for _, e := range v {
				clean(e)
			}
		}
	}
	clean(v)
	return v
}

func TestDialects(t *testing.T) {
	refund := agent.NewTool("issue_refund", "refunds", func(context.Context, struct {
		Order int `json:"order"`
	}) (map[string]string, error) {
		return map[string]string{"receipt": "r5"}, nil
	}, agent.WithEffect(agent.Pure))
	m := modeltest.Script(t,
		modeltest.Call("issue_refund", `{"order":7}`), modeltest.Say("Done"),
		modeltest.Call("issue_refund", `{"order":7}`), modeltest.Say("Done"),
	)
	n := begin(t, &memory.Disk{}, registry(t, joker(m, refund)))
	python, err := call(t, n, "k1", "run_agent", `{"message":"Refund order 7","role":"user","correlationId":"5d1c","enable_tool_calls":true,"wait_for_response":true,"options":{"temperature":0},"created_at":"2026-11-02T09:00:00Z","orchestrationId":"refund-7"}`)
	if err != nil {
		t.Fatal(err)
	}
	turn := session(t, "k1").Turn("5d1c")
	id := callID(t, n, "k1")
	want := fmt.Sprintf(`{"type":"agent_response","messages":[
	{"type":"message","role":"assistant","contents":[{"type":"function_call","call_id":%q,"name":"issue_refund","arguments":"{\"order\":7}"},{"type":"usage","usage_details":"-"}],"author_name":"Joker","message_id":"-"},
	{"type":"message","role":"tool","contents":[{"type":"function_result","call_id":%q,"result":{"receipt":"r5"}}],"message_id":"-"},
	{"type":"message","role":"assistant","contents":[{"type":"text","text":"Done"},{"type":"usage","usage_details":"-"}],"author_name":"Joker","message_id":"-"}],
	"response_id":%q,"agent_id":"Joker","created_at":"2026-11-02T09:00:00Z","finish_reason":"stop","usage_details":"-"}`, id, id, turn)
	if d := cmp.Diff(shape(t, want), shape(t, python, "message_id", "usage_details")); d != "" {
		t.Errorf("result for Python (-want +got):\n%s", d)
	}
	dotnet, err := call(t, n, "k2", "RunAgentAsync", `{"messages":[{"role":"user","authorName":"kiosk","createdAt":"2026-11-02T09:00:00Z","messageId":"m1","contents":[{"$type":"text","text":"Refund order 7"}]}],"enableToolCalls":true,"enableToolNames":["issue_refund","unheard_of"],"correlationId":"5d1c","orchestrationId":"refund-7"}`)
	if err != nil {
		t.Fatal(err)
	}
	id = callID(t, n, "k2")
	want = fmt.Sprintf(`{"messages":[
	{"role":"assistant","authorName":"Joker","createdAt":"2026-11-02T09:00:00Z","messageId":"-","contents":[{"$type":"functionCall","callId":%q,"name":"issue_refund","arguments":{"order":7}},{"$type":"usage","usage":"-"}]},
	{"role":"tool","createdAt":"2026-11-02T09:00:00Z","messageId":"-","contents":[{"$type":"functionResult","callId":%q,"result":{"receipt":"r5"}}]},
	{"role":"assistant","authorName":"Joker","createdAt":"2026-11-02T09:00:00Z","messageId":"-","contents":[{"$type":"text","text":"Done"},{"$type":"usage","usage":"-"}]}],
	"agentId":"@dafx-joker@k2","responseId":%q,"createdAt":"2026-11-02T09:00:00Z","finishReason":"stop","usage":"-"}`, id, id, session(t, "k2").Turn("5d1c"))
	if d := cmp.Diff(shape(t, want), shape(t, dotnet, "messageId", "usage")); d != "" {
		t.Errorf("result for .NET (-want +got):\n%s", d)
	}
	first := m.Requests()[0]
	if first.Temperature == nil || *first.Temperature != 0 {
		t.Errorf("temperature = %v, want 0 as the request says", first.Temperature)
	}
	if tools := m.Requests()[2].Tools; len(tools) != 1 {
		t.Errorf("tools = %v, want the enabled one", tools)
	}
}

// callID returns the id of the first call in a conversation.
func callID(t *testing.T, n *node, key string) string {
	t.Helper()
	list, err := n.Messages(ctxOf(t), session(t, key), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		for _, c := range m.Message.Contents.Calls() {
			return c.CallID
		}
	}
	t.Fatal("there is no call")
	return ""
}

// TestKnownCorrelationID shows that a message is answered once, however often and
// in whatever state of its turn it is said.
func TestKnownCorrelationID(t *testing.T) {
	gate := make(chan struct{})
	m := modeltest.Script(t, modeltest.Say("Once.").Check(func(*model.Request) error { <-gate; return nil }))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	const request = `{"message":"Joke.","correlationId":"c1"}`
	answers := make(chan string, 2)
	for range cap(answers) {
		go func() {
			out, err := n.hub.Ask(ctxOf(t), &hub.Ask{InstanceID: "@dafx-joker@k1", Name: "run", Input: history.Some(request)})
			answers <- fmt.Sprint(out.S, err)
		}()
	}
	if _, err := n.hub.WaitStart(ctxOf(t), session(t, "k1").Turn("c1")); err != nil {
		t.Fatal(err)
	}
	close(gate)
	for range cap(answers) {
		if got := <-answers; !strings.Contains(got, `"text":"Once."`) {
			t.Errorf("answer = %s, want Once.", got)
		}
	}
	late, err := call(t, n, "k1", "run", request)
	if err != nil || !strings.Contains(late, `"text":"Once."`) {
		t.Errorf("answer to a message that was answered before = %s, %v, want Once.", late, err)
	}
	late, err = call(t, n, "k1", "run", `{"correlationId":"c1","input":[{"Role":"user","Contents":[{"Type":"text","Text":"Joke."}]}]}`)
	if err != nil || !strings.Contains(late, `"text":"Once.","`) || strings.Contains(late, "agent_response") {
		t.Errorf("answer to our own code = %s, %v, want a Response", late, err)
	}
	signal(t, n, "k1", "run", request)
	if _, err := n.hub.Idle(ctxOf(t)); err != nil {
		t.Fatal(err)
	}
	if got, want := transcript(t, n, "k1"), "user Joke.\nassistant Once.\n"; got != want {
		t.Errorf("transcript = %q, want %q", got, want)
	}
	if left := runs(t, n, "dafx-joker~k1~ask-"); len(left) > 1 {
		t.Errorf("lookups %v are left, want one at most", left)
	}
}

func TestPurgedResult(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Once."), modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	for i, outcome := range []string{"succeeded", "failed"} {
		id := fmt.Sprintf("c%d", i)
		request := fmt.Sprintf(`{"message":"Joke.","correlationId":%q}`, id)
		if _, err := call(t, n, "k1", "run", request); (err != nil) != (outcome == "failed") {
			t.Fatalf("first answer = %v, want it %s", err, outcome)
		}
		if _, err := n.hub.Idle(ctxOf(t)); err != nil {
			t.Fatal(err)
		}
		turn := session(t, "k1").Turn(id)
		if _, err := n.hub.Purge(ctxOf(t), &hub.Purge{IDs: []string{turn}}); err != nil {
			t.Fatal(err)
		}
		_, err := call(t, n, "k1", "run", request)
		if err == nil || !strings.Contains(err.Error(), "completed ("+outcome+"), result unavailable") {
			t.Errorf("answer after the purge = %v, want completed (%s), result unavailable", err, outcome)
		}
		a := send(t, n, "k1", agent.Message{Text: "Joke.", CorrelationID: id})
		var gone *agent.UnavailableError
		if _, err := n.Wait(ctxOf(t), a.Turn); !a.Duplicate || !errors.As(err, &gone) || gone.Failed != (outcome == "failed") || perdure.CodeOf(err) != perdure.NotFound {
			t.Errorf("Send() = %+v, Wait() = %v, want a duplicate whose result is unavailable", a, err)
		}
	}
}

func TestBlankCorrelationID(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t))))
	if a, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "x", CorrelationID: " "}); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Send() with a blank correlation id = %+v, %v, want invalid_argument", a, err)
	}
}

func TestEmptyRun(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t))))
	got, err := call(t, n, "k1", "Run", `{"messages":[],"correlationId":"c1"}`)
	if want := `{"messages":[],"agentId":"@dafx-joker@k1"}`; err != nil || got != want {
		t.Errorf("result of nothing = %s, %v, want %s", got, err, want)
	}
	if _, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() = %v, want none", err)
	}
}

func TestRunWithoutWaiting(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, modeltest.Say("Later.")))))
	got, err := call(t, n, "k1", "run", `{"message":"Joke.","correlationId":"c1","wait_for_response":false}`)
	if err != nil || !strings.Contains(got, `"role":"system"`) || !strings.Contains(got, "c1") {
		t.Errorf("result = %s, %v, want a system message with the correlation id", got, err)
	}
	if r, err := n.Wait(ctxOf(t), session(t, "k1").Turn("c1")); err != nil || r.Text != "Later." {
		t.Errorf("Wait() = %+v, %v, want Later.", r, err)
	}
	got, err = call(t, n, "k2", "run", `"{\"message\":\" \",\"correlationId\":\"c\"}"`)
	if err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("result of an empty message = %s, %v, want a failure", got, err)
	}
}

func TestResponseFormats(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}`)
	m := modeltest.Script(t, modeltest.Say(`{"amount":7}`), modeltest.Say(`{"amount":8}`))
	a := joker(m)
	a.Formats = map[string]json.RawMessage{"shop.models.Receipt": schema}
	n := begin(t, &memory.Disk{}, registry(t, a))
	const pydantic = `{"message":"Refund.","correlationId":"%s","request_response_format":"json","response_format":{"__response_schema_type__":"pydantic_model","module":"shop.models","qualname":"%s"}}`
	got, err := call(t, n, "k1", "run", fmt.Sprintf(pydantic, "c1", "Receipt"))
	if err != nil || !strings.Contains(got, `"value":{"amount":7}`) {
		t.Errorf("result = %s, %v, want the value", got, err)
	}
	if f := m.Requests()[0].Format; f == nil || f.Name != "Receipt" || string(f.Schema) != string(schema) {
		t.Errorf("format = %+v, want the registered schema", f)
	}
	got, err = call(t, n, "k1", "run", `{"messages":[{"role":"user","contents":[{"$type":"text","text":"Again."}]}],"correlationId":"c2","responseFormat":{"$type":"json","schema":{"type":"object"},"schemaName":"Order"}}`)
	if err != nil || !strings.Contains(got, `"value":{"amount":8}`) {
		t.Errorf("result = %s, %v, want the value", got, err)
	}
	_, err = call(t, n, "k1", "run", fmt.Sprintf(pydantic, "c3", "Order"))
	if err == nil || !strings.Contains(err.Error(), "shop.models.Order is not known") {
		t.Errorf("result for an unknown type = %v, want a failure that names it", err)
	}
	signal(t, n, "k1", "run", fmt.Sprintf(pydantic, "c4", "Order"))
	if _, err := n.Wait(ctxOf(t), session(t, "k1").Turn("c4")); err == nil || !strings.Contains(err.Error(), "shop.models.Order is not known") {
		t.Errorf("Wait() for a signal with an unknown type = %v, want a failed turn that names it", err)
	}
	if got := transcript(t, n, "k1"); !strings.HasSuffix(got, "user Refund.\n") {
		t.Errorf("transcript = %s, want the message of the failed turn kept", got)
	}
}

func TestSessionOperations(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(modeltest.Script(t, modeltest.Say("A"), modeltest.Say("B")))))
	for _, c := range []struct{ operation, want string }{
		{"expire_responses", "0"}, {"Expire_Responses", "0"}, {"CheckAndExpireResults", ""}, {"CheckAndDeleteIfExpired", ""},
		{"reset", ""}, {"delete", ""},
	} {
		if got, err := call(t, n, "k1", c.operation, ""); err != nil || got != c.want {
			t.Errorf("%s without a session = %q, %v, want %q", c.operation, got, err, c.want)
		}
	}
	if _, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() = %v, want none", err)
	}
	for _, operation := range []string{"message_count", "__init__", "run ", "state", ""} {
		if got, err := call(t, n, "k1", operation, ""); err == nil {
			t.Errorf("operation %q = %q, want a failure", operation, got)
		}
	}
	if _, err := call(t, n, "k1", "run", `{"message":"1","correlationId":"c1"}`); err != nil {
		t.Fatal(err)
	}
	if got, err := call(t, n, "k1", "RESET", ""); err != nil || got != "" {
		t.Errorf("RESET = %q, %v, want no result", got, err)
	}
	if got, err := call(t, n, "k1", "run", `{"message":"1","correlationId":"c1"}`); err == nil || !strings.Contains(err.Error(), "completed (succeeded), result unavailable") {
		t.Errorf("run of a message from before the reset = %s, %v, want completed, result unavailable", got, err)
	}
	if got := transcript(t, n, "k1"); got != "" {
		t.Errorf("transcript after reset = %q, want none", got)
	}
	say(t, n, "k1", "2")
	if got, err := call(t, n, "k1", "Delete", "{}"); err != nil || got != "" {
		t.Errorf("Delete = %q, %v, want no result", got, err)
	}
	if _, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() after delete = %v, want none", err)
	}
}

const legacy = `{"schemaVersion":"1.1.0","data":{"conversationHistory":[
{"$type":"request","correlationId":"q1","createdAt":"2026-11-02T09:00:00Z","messages":[{"role":"user","contents":[{"$type":"text","text":"Refund order 7"}]}]},
{"$type":"response","correlationId":"q1","createdAt":"2026-11-02T09:00:04Z","messages":[
 {"role":"assistant","contents":[{"$type":"functionCall","callId":"c1","name":"issue_refund","arguments":{"order":7}}]},
 {"role":"tool","contents":[{"$type":"functionResult","callId":"c1","result":{"receipt":"r5"}}]},
 {"role":"assistant","contents":[{"$type":"text","text":"Refunded."}]}]}]}}`

func TestMigrate(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("It was r5.").Check(func(r *model.Request) error {
		if len(r.Messages) != 5 {
			return fmt.Errorf("%d messages, want the imported ones and the question", len(r.Messages))
		}
		return nil
	}))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	for range 2 { // the second is a repeat
		if _, err := call(t, n, "k1", "migrate", legacy); err != nil {
			t.Fatal(err)
		}
	}
	want := "user Refund order 7\nassistant issue_refund({\"order\":7})\ntool = {\"receipt\":\"r5\"}\nassistant Refunded.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	_, err := call(t, n, "k1", "run", `{"message":"Refund order 7","correlationId":"q1"}`)
	if err == nil || !strings.Contains(err.Error(), "result unavailable") {
		t.Errorf("message that was answered before the migration = %v, want completed, result unavailable", err)
	}
	if r := say(t, n, "k1", "Which receipt?"); r.Text != "It was r5." {
		t.Errorf("answer = %q, want that of the model", r.Text)
	}
	if _, err := call(t, n, "k1", "migrate", strings.Replace(legacy, "order 7", "order 8", 1)); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("migrate into a session in use = %v, want a refusal", err)
	}
	for _, c := range []struct{ text, part string }{
		{strings.Replace(legacy, "1.1.0", "3.0.0", 1), `schema version "3.0.0" is not understood`},
		{strings.Replace(legacy, `"schemaVersion":"1.1.0",`, "", 1), "schema version is missing"},
		{`[]`, "no object"},
	} {
		if _, err := call(t, n, "k2", "migrate", c.text); err == nil || !strings.Contains(err.Error(), c.part) {
			t.Errorf("migrate(%.40s) = %v, want %q", c.text, err, c.part)
		}
	}
	if _, err := n.Session(ctxOf(t), session(t, "k2")); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Session() after refused migrations = %v, want none", err)
	}
}

// TestStrangeContents shows that no content that a caller sends can make a session
// unreadable: it is refused, or kept verbatim.
func TestStrangeContents(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, joker(newEndless())))
	for i, content := range []string{
		`{"type":"text","text":7}`, `{"Type":"text","Text":7}`, `{"$type":"new","type":"functionResult","CallID":7}`,
		`{"$type":"unknown","content":{"Type":"reasoning","Text":[]}}`, `{"$type":"new","x":1}`, `{"TYPE":"usage","details":"x"}`, `[]`, `7`,
	} {
		signal(t, n, "k1", "run", fmt.Sprintf(`{"messages":[{"role":"user","contents":[{"$type":"text","text":"x"},%s]}],"correlationId":"c%d"}`, content, i))
	}
	if r := say(t, n, "k1", "Still there?"); r.Text != "Re: Still there?" {
		t.Errorf("answer = %q, want one", r.Text)
	}
	if got := document(t, n, "k1", agent.DocumentOptions{}); len(got.Entries) != 18 {
		t.Errorf("%d entries, want a request and a response for each message:\n%s", len(got.Entries), entries(t, got))
	}
}
