package replay_test

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// seen is what an orchestration learned from its context.
type seen struct {
	Instance, Execution, Name, Version string
	Tags                               map[string]string
	Parent                             *perdure.Parent
	IDs                                []string
	Chance                             []int
	Times                              []time.Time
	Replaying                          []bool
}

func TestContext(t *testing.T) {
	var got seen
	var log bytes.Buffer
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", func(ctx *perdure.Context, _ struct{}) (struct{}, error) {
		got = seen{
			Instance: ctx.InstanceID(), Execution: ctx.ExecutionID(), Name: ctx.Name(),
			Version: ctx.Version(), Tags: ctx.Tags(), Parent: ctx.Parent(),
		}
		for i := range 3 {
			got.IDs = append(got.IDs, ctx.NewID())
			got.Chance = append(got.Chance, ctx.Rand().IntN(1000))
			got.Times = append(got.Times, ctx.Now())
			got.Replaying = append(got.Replaying, ctx.IsReplaying())
			ctx.Logger().With("x", "y").WithGroup("g").Info("turn", "i", i)
			if err := ctx.Timer(time.Hour).Await(); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	runner := replay.NewRunner(reg, replay.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	first := []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}},
		{Time: epoch, Body: &history.ExecutionStarted{
			Name: "test", Version: history.Some("v"), Tags: map[string]string{"k": "v"},
			Parent: &history.ParentInstance{
				Name: history.Some("p"), Instance: &history.Instance{InstanceID: "pi", ExecutionID: history.Some("pe")},
			},
		}},
	}
	second := []*history.Event{
		{ID: -1, Time: epoch.Add(time.Hour), Body: &history.OrchestratorStarted{}},
		{ID: -1, Body: fired(1)},
	}
	third := []*history.Event{
		{ID: -1, Time: epoch, Body: &history.OrchestratorStarted{}}, // time does not go back
		{ID: -1, Body: fired(2)},
	}
	warm := runner.Open("i", "x")
	defer warm.Evict()
	warm.Turn(nil, first)
	warm.Turn(nil, second)
	warm.Turn(nil, third)
	fromWarm, lines := got, strings.Count(log.String(), "\n")

	cold := runner.Open("i", "x")
	defer cold.Evict()
	past := append(first, &history.Event{ID: 1, Body: &history.TimerCreated{}})
	past = append(past, second...)
	cold.Turn(append(past, &history.Event{ID: 2, Body: &history.TimerCreated{}}), third)

	want := seen{
		Instance: "i", Execution: "x", Name: "test", Version: "v", Tags: map[string]string{"k": "v"},
		Parent: &perdure.Parent{InstanceID: "pi", ExecutionID: "pe", Name: "p"},
		IDs:    fromWarm.IDs, Chance: fromWarm.Chance,
		Times:     []time.Time{epoch, epoch.Add(time.Hour), epoch.Add(time.Hour)},
		Replaying: []bool{true, true, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("context after a replay (-want +got):\n%s", diff)
	}
	if fromWarm.IDs[0] == fromWarm.IDs[1] || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(fromWarm.IDs[0]) {
		t.Errorf("NewID() = %v, want UUIDs", fromWarm.IDs)
	}
	if fromWarm.Replaying[0] || fromWarm.Replaying[1] {
		t.Errorf("IsReplaying() in fresh turns = %v, want false", fromWarm.Replaying)
	}
	if lines != 3 || strings.Count(log.String(), "\n") != 4 {
		t.Errorf("log = %s\nwant a line for each fresh turn", log.String())
	}
	if !strings.Contains(log.String(), "instance=i orchestration=test x=y g.i=0") {
		t.Errorf("log = %s\nwant the instance and attributes", log.String())
	}
}

func TestRunsKeepTheirVersion(t *testing.T) {
	reg := perdure.NewRegistry()
	of := func(result string) func(*perdure.Context, struct{}) (string, error) {
		return func(*perdure.Context, struct{}) (string, error) { return result, nil }
	}
	perdure.AddOrchestrationNamed(reg, "test", of("newest"))
	perdure.AddOrchestrationVersion(reg, "test", "1", of("first"))
	perdure.AddOrchestrationVersion(reg, "old", "1", of("old"))
	for _, c := range []struct {
		name, version string
		want          string // "" = unknown
	}{
		{"test", "", "newest"}, {"test", "1", "first"}, {"test", "2", "newest"}, {"old", "1", "old"}, {"old", "", ""},
	} {
		r := newRun(t, reg, c.name, "")
		r.started.Version = history.NoneIfEmpty(c.version)
		r.start()
		switch {
		case c.want == "" && !r.last.Unknown:
			t.Errorf("%s %s: Turn() = %+v, want unknown", c.name, c.version, r.last)
		case c.want != "" && (r.ended == nil || r.ended.Result.S != `"`+c.want+`"`):
			t.Errorf("%s %s ended with %+v, want %s", c.name, c.version, r.ended, c.want)
		}
		if !r.runner.Knows(c.name) {
			t.Errorf("Knows(%s) = false, want true", c.name)
		}
	}
}
