package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares an answer with testdata/golden/<name>.json.
func golden(t *testing.T, name string, got answer) {
	t.Helper()
	var text bytes.Buffer
	text.WriteString(strings.TrimSpace(got.Header.Get("Content-Type")) + "\n")
	if err := json.Indent(&text, []byte(got.Body), "", "  "); err != nil {
		t.Fatalf("answer %q: %v", got.Body, err)
	}
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", name, diff)
	}
}

func TestGoldenAnswers(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil)
	for _, c := range []struct{ name, path string }{
		{"run", "/runs/order%2F1%25"},
		{"run-failed", "/runs/order-2"},
		{"runs", "/runs"},
		{"runs-filtered", "/runs?filter=name:Order+-status:failed+tag.team:pay&limit=5"},
		{"runs-turns", "/runs?filter=agent:joker"},
		{"runs-code", "/runs?filter=code:StepError&sort=completed"},
		{"counts", "/run-counts"},
		{"counts-grouped", "/run-counts?group=name,phase"},
		{"counts-filtered", "/run-counts?filter=code:StepError"},
		{"history", "/runs/order-2/history"},
		{"history-page", "/runs/order-2/history?after=1&limit=1"},
		{"entity", "/entities/Counter/A%20b"},
		{"info", "/info"},
		{"no-run", "/runs/none"},
		{"bad-filter", "/runs?filter=stauts:failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name, do(t, "GET", url+"/api/v1"+c.path, "", "Host", "127.0.0.1:8080"))
		})
	}
}

// allEvents is a history with one event of each kind.
func allEvents() []*history.Event {
	events := []*history.Event{
		{ID: 0, Body: &history.ExecutionStarted{Name: "Order", Version: history.Some("2"), Input: history.Some(`{"n":1}`),
			Instance: &history.Instance{InstanceID: "order-2", ExecutionID: history.Some("e1")}, Tags: map[string]string{"a": "b"}}},
		{ID: 0, Body: &history.TaskScheduled{Name: "Charge", Input: history.Some(strings.Repeat("x", 5000))}},
		{ID: -1, Body: &history.TaskFailed{TaskScheduledID: 0, Failure: &history.Failure{Type: "http", Message: "429", Stack: history.Some("at x")}},
			Meta: &history.Meta{Attempt: 2, Worker: "w1", StartedAt: noon, DequeuedAt: noon}},
		{ID: 1, Body: &history.TaskScheduled{Name: "Pay"}},
		{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 1, Result: history.Some("not json")}},
		{ID: 2, Body: &history.TimerCreated{FireAt: noon.Add(time.Hour)}},
		{ID: -1, Body: &history.TimerFired{FireAt: noon.Add(time.Hour), TimerID: 2}},
		{ID: 3, Body: &history.SubOrchestrationInstanceCreated{InstanceID: "child", Name: "Sub"}},
		{ID: -1, Body: &history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3, Result: history.Some("1")}},
		{ID: -1, Body: &history.SubOrchestrationInstanceFailed{TaskScheduledID: 3, Failure: &history.Failure{Type: "t", Message: "m"}}},
		{ID: 4, Body: &history.EventSent{InstanceID: "other", Name: "Go", Input: history.Some("true")}},
		{ID: -1, Body: &history.EventRaised{Name: "Approval", Input: history.Some("true")}},
		{ID: -1, Body: &history.GenericEvent{Data: history.Some("x")}},
		{ID: -1, Body: &history.ContinueAsNew{Input: history.Some("2")}},
		{ID: -1, Body: &history.ExecutionSuspended{Input: history.Some("lunch")}},
		{ID: -1, Body: &history.ExecutionResumed{Input: history.Some("back")}},
		{ID: -1, Body: &history.ExecutionRewound{Reason: history.Some("again")}},
		{ID: -1, Body: &history.ExecutionTerminated{Input: history.Some(`"stop"`), Recurse: true}},
		{ID: 5, Body: &history.EntityOperationSignaled{RequestID: "r1", Operation: "add", Input: history.Some("1"), TargetInstanceID: history.Some("@counter@a")}},
		{ID: 6, Body: &history.EntityOperationCalled{RequestID: "r2", Operation: "get", TargetInstanceID: history.Some("@counter@a")}},
		{ID: -1, Body: &history.EntityOperationCompleted{RequestID: "r2", Output: history.Some("1")}},
		{ID: -1, Body: &history.EntityOperationFailed{RequestID: "r2", Failure: &history.Failure{Type: "t", Message: "m"}}},
		{ID: 7, Body: &history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@a@b"}}},
		{ID: -1, Body: &history.EntityLockGranted{CriticalSectionID: "s"}},
		{ID: 8, Body: &history.EntityUnlockSent{CriticalSectionID: "s", TargetInstanceID: history.Some("@a@b")}},
		{ID: 9, Body: &history.ExecutionCompleted{Status: history.StatusFailed, Failure: &history.Failure{Type: "http", Message: "429"}}},
		{ID: -1},
	}
	for i, e := range events {
		e.Time = noon.Add(time.Duration(i) * time.Second)
	}
	return events
}

