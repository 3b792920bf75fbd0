package model_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/perdure/perdure/model"
)

func TestForModel(t *testing.T) {
	for _, tt := range []struct {
		result model.FunctionResult
		want   string
	}{
		{model.FunctionResult{}, ""},
		{model.FunctionResult{Error: "too dark", Result: json.RawMessage(`1`)}, "too dark"},
		{model.FunctionResult{Result: json.RawMessage(`"a \"b\" <c>"`)}, `a "b" <c>`},
		{model.FunctionResult{Result: json.RawMessage(`{ "z": "\u003c", "a": 1.50 }`)}, `{"z":"<","a":1.50}`},
		{model.FunctionResult{Result: json.RawMessage(`[1, null]`)}, `[1,null]`},
		{model.FunctionResult{Result: json.RawMessage(`not JSON`)}, `not JSON`},
	} {
		if got := tt.result.ForModel(); got != tt.want {
			t.Errorf("ForModel(%s) = %q, want %q", tt.result.Result, got, tt.want)
		}
	}
}

// FuzzStableJSON stores a value as part of a bigger one and reads it again: its
// form is the same, and means the same.
func FuzzStableJSON(f *testing.F) {
	f.Add([]byte(`{"a" : "<b> \u003c \\u003c \\\u0026 \u2028 \ufffd", "n":[1.0, 1e3,null]}`))
	f.Add([]byte("\"\u2028 \xff\""))
	f.Add([]byte(`"\ud800 \/ \u003C \b"`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		first, err := model.StableJSON(json.RawMessage(raw))
		if err != nil {
			t.Fatalf("StableJSON(%s) = %v", raw, err)
		}
		stored, err := json.Marshal(map[string]json.RawMessage{"x": raw})
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]json.RawMessage
		if err := json.Unmarshal(stored, &read); err != nil {
			t.Fatal(err)
		}
		again, err := model.StableJSON(read["x"])
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("StableJSON(%q) = %q, after storage %q, %v", raw, first, again, err)
		}
		var before, after any
		if json.Unmarshal(raw, &before) == nil && (json.Unmarshal(first, &after) != nil || !reflect.DeepEqual(before, after)) {
			t.Errorf("StableJSON(%q) = %q, which means %v, not %v", raw, first, after, before)
		}
	})
}
