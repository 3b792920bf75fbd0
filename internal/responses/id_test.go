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
