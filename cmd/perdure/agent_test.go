package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// payment is the input of the tool pay.
type payment struct {
	Cents int    `json:"cents"`
	To    string `json:"to"`
}

// clerk registers an agent that does what it is told: pay needs an approval, dawdle
// takes until it is stopped, anything else is only answered.
func clerk(r *perdure.Registry) error {
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		last := r.Messages[len(r.Messages)-1]
		if f, ok := last.Contents[0].(*model.FunctionResult); ok {
			return modeltest.Say("done: " + string(f.Result) + f.Error)
		}
		switch text := last.Contents.Text(); {
		case strings.HasPrefix(text, "pay"):
			return modeltest.Call("pay", payment{Cents: 700, To: "\u202emallory\x1b[2J"})
		case text == "dawdle":
			return modeltest.Call("dawdle", struct{}{})
		default:
			return modeltest.Say("you said " + text)
		}
	})
	pay := func(context.Context, payment) (string, error) { return "paid", nil }
	dawdle := func(ctx context.Context, _ struct{}) (string, error) { <-ctx.Done(); return "", ctx.Err() }
	return agent.Register(r, &agent.Agent{Name: "Clerk", Description: "Pays bills.", Model: m, Tools: []agent.Tool{
		agent.NewTool("pay", "Pays somebody.", pay, agent.RequireApproval(func(context.Context, payment) bool { return true })),
		agent.NewTool("dawdle", "Takes its time.", dawdle, agent.WithEffect(agent.Pure)),
	}})
}

// asked sends the clerk to pay and returns the decision that this opens.
func asked(t *testing.T, url, key string) decision {
	t.Helper()
	if got := perdureCLI(t.Context(), url, screen{}, "agent", "send", "Clerk", key, "pay mallory"); got.Code != exitDone {
		t.Fatalf("send = %+v", got)
	}
	for {
		got := perdureCLI(t.Context(), url, screen{}, "inbox", "list", "-o", "json")
		var page struct{ Items []decision }
		if err := json.Unmarshal([]byte(got.Out), &page); err != nil {
			t.Fatalf("inbox list = %+v: %v", got, err)
		}
		for _, d := range page.Items {
			if strings.HasSuffix(d.Session, "@"+key) {
				return d
			}
		}
	}
}

func TestInbox(t *testing.T) {
	url := running(t)
	cli := func(s screen, args ...string) result { return perdureCLI(t.Context(), url, s, args...) }
	if got := cli(screen{tty: true}, "inbox", "list"); got.Err != "nothing waits for you\n" {
		t.Errorf("empty inbox = %+v", got)
	}
	d := asked(t, url, "a")
	if got := cli(screen{tty: true, width: 100}, "inbox", "list"); !strings.Contains(got.Out, "Clerk") || strings.ContainsAny(got.Out, "\u202e\x1b") {
		t.Errorf("inbox list = %q, want the clerk's question, with what is hidden escaped", got.Out)
	}

	// Nobody approves what was not read.
	if got := cli(screen{}, "inbox", "approve", d.ID); got.Code != exitUsage || !strings.Contains(got.Err, "--args-hash") {
		t.Errorf("approve in a script without a hash = %+v, want exit 2", got)
	}
	if got := cli(screen{tty: true, in: "n\n"}, "inbox", "approve", d.ID); got.Code != exitUsage || !strings.Contains(got.Err, `"to": "\u202emallory\u001b[2J"`) {
		t.Errorf("approve, then no = %+v, want the arguments shown and exit 2", got)
	}
	if got := cli(screen{}, "inbox", "approve", d.ID, "--args-hash", "other"); got.Code != exitConflict {
		t.Errorf("approve with another hash = %+v, want exit 4", got)
	}
	if got := cli(screen{}, "inbox", "answer", d.ID, "maybe"); got.Code != exitUsage {
		t.Errorf("answer maybe = %+v, want exit 2", got)
	}

	// The beginning of the id is enough.
	if got := cli(screen{tty: true, in: "y\n"}, "inbox", "approve", d.ID[:len(d.ID)-2], "--comment", "fine"); got.Code != exitDone || got.Out != d.ID+"  approve\n" {
		t.Errorf("approve = %+v, want it done", got)
	}
	if got := cli(screen{}, "inbox", "deny", d.ID, "--args-hash", d.ArgsHash); got.Code != exitConflict || !strings.Contains(got.Err, "it was answered already: approve") {
		t.Errorf("deny after that = %+v, want exit 4, and who was faster", got)
	}
	if got := cli(screen{tty: true}, "inbox", "get", d.ID); !strings.Contains(got.Out, "comment   fine") {
		t.Errorf("get = %+v, want the answer", got)
	}
	if got := cli(screen{tty: true}, "agent", "send", "Clerk", "a", "hello", "--wait"); got.Out != "you said hello\n" {
		t.Errorf("send --wait = %+v, want the answer", got)
	}
	d = asked(t, url, "b")
	if got := cli(screen{}, "inbox", "deny", d.ID, "--args-hash", d.ArgsHash); got.Code != exitDone || !strings.Contains(got.Out, `"answer":"deny"`) {
		t.Errorf("deny = %+v, want it done", got)
	}
}

