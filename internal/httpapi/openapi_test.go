package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/perdure/perdure/internal/httpapi"
)

// TestOperationsAreServed checks that the table of operations and the routes that a
// server has are the same.
func TestOperationsAreServed(t *testing.T) {
	_, routes := doors(t)
	var served, listed []string
	for _, pattern := range routes {
		if _, path, ok := strings.Cut(pattern, " "); ok && strings.HasPrefix(path, "/api/v1/") {
			served = append(served, pattern)
		}
	}
	for _, o := range httpapi.Operations() {
		listed = append(listed, o.Pattern)
	}
	slices.Sort(served)
	slices.Sort(listed)
	if diff := cmp.Diff(listed, served); diff != "" {
		t.Errorf("routes differ from httpapi.Operations (-listed +served):\n%s", diff)
	}
}

// TestQueryParametersAreListed checks that a route takes the parameters that its
// operation lists: a refusal of another one names them.
func TestQueryParametersAreListed(t *testing.T) {
	h := fixture()
	h.events = allEvents()
	url := serve(t, h, nil)
	known := regexp.MustCompile(`known are ([^"]*)`)
	checked := 0
	for _, o := range httpapi.Operations() {
		method, path, _ := strings.Cut(o.Pattern, " ")
		if method != http.MethodGet || len(o.Query) == 0 {
			continue
		}
		path = strings.NewReplacer("{id}", "order-2", "{n}", "1", "{name}", "Counter", "{key}", "a").Replace(path)
		got := do(t, method, url+path+"?zzzzzzzzzz=1", "")
		m := known.FindStringSubmatch(got.Body)
		if got.Status != http.StatusBadRequest || m == nil {
			continue // a route that this server does not have
		}
		var names []string
		for _, p := range o.Query {
			names = append(names, p.Name)
		}
		taken := strings.Split(m[1], ", ")
		slices.Sort(taken)
		slices.Sort(names)
		if diff := cmp.Diff(names, taken); diff != "" {
			t.Errorf("%s takes other parameters than its operation lists (-listed +taken):\n%s", o.Pattern, diff)
		}
		checked++
	}
	if checked < 5 {
		t.Errorf("%d routes were checked, want 5 or more", checked)
	}
}

// TestGoldenAnswersFitSchemas checks golden answers against the OpenAPI document.
func TestGoldenAnswersFitSchemas(t *testing.T) {
	for file, name := range map[string]string{
		"run": "Run", "run-failed": "Run", "runs": "RunPage", "runs-filtered": "RunPage", "runs-turns": "RunPage", "runs-code": "RunPage",
		"counts": "RunCounts", "counts-grouped": "RunCounts", "counts-filtered": "RunCounts", "history": "HistoryPage",
		"history-page": "HistoryPage", "steps": "StepPage", "entity": "Entity", "info": "Info", "no-run": "Problem", "bad-filter": "Problem",
	} {
		text, err := os.ReadFile("testdata/golden/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(string(text), "\n")
		fits(t, name, body)
	}
}

// fits checks a JSON value against a schema of the OpenAPI document.
func fits(t *testing.T, name, body string) {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	// References then lead to $defs, where the library looks for them.
	moved := strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")
	if err := json.Unmarshal([]byte(moved), &document); err != nil {
		t.Fatal(err)
	}
	whole, err := json.Marshal(map[string]any{"$ref": "#/$defs/" + name, "$defs": document.Components.Schemas})
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(whole, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatalf("schema %s: %v", name, err)
	}
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(value); err != nil {
		t.Errorf("%s does not fit its schema: %v\n%s", name, err, body)
	}
}
