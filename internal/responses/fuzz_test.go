package responses

import (
	"strings"
	"testing"

	"github.com/perdure/perdure/agent"
)

// FuzzResponseID reads ids: what is read is written the same way, and names the
// turn.
func FuzzResponseID(f *testing.F) {
	for _, key := range []string{"k", "a~b", strings.Repeat("0", 32), "ä"} {
		session, err := agent.NewSessionID("Joker", key)
		if err != nil {
			f.Fatal(err)
		}
		turn := session.Turn("c1")
		id := idOf(session, turn, 300)
		if got, ok := parseResponseID(id.String()); !ok || got != id || got.turnID() != turn {
			f.Errorf("parseResponseID(%s) = %+v, %v, want turn %s", id, got, ok, turn)
		}
		f.Add(id.String())
	}
	f.Add("resp_")
	f.Add("resp_AAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := parseResponseID(s)
		if !ok {
			return
		}
		if id.String() != s {
			t.Errorf("parseResponseID(%q).String() = %s", s, id)
		}
		if again := idOf(id.session, id.turnID(), id.segment); again != id {
			t.Errorf("idOf(%+v) = %+v", id, again)
		}
	})
}

// FuzzInput reads inputs: whatever is sent, it is refused or becomes messages that
// can be told apart into past and present.
func FuzzInput(f *testing.F) {
	for _, input := range []string{
		`"hello"`, `[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AQID"}]}]`,
		`[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]}]`,
		`[{"type":"mcp_call","id":"m","name":"f","arguments":"{}","output":"x"},{"role":"assistant","content":"y"}]`,
		`[{"type":"mcp_approval_response","approval_request_id":"mcpr_1","approve":true}]`,
	} {
		f.Add([]byte(input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		g, err := readInput(input, "input")
		if err != nil || len(g.messages) == 0 {
			return
		}
		past, now, err := g.parted()
		if err == nil && (len(now) == 0 || len(past)+len(now) != len(g.messages)) {
			t.Errorf("parted(%s) = %d and %d messages of %d", input, len(past), len(now), len(g.messages))
		}
	})
}