// TestCommands checks what each mutating route asks the hub for.
func TestCommands(t *testing.T) {
	at := noon
	for _, c := range []struct {
		name, path, body string
		status           int
		want             any
	}{
		{"start", "/runs", `{"name":"Order","input":{"n": 1}}`, 201,
			&hub.Start{RequestID: "k1", Name: "Order", Input: history.Some(`{"n":1}`)}},
		{"start null", "/runs", `{"name":"Order","id":"a/b","input":null,"version":"2","tags":{"a":"b"},"start_at":"2026-03-01T12:00:00Z"}`, 201,
			&hub.Start{RequestID: "k1", InstanceID: "a/b", Name: "Order", Version: history.Some("2"), Input: history.Some("null"), Tags: map[string]string{"a": "b"}, StartAt: at}},
		{"start or get", "/runs", `{"name":"Order","id":"x","id_policy":"get","event":{"name":"Go","data":[1]}}`, 200,
			&hub.Start{RequestID: "k1", InstanceID: "x", Name: "Order", OrGet: true, Event: &hub.Raise{InstanceID: "x", Name: "Go", Data: history.Some("[1]")}}},
		{"replace", "/runs", `{"name":"Order","id":"x","id_policy":"replace_failed"}`, 201,
			&hub.Start{RequestID: "k1", InstanceID: "x", Name: "Order", Replace: []history.Status{history.StatusFailed, history.StatusTerminated, history.StatusCanceled}}},
		{"event", "/runs/order%2F1%25/events/Approval", `true`, 200,
			&hub.Raise{RequestID: "k1", InstanceID: "order/1%", Name: "Approval", Data: history.Some("true")}},
		{"event without data", "/runs/order-2/events/Go%20now", ``, 200,
			&hub.Raise{RequestID: "k1", InstanceID: "order-2", Name: "Go now"}},
		{"ask", "/runs/order-2/requests/price", `1`, 200,
			&hub.Ask{RequestID: "k1", InstanceID: "order-2", Name: "price", Input: history.Some("1")}},
		{"suspend", "/runs/order-2/suspend", `{"reason":"lunch"}`, 200,
			&hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Suspend, Reason: history.Some("lunch")}},
		{"resume", "/runs/order-2/resume", ``, 200, &hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Resume}},
		{"cancel", "/runs/order-2/cancel", `{}`, 200, &hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Cancel}},
		{"terminate", "/runs/order-2/terminate", `{"reason":"no \"more\"","recursive":true}`, 200,
			&hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Terminate, Reason: history.Some(`"no \"more\""`), Recursive: true}},
		{"restart", "/runs/order-2/restart", `{"input":2,"new_id":true}`, 200,
			&hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Restart, Input: history.Some("2"), NewID: true}},
		{"restart as another", "/runs/order-2/restart", `{"id":"a/b","version":""}`, 200,
			&hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Restart, As: "a/b", Version: history.Some("")}},
		{"rewind", "/runs/order-2/rewind", `{"reason":"again"}`, 200,
			&hub.Control{RequestID: "k1", InstanceID: "order-2", Kind: hub.Rewind, Reason: history.Some("again")}},
		{"purge", "/runs/order-2/purge?dry_run=1", `{"recursive":true}`, 200,
			&hub.Purge{RequestID: "k1", IDs: []string{"order-2"}, Recursive: true, DryRun: true}},
		{"purge by force", "/runs/order-2/purge", `{"force":true}`, 200,
			&hub.Purge{RequestID: "k1", IDs: []string{"order-2"}, Force: true}},
		{"signal", "/entities/Counter/A%2Fb/signal", `{"operation":"add","input":1,"at":"2026-03-01T12:00:00Z"}`, 202,
			&hub.Signal{RequestID: "k1", InstanceID: "@counter@A/b", Operation: "add", Input: history.Some("1"), At: at}},
		{"call", "/entities/counter/a/call", `{"operation":"get"}`, 200,
			&hub.Ask{RequestID: "k1", InstanceID: "@counter@a", Name: "get"}},
		{"complete", "/activities/t%2F1/complete", `{"result":{"ok":true}}`, 200,
			completion{"t/1", history.Some(`{"ok":true}`), nil}},
		{"complete by body", "/activities/complete", `{"token":"t1"}`, 200, completion{"t1", history.Text{}, nil}},
		{"fail", "/activities/t1/fail", `{"message":"no","non_retriable":true}`, 200,
			completion{"t1", history.Text{}, &history.Failure{Type: "Error", Message: "no", NonRetriable: true}}},
		{"heartbeat", "/activities/t1/heartbeat", `{"progress":0.5}`, 200, completion{"t1", history.Some("0.5"), nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := fixture()
			got := do(t, "POST", serve(t, h, nil)+"/api/v1"+c.path, c.body, "Content-Type", "application/json", "Idempotency-Key", "k1")
			if got.Status != c.status {
				t.Fatalf("POST %s = %d %s, want %d", c.path, got.Status, got.Body, c.status)
			}
			if diff := cmp.Diff([]any{c.want}, h.commands()); diff != "" {
				t.Errorf("commands (-want +got)\n%s", diff)
			}
		})
	}
}

