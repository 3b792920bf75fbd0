package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/model/modeltest"
)

// served reads the line that model serve prints in a pipe.
func served(t *testing.T, out *bufio.Reader) addresses {
	t.Helper()
	line, err := out.ReadString('\n')
	var where addresses
	if err == nil {
		err = json.Unmarshal([]byte(line), &where)
	}
	if err != nil {
		t.Fatalf("first line = %q, %v, want the addresses", line, err)
	}
	return where
}

// ask has the model that an environment picks answer.
func ask(t *testing.T, env map[string]string, text string) (string, error) {
	t.Helper()
	m, _, err := auto.FromEnv(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	r, err := model.Collect(m.Generate(t.Context(), &model.Request{Messages: []*model.Message{model.UserText(text)}}))
	return r.Text(), err
}

// TestModelServe runs the real process and asks it as programs do that find its
// address in the environment. After kill -9 its ledger is whole.
func TestModelServe(t *testing.T) {
	dir := t.TempDir()
	script, ledger := filepath.Join(dir, "steps.jsonl"), filepath.Join(dir, "ledger.jsonl")
	steps := `{"say": "It rains.", "usage": {"input": 7, "output": 2}}
{"fail": 529, "message": "busy"}
[{"say": "half"}, {"cut": true}]
`
	if err := os.WriteFile(script, []byte(steps), 0o600); err != nil {
		t.Fatal(err)
	}
	process, out, _ := process(t, "model", "serve", "--addr", "127.0.0.1:0", "--script", script, "--ledger", ledger)
	where := served(t, out)
	openAI := map[string]string{"OPENAI_BASE_URL": where.OpenAI, "OPENAI_API_KEY": "any", "OPENAI_MODEL": "gpt-test"}
	if got, err := ask(t, openAI, "Rain?"); err != nil || got != "It rains." {
		t.Errorf("OpenAI's API = %q, %v, want It rains.", got, err)
	}
	var e *model.Error
	anthropic := map[string]string{"ANTHROPIC_BASE_URL": where.Anthropic, "ANTHROPIC_API_KEY": "any", "ANTHROPIC_MODEL": "claude-test"}
	if _, err := ask(t, anthropic, "Rain?"); !errors.As(err, &e) || e.Status != 529 || !e.Retryable {
		t.Errorf("Anthropic's API = %v, want a retryable 529", err)
	}
	if got, err := ask(t, openAI, "Rain?"); !errors.As(err, &e) || e.Code != model.CodeStreamCut || got != "half" {
		t.Errorf("third call = %q, %v, want half and a cut", got, err)
	}
	answer, err := http.Get(where.URL + "/__ledger")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := modeltest.ReadLedger(answer.Body)
	answer.Body.Close()
	if err != nil || len(entries) != 3 || entries[0].InputTokens != 7 || entries[2].Outcome != modeltest.OutcomeCut {
		t.Errorf("GET /__ledger = %+v, %v, want three calls", entries, err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	file, err := os.Open(ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := modeltest.ReadLedger(file)
	if err != nil || len(kept) != 3 || kept[0] != entries[0] || kept[2] != entries[2] {
		t.Errorf("ledger after kill -9 = %+v, %v, want %+v", kept, err, entries)
	}
}

func TestModelServeEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want int
	}{
		{"demo", nil, exitDone},
		{"script with a step left", []string{"--script", "-"}, exitDone},
		{"strict", []string{"--script", "-", "--strict"}, exitError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, out, stderr := scripted(t, `{"say": "x"}`, append([]string{"model", "serve", "--addr", "127.0.0.1:0"}, tt.args...)...)
			served(t, out)
			if err := c.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait()
			if got := c.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("exit = %d, want %d: %s", got, tt.want, stderr)
			}
		})
	}
}

func TestModelServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		args []string
		in   string
		code int
		want string
	}{
		{[]string{"--addr", "0.0.0.0:0"}, "", exitUsage, "--unsafe-listen"},
		{[]string{"--addr", "here"}, "", exitUsage, "--addr"},
		{[]string{"--addr", taken.Addr().String()}, "", exitError, "in use"},
		{[]string{"--script", "-"}, `{"sya": "x"}`, exitUsage, `line 1: json: unknown field "sya"`},
		{[]string{"--script", "missing"}, "", exitUsage, "missing"},
		{[]string{"--limit", "-1"}, "", exitUsage, "negative"},
		{[]string{"--ledger", t.TempDir()}, "", exitUsage, "ledger"},
	} {
		got := perdureCLI(t.Context(), "", screen{in: tt.in}, append([]string{"model", "serve", "--addr", "127.0.0.1:0"}, tt.args...)...)
		if got.Code != tt.code || !strings.Contains(got.Err, tt.want) {
			t.Errorf("model serve %q = %d, %q, want %d and %q", tt.args, got.Code, got.Err, tt.code, tt.want)
		}
	}
}
