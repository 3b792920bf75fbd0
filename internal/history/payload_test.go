package history_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/history"
)

// withoutPayload are the kinds of which nothing is stored apart.
const withoutPayload = "taskFailed subOrchestrationInstanceFailed timerCreated timerFired orchestratorStarted " +
	"orchestratorCompleted genericEvent historyState continueAsNew executionSuspended executionResumed " +
	"entityOperationFailed entityLockRequested entityLockGranted entityUnlockSent executionRewound"

func TestPayload(t *testing.T) {
	for _, body := range bodies() {
		e := new(filler).event(body)
		before := e.String()
		payload := history.Payload(e.Body)
		want := !strings.Contains(" "+withoutPayload+" ", " "+kindName(body)+" ")
		if got := payload != nil; got != want {
			t.Errorf("Payload(%s) exists = %v, want %v", kindName(body), got, want)
		}
		if payload == nil {
			continue
		}
		changed := e.WithPayload(history.Some("other"))
		if got := *history.Payload(changed.Body); got != history.Some("other") {
			t.Errorf("payload of WithPayload(%s) = %v, want other", kindName(body), got)
		}
		if got := e.String(); got != before {
			t.Errorf("%s after WithPayload = %s, want it unchanged", before, got)
		}
		if diff := cmp.Diff(e, changed.WithPayload(*payload)); diff != "" {
			t.Errorf("event with its payload put back differs (-want +got):\n%s", diff)
		}
	}
}