// TestBadInput checks that each bad request gets one clear error and reaches
// no hub.
func TestBadInput(t *testing.T) {
	long := strings.Repeat("x", 101)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		detail, hint             string // parts
	}{
		{"malformed", "POST", "/runs", "{\n  \"name\": }", 400, "line 2, column 11", ""},
		{"truncated", "POST", "/runs", `{"name":"Order"`, 400, "unexpected end", ""},
		{"trailing", "POST", "/runs", `{"name":"Order"} x`, 400, "line 1, column 18", ""},
		{"two documents", "POST", "/runs", `{"name":"Order"}{}`, 400, "not valid JSON", ""},
		{"duplicate", "POST", "/runs", `{"name":"Order","name":"Pay"}`, 400, "name stands twice", ""},
		{"duplicate within input", "POST", "/runs", `{"name":"Order","input":{"a":[{"b":1,"b":2}]}}`, 400, "b stands twice", ""},
		{"deep", "POST", "/runs/order-2/events/x", strings.Repeat("[", 65) + strings.Repeat("]", 65), 400, "deeper than 64", ""},
		{"very deep", "POST", "/runs/order-2/events/x", strings.Repeat("[", 100000), 400, "not valid JSON", ""},
		{"not UTF-8", "POST", "/runs", "{\"name\":\"\xff\"}", 400, "not UTF-8 (line 1, column 10)", ""},
		{"unknown field", "POST", "/runs", `{"name":"Order","inputs":1}`, 400, "unknown field inputs", "did you mean input?"},
		{"case of field", "POST", "/runs", `{"Name":"Order"}`, 400, "unknown field Name", "did you mean name?"},
		{"wrong type", "POST", "/runs", `{"name":5}`, 400, "field name must be a string, not number", ""},
		{"wrong tag", "POST", "/runs", `{"name":"Order","tags":{"a":1}}`, 400, "must be a string", ""},
		{"bad time", "POST", "/runs", `{"name":"Order","start_at":"soon"}`, 400, "does not fit", "RFC 3339"},
		{"array", "POST", "/runs", `[]`, 400, "must be a JSON object", ""},
		{"null", "POST", "/runs", `null`, 400, "must be a JSON object", ""},
		{"empty", "POST", "/runs", ``, 400, "field name is empty", ""},
		{"unknown orchestration", "POST", "/runs", `{"name":"ContentAproval"}`, 404, "no orchestration ContentAproval", "did you mean ContentApproval?"},
		{"id of entity", "POST", "/runs", `{"name":"Order","id":"@x@y"}`, 400, "begins with @", "entities"},
		{"no id", "POST", "/runs", `{"name":"Order","id":""}`, 400, "run id is empty", ""},
		{"event to an ended run", "POST", "/runs/order-2/events/x", "true", 409, "order-2 has ended (failed)", "restart, rewind, purge"},
		{"suspend of an ended run", "POST", "/runs/order-2/suspend", "", 409, "nothing was done", ""},
		{"orchestration of ours", "POST", "/runs", `{"name":"nothing like these"}`, 404, "no orchestration", "known are ContentApproval, Order"},
		{"no entity", "GET", "/entities/counter/none", "", 404, "", "/api/v1/entities lists"},
		{"long id", "POST", "/runs", `{"name":"Order","id":"` + long + `"}`, 400, "longer than 100", ""},
		{"control in id", "POST", "/runs", `{"name":"Order","id":"a\u0007"}`, 400, "control characters", ""},
		{"policy", "POST", "/runs", `{"name":"Order","id_policy":"take"}`, 400, "id_policy is take", "reject"},
		{"event without id", "POST", "/runs", `{"name":"Order","event":{"name":"x"}}`, 400, "needs the id", ""},
		{"large", "POST", "/runs", `{"name":"Order","input":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "larger than 1048576 bytes", ""},
		{"empty id", "GET", "/runs//history", "", 400, "empty segment", ""},
		{"dots", "GET", "/runs/../info", "", 400, ". or ..", ""},
		{"encoded control", "GET", "/runs/a%00b", "", 400, "control characters", ""},
		{"entity as run", "GET", "/runs/@a@b", "", 400, "begins with @", ""},
		{"long event", "POST", "/runs/order-2/events/" + long, "", 400, "event name is longer", ""},
		{"no message", "POST", "/activities/t/fail", `{}`, 400, "message", ""},
		{"two tokens", "POST", "/activities/t/complete", `{"token":"u"}`, 400, "differ", ""},
		{"no operation", "POST", "/entities/a/b/signal", `{}`, 400, "operation is empty", ""},
		{"entity name", "POST", "/entities/a@b/c/signal", `{"operation":"x"}`, 400, "contains @", ""},
		{"no more than the prefix", "GET", "", "", 404, "no route /api/v1", ""},
		{"no route", "GET", "/rnus", "", 404, "no route /api/v1/rnus", ""},
		{"method", "DELETE", "/runs/order-2", "", 405, "method DELETE", "GET"},
		{"method of action", "GET", "/runs/order-2/terminate", "", 405, "method GET", "POST"},
		{"unknown parameter", "GET", "/runs?filtre=x", "", 400, "unknown query parameter filtre", "filter"},
		{"twice", "GET", "/runs?limit=1&limit=2", "", 400, "given twice", ""},
		{"limit", "GET", "/runs?limit=-1", "", 400, "must be a number from 0 to 1000", ""},
		{"cursor", "GET", "/runs?cursor=%21", "", 400, "not one of ours", ""},
		{"sort", "GET", "/runs?sort=cost", "", 400, "no sort order cost", "-created"},
		{"filter", "GET", "/runs?filter=status%3Abroken", "", 400, "status", "status:failed"},
		{"many terms", "GET", "/runs?filter=" + strings.Repeat("a+", 1000), "", 400, "terms", ""},
		{"group", "GET", "/run-counts?group=agent", "", 400, "cannot group", ""},
		{"wait", "GET", "/runs/order-2?wait=soon", "", 400, "duration", ""},
		{"event number", "GET", "/runs/order-2/events/0/payload", "", 400, "number from 1", ""},
		{"event absent", "GET", "/runs/order-2/events/9/payload", "", 404, "0 events", ""},
		{"dry run", "POST", "/runs/order-2/purge?dry_run=maybe", "", 400, "must be 1 or 0", ""},
		{"topic", "GET", "/stream?topics=inboxx", "", 400, "no topic inboxx", ""},
		{"no topic", "GET", "/stream", "", 400, "1 to 16 topics", ""},
		{"since", "GET", "/stream?topics=counts&since=%21", "", 400, "not a position", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := fixture()
			got := do(t, c.method, serve(t, h, nil)+"/api/v1"+c.path, c.body, "Content-Type", "application/json")
			var p struct{ Code, Detail, Hint, Title string }
			if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%s %s = %d %q %s, want a problem", c.method, c.path, got.Status, got.Header.Get("Content-Type"), got.Body)
			}
			if got.Status != c.status || !strings.Contains(p.Detail, c.detail) || !strings.Contains(p.Hint, c.hint) || p.Code == "" || p.Title == "" {
				t.Errorf("%s %s = %d %s, want %d, detail with %q, hint with %q", c.method, c.path, got.Status, got.Body, c.status, c.detail, c.hint)
			}
			if n := len(h.commands()); n != 0 {
				t.Errorf("the hub got %d commands, want 0", n)
			}
		})
	}
}

func TestContentType(t *testing.T) {
	for _, c := range []struct {
		contentType string
		want        int
	}{
		{"application/json", 201}, {"application/json; charset=utf-8", 201}, {"application/vnd.x+json", 201}, {"", 201},
		{"text/plain", 415}, {"application/x-www-form-urlencoded", 415}, {"multipart/form-data; boundary=x", 415}, {";;", 415},
	} {
		got := do(t, "POST", serve(t, fixture(), nil)+"/api/v1/runs", `{"name":"Order"}`, "Content-Type", c.contentType)
		if got.Status != c.want {
			t.Errorf("POST as %q = %d %s, want %d", c.contentType, got.Status, got.Body, c.want)
		}
	}
}

// TestErrorStatus is the table of codes.
func TestErrorStatus(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&perdure.Error{Code: perdure.Internal}, 500, "internal"},
		{&perdure.Error{Code: perdure.InvalidArgument}, 400, "invalid_argument"},
		{&perdure.Error{Code: perdure.NotFound}, 404, "not_found"},
		{&perdure.Error{Code: perdure.AlreadyExists}, 409, "already_exists"},
		{&perdure.Error{Code: perdure.FailedPrecondition}, 409, "failed_precondition"},
		{&perdure.Error{Code: perdure.Conflict}, 409, "conflict"},
		{&perdure.Error{Code: perdure.ResourceExhausted}, 429, "resource_exhausted"},
		{&perdure.Error{Code: perdure.Unavailable}, 503, "unavailable"},
		{&perdure.Error{Code: perdure.Unimplemented}, 501, "unimplemented"},
		{&perdure.Error{Code: perdure.Unauthenticated}, 401, "unauthenticated"},
		{&perdure.Error{Code: perdure.PermissionDenied}, 403, "permission_denied"},
		{&perdure.Error{Code: perdure.DeadlineExceeded}, 504, "deadline_exceeded"},
		{&perdure.Error{Code: perdure.Canceled}, 499, "canceled"},
		{&perdure.Error{Code: perdure.NoSpace}, 507, "no_space"},
		{errors.New("disk /secret/path broke"), 500, "internal"},
	} {
		h := fixture()
		h.fail = c.err
		got := do(t, "POST", serve(t, h, nil)+"/api/v1/runs", `{"name":"Order"}`)
		if got.Status != c.status || !strings.Contains(got.Body, `"code":"`+c.code+`"`) {
			t.Errorf("start with %v = %d %s, want %d %s", c.err, got.Status, got.Body, c.status, c.code)
		}
		if strings.Contains(got.Body, "secret") {
			t.Errorf("answer %s shows the text of a foreign error", got.Body)
		}
	}
}

func TestPayload(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil) + "/api/v1/runs/order-2/events/"
	got := do(t, "GET", url+"2/payload", "", "Range", "bytes=0-3")
	if got.Status != 206 || got.Body != "xxxx" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("range of event 2 = %d %q %q, want 206 xxxx as text", got.Status, got.Body, got.Header.Get("Content-Type"))
	}
	got = do(t, "GET", url+"1/payload", "")
	if got.Status != 200 || got.Body != `{"n":1}` || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("event 1 = %d %q %q, want the input as JSON", got.Status, got.Body, got.Header.Get("Content-Type"))
	}
	if got = do(t, "GET", url+"3/payload", ""); got.Status != 404 {
		t.Errorf("event 3 = %d %s, want 404: it has no payload", got.Status, got.Body)
	}
}

func TestRewindPreview(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil) + "/api/v1/runs/"
	got := do(t, "POST", url+"order-2/rewind?dry_run=1", "")
	for name, want := range map[string]string{"steps_reused": "4", "steps_run_again": `["Charge","Sub","get"]`, "to": "0", "exact": "false"} {
		if field(t, got.Body, name) != want {
			t.Errorf("%s of dry run = %s, want %s", name, field(t, got.Body, name), want)
		}
	}
	if got = do(t, "POST", url+"order%2F1%25/rewind?dry_run=1", ""); got.Status != 409 {
		t.Errorf("dry run of a live run = %d %s, want 409", got.Status, got.Body)
	}
	if n := len(h.commands()); n != 0 {
		t.Errorf("the hub got %d commands, want 0", n)
	}
}

func TestWait(t *testing.T) {
	h := fixture()
	url := serve(t, h, func(c *httpapi.Config) { c.MaxWait = 50 * time.Millisecond })
	got := do(t, "GET", url+"/api/v1/runs/order%2F1%25?wait=1h", "")
	if got.Status != 200 || !strings.Contains(got.Body, `"status":"running"`) {
		t.Errorf("wait that times out = %d %s, want the run as it is", got.Status, got.Body)
	}
	if got = do(t, "GET", url+"/api/v1/runs/none?wait=1h", ""); got.Status != 404 {
		t.Errorf("wait for nothing = %d, want 404", got.Status)
	}
	close(h.ended)
	url = serve(t, h, nil)
	if got = do(t, "GET", url+"/api/v1/runs/order%2F1%25?wait=1h", ""); got.Status != 200 || !strings.Contains(got.Body, `"input":{"n":1}`) {
		t.Errorf("wait = %d %s, want the run with its payloads", got.Status, got.Body)
	}
}

// TestStopEndsWaits shows that a server which stops answers those who wait.
func TestStopEndsWaits(t *testing.T) {
	api := httpapi.New(httpapi.Config{Hub: fixture()})
	url := serveHandler(t, api)
	time.AfterFunc(20*time.Millisecond, api.Stop)
	got := do(t, "GET", url+"/api/v1/runs/order%2F1%25?wait=1h", "")
	if got.Status != 200 || !strings.Contains(got.Body, `"status":"running"`) {
		t.Errorf("wait when the server stops = %d %s, want the run as it is", got.Status, got.Body)
	}
}

func TestHealth(t *testing.T) {
	var notReady error = errors.New("opening the store")
	var node *httpapi.Node
	url := serve(t, fixture(), func(c *httpapi.Config) {
		c.Ready, c.Node = func() error { return notReady }, func() *httpapi.Node { return node }
	})
	if got := do(t, "GET", url+"/healthz", ""); got.Status != 200 || got.Body != `{"status":"ok"}`+"\n" {
		t.Errorf("healthz = %d %s, want ok", got.Status, got.Body)
	}
	if got := do(t, "GET", url+"/readyz", ""); got.Status != 503 || !strings.Contains(got.Body, "opening the store") || got.Header.Get("Retry-After") == "" {
		t.Errorf("readyz before = %d %s, want 503 with the reason", got.Status, got.Body)
	}
	notReady = nil
	if got := do(t, "GET", url+"/readyz", ""); got.Status != 200 {
		t.Errorf("readyz = %d, want 200", got.Status)
	}
	node = &httpapi.Node{Name: "n1", Members: 3, Shards: 86, LastBeat: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	want := `{"status":"ok","node":{"name":"n1","members":3,"shards":86,"last_beat":"2026-01-02T03:04:05Z"}}` + "\n"
	if got := do(t, "GET", url+"/healthz", ""); got.Status != 200 || got.Body != want {
		t.Errorf("healthz of a node = %d %s, want %s", got.Status, got.Body, want)
	}
}
