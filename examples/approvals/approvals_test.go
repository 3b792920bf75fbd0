package approvals_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/approvals"
	"github.com/perdure/perdure/host"
)

// serve runs an app with the sample and returns the address of its routes.
func serve(t *testing.T) string {
	t.Helper()
	reg := perdure.NewRegistry()
	approvals.Register(reg)
	app, err := host.New(host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Registry: reg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	<-app.Ready()
	return app.URL() + "/api"
}

// do sends a request, whose answer has to have the status, and reads the answer
// into the value that v points to.
func do(t *testing.T, method, url, body string, status int, v any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("%s %s = %d %s, %v, want %d", method, url, response.StatusCode, text, err, status)
	}
	if v != nil {
		if err := json.Unmarshal(text, v); err != nil {
			t.Fatalf("%s %s = %s: %v", method, url, text, err)
		}
	}
}

// python is what the status route of Python's hosts tells.
type python struct {
	Status  string          `json:"runtimeStatus"`
	Output  json.RawMessage `json:"output"`
	Pending []struct {
		ID      string            `json:"requestId"`
		Data    approvals.Expense `json:"requestData"`
		Respond string            `json:"respondUrl"`
	} `json:"pendingHumanInputRequests"`
}

const loom = `{"employee":"ada","what":"a loom","cents":120000}`

// asked waits until the run asks these questions, or has ended if there are none,
// and returns the address at which each is answered.
func asked(t *testing.T, url string, questions ...string) (addresses map[string]string, s python) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); {
		s = python{}
		do(t, "GET", url, "", http.StatusOK, &s)
		if s.Status != "Running" && s.Status != "Pending" && len(questions) > 0 {
			break
		}
		addresses = map[string]string{}
		var names []string
		for _, p := range s.Pending {
			names = append(names, p.ID)
			addresses[p.ID] = p.Respond
			if want := (approvals.Expense{Employee: "ada", What: "a loom", Cents: 1200_00}); p.Data != want {
				t.Errorf("%s is about %+v, want %+v", p.ID, p.Data, want)
			}
		}
		if cmp.Equal(questions, names) && (len(questions) > 0 || s.Status == "Completed") {
			return addresses, s
		}
	}
	t.Fatalf("the run is %+v, want it to ask %q", s, questions)
	return nil, s
}

// TestPythonRoutes approves an expense over the routes of Python's hosts. An
// answer that is no verdict is asked for again.
func TestPythonRoutes(t *testing.T) {
	url := serve(t) + "/workflow/ApproveExpense"
	do(t, "POST", url+"/run?runId=loom", loom, http.StatusAccepted, nil)
	at, _ := asked(t, url+"/status/loom", "ManagerApproval")
	do(t, "POST", at["ManagerApproval"], `"yes"`, http.StatusOK, nil)
	at, _ = asked(t, url+"/status/loom", "ManagerApproval")
	do(t, "POST", at["ManagerApproval"], `{"approved":true,"by":"mary"}`, http.StatusOK, nil)
	at, _ = asked(t, url+"/status/loom", "BudgetApproval", "ComplianceApproval")
	do(t, "POST", at["ComplianceApproval"], `{"approved":true,"by":"jane"}`, http.StatusOK, nil)
	at, _ = asked(t, url+"/status/loom", "BudgetApproval")
	do(t, "POST", at["BudgetApproval"], `{"approved":true,"by":"john"}`, http.StatusOK, nil)
	_, s := asked(t, url+"/status/loom")
	if want := `"ada gets 1200.00 for a loom"`; string(s.Output) != want {
		t.Errorf("the run has ended with %s, want %s", s.Output, want)
	}
	do(t, "POST", at["BudgetApproval"], `{"approved":false}`, http.StatusConflict, nil)
}

// TestDotnetRoutes has an expense refused over the routes of .NET's hosts.
func TestDotnetRoutes(t *testing.T) {
	api := serve(t)
	url := api + "/workflows/ApproveExpense"
	do(t, "POST", url+"/run?runId=loom", loom, http.StatusAccepted, nil)
	python := api + "/workflow/ApproveExpense/status/loom"
	asked(t, python, "ManagerApproval")
	do(t, "POST", url+"/respond/loom", `{"eventName":"BudgetApproval","response":{"approved":true}}`, http.StatusBadRequest, nil)
	do(t, "POST", url+"/respond/loom", `{"eventName":"ManagerApproval","response":{"approved":true}}`, http.StatusAccepted, nil)
	asked(t, python, "BudgetApproval", "ComplianceApproval")
	var waiting struct {
		Waiting []struct {
			Event string            `json:"eventName"`
			Input approvals.Expense `json:"input"`
		} `json:"waitingForInput"`
	}
	do(t, "GET", url+"/status/loom", "", http.StatusOK, &waiting)
	if n := len(waiting.Waiting); n != 2 || waiting.Waiting[0].Event != "BudgetApproval" || waiting.Waiting[0].Input.What != "a loom" {
		t.Errorf("the run waits for %+v, want the offices", waiting.Waiting)
	}
	do(t, "POST", url+"/respond/loom", `{"eventName":"BudgetApproval","response":{"approved":true}}`, http.StatusAccepted, nil)
	do(t, "POST", url+"/respond/loom", `{"eventName":"ComplianceApproval","response":{"approved":false,"by":"jane","comment":"too dear"}}`, http.StatusAccepted, nil)
	_, s := asked(t, python)
	if want := `"ComplianceApproval: jane says no: too dear"`; string(s.Output) != want {
		t.Errorf("the run has ended with %s, want %s", s.Output, want)
	}
}
