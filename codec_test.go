package perdure_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// throughStep sends a value through a step and back, as calls do.
func throughStep[T any](t *testing.T, v T) (history.Text, T) {
	t.Helper()
	rt := &scripted{}
	ctx := perdure.NewContext(rt, perdure.NewRegistry())
	event := perdure.NewEvent[T]("e")
	if err := event.Send(ctx, "i", v); err != nil {
		t.Fatal(err)
	}
	wait := event.Wait(ctx)
	rt.steps[1].Complete(rt.steps[0].Input)
	got, err := wait.Await()
	if err != nil {
		t.Fatalf("Await() of %s = %v", rt.steps[0].Input.S, err)
	}
	return rt.steps[0].Input, got
}

func TestValuesAsJSON(t *testing.T) {
	type point struct{ X, Y int }
	check := func(text history.Text, want string) {
		t.Helper()
		if diff := cmp.Diff(history.Text{S: want, Set: want != ""}, text); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	}
	text, _ := throughStep(t, point{1, 2})
	check(text, `{"X":1,"Y":2}`)
	text, _ = throughStep(t, "<a&b>")
	check(text, `"<a&b>"`)
	text, _ = throughStep(t, "")
	check(text, `""`)
	text, _ = throughStep(t, struct{}{})
	check(text, "")
	text, _ = throughStep(t, (*point)(nil))
	check(text, "")
	text, _ = throughStep(t, &point{3, 4})
	check(text, `{"X":3,"Y":4}`)
	text, _ = throughStep(t, json.RawMessage(`{"a": [1]}`))
	check(text, `{"a":[1]}`)
	text, _ = throughStep[any](t, nil)
	check(text, "")
	text, _ = throughStep(t, []string{"a\nb"})
	check(text, `["a\nb"]`)
}

// FuzzStrings checks the fast path of strings against encoding/json.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{"", "plain", "eight by", `say "x"`, `back\slash`, "line\nline", "höhe", "\xff", "\u2028",
		strings.Repeat("x", 17) + `"`, strings.Repeat("ü", 9), "\x1f", "\x7f", "7777777\x1f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, got := throughStep(t, s)
		if utf8.ValidString(s) && got != s {
			t.Errorf("%q came back as %q", s, got)
		}
		var std string
		if err := json.Unmarshal([]byte(text.S), &std); err != nil || std != got {
			t.Errorf("JSON of %q = %s, read by encoding/json as %q, %v, want %q", s, text.S, std, err, got)
		}
	})
}

// FuzzStringResult checks that what the fast path reads encoding/json reads alike.
func FuzzStringResult(f *testing.F) {
	for _, s := range []string{`""`, `"a"`, `"`, `"a\u0041"`, `"a`, ` "a" `, `null`, `"` + "\xff" + `"`, `5`, `"a"b"`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		rt := &scripted{}
		task := perdure.CallNamed[string](perdure.NewContext(rt, perdure.NewRegistry()), "x", nil)
		rt.steps[0].Complete(history.Some(raw))
		got, err := task.Await()
		var want string
		wantErr := json.Unmarshal([]byte(raw), &want)
		if raw == "" {
			wantErr = nil
		}
		if (err != nil) != (wantErr != nil) || err == nil && got != want {
			t.Errorf("result %q = %q, %v, want %q, %v", raw, got, err, want, wantErr)
		}
	})
}
