package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReturn waits for a run on a server that is cut off, is starting for a while and is
// back.
func TestReturn(t *testing.T) {
	var streams atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := "running"
		if streams.Load() > 3 {
			status = "completed"
		}
		if r.URL.Path != "/api/v1/stream" {
			_, _ = io.WriteString(w, `{"id":"order 1","incarnation":"a","row_version":`+map[string]string{"running": "1", "completed": "2"}[status]+`,"status":"`+status+`"}`)
			return
		}
		if n := streams.Add(1); n == 2 || n == 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"code":"unavailable","detail":"the server is starting","hint":"try again in a moment"}`)
			return
		}
		_, _ = io.WriteString(w, "event: hello\ndata: {}\n\n")
	}))
	t.Cleanup(server.Close)
	got := perdureCLI(t.Context(), server.URL, screen{}, "run", "wait", "order 1")
	want := "no answer from " + server.URL + "; trying again for 1m\n" + server.URL + " answers again\n"
	if got.Code != exitDone || got.Err != want {
		t.Errorf("wait = exit %d, %q, want exit 0 and %q", got.Code, got.Err, want)
	}
	streams.Store(1)
	if got := perdureCLI(t.Context(), server.URL, screen{}, "run", "watch", "order 1"); got.Code != exitUnreachable || !strings.Contains(got.Err, "is starting") {
		t.Errorf("watch of a server that is starting = %+v, want exit 8", got)
	}
}

// TestSilence gives up on a server that takes requests and says nothing.
func TestSilence(t *testing.T) {
	gone := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	}))
	t.Cleanup(mute.Close)
	t.Cleanup(func() { close(gone) })
	s := &server{url: mute.URL, label: "it", http: mute.Client(), patience: 30 * time.Millisecond, silence: 30 * time.Millisecond}
	var raw json.RawMessage
	for name, err := range map[string]error{
		"get":  s.get(t.Context(), "/", &raw),
		"post": s.post(t.Context(), "/", nil, &raw),
		"stream": s.stream(t.Context(), nil, "", func(event) (bool, error) {
			return true, nil
		}),
	} {
		var f *failure
		if !errors.As(err, &f) || f.code != exitUnreachable || f.cause != "no answer from it: it has said nothing for 30ms" {
			t.Errorf("%s = %v, want exit 8", name, err)
		} else if done := strings.Contains(f.next, "it may have been done"); done != (name == "post") {
			t.Errorf("%s = %q, want doubts only of what changes something", name, f.next)
		}
	}
}

// TestTimeout tells what goes on when the time of a command is over, and refuses times
// that mean nothing.
func TestTimeout(t *testing.T) {
	url := running(t)
	if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", "it's 1"); got.Code != exitDone {
		t.Fatalf("start = %+v", got)
	}
	for _, verb := range []string{"wait", "watch"} {
		got := perdureCLI(t.Context(), url, screen{}, "run", verb, "it's 1", "--timeout", "10ms")
		if want := "perdure: time ran out; it's 1 goes on\n  perdure run " + verb + ` 'it'\''s 1' `; got.Code != exitTimeout || !strings.HasPrefix(got.Err, want) {
			t.Errorf("%s = exit %d, %q, want exit 7 and %q", verb, got.Code, got.Err, want)
		}
		if got := perdureCLI(t.Context(), url, screen{}, "run", verb, "it's 1", "--timeout", "-1s"); got.Code != exitUsage || !strings.Contains(got.Err, "--timeout is -1s") {
			t.Errorf("%s --timeout -1s = exit %d, %q, want exit 2", verb, got.Code, got.Err)
		}
	}
}

