package responses_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	sdk "github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// joker returns an agent that answers as the steps say.
func joker(t *testing.T, steps ...modeltest.Step) *agent.Agent {
	return &agent.Agent{Name: "Joker", Instructions: "You tell jokes.", Model: modeltest.Script(t, steps...)}
}

// ask says something to Joker and returns the response.
func (s *server) ask(params sdk.ResponseNewParams, opts ...option.RequestOption) *sdk.Response {
	s.t.Helper()
	r, err := s.openai.Responses.New(timely(s.t), params, opts...)
	if err != nil {
		s.t.Fatalf("Responses.New() = %v", err)
	}
	return r
}

// say is a request that says a text to Joker.
func say(text string) sdk.ResponseNewParams {
	return sdk.ResponseNewParams{Model: "joker", Input: sdk.ResponseNewParamsInputUnion{OfString: openai.String(text)}}
}

func TestCreateAndRetrieve(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say("Arr, matey.")))
	params := say("A joke.")
	params.Metadata = map[string]string{"who": "me"}
	params.Instructions = openai.String("Be brief.")
	params.Temperature = openai.Float(0.5)
	r := s.ask(params)
	if r.OutputText() != "Arr, matey." || r.Status != "completed" || r.Model != "Joker" || r.Metadata["who"] != "me" || len(r.Metadata) != 1 ||
		r.Usage.OutputTokens != 2 || r.Instructions.OfString != "Be brief." || r.Temperature != 0.5 || len(r.Output) != 1 {
		t.Errorf("Responses.New() = %s, want the answer with what was asked", r.RawJSON())
	}
	for range 2 {
		again, err := s.openai.Responses.Get(timely(t), r.ID, sdk.ResponseGetParams{})
		if err != nil || again.RawJSON() != r.RawJSON() {
			t.Errorf("Responses.Get() = %v, %v, want %s", again, err, r.RawJSON())
		}
		s.restart()
	}
	page, err := s.openai.Responses.InputItems.List(timely(t), r.ID, sdk.InputItemListParams{})
	if err != nil || len(page.Data) != 1 || !strings.Contains(page.Data[0].RawJSON(), "A joke.") || page.Data[0].Role != "user" {
		t.Errorf("InputItems.List() = %+v, %v, want the joke that was asked for", page, err)
	}
}

// TestStreamResumes streams a response and takes the stream up after each of its
// events: what was left out follows, byte for byte.
func TestStreamResumes(t *testing.T) {
	s := serve(t, joker(t, modeltest.Think("Hmm, well.", "").Then(modeltest.Say("One two three four."))))
	stream := s.openai.Responses.NewStreaming(timely(t), say("Count."))
	var events []sdk.ResponseStreamEventUnion
	id, text := "", ""
	for stream.Next() {
		e := stream.Current()
		if n := len(events); n > 0 && e.SequenceNumber <= events[n-1].SequenceNumber {
			t.Errorf("event %s does not rise", e.RawJSON())
		}
		events = append(events, e)
		switch e.Type {
		case "response.created":
			id = e.Response.ID
		case "response.output_text.delta":
			text += e.Delta
		case "response.completed":
			if e.Response.OutputText() != text || len(e.Response.Output) != 2 || e.Response.Output[0].Type != "reasoning" {
				t.Errorf("response = %s, want reasoning and %q", e.Response.RawJSON(), text)
			}
		}
	}
	if err := stream.Err(); err != nil || text != "One two three four." {
		t.Fatalf("stream = %q, %v, want the numbers", text, err)
	}
	var types []string
	for _, e := range events {
		types = append(types, strings.TrimPrefix(e.Type, "response."))
	}
	want := "created in_progress " +
		"output_item.added content_part.added reasoning_text.delta reasoning_text.done content_part.done output_item.done " +
		"output_item.added content_part.added output_text.delta output_text.delta output_text.delta output_text.delta output_text.done content_part.done output_item.done completed"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	for n := range events {
		if n%5 == 4 {
			s.restart()
		}
		rest := s.openai.Responses.GetStreaming(timely(t), id, sdk.ResponseGetParams{StartingAfter: openai.Int(events[n].SequenceNumber)})
		at := n + 1
		for ; rest.Next(); at++ {
			if at < len(events) && rest.Current().RawJSON() != events[at].RawJSON() {
				t.Errorf("after %d: event %d = %s, want %s", n, at, rest.Current().RawJSON(), events[at].RawJSON())
			}
		}
		if err := rest.Err(); err != nil || at != len(events) {
			t.Errorf("after %d: %d events, %v, want all", n, at, err)
		}
	}
}

