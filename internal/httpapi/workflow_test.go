package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

var (
	signoff = perdure.NewEvent[json.RawMessage]("Signoff")
	budget  = perdure.NewEvent[json.RawMessage]("Budget")
)

// Release asks for a sign-off and a budget, in any order, and tells of the first
// as Microsoft's workflows would in a dialect that its input names.
func Release(ctx *perdure.Context, dialect string) ([]json.RawMessage, error) {
	switch dialect {
	case "python":
		ctx.SetCustomStatus(json.RawMessage(`{"state":"waiting_for_human_input","pending_requests":{
			"signoff":{"request_id":"Signoff","source_executor_id":"gate","data":{"n":1,"x":{"__pickled__":"gASV"}},"request_type":"m:Ask","response_type":"builtins:bool"},
			"stale":{"request_id":"stale","source_executor_id":"gate","data":1}}}`))
	case "dotnet":
		ctx.SetCustomStatus(json.RawMessage(`{"events":[],"pendingEvents":[{"eventName":"Signoff","input":"{\"n\":1}"},{"eventName":"Stale","input":"1"}]}`))
	case "text":
		ctx.SetCustomStatus("half done")
	}
	a, b := signoff.Wait(ctx), budget.Wait(ctx)
	perdure.NewEvent[string]("perdure.internal").Wait(ctx)
	if err := perdure.All(ctx, a, b); err != nil {
		return nil, err
	}
	first, err := a.Await()
	if err != nil {
		return nil, err
	}
	second, err := b.Await()
	return []json.RawMessage{first, second}, err
}

// Train runs two releases at the same time.
func Train(ctx *perdure.Context, _ string) (string, error) {
	a := perdure.CallOrchestrationNamed[any](ctx, "Release", "", perdure.WithID(ctx.InstanceID()+"-first"))
	b := perdure.CallOrchestrationNamed[any](ctx, "Release", "python", perdure.WithID(ctx.InstanceID()+"-second"))
	return "done", perdure.All(ctx, a, b)
}

// Nest runs a release and tells of it in the form that its input is, with %s for
// the release's id.
func Nest(ctx *perdure.Context, form string) (any, error) {
	id := ctx.InstanceID() + "-below"
	ctx.SetCustomStatus(json.RawMessage(fmt.Sprintf(form, id)))
	return perdure.CallOrchestrationNamed[any](ctx, "Release", "", perdure.WithID(id)).Await()
}

// Echo returns its input, or fails.
func Echo(_ *perdure.Context, in any) (any, error) {
	if in == "fail" {
		return nil, errors.New("no luck")
	}
	return in, nil
}

// workflowHub serves a hub with workflows and returns the address of the routes.
func workflowHub(t *testing.T, change func(*httpapi.Config)) string {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, Release)
	perdure.AddOrchestration(reg, Train)
	perdure.AddOrchestration(reg, Nest)
	perdure.AddOrchestration(reg, Echo)
	perdure.AddOrchestrationNamed(reg, "perdure.hidden", Echo)
	perdure.AddOrchestrationNamed(reg, "dafx-Spam", Echo)
	perdure.AddOrchestrationNamed(reg, "dafx-Gate", Release)
	perdure.AddOrchestrationNamed(reg, "dafx-Twice", func(*perdure.Context, any) (string, error) { return "theirs", nil })
	perdure.AddOrchestrationNamed(reg, "Twice", func(*perdure.Context, any) (string, error) { return "ours", nil })
	perdure.AddOrchestrationNamed(reg, "dafx-Net", func(*perdure.Context, any) (any, error) {
		return json.RawMessage(`{"result":"{\"ok\":true}","events":[],"sentMessages":[],"haltRequested":false}`), nil
	})
	perdure.AddOrchestrationNamed(reg, "Slow", func(ctx *perdure.Context, _ any) (string, error) {
		return "", ctx.Timer(time.Hour).Await()
	})
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
		c.Orchestrations, c.MaxBody = reg.Orchestrations, 2000
		if change != nil {
			change(c)
		}
	}) + "/api"
}

