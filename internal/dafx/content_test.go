package dafx_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// contents is one content of each kind with its two foreign forms.
var contents = []struct {
	model          model.Content
	dotnet, python string
}{
	{&model.Text{Text: "a<b"}, `{"$type":"text","text":"a<b"}`, `{"type":"text","text":"a<b"}`},
	{&model.Text{Text: ""}, `{"$type":"text","text":""}`, `{"type":"text","text":""}`},
	{&model.Text{Text: "x", Annotations: model.Annotations{{URL: "u"}}}, `{"$type":"text","annotations":[{"Type":"citation","URL":"u"}],"text":"x"}`, `{"type":"text","annotations":[{"Type":"citation","URL":"u"}],"text":"x"}`},
	{&model.Reasoning{Text: "hm", ProtectedData: "p"}, `{"$type":"reasoning","text":"hm","protectedData":"p"}`, `{"type":"text_reasoning","text":"hm","protected_data":"p"}`},
	{&model.Data{URI: "data:image/png;base64,iVBO"}, `{"$type":"data","uri":"data:image/png;base64,iVBO","mediaType":"image/png"}`, `{"type":"data","uri":"data:image/png;base64,iVBO","media_type":"image/png"}`},
	{&model.URI{URI: "https://shop.test/7", MediaType: "text/html"}, `{"$type":"uri","uri":"https://shop.test/7","mediaType":"text/html"}`, `{"type":"uri","uri":"https://shop.test/7","media_type":"text/html"}`},
	{&model.ErrorContent{Message: "m", ErrorCode: "c", Details: "d"}, `{"$type":"error","message":"m","errorCode":"c","details":"d"}`, `{"type":"error","message":"m","error_code":"c","error_details":"d"}`},
	{&model.FunctionCall{CallID: "c1", Name: "f", Arguments: `{"order": 7}`}, `{"$type":"functionCall","callId":"c1","name":"f","arguments":{"order": 7}}`, `{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"order\": 7}"}`},
	{&model.FunctionCall{CallID: "c1", Name: "f", Arguments: `[7`, InformationalOnly: true, Error: "cut"}, `{"$type":"functionCall","callId":"c1","name":"f","arguments":{},"rawArguments":"[7","informationalOnly":true,"error":"cut"}`, `{"type":"function_call","call_id":"c1","name":"f","arguments":"[7","informational_only":true,"exception":"cut"}`},
	{&model.FunctionResult{CallID: "c1", Result: json.RawMessage(`{"r":5}`)}, `{"$type":"functionResult","callId":"c1","result":{"r":5}}`, `{"type":"function_result","call_id":"c1","result":{"r":5}}`},
	{&model.FunctionResult{CallID: "c1", Error: "broken"}, `{"$type":"functionResult","callId":"c1","result":"broken","error":"broken"}`, `{"type":"function_result","call_id":"c1","result":"broken","exception":"broken"}`},
	{&model.FunctionResult{CallID: "c1"}, `{"$type":"functionResult","callId":"c1"}`, `{"type":"function_result","call_id":"c1"}`},
	{&model.HostedFile{FileID: "f9", Name: "n"}, `{"$type":"hostedFile","fileId":"f9","name":"n"}`, `{"type":"hosted_file","file_id":"f9","name":"n"}`},
	{&model.HostedVectorStore{VectorStoreID: "v3"}, `{"$type":"hostedVectorStore","vectorStoreId":"v3"}`, `{"type":"hosted_vector_store","vector_store_id":"v3"}`},
	{&model.UsageContent{Details: model.Usage{TotalTokenCount: 102, CachedInputTokenCount: 4, AdditionalCounts: map[string]int64{"x": 1}}},
		`{"$type":"usage","usage":{"totalTokenCount":102,"extensionData":{"cachedInputTokenCount":4,"x":1}}}`, `{"type":"usage","usage_details":{"total_token_count":102,"cached_input_token_count":4,"x":1}}`},
	{&model.ApprovalRequest{RequestID: "a1", ToolCall: &model.FunctionCall{CallID: "c1", Name: "f", Arguments: "{}"}},
		`{"$type":"unknown","content":{"Type":"toolApprovalRequest","RequestID":"a1","ToolCall":{"Type":"functionCall","Arguments":"{}","CallID":"c1","Name":"f","InformationalOnly":false}}}`,
		`{"type":"function_approval_request","id":"a1","function_call":{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}}`},
	{&model.ApprovalResponse{RequestID: "a1", Approved: true, Reason: "ok", ToolCall: &model.MCPToolCall{Arguments: "{}", CallID: "c", Name: "g"}},
		`{"$type":"unknown","content":{"Type":"toolApprovalResponse","RequestID":"a1","ToolCall":{"Type":"mcpServerToolCall","Arguments":"{}","CallID":"c","Name":"g"},"Approved":true,"Reason":"ok"}}`,
		`{"type":"function_approval_response","id":"a1","function_call":{"type":"unknown","content":{"Type":"mcpServerToolCall","Arguments":"{}","CallID":"c","Name":"g"}},"approved":true,"reason":"ok"}`},
	{&model.Raw{JSON: json.RawMessage(`{"page": 4}`)}, `{"$type":"unknown","content":{"page": 4}}`, `{"type":"unknown","content":{"page": 4}}`},
	{&model.Raw{JSON: json.RawMessage(`{"x":1,"$type":"new"}`)}, `{"$type":"unknown","content":{"x":1,"$type":"new"}}`, `{"type":"unknown","content":{"x":1,"$type":"new"}}`},
	{&model.Raw{JSON: json.RawMessage(`{"x":1,"type":"new"}`)}, `{"$type":"unknown","content":{"x":1,"type":"new"}}`, `{"x":1,"type":"new"}`},
}

