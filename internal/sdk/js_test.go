package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
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
	if err := note(folder); err != nil {
		t.Fatal(err)
	}
}

// outcome is what a script says of a scenario, one JSON line each.
type outcome struct {
	Plan     []string // of the first line: the names of all scenarios
	Scenario string
	Error    string
	Ms       int
}

// runScenarios runs the scenarios of a file and reports each as a subtest.
func runScenarios(t *testing.T, s *server, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "main.mjs", file)
	cmd.Dir = "testdata/js"
	cmd.Env = append(os.Environ(), "PERDURE_ADDRESS="+s.addr, "PERDURE_CONTROL="+s.control(t))
	said := &log{}
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	// A scenario stops a process: if the shell that has started the tests ended then,
	// all of its group would be hung up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	planned := false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Log(lines.Text())
			continue
		}
		if o.Plan != nil {
			planned = true
			for _, name := range o.Plan {
				missing[name] = true
			}
			continue
		}
		delete(missing, o.Scenario)
		t.Run(strings.ReplaceAll(o.Scenario, " ", "_"), func(t *testing.T) {
			if t.Logf("%d ms", o.Ms); o.Error != "" {
				t.Error(o.Error)
			}
		})
	}
	err = cmd.Wait()
	if err != nil || !planned || len(missing) > 0 {
		t.Errorf("node main.mjs %s = %v, without an outcome of %v:\n%s", file, err, missing, said.tail())
	}
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