// want checks status and body of an answer. The body is JSON, or text, with
// addresses and times left out.
func want(t *testing.T, what string, got answer, status int, body string) {
	t.Helper()
	text := strings.TrimSpace(odd.ReplaceAllString(got.Body, "T"))
	text = port.ReplaceAllString(text, "http://here")
	if got.Status != status || text != body {
		t.Errorf("%s =\n%d %s, want\n%d %s", what, got.Status, text, status, body)
	}
}

var (
	odd  = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	port = regexp.MustCompile(`http://127.0.0.1:\d+`)
)

// until reads a route until its answer contains a text.
func until(t *testing.T, url, text string) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; {
		got := do(t, "GET", url, "")
		if strings.Contains(got.Body, text) {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("GET %s = %d %s, want it with %s", url, got.Status, got.Body, text)
		}
	}
}

func TestWorkflowPython(t *testing.T) {
	url := workflowHub(t, nil) + "/workflow/Release"
	want(t, "run", do(t, "POST", url+"/run?runId=r%201", `"python"`), 202,
		`{"instanceId":"r 1","statusQueryGetUri":"http://here/api/workflow/Release/status/r%201","respondUri":"http://here/api/workflow/Release/respond/r%201/{requestId}","message":"Workflow started"}`)
	until(t, url+"/status/r%201", `"Budget"`)
	got := do(t, "GET", url+"/status/r%201", "")
	var status struct {
		Pending json.RawMessage `json:"pendingHumanInputRequests"`
		Status  string          `json:"runtimeStatus"`
		Output  any             `json:"output"`
	}
	if err := json.Unmarshal([]byte(got.Body), &status); err != nil {
		t.Fatal(err)
	}
	pending := port.ReplaceAllString(string(status.Pending), "http://here")
	if diff := cmp.Diff(`[{"requestId":"Signoff","sourceExecutor":"gate","requestData":{"n":1,"x":null},"requestType":"m:Ask","responseType":"builtins:bool",`+
		`"respondUrl":"http://here/api/workflow/Release/respond/r%201/Signoff"},`+
		`{"requestId":"Budget","sourceExecutor":"Release","requestData":null,"requestType":null,"responseType":null,`+
		`"respondUrl":"http://here/api/workflow/Release/respond/r%201/Budget"}]`, pending); diff != "" {
		t.Errorf("pending (-want +got)\n%s", diff)
	}
	want(t, "respond", do(t, "POST", url+"/respond/r%201/budget", ` {"eur":5} `), 200,
		`{"message":"Response delivered successfully","instanceId":"r 1","requestId":"budget"}`)
	want(t, "early answer", do(t, "POST", url+"/respond/r%201/later", `1`), 200,
		`{"message":"Response delivered successfully","instanceId":"r 1","requestId":"later"}`)
	want(t, "respond", do(t, "POST", url+"/respond/r%201/Signoff", `null`), 200,
		`{"message":"Response delivered successfully","instanceId":"r 1","requestId":"Signoff"}`)
	until(t, url+"/status/r%201", `"Completed"`)
	got = do(t, "GET", url+"/status/r%201", "")
	if strings.Contains(got.Body, "pendingHumanInputRequests") || field(t, got.Body, "output") != `[null,{"eur":5}]` || field(t, got.Body, "error") != "null" {
		t.Errorf("status = %s, want the answers and nothing pending", got.Body)
	}
	want(t, "late answer", do(t, "POST", url+"/respond/r%201/Signoff", `true`), 409,
		`{"status":409,"error":"the run r 1 has ended (Completed); nobody takes the answer"}`)
}

