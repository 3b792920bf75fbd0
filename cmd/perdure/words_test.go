package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnWords advises what to type here, never requests and members of the API.
func TestOwnWords(t *testing.T) {
	url := running(t)
	for _, id := range []string{"order 1", "order-2"} {
		if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", id); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitNotFound, []string{"run", "get", "none"}, "perdure run list shows what there is"},
		{exitNotFound, []string{"run", "history", "order-2", "--execution", "x"}, "order-2 has no execution x"},
		{exitConflict, []string{"run", "start", "Approve", "--id", "order 1"}, "--id-policy"},
		{exitConflict, []string{"run", "purge", "order 1"}, "perdure run get 'order 1' shows how it is"},
		{exitConflict, []string{"run", "result", "order 1"}, "perdure run wait 'order 1' waits for that"},
		{exitUsage, []string{"run", "list", "--limit", "-1"}, "perdure: --limit is -1, must be a number"},
		{exitUsage, []string{"audit", "list", "--from", "soon"}, "perdure: --from is soon, which is no time"},
		{exitUsage, []string{"inbox", "list", "--state", "x"}, "perdure: --state is x, must be one of"},
		{exitNotFound, []string{"run", "list", "--task-hub", "none"}, "perdure hub list shows what there is; perdure hub create makes one"},
		{exitNotFound, []string{"hub", "delete", "none", "--yes"}, "perdure hub list shows what there is"},
		{exitConflict, []string{"hub", "create", "default"}, "perdure hub create default --recreate empties it"},
		{exitUsage, []string{"hub", "delete", "default"}, "add --yes if that is meant"},
		{exitUsage, []string{"hub", "create", "default", "--recreate"}, "add --yes if that is meant"},
		{exitNotFound, []string{"entity", "get", "counter", "none"}, "perdure entity list shows what there is"},
		{exitNotFound, []string{"session", "get", "Clerk", "none"}, "perdure agent sessions clerk shows what there is"},
		{exitNotFound, []string{"inbox", "get", "none"}, "perdure inbox list shows what is open"},
		{exitNotFound, []string{"worker", "get", "none"}, "perdure worker list shows what there is"},
		{exitNotFound, []string{"api", "GET", "none"}, "perdure api GET info describes this server"},
		{exitConflict, []string{"run", "terminate", "order-2", "none", "--yes"}, ""},
		{exitUsage, []string{"help", "run", "none"}, "no command perdure run none"},
	} {
		got := perdureCLI(t.Context(), url, screen{}, c.args...)
		for _, theirs := range []string{"/api/v1", "query parameter", "id_policy", "Idempotency", "current state"} {
			if c.args[0] != "api" && strings.Contains(got.Err, theirs) {
				t.Errorf("perdure %q says %q, the API's %q", c.args, got.Err, theirs)
			}
		}
		if c.want != "" && (got.Code != c.code || !strings.Contains(got.Err, c.want)) {
			t.Errorf("perdure %q = exit %d %q, want exit %d and %q", c.args, got.Code, got.Err, c.code, c.want)
		}
	}
	// The first failure is the exit code; what failed is told once.
	got := perdureCLI(t.Context(), url, screen{}, "run", "suspend", "order-2", "none")
	if want := "perdure: suspend of 2 of 2 runs was not done\n"; got.Code != exitConflict || !strings.HasSuffix(got.Err, want) {
		t.Errorf("suspend of what cannot be = exit %d %q, want exit 4 and %q", got.Code, got.Err, want)
	}
}

// TestHubAsks asks on a terminal before a hub is emptied or deleted.
func TestHubAsks(t *testing.T) {
	url := running(t)
	if got := perdureCLI(t.Context(), url, screen{}, "hub", "create", "orders"); got.Code != exitDone {
		t.Fatalf("create = %+v", got)
	}
	for _, args := range [][]string{{"hub", "create", "orders", "--recreate"}, {"hub", "delete", "orders"}} {
		if got := perdureCLI(t.Context(), url, screen{tty: true, in: "n\n"}, args...); got.Code != exitUsage || !strings.Contains(got.Err, "nothing was done") {
			t.Errorf("perdure %q, answered no = %+v, want nothing done", args, got)
		}
		if got := perdureCLI(t.Context(), url, screen{tty: true, in: "y\n"}, args...); got.Code != exitDone {
			t.Errorf("perdure %q, answered yes = %+v, want it done", args, got)
		}
	}
}

