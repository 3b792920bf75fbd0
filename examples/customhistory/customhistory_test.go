package customhistory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/customhistory"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// lister is a model that lists what it was given.
func lister() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		var said []string
		for _, m := range r.Messages {
			said = append(said, string(m.Role)+" "+m.Text())
		}
		return modeltest.Say("(" + strings.Join(said, ", ") + ")")
	})
}

func register(t *testing.T, reg *perdure.Registry, dir string) {
	t.Helper()
	if err := customhistory.Register(reg, lister(), customhistory.Folder(dir)); err != nil {
		t.Fatal(err)
	}
}

// TestOwnStore has another program write a turn into the folder: the model is given
// it.
func TestOwnStore(t *testing.T) {
	dir := t.TempDir()
	reg := perdure.NewRegistry()
	register(t, reg, dir)
	env := perduretest.New(t, reg)
	if _, err := env.Ask("Assistant", "k1", "zero"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder has %v, %v, want one file", files, err)
	}
	if err := os.WriteFile(files[0], []byte(`[{"Role":"user","Contents":[{"Type":"text","Text":"something else"}]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := env.Ask("Assistant", "k1", "one"); err != nil || r.Text != "(user something else, user one)" {
		t.Errorf("Ask() = %+v, %v, want what the folder has", r, err)
	}
}

// TestCrashEverywhere crashes at each commit of two turns: the folder has each turn
// once.
func TestCrashEverywhere(t *testing.T) {
	dir := ""
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			dir = t.TempDir()
			register(t, reg, dir)
		},
		Run: func(e *perduretest.Env) {
			for i, want := range []string{"(user turn 0)", "(user turn 0, assistant (user turn 0), user turn 1)"} {
				r, err := e.Answer(e.Tell("Assistant", "a/b", agent.Message{Text: fmt.Sprint("turn ", i)}))
				if err != nil || r.Text != want {
					t.Errorf("turn %d is answered with %+v, %v, want %s", i, r, err, want)
				}
			}
			files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
			if err != nil || len(files) != 2 {
				t.Errorf("the folder has %v, %v, want a file for each turn", files, err)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}

// TestReset resets the session: the model is given nothing of what was said before.
func TestReset(t *testing.T) {
	reg := perdure.NewRegistry()
	register(t, reg, t.TempDir())
	env := perduretest.New(t, reg)
	if _, err := env.Ask("Assistant", "k1", "zero"); err != nil {
		t.Fatal(err)
	}
	id, err := agent.NewSessionID("Assistant", "k1")
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Agents().Reset(env.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r, err := env.Ask("Assistant", "k1", "one"); err != nil || r.Text != "(user one)" {
		t.Errorf("Ask() = %+v, %v, want a new conversation", r, err)
	}
}

// TestDamage has the store fail: the turn fails, and says which file it is about.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	reg := perdure.NewRegistry()
	register(t, reg, dir)
	env := perduretest.New(t, reg)
	if _, err := env.Ask("Assistant", "k1", "zero"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder has %v, %v, want one file", files, err)
	}
	if err := os.WriteFile(files[0], []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := env.Ask("Assistant", "k1", "one"); err == nil || !strings.Contains(err.Error(), "00000000.json") {
		t.Errorf("Ask() = %+v, %v, want an error about the file", r, err)
	}
}
