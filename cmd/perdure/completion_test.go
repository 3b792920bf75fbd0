package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCompletion completes ids and names that a server knows.
func TestCompletion(t *testing.T) {
	url := running(t)
	cli := func(args ...string) result { return perdureCLI(t.Context(), url, screen{}, args...) }
	for _, id := range []string{"order-1", "order-2", "other", "my post/1"} {
		if got := cli("run", "start", "Approve", "--id", id, "--tag", "team=pay day"); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
	}
	d := asked(t, url, "k")
	for _, c := range []struct{ line, want string }{
		{"run get order-", "order-1 order-2"},
		{"run terminate order-1 oth", "other"},
		{"run start App", "Approve"},
		{"run event order-1 ", "Approval"},
		{"inbox approve ", d.ID},
		{"inbox deny x ", ""},
		{"inbox answer x ra", "raise"},
		{"agent chat Cl", "Clerk"},
		{"agent chat Clerk ", "k"},
		{"run list --time ", "relative local utc"},
		{"run logs order-", "order-1 order-2"},
		{"run get my", "my\\ post/1"},
		{"run get my\\ p", "my\\ post/1"},
		{"run list --sort=-c", "-created -completed"},
		{"run list --filter sta", "status:"},
		{"run list --filter status:ru", "status:running"},
		{"run list --filter=-status:failed,running\\ tag.team:", "-status:failed,running\\ tag.team:\"pay\\ day\""},
		{"run list --filter nonsense:", ""},
		{"run start Approve --id-policy re", "reject replace_ended replace_failed"},
		{"inbox list --run oth", "other"},
		{"audit list --target order", "order-1 order-2"},
		{"audit list --action s", "send\\ message start"},
		{"audit list --by ", "local"},
		{"audit list --from ", "-1h -24h -7d"},
		{"audit list --target ~", "~hub"},
		{"audit verify ", ""},
		{"hub delete de", "default"},
		{"run list --task-hub ", "default"},
		{"run list ", ""},
		{"run suspend order-1 --reason ", ""},
		{"token new --role w", "worker"},
		{"completion z", "zsh"},
	} {
		args := append([]string{"__complete"}, fieldsOf(c.line)...)
		got := cli(args...)
		if strings.HasSuffix(got.Out, ":0\n") {
			t.Errorf("completion of %q offers names of files", c.line)
		}
		var values []string
		for line := range strings.Lines(got.Out) {
			if value, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(value, ":") {
				values = append(values, value)
			}
		}
		seen := map[string]bool{}
		for _, v := range values {
			seen[v] = true
		}
		wanted := fieldsOf(c.want)
		if c.want == "" {
			wanted = nil
		}
		for _, want := range wanted {
			if !seen[want] {
				t.Errorf("completion of %q = %q, want %s", c.line, values, c.want)
			}
		}
		if len(values) != len(wanted) {
			t.Errorf("completion of %q = %q, want %d", c.line, values, len(wanted))
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := cli("completion", shell); got.Code != exitDone || !strings.Contains(got.Out, "perdure") {
			t.Errorf("completion %s = exit %d, want a script", shell, got.Code)
		}
	}
	if got := cli("completion", "cmd"); got.Code != exitUsage {
		t.Errorf("completion cmd = %+v, want exit 2", got)
	}
}

// fieldsOf splits a line at its blanks, but for those after a backslash.
func fieldsOf(line string) []string {
	list := strings.Split(strings.ReplaceAll(line, `\ `, "\x00"), " ")
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], "\x00", " ")
	}
	return list
}

