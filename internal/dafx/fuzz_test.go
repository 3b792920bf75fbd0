package dafx_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// stored fails unless what was read can be kept in the form of package model: it
// is the same when it is read again. It returns that form.
func stored[T any](t *testing.T, v T) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("cannot be stored: %v", err)
	}
	var again T
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("stored as %s, which cannot be read: %v", text, err)
	}
	back, err := json.Marshal(again)
	if err != nil || string(back) != string(text) {
		t.Fatalf("stored as %s, then as %s, %v", text, back, err)
	}
	return text
}

// FuzzRequest reads requests: what is read says something and can be written.
func FuzzRequest(f *testing.F) {
	for _, name := range []string{"request-python", "request-dotnet"} {
		f.Add(example(f, name))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r, err := dafx.ParseRequest(input)
		if err != nil {
			return
		}
		if r.Dialect == dafx.Python && len(r.Messages) != 1 {
			t.Errorf("%d messages, want one", len(r.Messages))
		}
		text := stored(t, r.Messages)
		if len(text) > 20*len(input)+1000 {
			t.Errorf("%d bytes became %d", len(input), len(text))
		}
	})
}

// sameRaw compares JSON but for the whitespace between tokens.
func sameRaw(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && x.String() == y.String()
}

func someRaw(a, b json.RawMessage) bool { return len(a)+len(b) > 0 }

// FuzzContent reads content in both forms: written and read again it is the same.
func FuzzContent(f *testing.F) {
	for _, c := range contents {
		f.Add([]byte(c.dotnet))
		f.Add([]byte(c.python))
	}
	for _, text := range []string{
		`{"type":"text","text":7}`, `{"Type":"text","Text":7}`, `{"$type":"new","type":"text","text":7}`, `{"TYPE":"uri","uri":"u","media_type":"m"}`,
		`{"type":"function_approval_request","id":"a","function_call":{"type":"functionCall","name":7}}`,
		`{"type":"function_approval_request","id":"a","function_call":{"type":"text","text":"x"}}`,
	} {
		f.Add([]byte(text))
	}
	const nest = `{"type":"function_approval_request","function_call":`
	f.Add([]byte(strings.Repeat(nest, 2000) + "{}" + strings.Repeat("}", 2000)))
	f.Fuzz(func(t *testing.T, input []byte) {
		if !json.Valid(input) {
			return
		}
		for _, form := range []struct {
			write func(model.Content) json.RawMessage
			read  func(json.RawMessage) (model.Content, error)
		}{{dafx.WriteContent, dafx.ReadContent}, {dafx.WritePythonContent, dafx.ReadPythonContent}} {
			first, err := form.read(input)
			if err != nil {
				continue
			}
			stored(t, model.Contents{first})
			text := form.write(first)
			second, err := form.read(text)
			if err != nil {
				t.Fatalf("%s became %s, which cannot be read: %v", input, text, err)
			}
			if d := cmp.Diff(first, second, cmpopts.EquateEmpty(), cmp.FilterValues(someRaw, cmp.Comparer(sameRaw))); d != "" {
				t.Errorf("%s became %s (-first +second):\n%s", input, text, d)
			}
		}
	})
}

// FuzzResult reads results: written and read again they are the same.
func FuzzResult(f *testing.F) {
	for _, name := range []string{"result-python", "result-dotnet"} {
		f.Add(example(f, name))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		first, d, err := dafx.ParseResult(input)
		if err != nil {
			return
		}
		stored(t, first.Messages)
		text := first.Write(d)
		second, again, err := dafx.ParseResult(text)
		if err != nil || again != d {
			t.Fatalf("%s became %s, which is read as %q: %v", input, text, again, err)
		}
		if got := second.Write(d); string(got) != string(text) {
			t.Errorf("%s became %s, then %s", input, text, got)
		}
	})
}

// FuzzDocument reads state documents: written and read again they are the same,
// and their conversation can be imported.
func FuzzDocument(f *testing.F) {
	for _, name := range []string{"state-1.2.0", "state-2.0.0"} {
		f.Add(example(f, name))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d, err := dafx.ParseDocument(input)
		if err != nil {
			return
		}
		text := d.Marshal()
		again, err := dafx.ParseDocument(text)
		if err != nil {
			t.Fatalf("%s became %s, which cannot be read: %v", input, text, err)
		}
		if got := again.Marshal(); string(got) != string(text) {
			t.Errorf("%s became %s, then %s", input, text, got)
		}
		if len(text) > 8*len(input)+100 {
			t.Errorf("%d bytes became %d", len(input), len(text))
		}
		messages, _, err := d.Transcript()
		if err != nil {
			return
		}
		stored(t, messages)
	})
}