// TestBackground gets an answer at once, and the response later.
func TestBackground(t *testing.T) {
	gate := make(chan struct{})
	s := serve(t, joker(t, modeltest.Say("Late.").Check(func(*model.Request) error { <-gate; return nil })))
	params := say("Slowly.")
	params.Background = openai.Bool(true)
	r := s.ask(params)
	if r.Status != "queued" && r.Status != "in_progress" || !r.Background || len(r.Output) != 0 {
		t.Errorf("Responses.New() = %s, want one that goes on", r.RawJSON())
	}
	close(gate)
	for r.Status != "completed" {
		var err error
		if r, err = s.openai.Responses.Get(timely(t), r.ID, sdk.ResponseGetParams{}); err != nil {
			t.Fatal(err)
		}
	}
	if r.OutputText() != "Late." {
		t.Errorf("Responses.Get() = %s, want Late.", r.RawJSON())
	}
	_, body := s.text("GET", "/responses/"+r.ID+"?stream=true", nil)
	if list := s.events(body); len(list) < 3 || list[1].Type != "response.queued" {
		t.Errorf("stream = %s, want one that was queued", body)
	}
}

// TestCancel cancels a response in the middle of its answer, twice.
func TestCancel(t *testing.T) {
	gate := make(chan struct{})
	defer close(gate)
	s := serve(t, joker(t, modeltest.Say("Once upon ").Then(modeltest.Pause(1<<40)), modeltest.Say("Next.")))
	stream := s.openai.Responses.NewStreaming(timely(t), say("A tale."))
	id := ""
	last := sdk.ResponseStreamEventUnion{}
	for stream.Next() {
		last = stream.Current()
		switch last.Type {
		case "response.created":
			id = last.Response.ID
		case "response.output_text.delta":
			if last.Delta != "upon " {
				continue
			}
			for range 2 {
				r, err := s.openai.Responses.Cancel(timely(t), id)
				if err != nil || r.Status != "cancelled" || r.OutputText() != "Once upon " || r.Output[0].Status != "incomplete" {
					t.Fatalf("Responses.Cancel() = %v, %v, want what was said", r, err)
				}
			}
		}
	}
	if stream.Err() != nil || last.Type != "response.incomplete" || last.Response.Status != "cancelled" {
		t.Errorf("last event = %s, %v, want one that says cancelled", last.RawJSON(), stream.Err())
	}
	params := say("Another.")
	params.PreviousResponseID = openai.String(id)
	if r := s.ask(params); r.OutputText() != "Next." {
		t.Errorf("response after a cancelled one = %s, want Next.", r.RawJSON())
	}
}

func TestFailure(t *testing.T) {
	s := serve(t, joker(t, modeltest.Fail(&model.Error{Provider: "p", Status: 401, Message: "who are you"})))
	r := s.ask(say("A joke."))
	if r.Status != "failed" || !strings.Contains(r.Error.Message, "who are you") || r.Error.Code != "server_error" {
		t.Errorf("Responses.New() = %s, want a failure that says why", r.RawJSON())
	}
	_, body := s.text("GET", "/responses/"+r.ID+"?stream=true", nil)
	if list := s.events(body); list[len(list)-1].Type != "response.failed" {
		t.Errorf("stream = %s, want one that fails", body)
	}
}

