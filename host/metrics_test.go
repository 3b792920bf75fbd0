package host_test

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
)

// scrape reads the metrics of an app.
func scrape(t *testing.T, app *host.App, token string) string {
	t.Helper()
	status, body := ask(t, http.MethodGet, app.URL()+"/metrics", "", "Authorization", "Bearer "+token)
	if status != http.StatusOK {
		t.Fatalf("GET /metrics = %d %s, want 200", status, body)
	}
	return body
}

// metric returns the value of a metric, -1 if there is none.
func metric(t *testing.T, text, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestMetrics runs something and finds it counted.
func TestMetrics(t *testing.T) {
	app, _ := start(t, config(t.TempDir()))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := client.Start(ctx, app.Client(), Approve, "cats", client.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := client.Raise(ctx, app.Client(), "a", approval, true); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Result[string](ctx, app.Client(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Start(ctx, app.Client(), Approve, "dogs", client.StartOptions{ID: "b"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := invoke(ctx, rpc(t, app.URL(), nil), "", "", "Hello", new(emptypb.Empty), new(emptypb.Empty)); err != nil {
			t.Fatal(err)
		}
	}
	text := scrape(t, app, "")
	for name, want := range map[string]float64{
		`perdure_instances{hub="default",kind="orchestration",phase="",status="completed"}`:            1,
		`perdure_instances{hub="default",kind="orchestration",phase="waiting_event",status="running"}`: 1,
		`perdure_rpcs_total{code="OK",hub="default",method="TaskHubSidecarService/Hello"}`:             3,
		`perdure_leases_held{hub="default"}`:                                                           256,
		`perdure_lease_takeovers_total{hub="default"}`:                                                 0,
		`perdure_workers{hub="default"}`:                                                               0,
	} {
		if got := metric(t, text, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{
		`perdure_commits_total{hub="default"}`, `perdure_group_commits_count{hub="default"}`, `perdure_commit_seconds_sum{hub="default"}`,
		`perdure_store_seconds_bucket{hub="default",le="30"}`, `perdure_warm_hits_total{hub="default"}`, `perdure_store_disk_bytes`, `go_goroutines`,
	} {
		if got := metric(t, text, name); got <= 0 {
			t.Errorf("%s = %v, want more than nothing", name, got)
		}
	}
}

// TestMetricsTellUnservedWork has a run wait for a worker that is not there.
func TestMetricsTellUnservedWork(t *testing.T) {
	app, _ := server(t, t.TempDir())
	if status, body := ask(t, http.MethodPost, app.URL()+"/api/v1/runs", `{"name":"Far","id":"a"}`); status != http.StatusCreated {
		t.Fatalf("start = %d %s", status, body)
	}
	const name = `perdure_backlog{hub="default",kind="orchestration",name="Far",state="unserved",version=""}`
	for deadline := time.Now().Add(10 * time.Second); metric(t, scrape(t, app, ""), name) != 1; {
		if time.Now().After(deadline) {
			t.Fatalf("%s is not 1:\n%s", name, scrape(t, app, ""))
		}
	}
}

// TestMetricsOfHubs shows nobody what a hub counts that is none of theirs, nor its name.
func TestMetricsOfHubs(t *testing.T) {
	app, _ := guarded(t, "one reader a", "all reader *", "work worker *")
	conn := rpc(t, app.URL(), nil)
	for _, hub := range []string{"a", "b", "made-up"} {
		_ = invoke(t.Context(), conn, hub, "all", "Hello", new(emptypb.Empty), new(emptypb.Empty)) // it is counted, whatever becomes of it
	}
	if got := scrape(t, app, "one"); !strings.Contains(got, `hub="a"`) || regexp.MustCompile(`hub="[^a]|go_|perdure_store_disk|made-up`).MatchString(got) {
		t.Errorf("metrics for the reader of a = %s, want those of a alone", got)
	}
	got := scrape(t, app, "all")
	for _, want := range []string{`hub="a"`, `hub="b"`, `hub="default"`, `hub="",method="TaskHubSidecarService/Hello"`, "go_goroutines"} {
		if !strings.Contains(got, want) {
			t.Errorf("metrics for who may read all hubs = %s, want %s in them", got, want)
		}
	}
	if strings.Contains(got, "made-up") {
		t.Errorf("metrics = %s, with the name of a hub that there is not", got)
	}
	for token, want := range map[string]int{"work": http.StatusForbidden, "": http.StatusUnauthorized} {
		headers := []string{"Authorization", "Bearer " + token}
		if token == "" {
			headers = nil
		}
		if status, body := ask(t, http.MethodGet, app.URL()+"/metrics", "", headers...); status != want {
			t.Errorf("GET /metrics with token %q = %d %s, want %d", token, status, body, want)
		}
	}
}