// TestWhichServer takes a server by its URL or the connection string that it shows, and
// says how to write what is neither.
func TestWhichServer(t *testing.T) {
	url := running(t)
	for _, c := range []struct {
		hub  string
		code int
		want string
	}{
		{url + "/", exitDone, ""},
		{"Endpoint=" + url + ";TaskHub=default;Authentication=None", exitDone, ""},
		{"Endpoint=" + url + ";TaskHub=none;Authentication=None", exitNotFound, "no task hub"},
		{strings.TrimPrefix(url, "http://"), exitUsage, "write --hub " + url},
		{"./folder", exitUsage, "perdure server --data DIR"},
		{url + "/docs", exitError, "does --hub name a perdure server?"},
	} {
		if got := perdureCLI(t.Context(), c.hub, screen{}, "run", "list"); got.Code != c.code || !strings.Contains(got.Err, c.want) {
			t.Errorf("run list of %s = exit %d %q, want exit %d and %q", c.hub, got.Code, got.Err, c.code, c.want)
		}
	}
	for _, hub := range []string{url, "Endpoint=" + url + ";TaskHub=default;Authentication=None"} {
		if got := perdureCLI(t.Context(), "", screen{}, "server", "--addr", "127.0.0.1:0", "--hub", hub); got.Code != exitUsage || got.Out != "" {
			t.Errorf("server --hub %s = %+v, want exit 2 and no banner", hub, got)
		}
	}
}

// TestEmpty says that there is nothing instead of showing a bare head.
func TestEmpty(t *testing.T) {
	url := running(t)
	for line, want := range map[string]string{
		"run list": "no runs; perdure run start NAME starts one\n", "run list --filter status:failed": "no run matches\n",
		"entity list counter": "no entities; perdure entity signal NAME KEY OPERATION makes one\n",
		"worker list":         "no workers are called by URL; perdure worker add registers one\n",
	} {
		if got := perdureCLI(t.Context(), url, screen{tty: true, width: 100}, strings.Fields(line)...); got.Out != "" || got.Err != want {
			t.Errorf("perdure %s = %+v, want only %q", line, got, want)
		}
	}
}

// TestFiles says which file is meant, and what to do.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitNotFound, []string{"token", "list", "--tokens", dir + "/none"}, "perdure: there is no file " + dir + "/none\n  perdure token new --tokens "},
		{exitUsage, []string{"token", "new", "--tokens", dir + "/t", "--role", "reader", "--name", "a b"}, `perdure: --name is "a b": a name is one word`},
		{exitNotFound, []string{"restore", dir + "/none", "--check"}, "perdure backup"},
	} {
		if got := perdureCLI(t.Context(), "", screen{}, c.args...); got.Code != c.code || !strings.Contains(got.Err, c.want) {
			t.Errorf("perdure %q = %+v, want exit %d and %q", c.args, got, c.code, c.want)
		}
	}
	err := (&terminal{}).writeFile(filepath.Join(dir, "none", "copy"), false, nil)
	if want := filepath.Join(dir, "none", "copy") + " cannot be written: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("writeFile in no folder = %v, want %s", err, want)
	}
	if _, err := os.Stat(dir + "/t"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a token that was refused has made the file: %v", err)
	}
}

// TestVersionDiffers ends with 4 in every format if the server has another version.
func TestVersionDiffers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"version":"v9"}`) }))
	t.Cleanup(server.Close)
	for _, format := range []string{"table", "json", "jsonl"} {
		if got := perdureCLI(t.Context(), server.URL, screen{}, "version", "--check", "-o", format); got.Code != exitConflict || !strings.Contains(got.Out, "v9") {
			t.Errorf("version --check -o %s = %+v, want exit 4", format, got)
		}
	}
}

// TestPurgeReads asks only for runs that have ended, and takes no filter whose mistake
// what is added to it would hide.
func TestPurgeReads(t *testing.T) {
	url := running(t)
	for _, id := range []string{"old-1", "old-2"} {
		if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", id); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
	}
	if got := perdureCLI(t.Context(), url, screen{}, "run", "terminate", "old-1"); got.Code != exitDone {
		t.Fatalf("terminate = %+v", got)
	}
	if got := perdureCLI(t.Context(), url, screen{}, "run", "purge", "--filter", "id:new-1 or", "--yes"); got.Code != exitUsage || !strings.Contains(got.Err, `column 12: a term is missing after "or"`) {
		t.Errorf("purge with a mistake = %+v, want exit 2", got)
	}
	if got := perdureCLI(t.Context(), url, screen{}, "run", "purge", "--filter", "id:old-2", "--yes", "-o", "table"); got.Out != "0 purged\n" || got.Err != "no run matches that has ended\n" {
		t.Errorf("purge of what goes on = %+v, want why nothing is purged", got)
	}
	if got := perdureCLI(t.Context(), url, screen{}, "run", "purge", "--filter", "id:old-2 or status:terminated", "--yes", "-o", "table"); got.Out != "1 purged\n" {
		t.Errorf("purge = %+v, want the run that has ended", got)
	}
}
