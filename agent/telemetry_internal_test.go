package agent

import (
	"context"
	"testing"

	"github.com/perdure/perdure/model"
)

// TestUnobserved has steps of a worker without telemetry: what would tell of them
// allocates nothing.
func TestUnobserved(t *testing.T) {
	ctx := NewService(nil).Context(context.Background())
	step := &modelCall{code: &code{agent: &Agent{Name: "Joker"}}, prompt: &prompt{}}
	tool, request, answer := &boundTool{}, &model.Request{}, &model.Response{}
	allocated := testing.AllocsPerRun(100, func() {
		_, chat := step.beginChat(ctx, model.Info{}, request)
		chat.heard()
		chat.end(answer, 0, nil)
		if _, call := tool.beginTool(ctx, ""); call != nil {
			t.Error("a tool is observed")
		}
		if traceIn(ctx).traceContext() != nil || traceOf(nil) != "" {
			t.Error("there is a trace")
		}
	})
	if allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
}

func FuzzTraceRef(f *testing.F) {
	for _, ref := range []traceRef{"", "a-b-c", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01;a=b", "4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-"} {
		f.Add(string(ref))
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref := traceRef(text)
		p, ok := ref.parse()
		if !ok {
			if ref.valid() != "" {
				t.Errorf("valid(%q) = %q", text, ref.valid())
			}
			return
		}
		if again, ok := p.ref().parse(); !ok || again.trace != p.trace || again.decided != p.decided || again.flags != p.flags {
			t.Errorf("parse(%q) = %+v, and its ref is read as %+v, %v", text, p, again, ok)
		}
	})
}
