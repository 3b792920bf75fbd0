package progress_test

import (
	"regexp"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/progress"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// odd are ids that are made anew in each run, and offsets that count attempts.
var odd = regexp.MustCompile(`[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"(next|offset)":\d+`)

// TestCrashEverywhere drops the process before and after each commit: a reader
// that was there all the time sees each event once, in order.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: odd,
		Register: func(reg *perdure.Registry) {
			if err := progress.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			story := progress.Story{Topic: "tides", Chapters: 2}
			if _, err := client.Start(t.Context(), e.Client(), progress.WriteStory, story, client.StartOptions{ID: "run"}); err != nil {
				t.Error(err)
			}
			seen := 0
			for ev, err := range progress.Follow(e.Context(), e.Client(), "run", 0) {
				if seen++; err != nil || ev.Number != seen {
					t.Errorf("event %d is %+v, %v", seen, ev, err)
				}
			}
			if seen != 4 {
				t.Errorf("%d events were seen, want 4", seen)
			}
			e.Settle()
		},
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 10 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
