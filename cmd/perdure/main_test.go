package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/host"
)

var update = flag.Bool("update", false, "rewrite golden files")

// asPerdure makes the test binary behave as perdure.
const asPerdure = "PERDURE_TEST_AS_PERDURE"

func TestMain(m *testing.M) {
	if os.Getenv(asPerdure) != "" {
		os.Exit(execute(testHosts))
	}
	os.Exit(m.Run())
}

var approval = perdure.NewEvent[bool]("Approval")

// Approve waits for an approval.
func Approve(ctx *perdure.Context, topic string) (string, error) {
	ok, err := approval.Wait(ctx).Await()
	ctx.Logger().Info("approved")
	if err != nil || !ok {
		return "", errors.Join(err, errors.New("rejected"))
	}
	return "published " + topic, nil
}

// Counter is an entity.
type Counter int

// Add adds.
func (c *Counter) Add(n int) { *c += Counter(n) }

func testHosts(context.Context, float64) (*hosted, error) {
	r := perdure.NewRegistry()
	perdure.AddOrchestration(r, Approve)
	perdure.AddEntity[Counter](r, "counter")
	if err := clerk(r); err != nil {
		return nil, err
	}
	return &hosted{registry: r, model: "none", try: func(url string) []string { return []string{"curl " + url + "/api/v1/runs"} }}, nil
}

// result is what a command did.
type result struct {
	Code     int
	Out, Err string
}

// screen says what the command runs on.
type screen struct {
	tty    bool
	colour bool
	width  int
	in     string
}

var now = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

// perdureCLI runs a command line in this process against a server.
func perdureCLI(ctx context.Context, hub string, s screen, args ...string) result {
	var out, err bytes.Buffer
	t := &terminal{in: strings.NewReader(s.in), out: &out, err: &err, inTTY: s.tty, outTTY: s.tty, width: s.width,
		now: func() time.Time { return now }, getenv: func(name string) string {
			switch {
			case name == "PERDURE_HUB":
				return hub
			case name == "NO_COLOR" && !s.colour:
				return "1"
			}
			return ""
		}}
	code := run(ctx, args, t, testHosts)
	return result{code, out.String(), err.String()}
}

