package model_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
)

// TestGolden reads each file and writes it back: the members, their order and
// the values have to be those of the file.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, data); err != nil {
				t.Fatal(err)
			}
			v := newValue(t, filepath.Base(file))
			if err := json.Unmarshal(data, v); err != nil {
				t.Fatalf("Unmarshal() = %v", err)
			}
			if diff := cmp.Diff(want.String(), marshal(t, v)); diff != "" {
				t.Errorf("Marshal() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func newValue(t *testing.T, file string) any {
	t.Helper()
	kind, _, _ := strings.Cut(strings.TrimSuffix(file, ".json"), "_")
	switch kind {
	case "message":
		return new(model.Message)
	case "update":
		return new(model.Update)
	case "response":
		return new(model.Response)
	}
	t.Fatalf("golden file %s: unknown kind", file)
	return nil
}

// marshal encodes without the escaping of HTML, so that files stay readable.
func marshal(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatalf("Marshal(%T) = %v", v, err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestDiscriminatorInAnyPosition(t *testing.T) {
	const in = `{"Role":"user","ID":"","Contents":[
		{"Text":"hi","Type":"text","Annotations":null},
		{"Approved":true,"ToolCall":{"Name":"f","CallID":"c","Type":"functionCall"},"RequestID":"q","Type":"toolApprovalResponse"}]}`
	want := &model.Message{Role: model.RoleUser, Contents: model.Contents{
		&model.Text{Text: "hi"},
		&model.ApprovalResponse{RequestID: "q", Approved: true, ToolCall: &model.FunctionCall{Name: "f", CallID: "c"}},
	}}
	got := new(model.Message)
	if err := json.Unmarshal([]byte(in), got); err != nil {
		t.Fatalf("Unmarshal() = %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Unmarshal() mismatch (-want +got):\n%s", diff)
	}
}

func TestListsAreNeverNull(t *testing.T) {
	for want, v := range map[string]any{
		`{"Contents":[],"Role":"","ID":""}`:             &model.Message{},
		`{"Messages":[]}`:                               &model.Response{},
		`{"AgentID":"","MessageID":"","ResponseID":""}`: &model.Update{},
	} {
		if got := marshal(t, v); got != want {
			t.Errorf("Marshal(%T) = %s, want %s", v, got, want)
		}
	}
}

func TestNullResultIsNone(t *testing.T) {
	var cs model.Contents
	if err := json.Unmarshal([]byte(`[{"Type":"functionResult","CallID":"c","Result":null}]`), &cs); err != nil {
		t.Fatalf("Unmarshal() = %v", err)
	}
	if diff := cmp.Diff(model.Contents{&model.FunctionResult{CallID: "c"}}, cs); diff != "" {
		t.Errorf("Unmarshal() mismatch (-want +got):\n%s", diff)
	}
	const want = `{"Type":"functionResult","CallID":"c"}`
	if got := marshal(t, &model.FunctionResult{CallID: "c", Result: json.RawMessage("null")}); got != want {
		t.Errorf("Marshal() = %s, want %s", got, want)
	}
}

func TestRawKeepsItsBytes(t *testing.T) {
	const element = `{ "Type":"later",  "N":1.50e3,"N":2, "s":"\u00e9" }`
	var cs model.Contents
	if err := json.Unmarshal([]byte("["+element+"]"), &cs); err != nil {
		t.Fatalf("Unmarshal() = %v", err)
	}
	if got, want := cs[0].(*model.Raw).JSON, element; string(got) != want {
		t.Errorf("Raw.JSON = %s, want %s", got, want)
	}
	if got, want := cs[0].Type(), "later"; got != want {
		t.Errorf("Type() = %q, want %q", got, want)
	}
	b, err := cs.MarshalJSON()
	if err != nil || string(b) != "["+element+"]" {
		t.Errorf("MarshalJSON() = %s, %v, want [%s]", b, err, element)
	}
}

func TestKnownTypeThatDoesNotFit(t *testing.T) {
	var m model.Message
	err := json.Unmarshal([]byte(`{"Contents":[{"Type":"text","Text":"a"},{"Type":"text","Text":7}]}`), &m)
	if err == nil || !strings.Contains(err.Error(), "content 1: text: ") {
		t.Errorf("Unmarshal() = %v, want an error about content 1", err)
	}
}

func TestUnencodableContent(t *testing.T) {
	for name, c := range map[string]model.Content{
		"nil":       nil,
		"empty raw": &model.Raw{},
	} {
		if b, err := json.Marshal(model.Contents{c}); err == nil {
			t.Errorf("Marshal(%s) = %s, want an error", name, b)
		}
	}
}

func TestData(t *testing.T) {
	mediaType, b, err := model.NewData("image/png", []byte{1, 2, 3}).Decode()
	if mediaType != "image/png" || !bytes.Equal(b, []byte{1, 2, 3}) || err != nil {
		t.Errorf("Decode() = %q, %v, %v, want image/png, [1 2 3], nil", mediaType, b, err)
	}
	mediaType, b, err = (&model.Data{URI: "data:text/plain;charset=utf-8,a%20b"}).Decode()
	if mediaType != "text/plain;charset=utf-8" || string(b) != "a b" || err != nil {
		t.Errorf("Decode() = %q, %q, %v, want text/plain;charset=utf-8, a b, nil", mediaType, b, err)
	}
	for _, uri := range []string{"", "data", "https://shop.test/", "data:text/plain", "data:;base64,%%%", "data:,%zz"} {
		if _, _, err := (&model.Data{URI: uri}).Decode(); err == nil {
			t.Errorf("Decode(%q) = nil error, want one", uri)
		}
	}
}

// FuzzMessage checks that what was read is written in a form that reads the same.
func FuzzMessage(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/message*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first model.Message
		if json.Unmarshal(data, &first) != nil {
			return
		}
		once := marshal(t, &first)
		var second model.Message
		if err := json.Unmarshal([]byte(once), &second); err != nil {
			t.Fatalf("Unmarshal(%s) = %v", once, err)
		}
		if twice := marshal(t, &second); twice != once {
			t.Fatalf("second encoding = %s, want %s", twice, once)
		}
	})
}

// FuzzData reads data URIs.
func FuzzData(f *testing.F) {
	f.Add("data:image/png;base64,AQID")
	f.Add("DATA:text/plain;charset=utf-8,a%20b")
	f.Add("data:;base64,%%%")
	f.Add("https://shop.test/")
	f.Fuzz(func(t *testing.T, uri string) {
		mediaType, b, err := (&model.Data{URI: uri}).Decode()
		if err != nil {
			if !strings.Contains(err.Error(), "data content") {
				t.Errorf("Decode(%q) = %v, want what is wrong named", uri, err)
			}
			return
		}
		if len(b) > len(uri) {
			t.Errorf("Decode(%q) = %d bytes, want at most %d", uri, len(b), len(uri))
		}
		gotType, got, err := model.NewData(mediaType, b).Decode()
		if strings.Contains(mediaType, ",") {
			return // no media type
		}
		if err != nil || gotType != mediaType || !bytes.Equal(got, b) {
			t.Errorf("Decode(NewData(%q, %x)) = %q, %x, %v", mediaType, b, gotType, got, err)
		}
	})
}

// FuzzResponse checks that a whole answer that was read is written in a form that
// reads the same.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(`{"Messages":[{"Role":"assistant","Contents":[{"$type":"text","Text":"a"}]},null],"FinishReason":"stop","CreatedAt":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"Messages":null,"AdditionalProperties":{"a":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first model.Response
		if json.Unmarshal(data, &first) != nil || slices.Contains(first.Messages, nil) {
			return
		}
		_, _, _ = first.Text(), first.Usage(), first.Model()
		once := marshal(t, &first)
		var second model.Response
		if err := json.Unmarshal([]byte(once), &second); err != nil {
			t.Fatalf("Unmarshal(%s) = %v", once, err)
		}
		if twice := marshal(t, &second); twice != once {
			t.Errorf("second encoding = %s, want %s", twice, once)
		}
	})
}

// FuzzRetryAfter reads the headers that say when to try again.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Add("120", "", "")
	f.Add("Fri, 02 Jan 2026 03:05:05 GMT", "", "Fri, 02 Jan 2026 03:04:05 GMT")
	f.Add("-1", "1e400", "x")
	f.Add("NaN", "Inf", "")
	f.Fuzz(func(t *testing.T, after, millis, date string) {
		headers := map[string]string{"Retry-After": after, "Retry-After-Ms": millis, "Date": date}
		e := model.NewHTTPError("p", 429, func(name string) string { return headers[name] }, now)
		if e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour {
			t.Errorf("Retry-After %q, Retry-After-Ms %q, Date %q = %v, want 0 to 24h", after, millis, date, e.RetryAfter)
		}
	})
}