// TestReset lets the provider break off in the middle: the item is closed as
// incomplete, and the answer is another one.
func TestReset(t *testing.T) {
	a := joker(t, modeltest.Think("So.", "").Then(modeltest.Say("Half of "), modeltest.Call("f", "{}"), modeltest.Cut()), modeltest.Say("The whole."))
	s := serve(t, a)
	_, body := s.text("POST", "/responses", `{"model":"joker","input":"Speak.","stream":true,"tools":[{"type":"function","name":"f"}]}`)
	texts, done := map[string]string{}, []string{}
	for _, e := range s.events(body) {
		switch e.Type {
		case "response.output_text.delta":
			texts[e.ItemID] += e.Delta
		case "response.output_item.done":
			var item struct {
				Item struct{ Type, Status string }
			}
			decode(t, e.raw, &item)
			done = append(done, item.Item.Type+" "+item.Item.Status)
		case "response.completed":
			var r sdk.Response
			decode(t, e.raw[strings.Index(e.raw, `{"id"`):len(e.raw)-1], &r)
			if r.OutputText() != "The whole." || len(r.Output) != 1 {
				t.Errorf("response = %s, want The whole. alone", r.RawJSON())
			}
		}
	}
	if len(texts) != 2 {
		t.Errorf("texts = %q, want two items", texts)
	}
	if got, want := fmt.Sprint(done), "[reasoning completed message incomplete message completed]"; got != want {
		t.Errorf("items = %s, want %s", got, want)
	}
}

// TestKill cuts the power in the middle of an answer: the stream is taken up at
// the last event that the client has, and no text is in an item twice.
func TestKill(t *testing.T) {
	gate := make(chan struct{})
	a := joker(t)
	m := &halting{gate: gate}
	a.Model = m
	s := serve(t, a)
	id, last, texts := "", int64(-1), map[string]string{}
	see := func(line string) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			return
		}
		var e struct {
			sent
			Response struct{ ID string }
		}
		decode(t, data, &e)
		if e.Sequence <= last {
			t.Errorf("event %s after %d", data, last)
		}
		last = e.Sequence
		if e.Response.ID != "" {
			id = e.Response.ID
		}
		texts[e.ItemID] += e.Delta
	}
	s.lines("POST", "/responses", map[string]any{"model": "joker", "input": "Where?", "stream": true}, func(line string) bool {
		see(line)
		return !strings.Contains(line, "There ")
	})
	s.kill()
	close(gate)
	s.start()
	s.lines("GET", fmt.Sprintf("/responses/%s?stream=true&starting_after=%d", id, last), nil, func(line string) bool { see(line); return true })
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	if got := fmt.Sprint(all); got != "[There  There it is.]" && got != "[There it is. There ]" {
		t.Errorf("texts = %q, want half an item and a whole one", all)
	}
	r, err := s.openai.Responses.Get(timely(t), id, sdk.ResponseGetParams{})
	if err != nil || r.OutputText() != "There it is." {
		t.Errorf("Responses.Get() = %v, %v, want There it is.", r, err)
	}
}

// TestIdempotency repeats requests: with the same key it is the same response.
func TestIdempotency(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say("One."), modeltest.Say("Two."), modeltest.Say("Three.")))
	key := option.WithHeader("Idempotency-Key", "k1")
	first := s.ask(say("A joke."), key)
	if again := s.ask(say("A joke."), key); again.RawJSON() != first.RawJSON() {
		t.Errorf("repeated request = %s, want %s", again.RawJSON(), first.RawJSON())
	}
	if other := s.ask(say("A joke.")); other.ID == first.ID {
		t.Errorf("request without a key = %s, want another response", other.RawJSON())
	}
	_, err := s.openai.Responses.New(timely(t), say("Another joke."), key)
	if e := (*openai.Error)(nil); !errors.As(err, &e) || e.StatusCode != 409 || e.Code != "idempotency_conflict" {
		t.Errorf("other request with the key = %v, want a conflict", err)
	}
	next := say("More.")
	next.PreviousResponseID = openai.String(first.ID)
	second := s.ask(next, key2())
	if again := s.ask(next, key2()); again.RawJSON() != second.RawJSON() || second.OutputText() != "Three." {
		t.Errorf("repeated request = %s, want %s", again.RawJSON(), second.RawJSON())
	}
}

func key2() option.RequestOption { return option.WithHeader("Idempotency-Key", "k2") }
