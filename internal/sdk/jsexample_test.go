package sdk_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// TestJavaScriptExample follows examples/javascript/README.md.
func TestJavaScriptExample(t *testing.T) {
	const folder = "../../examples/javascript"
	needJS(t, folder)
	path, err := process.Build("examples/serve")
	if err != nil {
		t.Fatal(err)
	}
	s := startProgram(t, path, nil, []string{"javascript"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := func(script string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "node", script, s.Addr)
		cmd.Dir = folder
		return cmd
	}
	worker := node("worker.mjs")
	out, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = worker.Wait()
	}()
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the worker has not started")
	}
	said, err := node("client.mjs").CombinedOutput()
	if err != nil {
		t.Errorf("node client.mjs = %v", err)
	}
	for _, want := range []string{
		`asked to approve "2 bicycle: 698.00"`,
		`ended with "2 bicycle: 698.00, from shelf 7"`,
		"SubOrchestrationInstanceCompleted", "EventRaised", "TaskCompleted", "ExecutionCompleted",
	} {
		if !strings.Contains(string(said), want) {
			t.Errorf("node client.mjs does not say %q:\n%s", want, said)
		}
	}
	if got, want := runOrchestration(t, s, "Quote", map[string]any{"item": "apple", "count": 3}), "3 apple: 1.20"; got != want {
		t.Errorf("Quote = %q, want %q", got, want)
	}
}