// canned is a server with fixed answers, which it takes from testdata/canned.
func canned(t *testing.T) string {
	t.Helper()
	answers := map[string]string{
		"GET /api/v1/runs":                       "runs.json",
		"GET /api/v1/runs/order-1":               "run.json",
		"GET /api/v1/runs/order-1/history":       "history.json",
		"GET /api/v1/runs/order-1/steps":         "steps.json",
		"GET /api/v1/runs/order-1/logs":          "logs.json",
		"POST /api/v1/runs/order-1/suspend":      "run.json",
		"POST /api/v1/runs/order-1/rewind":       "rewind.json",
		"POST /api/v1/runs/order-1/fork":         "fork.json",
		"GET /api/v1/entities/counter/a":         "entity.json",
		"GET /api/v1/audit":                      "audit.json",
		"GET /api/v1/audit/verify":               "audit.events",
		"GET /api/v1/entities":                   "entities.json",
		"POST /api/v1/entities/counter/a/signal": "entity.json",
		"POST /api/v1/runs/order-1/events/Go-x":  "run.json",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := answers[r.Method+" "+r.URL.EscapedPath()]
		if !ok {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"title":"Not Found","status":404,"code":"not_found","detail":"no such thing","hint":"look elsewhere"}`)
			return
		}
		data, err := os.ReadFile(filepath.Join("testdata", "canned", name))
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestGolden shows the output of each command, on a terminal, a narrow one and
// in a pipe.
func TestGolden(t *testing.T) {
	url := canned(t)
	wide, narrow, pipe := screen{tty: true, width: 120}, screen{tty: true, width: 60}, screen{width: 120}
	var all strings.Builder
	for _, c := range []struct {
		screen screen
		args   string
	}{
		{wide, "run list"},
		{wide, "run list --time utc"},
		{narrow, "run list"},
		{pipe, "run list"},
		{screen{tty: true, width: 120, colour: true}, "run list"},
		{screen{tty: true, width: 120, colour: true}, "run list --color never"},
		{wide, "run list -o json"},
		{wide, "run get order-1"},
		{pipe, "run get order-1"},
		{wide, "run history order-1"},
		{pipe, "run history order-1"},
		{wide, "run history order-1 -o json"},
		{wide, "run logs order-1 --time utc"},
		{pipe, "run logs order-1 --level warn"},
		{wide, "run logs order-1 -o json"},
		{wide, "run tree order-1"},
		{narrow, "run tree order-1"},
		{pipe, "run export order-1"},
		{wide, "run result order-1"},
		{wide, "run suspend order-1 --reason lunch"},
		{pipe, "run suspend order-1"},
		{wide, "run event order-1 Go-x"},
		{wide, "run rewind order-1 --to 9 --dry-run"},
		{wide, "run fork order-1 --id order-2 --to 9 --set Charge=1"},
		{pipe, "run fork order-1 --fail 7=closed -o json"},
		{wide, "run fork order-1 --set Missing=1"},
		{wide, "run fork order-1 --set 7"},
		{wide, "entity get counter a"},
		{pipe, "entity get @counter@a"},
		{wide, "entity list"},
		{wide, "entity signal counter a add --input 2"},
		{wide, "audit list"},
		{narrow, "audit list"},
		{pipe, "audit list --target order-1"},
		{wide, "audit verify"},
		{pipe, "audit verify"},
		{wide, "run get zzz"},
		{wide, "run get zzz -o json"},
		{wide, "run list -o xml"},
		{wide, "run list --filtre x"},
		{wide, "run get"},
		{wide, "run"},
		{wide, "nonsense"},
		{wide, "devv"},
	} {
		got := perdureCLI(t.Context(), url, c.screen, strings.Fields(c.args)...)
		where := "pipe"
		if c.screen.tty {
			where = "wide"
			if c.screen.width == narrow.width {
				where = "narrow"
			}
		}
		all.WriteString("=== perdure " + c.args + " (" + where + ")\n" + got.Out)
		if got.Err != "" {
			all.WriteString("--- stderr\n" + got.Err)
		}
		all.WriteString("--- exit " + string(rune('0'+got.Code)) + "\n")
	}
	path := filepath.Join("testdata", "golden.txt")
	if *update {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("output (-want +got)\n%s", diff)
	}
}

// running runs an app with the test's orchestration and returns its address.
func running(t *testing.T) string {
	t.Helper()
	h, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return runApp(t, host.Config{Hub: t.TempDir(), Addr: "127.0.0.1:0", Registry: h.registry}).URL()
}

// runApp runs an app until the test ends.
func runApp(t *testing.T, cfg host.Config) *host.App {
	t.Helper()
	app, _ := startApp(t, cfg)
	return app
}

// startApp runs an app until the test ends or stop is called.
func startApp(t *testing.T, cfg host.Config) (app *host.App, stop func()) {
	t.Helper()
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	t.Cleanup(stop)
	<-app.Ready()
	return app, stop
}

// TestExitCodes runs each kind of end against a real server.
func TestExitCodes(t *testing.T) {
	url := running(t)
	pipe := screen{}
	expect := func(code int, in string, args ...string) result {
		t.Helper()
		got := perdureCLI(t.Context(), url, screen{in: in}, args...)
		if got.Code != code {
			t.Errorf("perdure %q = exit %d, want %d\n%s%s", args, got.Code, code, got.Out, got.Err)
		}
		return got
	}
	expect(exitDone, "", "run", "start", "Approve", "--id", "order-1", "--input", `"x"`, "--tag", "team=pay")
	expect(exitConflict, "", "run", "start", "Approve", "--id", "order-1")
	expect(exitDone, "", "run", "start", "Approve", "--id", "order-1", "--id-policy", "get")
	expect(exitNotFound, "", "run", "start", "Aprove")
	expect(exitUsage, "", "run", "start", "Approve", "--input", "{")
	expect(exitUsage, "", "run", "start", "Approve", "--id", "@x")
	expect(exitUsage, "", "run", "start", "Approve", "--id", "")
	expect(exitUsage, "", "run", "get", "")
	expect(exitUsage, "", "run", "event", "order-1", "")
	expect(exitUsage, "", "run", "start", "Approve", "--tag", "x")
	expect(exitDone, "", "run", "start", "Approve", "--id", "later", "--start-at", "2027-03-01T12:30:00Z")
	if got := expect(exitDone, "", "run", "get", "later", "-o", "table"); !strings.Contains(got.Out, "begins    in 365d") {
		t.Errorf("get of a scheduled run = %q, want to see when it begins", got.Out)
	}
	expect(exitUsage, "", "run", "list", "--filter", "stauts:x")
	expect(exitTimeout, "", "run", "watch", "order-1", "--timeout", "50ms")
	expect(exitConflict, "", "run", "rewind", "order-1")
	expect(exitConflict, "", "run", "purge", "order-1")
	expect(exitDone, "true", "run", "event", "order-1", "Approval", "--data", "-")
	if got := expect(exitDone, "", "run", "watch", "order-1"); !strings.Contains(got.Out, `"status":"completed"`) {
		t.Errorf("watch = %q, want the completed run", got.Out)
	}
	expect(exitConflict, "", "run", "event", "order-1", "Approval", "--data", "true")
	expect(exitConflict, "", "run", "suspend", "order-1")
	expect(exitConflict, "", "run", "resume", "order-1")
	expect(exitDone, "", "run", "start", "Approve", "--id", "order-2", "--input", `"y"`)
	expect(exitDone, "", "run", "event", "order-2", "approval", "--data", "false")
	expect(exitRunFailed, "", "run", "watch", "order-2")
	expect(exitDone, "", "run", "start", "Approve", "--id", "order-3", "--input", `"z"`)
	expect(exitDone, "", "run", "terminate", "order-3", "--reason", "no")
	expect(exitRunEnded, "", "run", "watch", "order-3")
	expect(exitUsage, "", "run", "get", "orde") // begins several
	expect(exitNotFound, "", "run", "get", "nothing")
	expect(exitUsage, "", "run", "purge", "order-1", "order-2")
	expect(exitDone, "", "run", "purge", "order-1", "order-2", "--yes")
	expect(exitNotFound, "", "run", "purge", "order-1")
	if got := expect(exitDone, "", "run", "get", "orde", "-o", "jsonl"); !strings.Contains(got.Out, `"order-3"`) || got.Err != "orde is order-3\n" {
		t.Errorf("get of a unique prefix = %q and %q, want order-3, and that it says so", got.Out, got.Err)
	}
	expect(exitDone, "", "entity", "signal", "counter", "a", "add", "--input", "2")
	expect(exitUsage, "", "entity", "signal", "counter", "a")
	expect(exitNotFound, "", "entity", "get", "counter", "b")
	if got := expect(exitDone, "", "audit", "list", "--target", "order-3", "--action", "terminate"); strings.Count(got.Out, "\n") != 1 || !strings.Contains(got.Out, `"reason":"no"`) || !strings.Contains(got.Out, `"client":"perdure/`) {
		t.Errorf("audit of a termination = %q, want one entry with its reason, and by which program", got.Out)
	}
	expect(exitUsage, "", "audit", "list", "--from", "yesterday")
	noted := filepath.Join(t.TempDir(), "noted")
	expect(exitDone, "", "audit", "verify", "--save", noted)
	expect(exitUsage, "", "audit", "verify", "--save", noted)
	expect(exitDone, "", "audit", "verify", "--against", noted)
	expect(exitUsage, "", "audit", "verify", "--against", noted+"2")
	expect(exitDone, "", "doctor")
	expect(exitDone, "", "version", "--check")
	if got := perdureCLI(t.Context(), "http://127.0.0.1:1", pipe, "run", "list"); got.Code != exitUnreachable {
		t.Errorf("without a server = exit %d, want %d", got.Code, exitUnreachable)
	}
	if got := perdureCLI(t.Context(), "./perdure-data", pipe, "run", "list"); got.Code != exitUsage {
		t.Errorf("a folder for a server = exit %d, want %d", got.Code, exitUsage)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	expect(exitDone, "", "run", "start", "Approve", "--id", "order-4")
	time.AfterFunc(50*time.Millisecond, func() { cancel(errInterrupted) })
	if got := perdureCLI(ctx, url, pipe, "run", "watch", "order-4"); got.Code != exitInterrupted {
		t.Errorf("interrupted watch = exit %d, want %d", got.Code, exitInterrupted)
	}
}

func TestConfirm(t *testing.T) {
	url := running(t)
	for _, id := range []string{"order-1", "order-2"} {
		if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", id); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
	}
	typed := func(in string) result {
		return perdureCLI(t.Context(), url, screen{tty: true, in: in}, "run", "terminate", "order-1", "order-2")
	}
	if got := typed("yes\n"); got.Code != exitUsage || !strings.Contains(got.Err, "nothing was done") {
		t.Errorf("wrong confirmation = %+v, want nothing done", got)
	}
	if got := typed("2\n"); got.Code != exitDone {
		t.Errorf("confirmation = %+v, want done", got)
	}
}

// TestHelp runs the example of each command's help text as far as flags go.
func TestHelp(t *testing.T) {
	root := newRoot(&terminal{getenv: os.Getenv}, testHosts)
	for _, c := range root.Commands() {
		commands := c.Commands()
		if len(commands) == 0 {
			commands = append(commands, c)
		}
		for _, c := range commands {
			if c.Example == "" || c.Short == "" {
				t.Errorf("%s has no example", c.CommandPath())
				continue
			}
			for example := range strings.SplitSeq(c.Example, "\n") {
				example, _, _ = strings.Cut(example, " | ") // what another program makes of it
				args := shellWords(example)
				found, rest, err := root.Find(args[1:])
				if err != nil || found != c {
					t.Errorf("example %q is of another command", example)
					continue
				}
				if err := found.ParseFlags(rest); err != nil {
					t.Errorf("example %q: %v", example, err)
				} else if err := found.Args(found, found.Flags().Args()); err != nil {
					t.Errorf("example %q: %v", example, err)
				}
			}
		}
	}
}

// shellWords splits a line as a shell does, as far as the examples need it.
func shellWords(line string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		found = append(found, m[1]+m[2])
	}
	return found
}