func TestContents(t *testing.T) {
	for _, c := range contents {
		for _, form := range []struct {
			name  string
			text  string
			write func(model.Content) json.RawMessage
			read  func(json.RawMessage) (model.Content, error)
		}{
			{"WriteContent", c.dotnet, dafx.WriteContent, dafx.ReadContent},
			{"WritePythonContent", c.python, dafx.WritePythonContent, dafx.ReadPythonContent},
		} {
			if got := string(form.write(c.model)); got != form.text {
				t.Errorf("%s(%+v) = %s, want %s", form.name, c.model, got, form.text)
			}
			got, err := form.read(json.RawMessage(form.text))
			if d := cmp.Diff(c.model, got); err != nil || d != "" {
				t.Errorf("read %s (-want +got): %v\n%s", form.text, err, d)
			}
		}
	}
}

func TestReadContentIsLenient(t *testing.T) {
	for _, c := range []struct {
		text string
		want model.Content
	}{
		{`{"Text":"x","$TYPE":"text"}`, &model.Text{Text: "x"}},
		{`{"json_type":"text","text":"x"}`, &model.Text{Text: "x"}},
		{`{"$type":"text","text":null}`, &model.Text{}},
		{`{"$type":"functionCall","callId":"c","name":"f","arguments":"{\"a\":1}"}`, &model.FunctionCall{CallID: "c", Name: "f", Arguments: `{"a":1}`}},
		{`{"$type":"functionCall","callId":"c","name":"f"}`, &model.FunctionCall{CallID: "c", Name: "f", Arguments: `{}`}},
		{`{"$type":"data","uri":"data:;base64,AA==","mediaType":"image/png"}`, &model.Data{URI: "data:image/png;base64,AA=="}},
		{`{"$type":"data","uri":"https://x","mediaType":"image/png"}`, &model.URI{URI: "https://x", MediaType: "image/png"}},
		{`{"Type":"text","Text":"ours"}`, &model.Text{Text: "ours"}},
		{`{"$type":"usage","usage":{"InputTokenCount":"5","totalTokenCount":7.0,"outputTokenCount":"x"}}`, &model.UsageContent{Details: model.Usage{InputTokenCount: 5, TotalTokenCount: 7}}},
	} {
		got, err := dafx.ReadContent(json.RawMessage(c.text))
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("ReadContent(%s) (-want +got): %v\n%s", c.text, err, d)
		}
	}
}
