package sdk_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// outcomeLine is how a suite tells the end of a scenario. What follows, up to the
// next such line, is the reason of a failure.
var outcomeLine = regexp.MustCompile(`^(ok|not ok) (\S+) ([0-9.]+)$`)

// runSuite runs a suite that first says `plan COUNT` and then tells the outcome of
// each scenario, and reports each as a subtest. It wants at least so many of them.
func runSuite(t *testing.T, cmd *exec.Cmd, least int) {
	t.Helper()
	said := &process.Log{}
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	plan, seen, last := 0, 0, []string(nil)
	var reason strings.Builder
	tell := func() {
		if last == nil {
			return
		}
		seen++
		t.Run(last[2], func(t *testing.T) {
			if t.Log(last[3], "s"); last[1] != "ok" {
				t.Error(reason.String())
			}
		})
		last = nil
		reason.Reset()
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if count, ok := strings.CutPrefix(line, "plan "); ok && plan == 0 {
			plan, _ = strconv.Atoi(count) // 0 fails below
			continue
		}
		if m := outcomeLine.FindStringSubmatch(line); m != nil {
			tell()
			last = m
			continue
		}
		fmt.Fprintln(&reason, line)
	}
	tell()
	if err := cmd.Wait(); err != nil && !t.Failed() {
		t.Errorf("%s = %v:\n%s", cmd, err, said.Tail())
	}
	if seen != plan || plan < least {
		t.Errorf("%s told the outcome of %d scenarios, want %d and at least %d:\n%s%s", cmd, seen, plan, least, reason.String(), said.Tail())
	}
}