func TestWorkflowDotnet(t *testing.T) {
	url := workflowHub(t, nil) + "/workflows/Release"
	want(t, "run", do(t, "POST", url+"/run?runId=r", `"dotnet"`), 202, `{"runId":"r","message":"Workflow orchestration started for Release."}`)
	until(t, url+"/status/r", `"Budget"`)
	want(t, "status", do(t, "GET", url+"/status/r", ""), 200,
		`{"runId":"r","status":"Running","waitingForInput":[{"eventName":"Signoff","input":{"n":1}},{"eventName":"Budget","input":null}]}`)
	want(t, "not asked", do(t, "POST", url+"/respond/r", `{"eventName":"Stale","response":1}`), 400,
		`{"status":400,"error":"the run r does not wait for Stale; its status lists what it waits for"}`)
	want(t, "respond", do(t, "POST", url+"/respond/r", `{"EventName":"Signoff","Response":{"ok":true}}`), 202,
		`{"message":"Response sent to workflow.","runId":"r","eventName":"Signoff","validated":true}`)
	want(t, "respond", do(t, "POST", url+"/respond/r", `{"eventName":"budget","response":null}`), 202,
		`{"message":"Response sent to workflow.","runId":"r","eventName":"budget","validated":true}`)
	until(t, url+"/status/r", `"Completed"`)
	want(t, "status", do(t, "GET", url+"/status/r", ""), 200, `{"runId":"r","status":"Completed","waitingForInput":null}`)
	want(t, "ended", do(t, "POST", url+"/respond/r", `{"eventName":"Budget","response":1}`), 400,
		`{"status":400,"error":"the run r has ended (Completed); nobody takes the answer"}`)
}

// Runs of orchestrations that say nothing in their custom status are answered all
// the same.
func TestWorkflowWithoutStatus(t *testing.T) {
	base := workflowHub(t, nil)
	for _, input := range []string{`""`, `"text"`} {
		id := "r" + fmt.Sprint(len(input))
		do(t, "POST", base+"/workflow/Release/run?runId="+id, input)
		until(t, base+"/workflows/release/status/"+id, `"waitingForInput":[{"eventName":"Signoff","input":null},{"eventName":"Budget","input":null}]`)
	}
}