func TestAmounts(t *testing.T) {
	one := &decision{Kind: "budget"}
	if err := json.Unmarshal([]byte(`{"limit":{"calls":3}}`), &one.Budget); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"5usd": `{"usd":5}`, "$2.5": `{"usd":2.5}`, "20000tokens": `{"tokens":20000}`, "10calls": `{"calls":10}`, "30m": `{"time":"30m"}`,
		"7": `{"calls":7}`, "1.5calls": "", "-5usd": "", "x": "", "": "", "0usd": "", "NaNusd": "", "5eur": "",
	} {
		got := ""
		if amount, err := parseAmount(text, one); err == nil {
			data, err := json.Marshal(amount)
			if err != nil {
				t.Fatal(err)
			}
			got = string(data)
		}
		if got != want {
			t.Errorf("parseAmount(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestAgent(t *testing.T) {
	url := running(t)
	cli := func(s screen, args ...string) result { return perdureCLI(t.Context(), url, s, args...) }
	if got := cli(screen{tty: true, width: 80}, "agent", "list"); !strings.Contains(got.Out, "Clerk") || !strings.Contains(got.Out, "pay dawdle") {
		t.Errorf("agent list = %+v, want the clerk and its tools", got)
	}
	if got := cli(screen{}, "agent", "chat", "Nobody"); got.Code != exitNotFound {
		t.Errorf("chat with nobody = %+v, want exit 3", got)
	}
	if got := cli(screen{in: "one\ntwo\n"}, "agent", "chat", "Clerk", "k"); got.Code != exitDone || got.Out != "you said one\nyou said two\n" {
		t.Errorf("chat in a pipe = %+v, want both answers", got)
	}
	if got := cli(screen{tty: true, in: "pay\na\n"}, "agent", "chat", "Clerk", "k"); got.Code != exitDone || !strings.Contains(got.Err, "· pay") || !strings.Contains(got.Out, "done: \"paid\"") {
		t.Errorf("chat with an approval = %+v, want the call and its answer", got)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { // the session hears of an end after its callers
		got := cli(screen{tty: true}, "agent", "sessions", "Clerk")
		if strings.Contains(got.Out, "k    idle   3") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("sessions = %+v, want k with 3 turns", got)
		}
	}
	if got := cli(screen{in: "from a pipe"}, "agent", "send", "Clerk", "k", "-", "--wait"); !strings.Contains(got.Out, "you said from a pipe") {
		t.Errorf("send - = %+v, want the answer", got)
	}
	if got := cli(screen{}, "agent", "send", "Clerk", "k", "dawdle", "--wait", "--timeout", "100ms"); got.Code != exitTimeout {
		t.Errorf("send --wait of a slow turn = %+v, want exit 7", got)
	}
	if got := cli(screen{}, "session", "delete", "Clerk", "k"); got.Code != exitUsage {
		t.Errorf("delete without --yes = %+v, want exit 2", got)
	}
	if got := cli(screen{}, "session", "export", "Clerk", "k"); !strings.Contains(got.Out, "you said one") {
		t.Errorf("export = %+v, want the conversation", got)
	}
	if got := cli(screen{}, "session", "delete", "Clerk", "k", "--yes"); got.Code != exitDone {
		t.Errorf("delete = %+v, want it done", got)
	}
	if got := cli(screen{}, "session", "get", "Clerk", "k"); got.Code != exitNotFound {
		t.Errorf("get after that = %+v, want exit 3", got)
	}
}

// chatting starts a chat as a process of its own and waits until its turn runs.
func chatting(t *testing.T, url string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "agent", "chat", "Clerk", "k", "--hub", url)
	c.Env = append(os.Environ(), asPerdure+"=1")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if _, err := in.Write([]byte("dawdle\n")); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	until(t, lines, "· dawdle")
	return c, lines
}

// until reads lines up to the one that contains a text.
func until(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	var seen strings.Builder
	for {
		line, err := lines.ReadString('\n')
		seen.WriteString(line)
		if err != nil {
			t.Fatalf("no line with %q, only %q", text, seen.String())
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

// TestChatInterrupted leaves a chat by Ctrl-C, after which the turn goes on, and stops
// it by a second one.
func TestChatInterrupted(t *testing.T) {
	url := running(t)
	session := func() (d sessionDocument) {
		got := perdureCLI(t.Context(), url, screen{}, "session", "get", "Clerk", "k")
		if err := json.Unmarshal([]byte(got.Out), &d); err != nil {
			t.Fatalf("session get = %+v: %v", got, err)
		}
		return d
	}
	interrupt := func(c *exec.Cmd) {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	code := func(c *exec.Cmd) int {
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return c.ProcessState.Sys().(syscall.WaitStatus).ExitStatus()
	}
	c, lines := chatting(t, url)
	interrupt(c)
	until(t, lines, "detached; the turn goes on")
	until(t, lines, "perdure agent chat Clerk k")
	if got := code(c); got != exitInterrupted {
		t.Errorf("chat after Ctrl-C = exit %d, want %d", got, exitInterrupted)
	}
	if d := session(); d.Running == "" {
		t.Errorf("session after Ctrl-C = %+v, want the turn running", d)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command(exe, "agent", "chat", "Clerk", "k", "--hub", url)
	again.Env = append(os.Environ(), asPerdure+"=1")
	out, err := again.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Process.Kill(); _ = again.Wait() })
	lines = bufio.NewReader(out)
	until(t, lines, "· dawdle") // attached again
	interrupt(again)
	until(t, lines, "detached; the turn goes on")
	interrupt(again)
	until(t, lines, "the turn was stopped")
	if got := code(again); got != exitInterrupted {
		t.Errorf("chat after two Ctrl-C = exit %d, want %d", got, exitInterrupted)
	}
	for deadline := time.Now().Add(10 * time.Second); session().Running != ""; {
		if time.Now().After(deadline) {
			t.Fatal("the turn still runs after it was stopped")
		}
	}
}
