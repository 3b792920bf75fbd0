package sdk_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// startScript runs a Python script of an example until the test ends.
func startScript(t *testing.T, interpreter, folder string, args ...string) {
	t.Helper()
	cmd, said := script(t.Context(), interpreter, folder, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s %v said:\n%s", folder, args, said.Tail())
		}
	})
}

// runScript runs a Python script of an example to its end and returns what it printed.
func runScript(t *testing.T, interpreter, folder string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd, said := script(ctx, interpreter, folder, args...)
	cmd.Stdout = nil
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v = %v:\n%s%s", folder, args, err, out, said.Tail())
	}
	return string(out)
}

func script(ctx context.Context, interpreter, folder string, args ...string) (*exec.Cmd, *process.Log) {
	said := &process.Log{}
	cmd := exec.CommandContext(ctx, interpreter, args...)
	cmd.Dir = "../../examples/" + folder
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdout, cmd.Stderr = said, said
	return cmd, said
}

// needExample skips the test where Python cannot run, and notes the example's files.
func needExample(t *testing.T, folder string) string {
	t.Helper()
	interpreter := python(t)
	if err := process.Note("../../examples/" + folder); err != nil {
		t.Fatal(err)
	}
	return interpreter
}

// TestPythonExample follows examples/python/README.md.
func TestPythonExample(t *testing.T) {
	interpreter := needExample(t, "python")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := startProgram(t, path, []string{"dev"}, nil)
	startScript(t, interpreter, "python", "worker.py", s.Addr)
	got := runScript(t, interpreter, "python", "main.py", s.Addr)
	want := regexp.MustCompile(`^order [0-9a-f]{32}\npaid by card, shipped from shelf \d, shelf \d; 2 items so far\n$`)
	if !want.MatchString(got) {
		t.Errorf("main.py printed %q, want %s", got, want)
	}
}

// TestAgentFrameworkExample follows examples/agent-framework-python/README.md, and
// kills worker and server between two runs.
func TestAgentFrameworkExample(t *testing.T) {
	interpreter := needExample(t, "agent-framework-python")
	s := startServer(t)
	const want = `Joker: Why did the pirate go to school? To improve his arrrticulation.
Joker: Because school is no joke.
Workflow: published: An article. Write an article about durable agents.
Workflow: Content rejected
Article: published in spite of: Too short: An article. durable agents.
`
	startScript(t, interpreter, "agent-framework-python", "worker.py", s.Addr)
	for range 2 {
		if got := runScript(t, interpreter, "agent-framework-python", "main.py", s.Addr); strings.ReplaceAll(got, " \n", "\n") != want {
			t.Errorf("main.py printed %q, want %q", got, want)
		}
		s.Kill()
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoAgentsExample has Microsoft's client in Python talk to an agent in Go.
func TestGoAgentsExample(t *testing.T) {
	interpreter := needExample(t, "agent-framework-python")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := startProgram(t, path, []string{"dev"}, nil)
	got := runScript(t, interpreter, "agent-framework-python", "go_agents.py", s.Addr)
	want := regexp.MustCompile(`^Joker: .{20,}\nWorkflow: .{20,}\nWorkflow: .{20,}\n$`)
	if !want.MatchString(got) {
		t.Errorf("go_agents.py printed %q, want three jokes", got)
	}
}

// TestPolyglotExample follows the package comment of examples/polyglot.
func TestPolyglotExample(t *testing.T) {
	interpreter := needExample(t, "polyglot")
	path, err := process.Build("examples/serve")
	if err != nil {
		t.Fatal(err)
	}
	s := startProgram(t, path, nil, []string{"polyglot"})
	startScript(t, interpreter, "polyglot", "worker.py", s.Addr)
	for orchestration, want := range map[string]string{
		"Report":   "4 WORDS, THE LONGEST IS MUCH!",
		"headline": "SO MUCH TO SAY! (4 WORDS, THE LONGEST IS MUCH!)",
	} {
		if got := runOrchestration(t, s, orchestration, "so much to say"); got != want {
			t.Errorf("%s = %q, want %q", orchestration, got, want)
		}
	}
}

// runOrchestration starts a run through the API, once a worker for it is connected,
// and returns its output.
func runOrchestration(t *testing.T, s *process.Server, name string, input any) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "id": name, "input": input})
	if err != nil {
		t.Fatal(err)
	}
	runs := "http://" + s.Addr + "/api/v1/runs"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		started, err := http.Post(runs, "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		_ = started.Body.Close()
		if started.StatusCode < http.StatusMultipleChoices {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s cannot be started: %s", name, started.Status)
		}
	}
	ended, err := http.Get(runs + "/" + name + "?wait=30s")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ended.Body.Close() }()
	text, err := io.ReadAll(ended.Body)
	if err != nil {
		t.Fatal(err)
	}
	var run struct{ Output string }
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatalf("%s: %v in %s", name, err, text)
	}
	if run.Output == "" {
		t.Logf("%s: %s", name, text)
	}
	return run.Output
}
