package agent_test

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

type (
	contextOf = context.Context
	updates   = iter.Seq2[*model.Update, error]
)

func TestRegisterReportsAll(t *testing.T) {
	bad := agent.NewTool[chan int, int]("pipe", "", nil)
	reg := perdure.NewRegistry()
	err := agent.Register(reg,
		&agent.Agent{Name: "no spaces", Model: parrot()},
		&agent.Agent{Name: "Modelless", MaxSteps: -1},
		&agent.Agent{Name: "Tooled", Model: parrot(), Tools: []agent.Tool{bad, agent.NewTool("bad name", "", func(context.Context, int) (int, error) { return 0, nil })}},
		&agent.Agent{Name: "Twin", Model: parrot()}, &agent.Agent{Name: "twin", Model: parrot()}, nil)
	if perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Fatalf("Register() = %v, want invalid_argument", err)
	}
	for _, want := range []string{"no spaces", "Model is missing", "MaxSteps", "the function is nil", "bad name", "there twice", "an agent is nil"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Register() = %v, want %q in it", err, want)
		}
	}
	if list, err := agent.List(reg); err != nil || len(list) != 0 {
		t.Errorf("List() = %v, %v, want none", list, err)
	}
}

func TestList(t *testing.T) {
	reg := registry(t, &agent.Agent{Name: "Zed", Model: parrot()}, &agent.Agent{Name: "Abe", Description: "d", Model: parrot(),
		Tools: []agent.Tool{agent.NewTool("double", "doubles", func(_ context.Context, n int) (int, error) { return 2 * n, nil })}})
	list, err := agent.List(reg)
	if err != nil || len(list) != 2 || list[0].Name != "Abe" || list[1].Name != "Zed" {
		t.Fatalf("List() = %+v, %v, want Abe and Zed", list, err)
	}
	if got, want := string(list[0].Tools[0].Schema), `"required":["Arg0"]`; !strings.Contains(got, want) {
		t.Errorf("schema = %s, want %s in it", got, want)
	}
	if list[0].Hash == list[1].Hash || list[0].MaxSteps != agent.DefaultMaxSteps {
		t.Errorf("List() = %+v, want different hashes and the default number of steps", list)
	}
}

func TestParseSessionID(t *testing.T) {
	for _, c := range []struct{ agent, in, want string }{
		{"Joker", "k1", "@dafx-joker@k1"},
		{"Joker", "@dafx-joker@k1", "@dafx-joker@k1"},
		{"Joker", "@DAFX-Joker@K~1", "@dafx-joker@K~1"},
		{"joker", "@Joker@k1", "@dafx-joker@k1"},
		{"", "@Joker@k1", "@dafx-joker@k1"},
		{"Joker", "@dafx-dafx-joker@k1", ""},
		{"Joker", "@writer@k1", ""},
		{"Joker", "", ""},
		{"Joker", "@joker", ""},
		{"Joker", "@joker@a@b", ""},
		{"Joker", "a\nb", ""},
		{"Joker", strings.Repeat("k", 71), ""},
	} {
		id, err := agent.ParseSessionID(c.agent, c.in)
		got := ""
		if err == nil {
			got = id.String()
		}
		if got != c.want || (err == nil) == (c.want == "") {
			t.Errorf("ParseSessionID(%q, %q) = %q, %v, want %q", c.agent, c.in, got, err, c.want)
		}
	}
}

func FuzzParseSessionID(f *testing.F) {
	f.Add("Joker", "@dafx-Joker@k1")
	f.Add("", "@a@b")
	f.Add("Joker", "k~1")
	f.Fuzz(func(t *testing.T, name, in string) {
		id, err := agent.ParseSessionID(name, in)
		if err != nil {
			return
		}
		again, err := agent.ParseSessionID(name, id.String())
		if err != nil || again != id {
			t.Errorf("ParseSessionID(%q) = %+v, %v, want %+v", id.String(), again, err, id)
		}
		if turn := id.Turn("c"); len(turn) > 100 {
			t.Errorf("Turn() = %s of %d bytes, want at most 100", turn, len(turn))
		}
	})
}
