package replay_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

func TestContentApproval(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, ContentApproval)
	r := newRun(t, reg, "ContentApproval", `"topic"`).start()
	r.turn(done(1, `""`))
	r.turn(&history.EventRaised{Name: "approvaldecision", Input: history.Some("true")})
	r.turn(done(3, `"ok"`))
	if r.ended == nil || r.ended.Result.S != `"ok"` {
		t.Errorf("the orchestration ended with %+v, want ok", r.ended)
	}
}
