package nestedapprovals_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/nestedapprovals"
	"github.com/perdure/perdure/host"
)

// serve runs an app with the sample and returns the address of its workflow.
func serve(t *testing.T) string {
	t.Helper()
	reg := perdure.NewRegistry()
	nestedapprovals.Register(reg)
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
	return app.URL() + "/api/workflow/Release"
}

func do(t *testing.T, method, url, body string) (status int, text string) {
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
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

// asked waits until the release asks exactly these questions, each about its
// region, or has ended if there are none, and returns its output.
func asked(t *testing.T, url string, want ...string) string {
	t.Helper()
	last := ""
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); {
		var s struct {
			Status  string          `json:"runtimeStatus"`
			Output  json.RawMessage `json:"output"`
			Pending []struct {
				ID   string                  `json:"requestId"`
				Data nestedapprovals.Rollout `json:"requestData"`
			} `json:"pendingHumanInputRequests"`
		}
		_, last = do(t, "GET", url+"/status/v2", "")
		if err := json.Unmarshal([]byte(last), &s); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range s.Pending {
			got = append(got, fmt.Sprint(p.ID, " ", p.Data.Region))
		}
		slices.Sort(got)
		if slices.Equal(got, want) && (len(want) > 0 || s.Status == "Completed") {
			return string(s.Output)
		}
		if s.Status != "Running" && s.Status != "Pending" {
			break
		}
	}
	t.Fatalf("the release is %s, want it to ask %q", last, want)
	return ""
}

// TestRoutes has one region sign off and one refuse, answered at the release.
func TestRoutes(t *testing.T) {
	url := serve(t)
	answer := func(question, signed string, want int) {
		t.Helper()
		if status, text := do(t, "POST", url+"/respond/v2/"+question, signed); status != want {
			t.Fatalf("answer to %s = %d %s, want %d", question, status, text, want)
		}
	}
	if status, text := do(t, "POST", url+"/run?runId=v2", `{"version":"v2","regions":["eu","us"]}`); status != http.StatusAccepted {
		t.Fatalf("run = %d %s", status, text)
	}
	asked(t, url, "SignOffRegion~0~LeadSignOff eu", "SignOffRegion~1~LeadSignOff us")
	answer("SignOffRegion~2~LeadSignOff", "true", http.StatusNotFound)
	answer("SignOffRegion~0~LeadSignOff", "true", http.StatusOK)
	asked(t, url, "SignOffRegion~0~LawSignOff eu", "SignOffRegion~0~SecuritySignOff eu", "SignOffRegion~1~LeadSignOff us")
	answer("SignOffRegion~0~SecuritySignOff", "true", http.StatusOK)
	answer("SignOffRegion~1~LeadSignOff", "true", http.StatusOK)
	asked(t, url, "SignOffRegion~0~LawSignOff eu", "SignOffRegion~1~LawSignOff us", "SignOffRegion~1~SecuritySignOff us")
	answer("SignOffRegion~1~SecuritySignOff", "false", http.StatusOK)
	asked(t, url, "SignOffRegion~0~LawSignOff eu") // one refusal is enough
	answer("SignOffRegion~0~LawSignOff", "true", http.StatusOK)
	if got, want := asked(t, url), `["eu runs v2","us stays as it is"]`; got != want {
		t.Errorf("the release has ended with %s, want %s", got, want)
	}
}
