package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

var (
	approval = perdure.NewEvent[bool]("Approval")
	price    = perdure.NewRequest[int, int]("Price")
)

// Approve waits for an approval and publishes.
func Approve(ctx *perdure.Context, topic string) (string, error) {
	ctx.SetCustomStatus(map[string]int{"percent": 50})
	ok, err := approval.Wait(ctx).Await()
	if err != nil || !ok {
		return "rejected", err
	}
	return perdure.Call(ctx, Publish, topic).Await()
}

// Publish fails for the empty topic.
func Publish(_ context.Context, topic string) (string, error) {
	if topic == "" {
		return "", errors.New("no topic")
	}
	return "published " + topic, nil
}

// Quote answers requests for ever.
func Quote(ctx *perdure.Context, factor int) (int, error) {
	for {
		r, err := price.Wait(ctx).Await()
		if err != nil {
			return 0, err
		}
		if err := r.Reply(ctx, factor*r.Input); err != nil {
			return 0, err
		}
	}
}

// Counter is an entity.
type Counter int

// Add adds and returns the sum.
func (c *Counter) Add(n int) int { *c += Counter(n); return int(*c) }

// Fail fails.
func (c *Counter) Fail() error { return errors.New("out of order") }

// realHub serves the API over a hub in memory.
func realHub(t *testing.T) string {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, Approve)
	perdure.AddOrchestration(reg, Quote)
	perdure.AddActivity(reg, Publish)
	perdure.AddEntity[Counter](reg, "counter")
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return serve(t, h, func(c *httpapi.Config) {
		c.Orchestrations, c.Batch = reg.Orchestrations, time.Millisecond
	}) + "/api/v1"
}

// post sends JSON and checks the status.
func post(t *testing.T, status int, url, body string) string {
	t.Helper()
	got := do(t, "POST", url, body, "Content-Type", "application/json")
	if got.Status != status {
		t.Fatalf("POST %s %s = %d %s, want %d", url, body, got.Status, got.Body, status)
	}
	return got.Body
}

// field returns one field of a JSON object as JSON.
func field(t *testing.T, object, name string) string {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &fields); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return string(fields[name])
}

// get reads a document and checks fields of it: name and JSON in turn.
func get(t *testing.T, url string, want ...string) string {
	t.Helper()
	got := do(t, "GET", url, "")
	if got.Status != 200 {
		t.Fatalf("GET %s = %d %s, want 200", url, got.Status, got.Body)
	}
	for i := 0; i+1 < len(want); i += 2 {
		if f := field(t, got.Body, want[i]); f != want[i+1] {
			t.Errorf("GET %s: %s = %s, want %s", url, want[i], f, want[i+1])
		}
	}
	return got.Body
}

// TestRunOverRealHub takes runs through their lives.
func TestRunOverRealHub(t *testing.T) {
	url := realHub(t)
	position := strings.Trim(field(t, get(t, url+"/runs"), "as_of"), `"`)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"a/1 %","input":"agents","tags":{"team":"pay"}}`)
	f := open(t, url+"/stream?topics=run:a/1%20%25&since="+position)
	f.want("event: hello")
	f.want("event: run", `"id":"a/1 %"`)
	path := url + "/runs/a%2F1%20%25"
	if got := do(t, "POST", url+"/runs", `{"name":"Approve","id":"a/1 %"}`); got.Status != 409 {
		t.Errorf("second start = %d %s, want 409", got.Status, got.Body)
	}
	if body := post(t, 200, path+"/suspend", `{"reason":"lunch"}`); field(t, body, "status") != `"suspended"` {
		t.Errorf("suspend = %s, want suspended", body)
	}
	if body := post(t, 200, path+"/events/aproval", `true`); !strings.Contains(field(t, body, "hint"), "waits for Approval; aproval is kept") {
		t.Errorf("event that nothing waits for = %s, want a hint", body)
	}
	if body := post(t, 200, path+"/events/approval", `true`); field(t, body, "hint") != "" {
		t.Errorf("event = %s, want no hint", body)
	}
	post(t, 200, path+"/resume", ``)
	get(t, path+"?wait=10s", "status", `"completed"`, "output", `"published agents"`, "custom_status", `{"percent":50}`,
		"input", `"agents"`, "tags", `{"team":"pay"}`, "actions", `["restart","rewind","purge","fork"]`)
	history := get(t, path+"/history")
	for _, want := range []string{"executionStarted", "executionSuspended", "eventRaised", "executionResumed", "taskScheduled", "taskCompleted", "executionCompleted"} {
		if !strings.Contains(history, `"`+want+`"`) {
			t.Errorf("history %s lacks %s", history, want)
		}
	}
	if body := post(t, 200, path+"/terminate", ""); field(t, body, "status") != `"completed"` {
		t.Errorf("terminate of an ended run = %s, want it left alone", body)
	}
	get(t, url+"/run-counts", "total", "1", "items", `[{"status":"completed","count":1}]`)
	if body := post(t, 200, path+"/purge?dry_run=1", ""); field(t, body, "count") != "1" {
		t.Errorf("dry run = %s, want 1", body)
	}
	post(t, 200, path+"/purge", "")
	if got := do(t, "GET", path, ""); got.Status != 404 {
		t.Errorf("GET of a purged run = %d, want 404", got.Status)
	}
	for frame := f.next(); ; frame = f.next() {
		if strings.Contains(frame, `"gone":[{"id":"a/1 %"`) {
			break
		}
		if frame == "" {
			t.Fatal("the stream ended without telling that the run is gone")
		}
	}
}

func TestFailureOverRealHub(t *testing.T) {
	url := realHub(t)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"f","input":"","event":{"name":"Approval","data":true}}`)
	get(t, url+"/runs/f?wait=10s", "status", `"failed"`, "actions", `["restart","rewind","purge","fork"]`)
	get(t, url+"/runs?filter=has:error+name:Approve")
	if body := post(t, 200, url+"/runs/f/rewind?dry_run=1", ``); field(t, body, "steps_run_again") != `["Publish"]` {
		t.Errorf("dry run of rewind = %s, want Publish again", body)
	}
	post(t, 200, url+"/runs/f/rewind", `{"reason":"again"}`)
	get(t, url+"/runs/f?wait=10s", "status", `"failed"`)
	body := post(t, 200, url+"/runs/f/restart", `{"new_id":true,"input":"topic"}`)
	id := strings.Trim(field(t, body, "id"), `"`)
	post(t, 200, url+"/runs/"+id+"/events/Approval", `true`)
	get(t, url+"/runs/"+id+"?wait=10s", "output", `"published topic"`)
}

