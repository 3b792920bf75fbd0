package dafx_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

func TestParseRequestExamples(t *testing.T) {
	zero := 0.0
	python := &dafx.Request{
		Dialect: dafx.Python, CorrelationID: "5d1c0e9a7b2f4c3e8a6d9f0b1c2d3e4f", OrchestrationID: "refund-7",
		Messages: []*model.Message{model.UserText("Refund order 7")},
		Format:   dafx.Format{JSON: true, Type: "shop.models.Receipt"},
		Created:  at("2026-11-02T09:00:00Z"), Options: dafx.Options{Temperature: &zero},
	}
	said := model.UserText("Refund order 7")
	said.AuthorName, said.ID, said.CreatedAt = "kiosk", "m1", at("2026-11-02T09:00:00Z")
	dotnet := &dafx.Request{
		Dialect: dafx.DotNet, CorrelationID: "5d1c...", OrchestrationID: "refund-7", Messages: []*model.Message{said},
		Format: dafx.Format{JSON: true, Schema: json.RawMessage(`{"type":"object"}`), Name: "Receipt", Description: "A refund"},
		Tools:  []string{"issue_refund"},
	}
	for name, want := range map[string]*dafx.Request{"request-python": python, "request-dotnet": dotnet} {
		text := example(t, name)
		wrapped, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, input := range [][]byte{text, wrapped} {
			got, err := dafx.ParseRequest(input)
			if err != nil {
				t.Fatalf("ParseRequest(%s) = %v", input, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("ParseRequest(%s) (-want +got):\n%s", input, d)
			}
		}
	}
}

func TestParseRequest(t *testing.T) {
	most, topP := 40, 0.5
	text := func(s string) []*model.Message { return []*model.Message{model.UserText(s)} }
	for _, c := range []struct {
		input string
		want  dafx.Request
	}{
		{`"Hello"`, dafx.Request{Dialect: dafx.Python, Messages: text("Hello")}},
		{`"{not JSON"`, dafx.Request{Dialect: dafx.Python, Messages: text("{not JSON")}},
		{`"[1]"`, dafx.Request{Dialect: dafx.Python, Messages: text("[1]")}},
		{`{"MESSAGE":"Hi","CorrelationID":"c","Role":" System ","Created_At":"yesterday"}`, dafx.Request{
			Dialect: dafx.Python, CorrelationID: "c", Messages: []*model.Message{model.SystemText("Hi")}}},
		{`{"message":7,"correlation_id":8,"enableToolCalls":"false","wait_for_response":false,"role":null}`, dafx.Request{
			Dialect: dafx.Python, CorrelationID: "8", Messages: text("7"), NoTools: true, NoWait: true}},
		{`{"message":"x","correlationId":"c","options":{"max_tokens":"40","top_p":"0.5","tool_choice":{"mode":"required","required_function_name":"f"},"metadata":{"a":"b","n":1},"seed":3,"temperature":"warm"}}`, dafx.Request{
			Dialect: dafx.Python, CorrelationID: "c", Messages: text("x"), Options: dafx.Options{
				MaxOutputTokens: &most, TopP: &topP, ToolMode: model.ToolsRequired, RequiredTool: "f", Metadata: map[string]string{"a": "b", "n": "1"},
				Further: dafx.Members{{Name: "seed", Value: json.RawMessage("3")}, {Name: "temperature", Value: json.RawMessage(`"warm"`)}}}}},
		{`{"message":"x","correlationId":"c","response_format":{"title":"Order","type":"object"}}`, dafx.Request{
			Dialect: dafx.Python, CorrelationID: "c", Messages: text("x"), Format: dafx.Format{JSON: true, Name: "Order", Schema: json.RawMessage(`{"title":"Order","type":"object"}`)}}},
		{`{"message":"x","correlationId":"c","request_response_format":"json"}`, dafx.Request{
			Dialect: dafx.Python, CorrelationID: "c", Messages: text("x"), Format: dafx.Format{JSON: true}}},
		{`{"Messages":[],"message":"ignored","correlationId":"c","responseFormat":{"$type":"text"}}`, dafx.Request{Dialect: dafx.DotNet, CorrelationID: "c"}},
		{`{"messages":null,"correlationId":"c"}`, dafx.Request{Dialect: dafx.DotNet, CorrelationID: "c"}},
		{`{"messages":[{"Role":"Tool","Contents":[{"CallId":"c1","$type":"functionResult","Result":{"a": 1}},{"$type":"newKind","x":1}]}],"correlationId":"c"}`, dafx.Request{
			Dialect: dafx.DotNet, CorrelationID: "c", Messages: []*model.Message{{Role: model.RoleTool, Contents: model.Contents{
				&model.FunctionResult{CallID: "c1", Result: json.RawMessage(`{"a": 1}`)}, &model.Raw{JSON: json.RawMessage(`{"$type":"newKind","x":1}`)}}}}}},
	} {
		got, err := dafx.ParseRequest([]byte(c.input))
		if err != nil {
			t.Errorf("ParseRequest(%s) = %v", c.input, err)
			continue
		}
		if d := cmp.Diff(&c.want, got); d != "" {
			t.Errorf("ParseRequest(%s) (-want +got):\n%s", c.input, d)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, c := range []struct{ input, part string }{
		{``, "no JSON"}, {`{`, "no JSON"}, {`null`, "neither an object"}, {`[]`, "neither an object"}, {`7`, "neither an object"},
		{`" "`, "empty"},
		{`{"correlationId":"c"}`, "neither message nor messages"},
		{`{"message":"x"}`, "correlationId is missing"},
		{`{"message":"x","correlationId":" "}`, "correlationId is missing"},
		{`{"messages":[]}`, "correlationId is missing"},
		{`{"message":" ","correlationId":"c"}`, "empty"},
		{`{"message":"x","correlationId":"c","role":"king"}`, `no role "king"`},
		{`{"messages":{},"correlationId":"c"}`, "no array"},
		{`{"messages":[7],"correlationId":"c"}`, "message 0: message: \"7\" is no object"},
		{`{"messages":[{"role":"user","contents":[]}],"correlationId":"c"}`, "message 0 has no contents"},
		{`{"messages":[{"role":"user","contents":[{"$type":"text","text":7}]}],"correlationId":"c"}`, "text is no string"},
		{`{"messages":[{"role":"user","contents":[null]}],"correlationId":"c"}`, "null"},
		{`{"message":"x","correlationId":"c","enable_tool_calls":"perhaps"}`, "neither true nor false"},
		{`{"message":"x","correlationId":"c","enableToolNames":"f"}`, "no array of names"},
		{`{"message":"x","correlationId":"c","response_format":{"__response_schema_type__":"zod","module":"m"}}`, "names no type"},
		{`{"message":"x","correlationId":"c","response_format":"xml"}`, "no response format"},
		{`{"messages":[],"correlationId":"c","responseFormat":{"$type":"json","schema":[]}}`, "no object"},
		{`{"messages":[],"correlationId":"c","responseFormat":{"$type":"grammar"}}`, "no response format"},
	} {
		_, err := dafx.ParseRequest([]byte(c.input))
		var format *dafx.FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), c.part) {
			t.Errorf("ParseRequest(%s) = %v, want a FormatError with %q", c.input, err, c.part)
		}
	}
}

func TestFormatResolve(t *testing.T) {
	known := map[string]json.RawMessage{"shop.models.Receipt": json.RawMessage(`{"type":"object"}`)}
	for _, c := range []struct {
		format string
		want   *model.Format
		part   string
	}{
		{`"text"`, nil, ""},
		{`null`, nil, ""},
		{`"json"`, &model.Format{}, ""},
		{`{"$type":"json","schemaName":"R","schema":{"a":1}}`, &model.Format{Name: "R", Schema: json.RawMessage(`{"a":1}`)}, ""},
		{`{"__response_schema_type__":"pydantic_model","module":"shop.models","qualname":"Receipt"}`, &model.Format{Name: "Receipt", Schema: known["shop.models.Receipt"]}, ""},
		{`{"__response_schema_type__":"pydantic_model","module":"shop.models","qualname":"Order"}`, nil, "shop.models.Order is not known"},
	} {
		f, err := dafx.ParseFormat(json.RawMessage(c.format))
		if err != nil {
			t.Fatalf("ParseFormat(%s) = %v", c.format, err)
		}
		got, err := f.Resolve(known)
		if d := cmp.Diff(c.want, got); d != "" || (err != nil) != (c.part != "") || err != nil && !strings.Contains(err.Error(), c.part) {
			t.Errorf("Resolve(%s) = %v, want %q (-want +got):\n%s", c.format, err, c.part, d)
		}
	}
}