func TestWorkflowWaits(t *testing.T) {
	base := workflowHub(t, nil)
	for _, c := range []struct {
		what, path, body string
		headers          []string
		status           int
		want             string
	}{
		{"text is a string", "/workflows/Echo/run?runId=1&waitForResponse=true", "ship it", nil, 200,
			`{"runId":"1","workflowStatus":"Completed","result":"ship it"}`},
		{"JSON is a value", "/workflows/Echo/run?runId=2&waitForResponse=1", ` {"n": 1.0}`, nil, 200,
			`{"runId":"2","workflowStatus":"Completed","result":{"n":1}}`},
		{"text/plain is a string", "/workflows/Echo/run?runId=3&waitForResponse=yes", `42`, []string{"Content-Type", "text/plain"}, 200,
			`{"runId":"3","workflowStatus":"Completed","result":"42"}`},
		{"failure", "/workflows/Echo/run?runId=4&waitForResponse=on", `fail`, nil, 200,
			`{"runId":"4","workflowStatus":"Failed","result":null,"error":"no luck"}`},
		{"failure as text", "/workflows/Echo/run?runId=5&waitForResponse=on", `fail`, []string{"Accept", "text/plain"}, 200, `no luck`},
		{"text", "/workflows/Echo/run?runId=6&waitForResponse=on", `hello`, []string{"Accept", "text/*;q=0.5, application/json;q=0"}, 200, `hello`},
		{"text is not all", "/workflows/Echo/run?runId=7&waitForResponse=on", `hello`, []string{"Accept", "text/plain, */*"}, 200,
			`{"runId":"7","workflowStatus":"Completed","result":"hello"}`},
		{"header first", "/workflows/Echo/run?runId=8&waitForResponse=false", `hello`, []string{"x-ms-wait-for-response", "True"}, 200,
			`{"runId":"8","workflowStatus":"Completed","result":"hello"}`},
		{"no wait", "/workflows/Echo/run?runId=9&waitForResponse=false&timeoutSeconds=x", `hello`, []string{"Accept", "text/plain"}, 202,
			`Workflow orchestration started for Echo. Orchestration runId: 9`},
		{"too slow", "/workflows/Slow/run?runId=10&waitForResponse=true&timeoutSeconds=1", `1`, nil, 202,
			`{"runId":"10","message":"Workflow orchestration started for Slow."}`},
		{"theirs, .NET in", "/workflows/Spam/run?runId=11&waitForResponse=true", `{"a":1}`, nil, 200,
			`{"runId":"11","workflowStatus":"Completed","result":{"input":"{\"a\":1}"}}`},
		{"theirs, .NET out", "/workflows/Net/run?runId=12&waitForResponse=true", `x`, nil, 200,
			`{"runId":"12","workflowStatus":"Completed","result":{"ok":true}}`},
		{"theirs first", "/workflows/Twice/run?runId=13&waitForResponse=true", `x`, nil, 200,
			`{"runId":"13","workflowStatus":"Completed","result":"theirs"}`},
		{"theirs, Python, no code", "/workflow/Spam/run?runId=14&waitForResponse=true", `[{"__type__":"os:system"},{"b":2}]`, nil, 200,
			`{"instanceId":"14","runtimeStatus":"Completed","customStatus":null,"output":[null,{"b":2}],"error":null,"createdTime":"T","lastUpdatedTime":"T"}`},
		{"Python failure", "/workflow/Echo/run?runId=15&waitForResponse=true", `fail`, nil, 200,
			`{"instanceId":"15","runtimeStatus":"Failed","customStatus":null,"output":null,"error":"no luck","createdTime":"T","lastUpdatedTime":"T"}`},
	} {
		got := do(t, "POST", base+c.path, c.body, c.headers...)
		want(t, c.what, got, c.status, c.want)
		failed := strings.Contains(got.Body, "no luck")
		if outcome := got.Header.Get("x-ms-durable-outcome"); failed != (outcome == "failed") {
			t.Errorf("%s: outcome header %q", c.what, outcome)
		}
	}
}