// TestInterruptedInput lets go of standard input that does not end.
func TestInterruptedInput(t *testing.T) {
	in, hold := io.Pipe()
	t.Cleanup(func() { _ = hold.Close() })
	for _, line := range []string{"run start Approve --input -", "run event order-1 Go --data -", "agent send Clerk k -"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var said bytes.Buffer
		term := &terminal{in: in, inTTY: true, out: io.Discard, err: &said, now: time.Now, getenv: func(string) string { return "" }}
		cancel(errInterrupted)
		if code := run(ctx, strings.Fields(line), term, testHosts); code != exitInterrupted || !strings.Contains(said.String(), "Ctrl-D") {
			t.Errorf("perdure %s = exit %d %q, want how it ends, and exit 130", line, code, said.String())
		}
	}
	if got := perdureCLI(t.Context(), "http://127.0.0.1:1", screen{tty: true}, "backup", "-"); got.Code != exitUsage || got.Out != "" {
		t.Errorf("backup to a terminal = %+v, want exit 2", got)
	}
}

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// TestFullDisk fails if output is lost, whoever wrote it.
func TestFullDisk(t *testing.T) {
	url := canned(t)
	for _, line := range []string{"run list", "run list -o table", "run get order-1 -o table", "version", "version -o table", "completion bash"} {
		var said bytes.Buffer
		term := &terminal{in: strings.NewReader(""), out: full{}, err: &said, now: time.Now, getenv: func(name string) string {
			return map[string]string{"PERDURE_HUB": url}[name]
		}}
		code := run(t.Context(), strings.Fields(line), term, testHosts)
		if want := "perdure: the output could not be written: no space left on device\n"; code != exitError || !strings.HasSuffix(said.String(), want) {
			t.Errorf("perdure %s = exit %d, %q, want exit 1, %q", line, code, said.String(), want)
		}
	}
}

// TestIsTerminal takes no device for a terminal that is none.
func TestIsTerminal(t *testing.T) {
	for _, name := range []string{os.DevNull, "/dev/zero", "/dev/full"} {
		f, err := os.Open(name)
		if err != nil {
			t.Skip(err)
		}
		if isTerminal(f) {
			t.Errorf("isTerminal(%s) = true, want false", name)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestQuoted(t *testing.T) {
	for in, want := range map[string]string{
		"order-1": "order-1", "@a@b": "@a@b", "dafx-a~b~c": "dafx-a~b~c", "~root": "'~root'", "": "''", "my post/1 #2": "'my post/1 #2'", "it's": `'it'\''s'`, "a;b": "'a;b'", "日本": "日本",
	} {
		if got := quoted(in); got != want {
			t.Errorf("quoted(%q) = %s, want %s", in, got, want)
		}
	}
}

// TestNarrow leaves out columns that there is no room for, and shows no line that is
// wider than the terminal.
func TestNarrow(t *testing.T) {
	for width := 20; width < 90; width++ {
		var shown bytes.Buffer
		o := &output{terminal: &terminal{out: &shown, width: width}}
		o.table([]string{"STATE", "NAME", "ID", "CREATED", "TOOK", "STEP"},
			[][]string{{"waiting for ApprovalDecision", "ContentApproval", "2fbdc0d36c8c6b12f9863899112a86a7", "16m10s ago", "19.9s", "agent writer"}})
		for line := range strings.SplitSeq(shown.String(), "\n") {
			if columns(line) > width {
				t.Fatalf("table of %d columns = %q, want no line that is wider", width, line)
			}
		}
		if !strings.Contains(shown.String(), "waiting") {
			t.Errorf("table of %d columns = %q, want the state", width, shown.String())
		}
	}
}

// TestFlagErrors says in plain words what is wrong with a flag.
func TestFlagErrors(t *testing.T) {
	for line, want := range map[string]string{
		"run list --limit abc":     `--limit is "abc", not a whole number`,
		"run wait x --timeout 5":   `--timeout is "5", not a time such as 30s, 5m or 12h`,
		"run logs x --step a,b":    `--step is "a,b", not whole numbers, with commas`,
		"run list --nonsense":      "unknown flag: --nonsense",
		"bench chat --rate a":      `--rate is "a", not a number`,
		"run purge x --yes=nearly": `--yes is "nearly", not true or false`,
		"run lst":                  "no command perdure run lst",
	} {
		got := perdureCLI(t.Context(), "http://127.0.0.1:1", screen{}, strings.Fields(line)...)
		said, next, _ := strings.Cut(got.Err, "\n")
		if diff := cmp.Diff("perdure: "+want, said); got.Code != exitUsage || diff != "" || next == "" {
			t.Errorf("perdure %s = exit %d (-want +got)\n%s, then %q", line, got.Code, diff, next)
		}
	}
}