// TestForkOverRealHub forks a run that has completed from before its event, as a dry run has
// foretold, and with another outcome of a step.
func TestForkOverRealHub(t *testing.T) {
	url := realHub(t)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"a","input":"topic"}`)
	post(t, 200, url+"/runs/a/events/Approval", `true`)
	source := field(t, get(t, url+"/runs/a?wait=10s", "status", `"completed"`), "execution")
	raised, published := 0, 0
	for _, e := range eventsOf(t, get(t, url+"/runs/a/history")) {
		switch {
		case e.Type == "eventRaised":
			raised = e.N
		case e.Type == "taskScheduled" && e.Name == "Publish":
			published = e.N
		}
	}
	at := fmt.Sprintf(`{"to":%d,"id":"f","reason":"what if"}`, raised)
	plan := post(t, 200, url+"/runs/a/fork?dry_run=1", at)
	for name, want := range map[string]string{
		"to": fmt.Sprint(raised), "exact": "true", "execution": source,
		"steps_run_again": `[]`, "steps_given_up": `["Publish"]`, "events_forgotten": `["Approval"]`, "decisions_open": `[]`,
	} {
		if got := field(t, plan, name); got != want {
			t.Errorf("%s of the dry run = %s, want %s", name, got, want)
		}
	}
	post(t, 404, url+"/runs/f/fork", `{}`) // nothing was begun
	for range 2 {
		r := do(t, "POST", url+"/runs/a/fork", at, "Content-Type", "application/json", "Idempotency-Key", "k")
		if r.Status != 201 || r.Header.Get("Location") != "/api/v1/runs/f" {
			t.Errorf("fork = %d %s, Location %s, want 201 and /api/v1/runs/f", r.Status, r.Body, r.Header.Get("Location"))
		}
	}
	from := fmt.Sprintf(`{"run":"a","execution":%s,"event":%d}`, source, raised)
	get(t, url+"/runs/f", "status", `"running"`, "forked_from", from)
	post(t, 200, url+"/runs/f/events/Approval", `true`)
	get(t, url+"/runs/f?wait=10s", "status", `"completed"`, "output", `"published topic"`)
	if list := get(t, url+"/runs?filter=forked_from:a"); !strings.Contains(list, `"id":"f"`) || strings.Contains(list, `"id":"a"`) {
		t.Errorf("runs with forked_from:a = %s, want the fork alone", list)
	}
	if events := get(t, url+"/runs/f/history"); strings.Count(events, `"forked_from":`+from) != 1 {
		t.Errorf("history of the fork = %s, want one event that says so", events)
	}

	changed := post(t, 201, url+"/runs/a/fork", fmt.Sprintf(`{"step":{"n":%d,"result":"sent"}}`, published))
	get(t, url+"/runs/"+strings.Trim(field(t, changed, "id"), `"`)+"?wait=10s", "output", `"sent"`)
	post(t, 409, url+"/runs/a/fork", `{"id":"f"}`)
	post(t, 400, url+"/runs/a/fork", `{"to":999}`)
	post(t, 400, url+"/runs/a/fork", `{"step":{"result":1}}`)
	post(t, 400, url+"/runs/a/fork", `{"step":{"n":3,"result":1,"failure":"no"}}`)
	if audit := get(t, url+"/audit?target=f"); !strings.Contains(audit, `"action":"fork"`) || !strings.Contains(audit, `"reason":"what if"`) {
		t.Errorf("audit of the fork = %s, want who has forked it and why", audit)
	}
	get(t, url+"/runs/a", "status", `"completed"`, "execution", source)
}

