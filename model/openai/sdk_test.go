package openai_test

import (
	"net/http/httptest"
	"testing"

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