// process starts the binary and returns it with the lines that it prints.
func process(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader, *bytes.Buffer) {
	t.Helper()
	return scripted(t, "", args...)
}

// scripted is process with something on its standard input.
func scripted(t *testing.T, in string, args ...string) (*exec.Cmd, *bufio.Reader, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Env = append(os.Environ(), asPerdure+"=1")
	c.Stdin = strings.NewReader(in)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return c, bufio.NewReader(out), &stderr
}

// address reads the banner and returns the URL in it.
func address(t *testing.T, out *bufio.Reader) string {
	t.Helper()
	var banner strings.Builder
	for {
		line, err := out.ReadString('\n')
		banner.WriteString(line)
		if err != nil {
			t.Fatalf("no banner, only %q", banner.String())
		}
		if _, url, ok := strings.Cut(line, "serving  "); ok {
			return strings.TrimSpace(url)
		}
	}
}

// TestDev runs the real process: a second one on the same folder is refused,
// kill -9 loses nothing, Ctrl-C exits 0.
func TestDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	dev := func() (*exec.Cmd, *bufio.Reader, *bytes.Buffer) {
		return process(t, "dev", "--data", dir, "--addr", "127.0.0.1:0")
	}
	first, out, _ := dev()
	url := address(t, out)
	second, secondOut, secondErr := dev()
	printed, err := io.ReadAll(secondOut)
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := second.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitError {
		t.Errorf("second dev = %v, want exit 1", err)
	}
	if got := secondErr.String(); !strings.Contains(got, "another perdure uses this data folder") || strings.Count(got, "\n") > 2 || len(printed) > 0 {
		t.Errorf("second dev says %q and %q, want one clear error", got, printed)
	}
	if got := perdureCLI(t.Context(), url, screen{}, "run", "start", "Approve", "--id", "a", "--input", `"x"`); got.Code != exitDone {
		t.Fatalf("start = %+v", got)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()

	third, out, _ := dev()
	url = address(t, out)
	if got := perdureCLI(t.Context(), url, screen{}, "run", "event", "a", "Approval", "--data", "true"); got.Code != exitDone {
		t.Errorf("event after kill -9 = %+v, want it done", got)
	}
	got := perdureCLI(t.Context(), url, screen{}, "run", "watch", "a")
	var run struct{ Status string }
	if last := got.Out[strings.LastIndexByte(strings.TrimSpace(got.Out), '\n')+1:]; json.Unmarshal([]byte(last), &run) != nil || run.Status != "completed" {
		t.Errorf("watch = %+v, want a completed run", got)
	}
	if err := third.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Fatal(err)
	}
	if err := third.Wait(); err != nil {
		t.Errorf("Ctrl-C = %v, want exit 0", err)
	}
}

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain é 漢": "plain é 漢", "\x1b[31mred": `\u{1b}[31mred`, "a\u202eb": `a\u{202e}b`, "a\nb": `a\u{a}b`, "\x7f\u009b": `\u{7f}\u{9b}`,
	} {
		if got := safe(in); got != want {
			t.Errorf("safe(%q) = %q, want %q", in, got, want)
		}
	}
	in := "{\"a\":\"x\u202ey\U000e0001\"}"
	got := safeJSON([]byte(in))
	var a, b any
	if json.Unmarshal([]byte(in), &a) != nil || json.Unmarshal(got, &b) != nil || !cmp.Equal(a, b) || bytes.ContainsRune(got, '\u202e') {
		t.Errorf("safeJSON(%q) = %q, want the same value without hidden characters", in, got)
	}
}

