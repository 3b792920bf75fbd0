package process

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Outcome is what a script says of a scenario, one JSON line each.
type Outcome struct {
	// Plan are the names of all scenarios; it is in the first line.
	Plan     []string
	Scenario string
	// Error is why it failed; "" = it did not.
	Error string
	Ms    int
	// Figures are what it has measured.
	Figures json.RawMessage
}

// Scenarios runs a script and reports each of its scenarios as a subtest. Each that it has
// planned must have an outcome. A context that ends kills the script and what it started.
func Scenarios(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	said := &Log{}
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	// A scenario stops a process: if the shell that has started the tests ended then,
	// all of its group would be hung up.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	missing, planned := map[string]bool{}, false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o Outcome
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
			if t.Logf("%d ms %s", o.Ms, o.Figures); o.Error != "" {
				t.Error(o.Error)
			}
		})
	}
	if err := cmd.Wait(); err != nil || !planned || len(missing) > 0 {
		t.Errorf("%s = %v, without an outcome of %v:\n%s", cmd, err, missing, said.Tail())
	}
}
