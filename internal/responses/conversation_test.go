package responses_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/conversations"
	sdk "github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// inside is a request that says a text in a conversation.
func inside(id, text string) sdk.ResponseNewParams {
	params := say(text)
	params.Conversation = sdk.ResponseNewParamsConversationUnion{OfString: openai.String(id)}
	return params
}

// TestConversation makes a conversation, talks in it with two agents, and looks
// at its items.
func TestConversation(t *testing.T) {
	other := &agent.Agent{Name: "Other", Model: modeltest.Script(t,
		modeltest.Say("Mine.").Check(heard("system: Be kind.; user: 1; assistant: One.; user: 2; assistant: Two.; user: 3")))}
	s := serve(t, joker(t,
		modeltest.Say("One.").Check(heard("system: Be kind.; user: 1")),
		modeltest.Say("Two.").Check(heard("system: Be kind.; user: 1; assistant: One.; user: 2")),
		modeltest.Say("Back.").Check(heard("system: Be kind.; user: 1; assistant: One.; user: 2; assistant: Two.; user: 3; assistant: Mine.; user: 4")),
	), other)
	c, err := s.openai.Conversations.New(timely(t), conversations.ConversationNewParams{
		Metadata: map[string]string{"a": "b"},
		Items:    []sdk.ResponseInputItemUnionParam{sdk.ResponseInputItemParamOfMessage("Be kind.", "system")},
	})
	if err != nil || !strings.HasPrefix(c.ID, "conv_") || c.CreatedAt == 0 {
		t.Fatalf("Conversations.New() = %v, %v, want one", c, err)
	}
	one := s.ask(inside(c.ID, "1"))
	if one.Conversation.ID != c.ID || one.OutputText() != "One." {
		t.Errorf("response = %s, want One. in the conversation", one.RawJSON())
	}
	s.restart()
	s.ask(inside(c.ID, "2"))
	foreign := inside(c.ID, "3")
	foreign.Model = "other"
	s.ask(foreign)
	if r := s.ask(inside(c.ID, "4")); r.OutputText() != "Back." {
		t.Errorf("response = %s, want Back.", r.RawJSON())
	}
	s.restart()
	_, body := s.text("GET", "/conversations/"+c.ID+"/items?order=asc", nil)
	for _, part := range []string{"Be kind.", `"id":"` + one.Output[0].ID + `"`, "Mine.", "Back."} {
		if !strings.Contains(body, part) {
			t.Errorf("items = %s, want %s in them", body, part)
		}
	}
	first, err := s.openai.Conversations.Items.List(timely(t), c.ID, conversations.ItemListParams{Limit: openai.Int(2)})
	if err != nil || len(first.Data) != 2 || !first.HasMore || !strings.Contains(first.Data[0].RawJSON(), "Back.") {
		t.Fatalf("Items.List() = %+v, %v, want the newest two", first, err)
	}
	second, err := s.openai.Conversations.Items.List(timely(t), c.ID, conversations.ItemListParams{Limit: openai.Int(100), After: openai.String(first.LastID)})
	if err != nil || len(second.Data) != 7 || second.HasMore {
		t.Errorf("Items.List() = %+v, %v, want the other 7", second, err)
	}
	item, err := s.openai.Conversations.Items.Get(timely(t), c.ID, one.Output[0].ID, conversations.ItemGetParams{})
	if err != nil || !strings.Contains(item.RawJSON(), "One.") {
		t.Errorf("Items.Get() = %v, %v, want One.", item, err)
	}
}

