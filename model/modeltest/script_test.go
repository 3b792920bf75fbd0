package modeltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// fakeT records what a script reports.
type fakeT struct {
	errors  []string
	cleanup []func()
}

func (t *fakeT) Helper() {}
func (t *fakeT) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}
func (t *fakeT) Cleanup(f func()) { t.cleanup = append(t.cleanup, f) }

// end runs what the end of a test runs, and returns the errors.
func (t *fakeT) end() []string {
	for _, f := range t.cleanup {
		f()
	}
	return t.errors
}

func ask(t *testing.T, m model.Model, text string) (*model.Response, error) {
	t.Helper()
	return model.Collect(m.Generate(t.Context(), &model.Request{Messages: []*model.Message{model.UserText(text)}}))
}

func TestScriptPlaysItsSteps(t *testing.T) {
	m := modeltest.Script(t,
		modeltest.Call("look", map[string]int{"at": 7}).Then(modeltest.Call("stop", nil)),
		modeltest.Say("A shoe."),
	)
	r, err := ask(t, m, "What is it?")
	if err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := &model.Response{
		ID: "script-1", FinishReason: model.FinishToolCalls,
		AdditionalProperties: model.Properties{model.PropertyModel: json.RawMessage(`"script"`)},
		Messages: []*model.Message{{ID: "script-1", Role: model.RoleAssistant, Contents: model.Contents{
			&model.FunctionCall{CallID: "script-1-call-1", Name: "look", Arguments: `{"at":7}`},
			&model.FunctionCall{CallID: "script-1-call-2", Name: "stop", Arguments: `{}`},
			&model.UsageContent{Details: model.Usage{InputTokenCount: 4, OutputTokenCount: 4, TotalTokenCount: 8}},
		}}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("response mismatch (-want +got):\n%s", diff)
	}
	if r, err = ask(t, m, "So?"); err != nil || r.Text() != "A shoe." {
		t.Errorf("second answer = %q, %v, want A shoe.", r.Text(), err)
	}
	if got := m.Requests(); len(got) != 2 || got[1].Messages[0].Text() != "So?" {
		t.Errorf("Requests() = %v, want two, the second with So?", got)
	}
	if err := m.Err(); err != nil {
		t.Errorf("Err() = %v, want nil", err)
	}
}

func TestScriptFailsOnUnusedSteps(t *testing.T) {
	ft := &fakeT{}
	m := modeltest.Script(ft, modeltest.Say("a"), modeltest.Say("b"))
	if _, err := ask(t, m, "?"); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := []string{"model script: 1 of 2 steps unused"}
	if err := m.Err(); err == nil || err.Error() != want[0] {
		t.Errorf("Err() = %v, want %v", err, want[0])
	}
	if diff := cmp.Diff(want, ft.end()); diff != "" {
		t.Errorf("errors mismatch (-want +got):\n%s", diff)
	}
}

func TestScriptFailsOnExtraCalls(t *testing.T) {
	ft := &fakeT{}
	m := modeltest.Script(ft)
	_, err := ask(t, m, "?")
	var e *model.Error
	if !errors.As(err, &e) || e.Code != modeltest.CodeScriptEnd || e.Retryable {
		t.Errorf("Generate() = %v, want a final %s error", err, modeltest.CodeScriptEnd)
	}
	want := []string{"model script: call 1 after the last of 0 steps"}
	if diff := cmp.Diff(want, ft.end()); diff != "" {
		t.Errorf("errors mismatch (-want +got):\n%s", diff)
	}
	if m.Err() == nil {
		t.Error("Err() = nil, want an error")
	}
}

func TestScriptChecks(t *testing.T) {
	ft := &fakeT{}
	wrong := errors.New("no tools")
	m := modeltest.Script(ft, modeltest.Say("a").Check(func(r *model.Request) error {
		if len(r.Tools) == 0 {
			return wrong
		}
		return nil
	}))
	if _, err := ask(t, m, "?"); !errors.Is(err, wrong) {
		t.Errorf("Generate() = %v, want %v", err, wrong)
	}
	if diff := cmp.Diff([]string{"model script: call 1: no tools"}, ft.end()); diff != "" {
		t.Errorf("errors mismatch (-want +got):\n%s", diff)
	}
}

func TestScriptFails(t *testing.T) {
	boom := errors.New("boom")
	m := modeltest.NewScript(modeltest.Say("half a").Then(modeltest.Fail(boom), modeltest.Say("never")))
	r, err := ask(t, m, "?")
	if !errors.Is(err, boom) || r.Text() != "half a" {
		t.Errorf("Generate() = %q, %v, want half a, %v", r.Text(), err, boom)
	}
	if err := m.Err(); err != nil {
		t.Errorf("Err() = %v, want nil", err)
	}
}

func TestStepsAreValues(t *testing.T) {
	base := modeltest.Say("a")
	base.Then(modeltest.Say("b"))
	one, two := base.Then(modeltest.Say("1")), base.Then(modeltest.Say("2"))
	m := modeltest.Script(t, base, one, two)
	for _, want := range []string{"a", "a1", "a2"} {
		if r, err := ask(t, m, "?"); err != nil || r.Text() != want {
			t.Errorf("answer = %q, %v, want %q", r.Text(), err, want)
		}
	}
}

func TestPauseHonoursTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gone) })
		m := modeltest.Script(t, modeltest.Pause(time.Minute).Then(modeltest.Say("late")))
		start := time.Now()
		_, err := model.Collect(m.Generate(ctx, &model.Request{}))
		if got := time.Since(start); !errors.Is(err, gone) || got != time.Second {
			t.Errorf("Generate() = %v after %v, want %v after 1s", err, got, gone)
		}
	})
}

func TestFinishAndUsage(t *testing.T) {
	usage := model.Usage{InputTokenCount: 7}
	m := modeltest.Script(t, modeltest.Say("a").Finish(model.FinishLength).Usage(usage))
	r, err := ask(t, m, "?")
	if err != nil || r.FinishReason != model.FinishLength || r.Usage().InputTokenCount != 7 {
		t.Errorf("answer = %q, %v, %v, want length and 7 input tokens", r.FinishReason, r.Usage(), err)
	}
}

func TestCallPanicsOnBadArguments(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "arguments") {
			t.Errorf("panic = %v, want one about arguments", got)
		}
	}()
	modeltest.Call("f", make(chan int))
}