// TestExamples runs the examples of the commands that talk with a server: it
// understands each, though it may not have what they name.
func TestExamples(t *testing.T) {
	url := running(t)
	for _, id := range []string{"post-1", "post-2"} {
		if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", id); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
	}
	files := strings.NewReplacer("./secret", "/dev/null", "monday.audit", filepath.Join(t.TempDir(), "monday.audit"))
	root := newRoot(&terminal{getenv: func(string) string { return "" }}, testHosts)
	for _, group := range []string{"run", "inbox", "agent", "session", "entity", "worker", "hub", "audit", "open", "api", "version"} {
		top, _, err := root.Find([]string{group})
		if err != nil {
			t.Fatal(err)
		}
		commands := top.Commands()
		if len(commands) == 0 {
			commands = append(commands, top)
		}
		for _, c := range commands {
			for example := range strings.SplitSeq(c.Example, "\n") {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				got := perdureCLI(ctx, url, screen{in: "1\n"}, shellWords(files.Replace(example))[1:]...)
				cancel()
				if refusedLine := strings.Contains(got.Err, "unknown flag") || strings.Contains(got.Err, " takes "); refusedLine || got.Code == exitError || got.Code == exitUnreachable {
					t.Errorf("example %q = %+v, want it understood", example, got)
				}
			}
		}
	}
}

// TestPurgeFilter deletes all ended runs that match, after their number was typed.
func TestPurgeFilter(t *testing.T) {
	url := running(t)
	cli := func(s screen, args ...string) result { return perdureCLI(t.Context(), url, s, args...) }
	for _, id := range []string{"old-1", "old-2", "old-3", "new-1"} {
		cli(screen{}, "run", "start", "Approve", "--id", id)
	}
	if got := cli(screen{}, "run", "terminate", "old-1", "old-2", "new-1", "--yes"); got.Code != exitDone {
		t.Fatalf("terminate = %+v", got)
	}
	for _, c := range []struct {
		s    screen
		code int
		out  string
		args string
	}{
		{screen{}, exitUsage, "", "run purge"},
		{screen{}, exitUsage, "", "run purge old-1 --filter id:old-*"},
		{screen{}, exitUsage, "", "run purge --filter id:old-*"},
		{screen{tty: true}, exitDone, "2 would be purged\n", "run purge --filter id:old-* --dry-run"},
		{screen{tty: true, in: "3\n"}, exitUsage, "", "run purge --filter id:old-*"},
		{screen{tty: true, in: "2\n"}, exitDone, "2 purged\n", "run purge --filter id:old-* --reason tidy"},
		{screen{tty: true}, exitDone, "0 purged\n", "run purge --filter id:old-*"},
	} {
		if got := cli(c.s, strings.Fields(c.args)...); got.Code != c.code || got.Out != c.out {
			t.Errorf("perdure %s = %+v, want exit %d and %q", c.args, got, c.code, c.out)
		}
	}
	if got := cli(screen{}, "run", "get", "old-3"); got.Code != exitDone {
		t.Errorf("a run that goes on was purged: %+v", got)
	}
	if got := cli(screen{}, "run", "get", "new-1"); got.Code != exitDone {
		t.Errorf("a run that does not match was purged: %+v", got)
	}
}

func TestAPI(t *testing.T) {
	url := running(t)
	cli := func(args ...string) result { return perdureCLI(t.Context(), url, screen{}, args...) }
	if got := cli("api", "post", "runs", "--input", `{"name":"Approve","id":"order-1"}`); got.Code != exitDone || !strings.Contains(got.Out, `"id":"order-1"`) {
		t.Errorf("api post = %+v, want the run", got)
	}
	if got := cli("api", "GET", "/api/v1/runs/none"); got.Code != exitNotFound {
		t.Errorf("api get of nothing = %+v, want exit 3", got)
	}
	if got := cli("api", "PATCH", "runs"); got.Code != exitUsage {
		t.Errorf("api patch = %+v, want exit 2", got)
	}
	if got := cli("run", "start", "Approve", "--id", "my post/1"); got.Code != exitDone {
		t.Errorf("start = %+v", got)
	}
	if got := cli("run", "get", "my po"); got.Code != exitDone || got.Err != "my po is my post/1\n" {
		t.Errorf("get of the beginning of an id with a blank = %+v, want the run", got)
	}
	if got := cli("open", "orde"); got.Out != url+"/runs/order-1\n" {
		t.Errorf("open = %+v, want the address of the run's page", got)
	}
}