// TestConversationLife changes and deletes a conversation.
func TestConversationLife(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say("Yes.").Check(heard("user: b; user: c"))))
	c, err := s.openai.Conversations.New(timely(t), conversations.ConversationNewParams{Metadata: map[string]string{"a": "1", "b": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = s.openai.Conversations.Update(timely(t), c.ID, conversations.ConversationUpdateParams{Metadata: map[string]string{"a": "3"}}); err != nil || fmt.Sprint(c.Metadata) != "map[a:3]" {
		t.Errorf("Conversations.Update() = %v, %v, want a: 3", c, err)
	}
	s.restart()
	if c, err = s.openai.Conversations.Get(timely(t), c.ID); err != nil || fmt.Sprint(c.Metadata) != "map[a:3]" {
		t.Errorf("Conversations.Get() = %v, %v, want a: 3", c, err)
	}
	var ids []string
	for _, text := range []string{"a", "b"} {
		made, err := s.openai.Conversations.Items.New(timely(t), c.ID, conversations.ItemNewParams{
			Items: []sdk.ResponseInputItemUnionParam{sdk.ResponseInputItemParamOfMessage(text, "user")},
		})
		if err != nil || len(made.Data) != 1 || !strings.Contains(made.RawJSON(), `"`+text+`"`) {
			t.Fatalf("Items.New() = %v, %v, want %s", made, err, text)
		}
		ids = append(ids, made.Data[0].ID)
	}
	if _, err := s.openai.Conversations.Items.Delete(timely(t), c.ID, ids[0]); err != nil {
		t.Fatal(err)
	}
	s.restart()
	if _, err := s.openai.Conversations.Items.Get(timely(t), c.ID, ids[0], conversations.ItemGetParams{}); !status(err, 404) {
		t.Errorf("Items.Get() of a deleted item = %v, want 404", err)
	}
	if _, err := s.openai.Conversations.Items.Get(timely(t), c.ID, ids[1], conversations.ItemGetParams{}); err != nil {
		t.Errorf("Items.Get() of the other item = %v", err)
	}
	params := sdk.ResponseNewParams{Model: "joker", Input: sdk.ResponseNewParamsInputUnion{OfInputItemList: sdk.ResponseInputParam{
		sdk.ResponseInputItemParamOfMessage("c", "user"),
	}}}
	params.Conversation = sdk.ResponseNewParamsConversationUnion{OfConversationObject: &sdk.ResponseConversationParam{ID: c.ID}}
	if r, err := s.openai.Responses.New(timely(t), params); err != nil || r.OutputText() != "Yes." {
		t.Errorf("Responses.New() = %v, %v, want Yes.", r, err)
	}
	if gone, err := s.openai.Conversations.Delete(timely(t), c.ID); err != nil || !gone.Deleted {
		t.Errorf("Conversations.Delete() = %v, %v", gone, err)
	}
	if _, err := s.openai.Conversations.Get(timely(t), c.ID); !status(err, 404) {
		t.Errorf("Conversations.Get() of a deleted one = %v, want 404", err)
	}
	if _, err := s.openai.Responses.New(timely(t), inside(c.ID, "x")); !status(err, 404) {
		t.Errorf("Responses.New() in a deleted one = %v, want 404", err)
	}
}

func status(err error, want int) bool {
	var e *openai.Error
	return errors.As(err, &e) && e.StatusCode == want
}

// TestConversationLocked says something while a response goes on.
func TestConversationLocked(t *testing.T) {
	gate := make(chan struct{})
	s := serve(t, joker(t, modeltest.Say("Late.").Check(func(*model.Request) error { <-gate; return nil })))
	c, err := s.openai.Conversations.New(timely(t), conversations.ConversationNewParams{})
	if err != nil {
		t.Fatal(err)
	}
	params := inside(c.ID, "1")
	params.Background = openai.Bool(true)
	s.ask(params)
	s.refuses(inside(c.ID, "2"), 409, "has not ended")
	_, err = s.openai.Conversations.Items.New(timely(t), c.ID, conversations.ItemNewParams{
		Items: []sdk.ResponseInputItemUnionParam{sdk.ResponseInputItemParamOfMessage("x", "user")},
	})
	if !status(err, 409) {
		t.Errorf("Items.New() = %v, want 409", err)
	}
	close(gate)
}

// TestConversationTools calls functions and tools with approval in a conversation.
func TestConversationTools(t *testing.T) {
	a, paid := payer(t,
		modeltest.Call("weather", `{"city":"Oslo"}`),
		modeltest.Call("pay", `{"Amount":5}`),
		modeltest.Say("Done."))
	s := serve(t, a)
	c, err := s.openai.Conversations.New(timely(t), conversations.ConversationNewParams{})
	if err != nil {
		t.Fatal(err)
	}
	params := inside(c.ID, "Weather?")
	params.Tools = []sdk.ToolUnionParam{weather}
	first := s.ask(params)
	s.refuses(inside(c.ID, "And?"), 400, "No tool output found")
	output := func(id string) sdk.ResponseNewParams {
		p := inside(c.ID, "")
		p.Input = sdk.ResponseNewParamsInputUnion{OfInputItemList: sdk.ResponseInputParam{{OfFunctionCallOutput: &sdk.ResponseInputItemFunctionCallOutputParam{
			CallID: openai.String(id), Output: sdk.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String("rain")},
		}}}}
		return p
	}
	s.refuses(output("none"), 400, "No tool call found")
	second := s.ask(output(first.Output[0].CallID))
	answer := approve(nil, true, second.Output[0].ID)
	answer.Conversation = inside(c.ID, "").Conversation
	if third := s.ask(answer); third.OutputText() != "Done." || third.Conversation.ID != c.ID || paid() != "[5]" {
		t.Errorf("response = %s, want Done. after a payment", third.RawJSON())
	}
	_, body := s.text("GET", "/conversations/"+c.ID+"/items?order=asc", nil)
	for _, part := range []string{`"type":"function_call",`, `"type":"function_call_output",`, `"type":"mcp_call",`, `"output":"paid 5"`, `"server_label":"Joker"`} {
		if !strings.Contains(body, part) {
			t.Errorf("items = %s, want %s in them", body, part)
		}
	}
}
