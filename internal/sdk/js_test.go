package sdk_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// needJS skips the test, by its name, where Microsoft's SDK for JavaScript cannot
// run in a folder: .ci/install puts it in place.
func needJS(t *testing.T, folder string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Microsoft's SDK for JavaScript was not run: there is no node")
	}
	if _, err := os.Stat(folder + "/node_modules/@microsoft/durabletask-js"); err != nil {
		t.Skip("Microsoft's SDK for JavaScript was not run: it is not installed (.ci/install does it)")
	}
	if err := process.Note(folder); err != nil {
		t.Fatal(err)
	}
}

// runScenarios runs the scenarios of a file and reports each as a subtest.
func runScenarios(t *testing.T, s *process.Server, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "main.mjs", file)
	cmd.Dir = "testdata/js"
	cmd.Env = append(os.Environ(), "PERDURE_ADDRESS="+s.Addr, "PERDURE_CONTROL="+s.Control(t))
	process.Scenarios(t, cmd)
}

// TestJavaScript runs the scenarios in testdata/js/scenarios, written for
// Microsoft's SDK, each file against a hub of its own.
func TestJavaScript(t *testing.T) {
	needJS(t, "testdata/js")
	s := startServer(t)
	for _, file := range []string{"basic", "events", "children", "control", "entities", "traces", "crashes"} {
		t.Run(file, func(t *testing.T) { runScenarios(t, s, file) })
	}
}