// TestRewindToEventOverRealHub rewinds a run that has completed to before its event, as
// a dry run has foretold.
func TestRewindToEventOverRealHub(t *testing.T) {
	url := realHub(t)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"a","input":"topic"}`)
	post(t, 200, url+"/runs/a/events/Approval", `true`)
	first := field(t, get(t, url+"/runs/a?wait=10s", "status", `"completed"`), "execution")
	raised := 0
	for _, e := range eventsOf(t, get(t, url+"/runs/a/history")) {
		if e.Type == "eventRaised" {
			raised = e.N
		}
	}
	at := fmt.Sprintf(`{"to":%d,"execution":%s}`, raised, first)
	plan := post(t, 200, url+"/runs/a/rewind?dry_run=1", at)
	for name, want := range map[string]string{
		"to": fmt.Sprint(raised), "exact": "true", "execution": first,
		"steps_run_again": `[]`, "steps_given_up": `["Publish"]`, "events_forgotten": `["Approval"]`, "decisions_open": `[]`,
	} {
		if got := field(t, plan, name); got != want {
			t.Errorf("%s of the dry run = %s, want %s", name, got, want)
		}
	}
	get(t, url+"/runs/a", "status", `"completed"`)
	post(t, 200, url+"/runs/a/rewind", at)
	get(t, url+"/runs/a", "status", `"running"`)
	post(t, 200, url+"/runs/a/events/Approval", `true`)
	get(t, url+"/runs/a?wait=10s", "status", `"completed"`)

	older := get(t, url+"/runs/a/executions")
	if !strings.Contains(older, `{"items":[{"execution":`+first+`,`) || !strings.Contains(older, `"left_by":"rewind"`) {
		t.Errorf("older executions = %s, want %s alone, left by the rewind", older, first)
	}
	post(t, 409, url+"/runs/a/rewind", at) // it is in another execution
	post(t, 400, url+"/runs/a/rewind", `{"to":999}`)
	post(t, 400, url+"/runs/a/rewind?dry_run=1", `{"to":-1}`)
	for range 2 { // the second time it has not ended
		again := do(t, "POST", url+"/runs/a/rewind", fmt.Sprintf(`{"to":%d}`, raised), "Content-Type", "application/json", "Idempotency-Key", "again")
		if again.Status != 200 {
			t.Errorf("a rewind repeated with its key = %d %s, want 200", again.Status, again.Body)
		}
	}
}

// TestAuditOverRealHub changes a run in several ways, one of them twice, and purges it: each
// change is told once, with who has made it and why, and what was refused is not.
func TestAuditOverRealHub(t *testing.T) {
	url := realHub(t)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"a","input":"topic"}`)
	for range 2 {
		if got := do(t, "POST", url+"/runs/a/suspend", `{"reason":"lunch"}`, "Content-Type", "application/json", "Idempotency-Key", "k1",
			"User-Agent", "browser"); got.Status != 200 {
			t.Fatalf("suspend = %d %s", got.Status, got.Body)
		}
	}
	post(t, 200, url+"/runs/a/resume", ``)
	post(t, 200, url+"/runs/a/events/Approval", `true`)
	get(t, url+"/runs/a?wait=10s", "status", `"completed"`)
	post(t, 409, url+"/runs/a/suspend", ``)
	post(t, 200, url+"/runs/a/purge", `{"reason":"old"}`)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"b","input":"topic"}`)

	var page struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(get(t, url+"/audit?target=a")), &page); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, item := range page.Items {
		told = append(told, fmt.Sprint(item["action"], " ", item["target"], " ", item["by"], " ", item["from"], " ", item["reason"], " ", item["request"], " ", item["outcome"]))
	}
	want := []string{
		"purge a local 127.0.0.1 old <nil> done",
		"raise event a local 127.0.0.1 <nil> <nil> done",
		"resume a local 127.0.0.1 <nil> <nil> done",
		"suspend a local 127.0.0.1 lunch k1 done",
		"start a local 127.0.0.1 <nil> <nil> done",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("audit of a (-want +got):\n%s", diff)
	}
	if client := page.Items[3]["client"]; client != "browser" {
		t.Errorf("client = %v, want browser", client)
	}
	all := get(t, url+"/audit?limit=1")
	if !strings.Contains(all, `"target":"b"`) {
		t.Errorf("newest of all = %s, want the start of b", all)
	}
}

// eventsOf decodes a page of history.
func eventsOf(t *testing.T, page string) []struct {
	N    int
	Name string
	Type string
} {
	t.Helper()
	var p struct {
		Items []struct {
			N    int
			Name string
			Type string
		}
	}
	if err := json.Unmarshal([]byte(page), &p); err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return p.Items
}

func TestLargePayloadOverRealHub(t *testing.T) {
	url := realHub(t)
	topic := strings.Repeat("0123456789", 5000)
	post(t, 201, url+"/runs", `{"name":"Approve","id":"big","input":"`+topic+`"}`)
	post(t, 200, url+"/runs/big/events/Approval", `true`)
	get(t, url+"/runs/big?wait=10s", "output", `"published `+topic+`"`)
	history := get(t, url+"/runs/big/history")
	var page struct {
		Items []struct {
			N     int
			Type  string
			Bytes int `json:"data_bytes"`
			Data  json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(history), &page); err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Items {
		if e.Type != "executionStarted" {
			continue
		}
		if e.Bytes != len(topic)+2 || e.Data != nil {
			t.Errorf("history shows %d bytes and data %.20s, want %d bytes apart", e.Bytes, e.Data, len(topic)+2)
		}
		if got := do(t, "GET", url+"/runs/big/events/"+string(rune('0'+e.N))+"/payload", ""); got.Body != `"`+topic+`"` {
			t.Errorf("payload has %d bytes, want %d", len(got.Body), len(topic)+2)
		}
		return
	}
	t.Errorf("history %.200s has no executionStarted", history)
}

func TestEntityOverRealHub(t *testing.T) {
	url := realHub(t)
	path := url + "/entities/Counter/A%2Fb"
	post(t, 202, path+"/signal", `{"operation":"add","input":2}`)
	if body := post(t, 200, path+"/call", `{"operation":"add","input":3}`); field(t, body, "output") != "5" {
		t.Errorf("call = %s, want 5", body)
	}
	get(t, path, "state", "5", "id", `"@counter@A/b"`, "key", `"A/b"`)
	get(t, url+"/entities?name=counter", "partial", "false")
	if got := get(t, url+"/entities"); !strings.Contains(got, `"@counter@A/b"`) {
		t.Errorf("entities = %s, want the counter", got)
	}
	if got := do(t, "POST", path+"/call", `{"operation":"fly"}`); got.Status != 404 || !strings.Contains(got.Body, "there is no operation") {
		t.Errorf("unknown operation = %d %s, want 404 that names it", got.Status, got.Body)
	}
}

func TestFailedCallOverRealHub(t *testing.T) {
	got := do(t, "POST", realHub(t)+"/entities/counter/a/call", `{"operation":"fail"}`)
	if got.Status != 409 || !strings.Contains(got.Body, "the answer is an error: out of order") {
		t.Errorf("failing call = %d %s, want 409 with the error of the entity", got.Status, got.Body)
	}
}

func TestAskOverRealHub(t *testing.T) {
	url := realHub(t)
	post(t, 201, url+"/runs", `{"name":"Quote","id":"q","input":2}`)
	for range 2 {
		if body := post(t, 200, url+"/runs/q/requests/Price", `21`); field(t, body, "output") != "42" {
			t.Errorf("ask = %s, want 42", body)
		}
	}
	if got := do(t, "POST", url+"/runs/none/requests/Price", `1`); got.Status != 404 {
		t.Errorf("ask of nothing = %d %s, want 404", got.Status, got.Body)
	}
}

// TestRepeatedRequests shows that an Idempotency-Key makes one effect of
// several requests.
func TestRepeatedRequests(t *testing.T) {
	url := realHub(t)
	key := []string{"Content-Type", "application/json", "Idempotency-Key", "k"}
	first := do(t, "POST", url+"/runs", `{"name":"Quote","input":1}`, key...)
	again := do(t, "POST", url+"/runs", `{"name":"Quote","input": 1}`, key...)
	if first.Status != 201 || field(t, first.Body, "id") != field(t, again.Body, "id") {
		t.Errorf("repeat = %d %s, want the answer of the first: %s", again.Status, again.Body, first.Body)
	}
	if other := do(t, "POST", url+"/runs", `{"name":"Quote","input":2}`, key...); other.Status != 409 {
		t.Errorf("key with other content = %d %s, want 409", other.Status, other.Body)
	}
	get(t, url+"/run-counts", "total", "1")
}
