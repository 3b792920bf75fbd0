package responses_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/model/modeltest"
)

// TestFolded lets more than a day pass: responses are as they were, and are
// streamed again, with whole texts.
func TestFolded(t *testing.T) {
	now := clock.NewVirtual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	a, _ := payer(t,
		modeltest.Think("So.", "").Then(modeltest.Say("One moment."), modeltest.Call("pay", `{"Amount":5}`), modeltest.Call("look", `{}`), modeltest.Call("pay", `{"Amount":7}`)),
		modeltest.Say("Nearly done."),
		modeltest.Call("weather", `{"city":"Oslo"}`))
	s := serveBy(t, now, a)
	params := say("Pay.")
	params.Metadata = map[string]string{"a": "b"}
	all := []*sdk.Response{s.ask(params)}
	for range 2 {
		before := all[len(all)-1]
		all = append(all, s.ask(approve(before, true, requestOf(t, before))))
	}
	next := after(all[2].ID, "Weather?")
	next.Tools = []sdk.ToolUnionParam{weather}
	all = append(all, s.ask(next))
	input := make([]string, len(all))
	for i, r := range all {
		_, input[i] = s.text("GET", "/responses/"+r.ID+"/input_items", nil)
	}
	for range 2 {
		if _, err := s.hub.Idle(timely(t)); err != nil {
			t.Fatal(err)
		}
		now.Advance(25 * time.Hour)
	}
	if _, err := s.hub.Idle(timely(t)); err != nil {
		t.Fatal(err)
	}
	session, err := s.service.Sessions(timely(t), "joker", nil, 10)
	if err != nil || len(session.Sessions) != 1 {
		t.Fatalf("Sessions() = %+v, %v, want one", session, err)
	}
	log, err := s.service.Messages(timely(t), session.Sessions[0].ID, 0, 1)
	if err != nil || len(log) != 1 {
		t.Fatalf("Messages() = %+v, %v, want one", log, err)
	}
	if turn, err := s.service.Turn(timely(t), log[0].Turn); err != nil || !turn.Folded {
		t.Fatalf("Turn() = %+v, %v, want one that was folded", turn, err)
	}
	for i, r := range all {
		got, err := s.openai.Responses.Get(timely(t), r.ID, sdk.ResponseGetParams{})
		if err != nil || got.RawJSON() != r.RawJSON() {
			t.Errorf("response %d after the fold = %v, %v, want %s", i, got.RawJSON(), err, r.RawJSON())
		}
		_, body := s.text("GET", "/responses/"+r.ID+"?stream=true", nil)
		if list := s.events(body); list[len(list)-1].Type != "response.completed" || !strings.Contains(body, r.Output[0].ID) {
			t.Errorf("stream %d after the fold = %s, want all of it", i, body)
		}
		if _, again := s.text("GET", "/responses/"+r.ID+"/input_items", nil); again != input[i] {
			t.Errorf("input items %d after the fold = %s, want %s", i, again, input[i])
		}
	}
	output := fmt.Sprintf(`{"model":"joker","previous_response_id":%q,"input":"x"}`, all[3].ID)
	status, refusal := s.do("POST", "/responses", output)
	s.refused("a message instead of an output", status, refusal, 400, "input", "No tool output found")
}