// Before a run has begun nobody knows what it asks; while it is suspended it is
// known.
func TestWorkflowNotRunning(t *testing.T) {
	base := workflowHub(t, nil)
	start := fmt.Sprintf(`{"name":"Release","id":"later","start_at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))
	if got := do(t, "POST", base+"/v1/runs", start, "Content-Type", "application/json"); got.Status != 201 {
		t.Fatalf("start = %d %s", got.Status, got.Body)
	}
	want(t, "before", do(t, "POST", base+"/workflows/Release/respond/later", `{"eventName":"Signoff","response":1}`), 202,
		`{"message":"Response sent to workflow. Event could not be validated against pending requests.","runId":"later","eventName":"Signoff","validated":false}`)
	want(t, "status", do(t, "GET", base+"/workflows/Release/status/later", ""), 200, `{"runId":"later","status":"Pending","waitingForInput":null}`)
	do(t, "POST", base+"/workflow/Release/run?runId=r", `""`)
	until(t, base+"/workflow/Release/status/r", "Budget")
	do(t, "POST", base+"/v1/runs/r/suspend", `{}`, "Content-Type", "application/json")
	want(t, "suspended", do(t, "GET", base+"/workflows/Release/status/r", ""), 200,
		`{"runId":"r","status":"Suspended","waitingForInput":[{"eventName":"Signoff","input":null},{"eventName":"Budget","input":null}]}`)
	want(t, "meanwhile", do(t, "POST", base+"/workflows/Release/respond/r", `{"eventName":"Signoff","response":1}`), 202,
		`{"message":"Response sent to workflow.","runId":"r","eventName":"Signoff","validated":true}`)
}

// A run that somebody ended gives no result.
func TestWorkflowTerminated(t *testing.T) {
	base := workflowHub(t, nil)
	do(t, "POST", base+"/workflows/Slow/run?runId=s", "1")
	done := make(chan answer)
	go func() { done <- do(t, "POST", base+"/v1/runs/s/terminate", `{}`, "Content-Type", "application/json") }()
	<-done
	want(t, "status", do(t, "GET", base+"/workflows/Slow/status/s", ""), 200, `{"runId":"s","status":"Terminated","waitingForInput":null}`)
	want(t, "respond", do(t, "POST", base+"/workflow/Slow/respond/s/x", `1`), 409,
		`{"status":409,"error":"the run s has ended (Terminated); nobody takes the answer"}`)
}

func TestWorkflowRefuses(t *testing.T) {
	base := workflowHub(t, nil)
	for _, path := range []string{"/workflow/Release/run?runId=r", "/workflow/Slow/run?runId=s", "/workflow/Spam/run?runId=spam"} {
		if got := do(t, "POST", base+path, `"x"`); got.Status != 202 {
			t.Fatalf("POST %s = %d %s", path, got.Status, got.Body)
		}
	}
	if got := do(t, "POST", base+"/v1/entities/counter/a/signal", `{"operation":"add","input":1}`, "Content-Type", "application/json"); got.Status != 202 {
		t.Fatalf("signal = %d", got.Status)
	}
	until(t, base+"/workflow/Release/status/r", "Budget")
	long := strings.Repeat("x", 101)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string // part of the error
	}{
		{"POST", "/workflow/Relase/run", "1", 404, "did you mean Release?"},
		{"POST", "/workflow/perdure.hidden/run", "1", 404, "there is no workflow"},
		{"POST", "/workflows/dafx-/run", "1", 404, "there is no workflow"},
		{"POST", "/workflows/counter/run", "1", 404, "there is no workflow"},
		{"POST", "/workflow/Release/run", "", 400, "is empty"},
		{"POST", "/workflows/Release/run", " \n", 400, "is empty"},
		{"POST", "/workflow/Release/run", strings.Repeat("x", 3000), 413, "too large"},
		{"POST", "/workflow/Release/run", "\xff", 400, "UTF-8"},
		{"POST", "/workflow/Release/run?runId=r", `"x"`, 409, "exists"},
		{"POST", "/workflow/Release/run?runId=", "1", 400, "empty"},
		{"POST", "/workflow/Release/run?runId=" + long, "1", 400, "longer than 100"},
		{"POST", "/workflow/Release/run?runId=@counter@a", "1", 400, "begins with @"},
		{"POST", "/workflow/Release/run?runId=a%2Fb", "1", 400, "contains one of"},
		{"POST", "/workflow/Release/run?runId=a%5Cb", "1", 400, "contains one of"},
		{"POST", "/workflow/Release/run?runId=a%23b", "1", 400, "contains one of"},
		{"POST", "/workflow/Release/run?runId=a%3Fb", "1", 400, "contains one of"},
		{"POST", "/workflow/Release/run?runId=a%0Ab", "1", 400, "control characters"},
		{"POST", "/workflow/Release/run?runId=a&runId=b", "1", 400, "twice"},
		{"POST", "/workflow/Release/run?runId=%zz", "1", 400, "not well-formed"},
		{"POST", "/workflow/Release/run?waitForResponse=maybe", "1", 400, "must be true or false"},
		{"POST", "/workflow/Release/run?waitForResponse=1&waitForResponse=0", "1", 400, "twice"},
		{"POST", "/workflows/Release/run?waitForResponse=1&timeoutSeconds=0", "1", 400, "from 1 to 200"},
		{"POST", "/workflows/Release/run?waitForResponse=1&timeoutSeconds=201", "1", 400, "from 1 to 200"},
		{"POST", "/workflows/Release/run?waitForResponse=1&timeoutSeconds=1s", "1", 400, "from 1 to 200"},
		{"GET", "/workflow/Release/status/none", "", 404, "has no run none"},
		{"GET", "/workflow/Release/status/s", "", 404, "has no run s"},
		{"GET", "/workflows/Release/status/s", "", 404, "has no run s"},
		{"GET", "/workflow/Release/status/spam", "", 404, "has no run spam"},
		{"GET", "/workflow/Release/status/@counter@a", "", 404, "has no run @counter@a"},
		{"POST", "/workflow/Slow/respond/r/Signoff", "1", 404, "has no run r"},
		{"POST", "/workflows/Slow/respond/r", `{"eventName":"Signoff","response":1}`, 404, "has no run r"},
		{"POST", "/workflow/Release/respond/r/Signoff", "", 400, "is empty"},
		{"POST", "/workflow/Release/respond/r/Signoff", "yes", 400, "not valid JSON"},
		{"POST", "/workflow/Release/respond/r/" + long, "1", 400, "longer than 100"},
		{"POST", "/workflow/Release/respond/r/gate~0~x", "1", 404, "nothing asks gate~0~x"},
		{"POST", "/workflows/Release/respond/r", ``, 400, "not valid JSON"},
		{"POST", "/workflows/Release/respond/r", `[]`, 400, "must have eventName"},
		{"POST", "/workflows/Release/respond/r", `{"eventName":7,"response":1}`, 400, "must have eventName"},
		{"POST", "/workflows/Release/respond/r", `{"eventName":"","response":1}`, 400, "must have eventName"},
		{"POST", "/workflows/Release/respond/r", `{"eventName":"Signoff"}`, 400, "must have eventName"},
		{"POST", "/workflows/Release/respond/r", `{"eventName":"perdure.internal","response":1}`, 400, "does not wait"},
	} {
		got := do(t, c.method, base+c.path, c.body)
		var body struct {
			Status int
			Error  string
		}
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			t.Errorf("%s %s = %s: %v", c.method, c.path, got.Body, err)
		}
		if got.Status != c.status || body.Status != c.status || !strings.Contains(body.Error, c.want) {
			t.Errorf("%s %s %.40s = %d %s, want %d with %q", c.method, c.path, c.body, got.Status, got.Body, c.status, c.want)
		}
	}
	if got := do(t, "POST", base+"/workflows/Release/run", "", "Accept", "text/plain"); got.Status != 400 || !strings.HasPrefix(got.Body, "the body, which") {
		t.Errorf("empty input for text = %d %s, want a text", got.Status, got.Body)
	}
	want(t, "declared JSON", do(t, "POST", base+"/workflow/Release/run", "{", "Content-Type", "application/json"), 400,
		`{"status":400,"error":"the body is not valid JSON: unexpected end of JSON input (line 1, column 1)"}`)
}

// Questions of children have the ids of their places, and answers find them.
func TestWorkflowChildren(t *testing.T) {
	base := workflowHub(t, nil)
	do(t, "POST", base+"/workflow/Train/run?runId=t", `""`)
	status := base + "/workflows/Train/status/t"
	until(t, status, "Release~1~Budget")
	want(t, "status", do(t, "GET", status, ""), 200, `{"runId":"t","status":"Running","waitingForInput":[`+
		`{"eventName":"Release~0~Signoff","input":null},{"eventName":"Release~0~Budget","input":null},`+
		`{"eventName":"Release~1~Signoff","input":{"n":1,"x":null}},{"eventName":"Release~1~Budget","input":null}]}`)
	for _, q := range []string{"Release~0~Signoff", "Release~0~Budget"} {
		want(t, q, do(t, "POST", base+"/workflow/Train/respond/t/"+q, `1`), 200,
			`{"message":"Response delivered successfully","instanceId":"t","requestId":"`+q+`"}`)
	}
	until(t, status, `"waitingForInput":[{"eventName":"Release~1~Signoff"`)
	want(t, "ended child", do(t, "POST", base+"/workflow/Train/respond/t/Release~0~Signoff", `1`), 404,
		`{"status":404,"error":"nothing asks Release~0~Signoff; the status of the run lists what it asks"}`)
	for _, q := range []string{"Release~1~Signoff", "Release~1~Budget"} {
		want(t, q, do(t, "POST", base+"/workflows/Train/respond/t", `{"eventName":"`+q+`","response":2}`), 202,
			`{"message":"Response sent to workflow.","runId":"t","eventName":"`+q+`","validated":true}`)
	}
	until(t, status, `"Completed"`)
}

// A custom status places questions of children. It cannot name the runs of others.
func TestWorkflowChildrenTold(t *testing.T) {
	base := workflowHub(t, nil)
	do(t, "POST", base+"/workflow/Release/run?runId=other", `""`)
	until(t, base+"/workflow/Release/status/other", "Budget")
	for i, c := range []struct{ form, place string }{
		{`{"subworkflows":{"sub":["none","%s"]}}`, "sub~1~"},
		{`{"subworkflows":{"ab":{"x":"y","12":"%s"}}}`, "ab~12~"},
		{`{"subworkflows":{"a~b":["%s"]}}`, ""},
		{`{"subworkflows":{"sub":["other"]},"x":"%s"}`, ""},
	} {
		id := fmt.Sprint("n", i)
		input, err := json.Marshal(c.form)
		if err != nil {
			t.Fatal(err)
		}
		do(t, "POST", base+"/workflow/Nest/run?runId="+id, string(input))
		until(t, base+"/workflow/Release/status/"+id+"-below", "Budget")
		waiting := `null`
		if c.place != "" {
			waiting = fmt.Sprintf(`[{"eventName":"%[1]sSignoff","input":null},{"eventName":"%[1]sBudget","input":null}]`, c.place)
		}
		want(t, c.form, do(t, "GET", base+"/workflows/Nest/status/"+id, ""), 200, `{"runId":"`+id+`","status":"Running","waitingForInput":`+waiting+`}`)
	}
	if got := do(t, "POST", base+"/workflow/Nest/respond/n0/sub~1~Signoff", "1"); got.Status != 200 {
		t.Errorf("respond = %d %s, want 200", got.Status, got.Body)
	}
	if got := do(t, "POST", base+"/workflow/Nest/respond/n3/sub~0~Signoff", "1"); got.Status != 404 {
		t.Errorf("respond to the run of another = %d %s, want 404", got.Status, got.Body)
	}
}

// Of a run elsewhere only its custom status is known.
func TestWorkflowForeign(t *testing.T) {
	base := workflowHub(t, func(c *httpapi.Config) {
		c.Foreign = func(name string) bool { return strings.HasPrefix(name, "dafx-") }
	})
	do(t, "POST", base+"/workflow/Gate/run?runId=p", `"python"`)
	do(t, "POST", base+"/workflow/Gate/run?runId=n", `"none"`)
	until(t, base+"/workflow/Gate/status/p", `"stale"`)
	want(t, "status", do(t, "GET", base+"/workflows/Gate/status/p", ""), 200,
		`{"runId":"p","status":"Running","waitingForInput":[{"eventName":"Signoff","input":{"n":1,"x":null}},{"eventName":"stale","input":1}]}`)
	want(t, "asked", do(t, "POST", base+"/workflows/Gate/respond/p", `{"eventName":"Signoff","response":{"ok":1}}`), 202,
		`{"message":"Response sent to workflow.","runId":"p","eventName":"Signoff","validated":true}`)
	want(t, "not asked", do(t, "POST", base+"/workflows/Gate/respond/p", `{"eventName":"Budget","response":1}`), 400,
		`{"status":400,"error":"the run p does not wait for Budget; its status lists what it waits for"}`)
	want(t, "not known", do(t, "POST", base+"/workflows/Gate/respond/n", `{"eventName":"Budget","response":1}`), 202,
		`{"message":"Response sent to workflow. Event could not be validated against pending requests.","runId":"n","eventName":"Budget","validated":false}`)
	do(t, "POST", base+"/workflow/Gate/respond/p/Budget", `[{"__pickled__":"x"}]`)
	until(t, base+"/workflow/Gate/status/p", `"Completed"`)
	if got := do(t, "GET", base+"/workflow/Gate/status/p", ""); field(t, got.Body, "output") != `["{\"ok\":1}",[null]]` {
		t.Errorf("output = %s, want .NET's answer as a string and Python's without code", field(t, got.Body, "output"))
	}
}

// Two answers to one question at the same moment are one request.
func TestWorkflowAnsweredOnce(t *testing.T) {
	s := fixture()
	i := s.instances["order/1%"]
	i.Waits = []string{"Approval"}
	url := serve(t, s, nil) + "/api/workflow/Order/respond/order%2F1%25/"
	for _, path := range []string{"Approval", "approval", "other"} {
		if got := do(t, "POST", url+path, "true"); got.Status != 200 {
			t.Fatalf("respond %s = %d %s", path, got.Status, got.Body)
		}
	}
	do(t, "POST", url+"Approval", "true", "Idempotency-Key", "mine")
	i.Record.Version++
	do(t, "POST", url+"Approval", "true")
	var ids []string
	for _, c := range s.commands() {
		ids = append(ids, c.(*hub.Raise).RequestID)
	}
	if len(ids) != 5 || ids[0] == "" || ids[0] != ids[1] || ids[2] != "" || ids[3] != "mine" || ids[4] == ids[0] {
		t.Errorf("request ids = %q, want the same for the first two, none, the caller's, another", ids)
	}
	s.fail = &perdure.Error{Code: perdure.Conflict, Message: "other content"}
	want(t, "other answer", do(t, "POST", url+"Approval", "false"), 409,
		`{"status":409,"error":"somebody else has just answered Approval; read the status of the run"}`)
}

// lookups counts the instances that are looked at.
type lookups struct {
	*stub
	n int
}

func (l *lookups) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	l.n++
	return l.stub.Instance(ctx, id, payloads)
}

// Of very many children not all are looked at; each can be answered.
func TestWorkflowManyChildren(t *testing.T) {
	s := &lookups{stub: fixture()}
	i := s.instances["order/1%"]
	i.Pending.Children = 5000
	for n := range int32(5000) {
		s.events = append(s.events, &history.Event{ID: n, Body: &history.SubOrchestrationInstanceCreated{Name: "Child", InstanceID: fmt.Sprint("c", n)}})
	}
	s.instances["c4999"] = &hub.Instance{Record: store.Record{ID: "c4999", Name: "Child", Parent: i.ID}, Waits: []string{"Go"}}
	url := serve(t, s, nil) + "/api/workflow/Order"
	if got := do(t, "GET", url+"/status/order%2F1%25", ""); got.Status != 200 || s.n > 1100 {
		t.Errorf("status = %d after %d looks, want at most 1100", got.Status, s.n)
	}
	if got := do(t, "POST", url+"/respond/order%2F1%25/Child~4999~Go", "1"); got.Status != 200 {
		t.Errorf("respond = %d %s, want 200", got.Status, got.Body)
	}
}

// The routes begin with the prefix that the server is given.
func TestWorkflowPrefix(t *testing.T) {
	base := strings.TrimSuffix(workflowHub(t, func(c *httpapi.Config) { c.Prefix = "/dt" }), "/api")
	if got := do(t, "POST", base+"/dt/workflow/Slow/run?runId=s", "1"); got.Status != 202 || !strings.Contains(got.Body, "/dt/workflow/Slow/status/s") {
		t.Errorf("run = %d %s", got.Status, got.Body)
	}
	if got := do(t, "GET", base+"/api/workflow/Slow/status/s", ""); got.Status != 404 {
		t.Errorf("status at the default prefix = %d, want 404", got.Status)
	}
}
