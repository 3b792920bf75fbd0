package anthropic_test

import (
	"net/http/httptest"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/perdure/perdure/model/modeltest"
)

// TestSDKReadsTheServer holds the scripted server to what the provider's own
// client understands.
func TestSDKReadsTheServer(t *testing.T) {
	step := modeltest.Think("Hm.", "c2ln").Then(modeltest.Say("Hello you."), modeltest.Call("look", `{"at":7}`))
	server := httptest.NewServer(modeltest.NewServer(modeltest.Script(t, step, step)))
	defer server.Close()
	c := sdk.NewClient(option.WithoutEnvironmentDefaults(), option.WithBaseURL(server.URL),
		option.WithAPIKey("sk-ant"), option.WithMaxRetries(0))
	params := sdk.MessageNewParams{Model: "m", MaxTokens: 9,
		Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("Hi"))}}
	whole, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	stream := c.Messages.NewStreaming(t.Context(), params)
	defer stream.Close()
	var streamed sdk.Message
	for stream.Next() {
		if err := streamed.Accumulate(stream.Current()); err != nil {
			t.Fatalf("Accumulate() = %v", err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatalf("stream = %v", err)
	}
	for name, m := range map[string]*sdk.Message{"whole": whole, "streamed": &streamed} {
		if len(m.Content) != 3 || m.Content[0].Thinking != "Hm." || m.Content[0].Signature != "c2ln" ||
			m.Content[1].Text != "Hello you." || string(m.Content[2].Input) != `{"at":7}` || m.StopReason != sdk.StopReasonToolUse ||
			m.Usage.OutputTokens == 0 {
			t.Errorf("%s = %s, want a thought, Hello you., one call and usage", name, m.RawJSON())
		}
	}
}
