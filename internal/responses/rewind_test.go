package responses_test

import (
	"errors"
	"strings"
	"testing"

	sdk "github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model/modeltest"
)

// TestRewind rewinds a turn of two steps that has failed, to before its first step and to
// before its second: the response has what is said then, and of what was said before only
// what still counts.
func TestRewind(t *testing.T) {
	for _, c := range []struct {
		name  string
		event int
		want  string
	}{{"first", 1, "message Again."}, {"failed", 0, "message Once. mcp_call look message Again."}} {
		t.Run(c.name, func(t *testing.T) {
			a, _ := payer(t, modeltest.Say("Once.").Then(modeltest.Call("look", `{}`)),
				modeltest.Fail(perdure.NonRetryable(errors.New("broken"))), modeltest.Say("Again."))
			s := serve(t, a)
			r := s.ask(say("Look."))
			if r.Status != sdk.ResponseStatusFailed {
				t.Fatalf("response = %s, want one that has failed", r.RawJSON())
			}
			s.idle()
			list, err := s.service.Sessions(timely(t), "joker", nil, 10)
			if err != nil || len(list.Sessions) != 1 {
				t.Fatalf("Sessions() = %+v, %v, want one", list, err)
			}
			log, err := s.service.Messages(timely(t), list.Sessions[0].ID, 0, 1)
			if err != nil || len(log) != 1 {
				t.Fatalf("Messages() = %+v, %v, want one", log, err)
			}
			if _, err := s.service.RewindTo(timely(t), log[0].Turn, client.RewindPoint{Event: c.event}); err != nil {
				t.Fatal(err)
			}
			s.idle()
			got, err := s.openai.Responses.Get(timely(t), r.ID, sdk.ResponseGetParams{})
			if err != nil {
				t.Fatal(err)
			}
			if shown := outline(got.Output); got.Status != sdk.ResponseStatusCompleted || shown != c.want {
				t.Errorf("response = %s with %q, want %q", got.Status, shown, c.want)
			}
			_, body := s.text("GET", "/responses/"+r.ID+"?stream=true", nil)
			events := s.events(body)
			last := parsed(t, events[len(events)-1])
			if shown := outline(last.Response.Output); last.Type != "response.completed" || shown != c.want {
				t.Errorf("the stream ends by %s with %q, want %q", last.Type, shown, c.want)
			}
			added := map[string]bool{}
			for _, told := range events {
				e := parsed(t, told)
				if e.Type == "response.output_item.added" {
					if added[e.Item.ID] {
						t.Errorf("two items have the id %s:\n%s", e.Item.ID, body)
					}
					added[e.Item.ID] = true
				}
			}
		})
	}
}

// idle waits until nothing is left to do.
func (s *server) idle() {
	s.t.Helper()
	if _, err := s.hub.Idle(timely(s.t)); err != nil {
		s.t.Fatal(err)
	}
}

// parsed returns an event as OpenAI's SDK reads it.
func parsed(t *testing.T, e sent) (u sdk.ResponseStreamEventUnion) {
	t.Helper()
	if err := u.UnmarshalJSON([]byte(e.raw)); err != nil {
		t.Fatal(err)
	}
	return u
}

// outline shows the items of an output.
func outline(output []sdk.ResponseOutputItemUnion) string {
	var items []string
	for _, i := range output {
		text := i.Type + " " + i.Name
		for _, c := range i.Content {
			text += c.Text
		}
		items = append(items, text)
	}
	return strings.Join(items, " ")
}
