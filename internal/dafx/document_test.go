package dafx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

func parse(t *testing.T, text []byte) *dafx.Document {
	t.Helper()
	d, err := dafx.ParseDocument(text)
	if err != nil {
		t.Fatalf("ParseDocument(%s) = %v", text, err)
	}
	return d
}

func TestDocumentExamplesSurvive(t *testing.T) {
	for _, name := range []string{"state-1.2.0", "state-2.0.0"} {
		text := example(t, name)
		if got := string(parse(t, text).Marshal()); got != string(text) {
			t.Errorf("%s written back = %s, want %s", name, got, text)
		}
	}
}

func TestDocumentTranscript(t *testing.T) {
	messages, answered, err := parse(t, example(t, "state-1.2.0")).Transcript()
	if err != nil || len(messages) != 4 || fmt.Sprint(answered) != "[5d1c...]" {
		t.Fatalf("Transcript() = %d messages, %v, %v, want 4 and one answered", len(messages), answered, err)
	}
	first := messages[0]
	if first.ID != "m1" || first.AuthorName != "kiosk" || len(first.Contents) != 5 || first.Text() != "Refund order 7" {
		t.Errorf("first message = %+v, want that of the kiosk", first)
	}
	if call, ok := messages[1].Contents[1].(*model.FunctionCall); !ok || call.Arguments != `{"order":7}` {
		t.Errorf("second content of the answer = %+v, want the call", messages[1].Contents[1])
	}
	if last := messages[3].Contents[3].(*model.Raw); string(last.JSON) != `{"page":4}` {
		t.Errorf("unknown content = %s, want it verbatim", last.JSON)
	}
	if got := messages[1].CreatedAt; !got.Equal(at("2026-11-02T09:00:04Z")) {
		t.Errorf("time of a message without one = %v, want that of its entry", got)
	}
	_, answered, err = parse(t, example(t, "state-2.0.0")).Transcript()
	if d := cmp.Diff([]string{"q8", "q8", "q1"}, answered); err != nil || d != "" {
		t.Errorf("answered in 2.0 (-want +got): %v\n%s", err, d)
	}
}

func TestDocumentKeepsStrangers(t *testing.T) {
	const before = `{"x0":1,"schemaVersion":"1.9.3","data":{"x1":null,"conversationHistory":[{"x2":{"a":1},"json_type":"response","correlationId":"c",` +
		`"messages":[{"role":"assistant","x3":[],"contents":[{"text":"t","x4":2,"$type":"text"}]}],"usage":{"x5":1}}],"x6":true},"x7":"y"}`
	d := parse(t, []byte(before))
	d.SetData("expirationTimeUtc", json.RawMessage(`"2026-11-16T09:00:04Z"`))
	d.Entries = append(d.Entries, dafx.Entry{Members: dafx.Members{{Name: "$type", Value: json.RawMessage(`"request"`)}}})
	const want = `{"x0":1,"schemaVersion":"1.9.3","data":{"x1":null,"conversationHistory":[{"$type":"response","x2":{"a":1},"correlationId":"c",` +
		`"messages":[{"role":"assistant","x3":[],"contents":[{"$type":"text","text":"t","x4":2}]}],"usage":{"x5":1}},{"$type":"request"}],"x6":true,"expirationTimeUtc":"2026-11-16T09:00:04Z"},"x7":"y"}`
	if got := string(d.Marshal()); got != want {
		t.Errorf("document after the change = %s, want %s", got, want)
	}
	if got := d.Expires(); !got.Equal(at("2026-11-16T09:00:04Z")) {
		t.Errorf("Expires() = %v", got)
	}
}

func TestDocumentVersions(t *testing.T) {
	for version, good := range map[string]bool{
		`"1.0.0"`: true, `"1.1.0"`: true, `"1.2.0"`: true, `"1.37.2"`: true,
		`"2.0.1"`: false, `"2.1.0"`: false, `"3.0.0"`: false, `"0.9.0"`: false, `"10.0.0"`: false, `"1.2"`: false, `"1.2.0-beta"`: false,
		`"01.2.0"`: false, `" 1.2.0"`: false, `1.2`: false, `null`: false, `""`: false, `"1.2.0\n"`: false,
	} {
		text := `{"schemaVersion":` + version + `,"data":{"conversationHistory":[]}}`
		_, err := dafx.ParseDocument([]byte(text))
		var wrong *dafx.VersionError
		if good && err != nil || !good && !errors.As(err, &wrong) {
			t.Errorf("ParseDocument(version %s) = %v, want good = %v, else a VersionError", version, err, good)
		}
	}
	var wrong *dafx.VersionError
	if _, err := dafx.ParseDocument([]byte(`{"data":{}}`)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("ParseDocument() without version = %v, want a VersionError", err)
	}
}

func TestDocumentRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{"schemaVersion":"1.2.0","data":[]}`, `{"schemaVersion":"1.2.0","data":{"conversationHistory":{}}}`,
		`{"schemaVersion":"1.2.0","data":{"conversationHistory":[1]}}`,
		`{"schemaVersion":"1.2.0","data":{"conversationHistory":[{"messages":1}]}}`,
		`{"schemaVersion":"1.2.0","data":{"conversationHistory":[{"messages":[1]}]}}`,
		`{"schemaVersion":"1.2.0","data":{"conversationHistory":[{"messages":[{"contents":1}]}]}}`,
	} {
		var format *dafx.FormatError
		if _, err := dafx.ParseDocument([]byte(text)); !errors.As(err, &format) {
			t.Errorf("ParseDocument(%s) = %v, want a FormatError", text, err)
		}
	}
}

func TestVersion2IsStrict(t *testing.T) {
	whole := string(example(t, "state-2.0.0"))
	for _, c := range []struct{ old, new string }{
		{`"terminalResults"`, `"results"`},
		{`"completionReceipts"`, `"receipts"`},
		{`"conversationHistory"`, `"history"`},
		{`"$type":"errorResponse"`, `"$type":"apology"`},
		{`"role":"developer"`, `"role":"king"`},
		{`"$type":"text"`, `"$type":"song"`},
		{`"outcome":"failed","completedAt":"2026-11-02T09:00:01Z","resultExpiresAt"`, `"outcome":"succeeded","completedAt":"2026-11-02T09:00:01Z","resultExpiresAt"`},
		{`"outcome":"succeeded"`, `"outcome":"unknown"`},
		{`"error":{"code"`, `"mistake":{"code"`},
		{`"correlationId":"q1"`, `"correlationId":"q2"`},
		{`"$type":"request","correlationId":"q8"`, `"$type":"request","correlationId":" "`},
		{`"$type":"request","correlationId":"q8"`, `"$type":"request","correlationId":"` + strings.Repeat("x", 257) + `"`},
		{`"$type":"request","correlationId":"q8"`, `"$type":"request","correlationId":"\u0085"`},
		{`"AQID"`, `"A"`},
		{`"AQID"`, `"` + strings.Repeat("A", 16388) + `"`},
		{`"resultState":"available"`, `"resultState":"soon"`},
		{`{"$type":"text","text":"Order 7: refunded."}`, `{"$type":"functionCall","callId":"c","name":"f","arguments":[1]}`},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		if text == whole {
			t.Fatalf("%s is not in the example", c.old)
		}
		var format *dafx.FormatError
		if _, err := dafx.ParseDocument([]byte(text)); !errors.As(err, &format) {
			t.Errorf("ParseDocument() with %s instead of %s = %v, want a FormatError", c.new, c.old, err)
		}
	}
}

// shop is the conversation of the example.
func shop() dafx.Projection {
	said := &model.Message{Role: model.RoleUser, AuthorName: "kiosk", CreatedAt: at("2026-11-02T09:00:00Z"), ID: "m1", Contents: model.Contents{
		&model.Text{Text: "Refund order 7"}, &model.Data{URI: "data:image/png;base64,iVBO"}, &model.URI{URI: "https://shop.test/7", MediaType: "text/html"},
		&model.HostedFile{FileID: "f9"}, &model.HostedVectorStore{VectorStoreID: "v3"},
	}}
	return dafx.Projection{
		Expires: at("2026-11-16T09:00:04Z"), LogHead: 41,
		Evicted: dafx.Evicted{Messages: 2, First: at("2026-10-01T00:00:00Z"), Last: at("2026-10-02T00:00:00Z")},
		Turns: []dafx.Turn{{
			CorrelationID: "5d1c...", OrchestrationID: "refund-7", Started: at("2026-11-02T09:00:00.12Z"),
			Format: dafx.Format{JSON: true, Schema: json.RawMessage(`{"type":"object"}`)}, Request: []*model.Message{said},
			Ended: at("2026-11-02T09:00:04Z"),
			Usage: &model.Usage{InputTokenCount: 210, OutputTokenCount: 38, TotalTokenCount: 248, AdditionalCounts: map[string]int64{"cache_read": 128}},
			Response: []*model.Message{
				{Role: model.RoleAssistant, Contents: model.Contents{&model.Reasoning{Text: "Under the limit."}, &model.FunctionCall{CallID: "c1", Name: "issue_refund", Arguments: `{"order":7}`}}},
				model.ToolResult("c1", json.RawMessage(`{"receipt":"r5"}`)),
				{Role: model.RoleAssistant, Contents: model.Contents{
					&model.Text{Text: "Refunded."}, &model.UsageContent{Details: model.Usage{TotalTokenCount: 102}},
					&model.ErrorContent{Message: "photo unreadable", ErrorCode: "decode", Details: "short file"}, &model.Raw{JSON: json.RawMessage(`{"page":4}`)},
				}},
			},
		}},
	}
}

func TestProjectionIsTheExample(t *testing.T) {
	p := shop()
	want := parse(t, example(t, "state-1.2.0"))
	want.SetData("session", nil) // these are of hosts, not of ours
	want.SetData("ingestedPositions", nil)
	text := strings.Replace(string(want.Marshal()), "09:00:00.12+00:00", "09:00:00.12Z", 1)
	same(t, "Write()", p.Write(), []byte(text))
	got := string(p.Write())
	for _, part := range []string{`{"$type":"request"`, `{"$type":"response"`, `{"$type":"functionCall"`, `{"$type":"unknown"`, `[{"$type":"text"`} {
		if !strings.Contains(got, part) {
			t.Errorf("Write() = %s, want the type first: %s", got, part)
		}
	}
}

func TestProjectionInVersion11(t *testing.T) {
	p := shop()
	p.Version = dafx.Version11
	d := parse(t, p.Write())
	if d.Version != "1.1.0" || d.Data("truncation") != nil || strings.Contains(string(p.Write()), "messageId") {
		t.Errorf("Write() = %s, want version 1.1.0 without truncation and message ids", p.Write())
	}
	if messages, _, err := d.Transcript(); err != nil || len(messages) != 4 {
		t.Errorf("Transcript() = %d messages, %v, want 4", len(messages), err)
	}
}

func TestProjectionKeepsTheNewest(t *testing.T) {
	p := dafx.Projection{Limit: 3000}
	for i := range 40 {
		when := at("2026-11-02T09:00:00Z").Add(time.Duration(i) * time.Minute)
		p.Turns = append(p.Turns, dafx.Turn{
			CorrelationID: fmt.Sprintf("c%d", i), Started: when, Request: []*model.Message{model.UserText("u")},
			Ended: when.Add(time.Second), Response: []*model.Message{model.AssistantText(strings.Repeat("a", 100))},
		})
	}
	d := parse(t, p.Write())
	n := len(d.Entries)
	if n < 8 || n > 20 || n%2 != 0 || d.Entries[n-1].CorrelationID() != "c39" || d.Entries[0].Kind() != dafx.EntryRequest {
		t.Fatalf("%d entries from %s to %s, want the newest turns whole", n, d.Entries[0].CorrelationID(), d.Entries[n-1].CorrelationID())
	}
	first := 40 - n/2
	want := fmt.Sprintf(`{"evictedMessageCount":%d,"firstEvictedAt":"2026-11-02T09:00:00Z","lastEvictedAt":"%s"}`, 2*first,
		dafx.FormatTime(p.Turns[first-1].Ended))
	if got := string(d.Data("truncation")); got != want {
		t.Errorf("truncation = %s, want %s", got, want)
	}
	p.Polled = []string{"c3"}
	p.Limit = 10
	d = parse(t, p.Write())
	if len(d.Entries) != 2 || d.Entries[1].CorrelationID() != "c3" || d.Entries[1].Kind() != dafx.EntryResponse {
		t.Errorf("polled document = %+v, want the polled turn alone", d.Entries)
	}
	if p.Turns[3].CorrelationID != "c3" || p.Turns[39].CorrelationID != "c39" {
		t.Errorf("Write() has changed the order of the turns")
	}
}

func TestProjectionOfFailures(t *testing.T) {
	p := dafx.Projection{Turns: []dafx.Turn{
		{CorrelationID: "a", Started: at("2026-11-02T09:00:00Z"), Request: []*model.Message{model.UserText("u")}, Ended: at("2026-11-02T09:00:01Z"), Failure: &dafx.Failure{Code: "modelTimeout", Message: "no answer"}},
		{CorrelationID: "b", Started: at("2026-11-02T09:00:02Z"), Request: []*model.Message{model.UserText("v")}},
	}}
	want := `{"schemaVersion":"1.2.0","data":{"conversationHistory":[` +
		`{"$type":"request","correlationId":"a","createdAt":"2026-11-02T09:00:00Z","messages":[{"role":"user","contents":[{"$type":"text","text":"u"}]}]},` +
		`{"$type":"response","correlationId":"a","createdAt":"2026-11-02T09:00:01Z","messages":[{"role":"assistant","contents":[{"$type":"error","message":"no answer","errorCode":"modelTimeout"}]}],"extensionData":{"perdure":{"outcome":"failed","errorCode":"modelTimeout"}}},` +
		`{"$type":"request","correlationId":"b","createdAt":"2026-11-02T09:00:02Z","messages":[{"role":"user","contents":[{"$type":"text","text":"v"}]}]}],` +
		`"extensionData":{"perdure":{"logHead":0}}}}`
	if got := string(p.Write()); got != want {
		t.Errorf("Write() = %s, want %s", got, want)
	}
}
