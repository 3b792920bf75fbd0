package openai_test

import (
	"net/http/httptest"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// The tests of this file hold the scripted server to what the provider's own
// client understands.

func client(t *testing.T, steps ...modeltest.Step) sdk.Client {
	t.Helper()
	server := httptest.NewServer(modeltest.NewServer(modeltest.Script(t, steps...)))
	t.Cleanup(server.Close)
	return sdk.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0))
}

func TestSDKReadsChatInOnePiece(t *testing.T) {
	c := client(t, modeltest.Say("Hello.").Then(modeltest.Call("look", `{"at":7}`)))
	got, err := c.Chat.Completions.New(t.Context(), sdk.ChatCompletionNewParams{
		Model: "m", Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("Hi")}})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	message := got.Choices[0].Message
	if message.Content != "Hello." || len(message.ToolCalls) != 1 || message.ToolCalls[0].Function.Arguments != `{"at":7}` ||
		got.Choices[0].FinishReason != model.FinishToolCalls || got.Usage.TotalTokens == 0 {
		t.Errorf("answer = %s, want Hello., one call and usage", got.RawJSON())
	}
}

func TestSDKReadsResponses(t *testing.T) {
	params := responses.ResponseNewParams{Model: "m",
		Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("Hi")}}
	step := modeltest.Say("Hello you.").Then(modeltest.Call("look", `{"at":7}`))
	c := client(t, step, step)
	whole, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	stream := c.Responses.NewStreaming(t.Context(), params)
	defer stream.Close()
	text := ""
	var last responses.Response
	for stream.Next() {
		ev := stream.Current()
		switch ev.Type {
		case "response.output_text.delta":
			text += ev.Delta
		case "response.completed":
			last = ev.Response
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatalf("stream = %v", err)
	}
	if text != "Hello you." {
		t.Errorf("streamed text = %q, want Hello you.", text)
	}
	for name, r := range map[string]*responses.Response{"whole": whole, "streamed": &last} {
		if r.OutputText() != "Hello you." || len(r.Output) != 2 || r.Output[1].AsFunctionCall().Arguments != `{"at":7}` ||
			r.Status != "completed" || r.Usage.TotalTokens == 0 {
			t.Errorf("%s = %s, want Hello you., one call, completed, usage", name, r.RawJSON())
		}
	}
}

func TestSDKReadsBackgroundResponses(t *testing.T) {
	handler := modeltest.NewServer(modeltest.Script(t, modeltest.Say("Hello you.").Pace(time.Millisecond),
		modeltest.Say("one ").Then(modeltest.Pause(time.Hour))))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if err := handler.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	c := sdk.NewClient(option.WithBaseURL(server.URL+"/v1"), option.WithAPIKey("sk-test"), option.WithMaxRetries(0))
	params := responses.ResponseNewParams{Model: "m", Background: sdk.Bool(true),
		Input: responses.ResponseNewParamsInputUnion{OfString: sdk.String("Hi")}}
	begun, err := c.Responses.New(t.Context(), params)
	if err != nil || begun.ID == "" || !begun.Background {
		t.Fatalf("New() = %s, %v, want a response in the background", begun.RawJSON(), err)
	}
	stream := c.Responses.GetStreaming(t.Context(), begun.ID, responses.ResponseGetParams{StartingAfter: sdk.Int(0)},
		option.WithQuery("stream", "true")) // which the client leaves out of the URL
	defer stream.Close()
	text, last := "", ""
	for stream.Next() {
		ev := stream.Current()
		last = ev.Type
		if ev.SequenceNumber == 0 {
			t.Errorf("event %s has the sequence number 0, want what comes after it", ev.Type)
		}
		if ev.Type == "response.output_text.delta" {
			text += ev.Delta
		}
	}
	if err := stream.Err(); err != nil || text != "Hello you." || last != "response.completed" {
		t.Errorf("GetStreaming() = %q, last %s, %v, want Hello you. and response.completed", text, last, err)
	}
	if whole, err := c.Responses.Get(t.Context(), begun.ID, responses.ResponseGetParams{}); err != nil || whole.OutputText() != "Hello you." {
		t.Errorf("Get() = %s, %v, want Hello you.", whole.RawJSON(), err)
	}
	second, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	if canceled, err := c.Responses.Cancel(t.Context(), second.ID); err != nil || canceled.Status != "cancelled" {
		t.Errorf("Cancel() = %s, %v, want cancelled", canceled.RawJSON(), err)
	}
}