func TestReadFrames(t *testing.T) {
	var got []event
	text := ": alive\n\nid: 1\nevent: hello\ndata: {}\n\nid: 2\r\nevent: run\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: cut\ndata: {"
	done, err := readFrames(strings.NewReader(text), func(e event) (bool, error) {
		got = append(got, e)
		return false, nil
	})
	want := []event{{"1", "hello", []byte("{}")}, {"2", "run", []byte(`{"a":1}`)}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" || done || err != nil {
		t.Errorf("readFrames = %v, %v (-want +got)\n%s", done, err, diff)
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add("id: 1\nevent: hello\ndata: {}\n\n")
	f.Add(": alive\n\ndata\n\nevent: \n\n")
	f.Fuzz(func(t *testing.T, text string) {
		frames := 0
		if done, err := readFrames(strings.NewReader(text), func(e event) (bool, error) {
			frames++
			return e.kind == "", nil
		}); done || err != nil || frames > strings.Count(text, "\n") {
			t.Errorf("readFrames(%q) = %v, %v with %d frames", text, done, err, frames)
		}
	})
}

// TestWatchList shows each run that changes after the list.
func TestWatchList(t *testing.T) {
	url := running(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	for _, tty := range []bool{true, false} {
		out, in := io.Pipe()
		done := make(chan int, 1)
		ctx, cancel := context.WithCancelCause(ctx)
		go func() {
			done <- run(ctx, []string{"run", "list", "--watch", "--hub", url, "--filter", "id:watched*"}, &terminal{in: strings.NewReader(""),
				out: in, err: io.Discard, outTTY: tty, width: 100, getenv: func(string) string { return "" }, now: time.Now}, testHosts)
			_ = in.Close()
		}()
		id := "watched-tty"
		if !tty {
			id = "watched-pipe"
		}
		lines := bufio.NewScanner(out)
		seen := make(chan string, 1)
		go func() {
			defer close(seen)
			for lines.Scan() {
				if strings.Contains(lines.Text(), id) {
					seen <- lines.Text()
					break
				}
			}
			_, _ = io.Copy(io.Discard, out)
		}()
		if got := perdureCLI(ctx, url, screen{}, "run", "start", "Approve", "--id", id); got.Code != exitDone {
			t.Fatalf("start = %+v", got)
		}
		if line := <-seen; line == "" || !tty && !json.Valid([]byte(line)) {
			t.Errorf("watch shows %q, want the run", line)
		}
		cancel(errInterrupted)
		if code := <-done; code != exitInterrupted {
			t.Errorf("interrupted watch = exit %d, want %d", code, exitInterrupted)
		}
	}
}

func TestStartAndWatch(t *testing.T) {
	url := running(t)
	ended := make(chan result, 1)
	go func() {
		ended <- perdureCLI(t.Context(), url, screen{tty: true, width: 80}, "run", "start", "Approve", "--id", "order-1", "--input", `"x"`, "--watch")
	}()
	for perdureCLI(t.Context(), url, screen{}, "run", "event", "order-1", "Approval", "--data", "true").Code != exitDone {
	}
	got := <-ended
	if got.Code != exitDone || !strings.Contains(got.Out, "order-1  completed") || !strings.Contains(got.Out, "published x") {
		t.Errorf("start --watch = %+v, want the result", got)
	}
}
