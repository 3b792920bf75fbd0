package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/schedule"
	"github.com/perdure/perdure/store/memory"
)

func Report(ctx *perdure.Context, team string) (string, error) {
	return "report for " + team, nil
}

// Export stops between two pages when its schedule wants it to end.
func Export(ctx *perdure.Context, pages int) (string, error) {
	cancel := schedule.CancelRequested.Wait(ctx)
	for n := range pages {
		page := ctx.Timer(7 * time.Minute) // stands for the work
		if perdure.Any(ctx, page, cancel) == perdure.Awaitable(cancel) {
			return fmt.Sprintf("stopped after %d pages", n), nil
		}
	}
	return "done", nil
}

// simulated is a hub whose clock an example moves.
type simulated struct {
	clock *clock.Virtual
	hub   *local.Hub
	stop  func()
}

func simulate() (*simulated, *client.Client) {
	reg := perdure.NewRegistry()
	schedule.Register(reg)
	perdure.AddOrchestration(reg, Report)
	perdure.AddOrchestration(reg, Export)
	s := &simulated{clock: clock.NewVirtual(begin)}
	disk, err := memory.Open(&memory.Disk{})
	if err != nil {
		panic(err)
	}
	if s.hub, err = local.New(local.Config{Store: disk, Registry: reg, Clock: s.clock}); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			panic(err)
		}
	}
	return s, client.New(s.hub)
}

func (s *simulated) pass(d time.Duration) {
	for end := s.clock.Now().Add(d); ; {
		next, err := s.hub.Idle(context.Background())
		if err != nil {
			panic(err)
		}
		switch now := s.clock.Now(); {
		case !next.IsZero() && !next.After(end):
			s.clock.Advance(next.Sub(now))
		case now.Before(end):
			s.clock.Advance(end.Sub(now))
		default:
			return
		}
	}
}

func ExampleRegister() {
	reg := perdure.NewRegistry()
	schedule.Register(reg)
	perdure.AddOrchestration(reg, Report)
	fmt.Println(reg.Err(), reg.Entities(), reg.Orchestrations())
	// Output: <nil> [perdure.schedule] [Report perdure.schedule]
}

func ExampleCreate() {
	hub, c := simulate() // on Sunday, 1 March 2026, 12:00 UTC
	defer hub.stop()
	ctx := context.Background()

	err := schedule.Create(ctx, c, schedule.Spec{
		ID:            "weekday-report",
		Orchestration: "Report",
		Input:         "sales",
		Cron:          "30 8 * * 1-5",
		TimeZone:      "Europe/Berlin",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	hub.pass(48 * time.Hour)

	s, err := schedule.Get(ctx, c, "weekday-report")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range s.Outcomes {
		fmt.Println(o.ID, o.Status)
	}
	fmt.Println("next:", s.Next[0])
	// Output:
	// weekday-report:20260303T073000Z completed
	// weekday-report:20260302T073000Z completed
	// next: 2026-03-04 07:30:00 +0000 UTC
}

func ExampleCreate_badSpec() {
	hub, c := simulate()
	defer hub.stop()
	err := schedule.Create(context.Background(), c, schedule.Spec{
		ID: "report", Orchestration: "Report", Cron: "30 8 * *", Overlap: "queue",
	})
	fmt.Println(perdure.CodeOf(err))
	fmt.Println(err)
	// Output:
	// invalid_argument
	// create schedule report: Overlap: "queue" is unknown: want skip, buffer_one, allow, cancel_previous or terminate_previous; Cron: "30 8 * *" is not understood: expected 5 to 6 fields, found 4: [30 8 * *]
}

func ExampleUpdate() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	spec := schedule.Spec{ID: "report", Orchestration: "Report", Input: "sales", Interval: 6 * time.Hour}
	if err := schedule.Create(ctx, c, spec); err != nil {
		fmt.Println(err)
	}
	spec.Interval = 24 * time.Hour
	if err := schedule.Update(ctx, c, spec); err != nil {
		fmt.Println(err)
	}
	s, err := schedule.Get(ctx, c, "report")
	fmt.Println(s.Next[:2], err)
	// Output: [2026-03-02 00:00:00 +0000 UTC 2026-03-03 00:00:00 +0000 UTC] <nil>
}

func ExamplePause() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	spec := schedule.Spec{ID: "report", Orchestration: "Report", Input: "sales", Interval: time.Hour}
	if err := schedule.Create(ctx, c, spec); err != nil {
		fmt.Println(err)
	}
	if err := schedule.Pause(ctx, c, "report", "the source is being moved"); err != nil {
		fmt.Println(err)
	}
	hub.pass(3 * time.Hour)
	if err := schedule.Resume(ctx, c, "report", "moved"); err != nil {
		fmt.Println(err)
	}
	hub.pass(time.Hour)
	s, err := schedule.Get(ctx, c, "report")
	fmt.Println(len(s.Outcomes), s.Outcomes[0].ID, err)
	// Output: 1 report:20260301T160000Z <nil>
}

func ExampleTrigger() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	spec := schedule.Spec{ID: "report", Orchestration: "Report", Input: "sales", Cron: "@monthly"}
	if err := schedule.Create(ctx, c, spec); err != nil {
		fmt.Println(err)
	}
	t, err := schedule.Trigger(ctx, c, "report")
	if err != nil {
		fmt.Println(err)
	}
	text, err := client.Result[string](ctx, c, t.RunID)
	fmt.Println(t.RunID, text, err)
	// Output: report:manual-20260301T120000Z-1 report for sales <nil>
}

func ExampleOverlap() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	err := schedule.Create(ctx, c, schedule.Spec{
		ID:            "export",
		Orchestration: "Export",
		Input:         100, // pages, 7 minutes each
		Interval:      time.Hour,
		Overlap:       schedule.CancelPrevious,
		Grace:         5 * time.Minute,
	})
	if err != nil {
		fmt.Println(err)
	}
	hub.pass(2*time.Hour + time.Second)
	text, err := client.Result[string](ctx, c, "export:20260301T130000Z")
	fmt.Println(text, err)
	// Output: stopped after 8 pages <nil>
}

func ExampleDelete() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	spec := schedule.Spec{ID: "report", Orchestration: "Report", Input: "sales", Cron: "@daily"}
	if err := schedule.Create(ctx, c, spec); err != nil {
		fmt.Println(err)
	}
	if err := schedule.Delete(ctx, c, "report"); err != nil {
		fmt.Println(err)
	}
	_, err := schedule.Get(ctx, c, "report")
	fmt.Println(err)
	// Output: get schedule report: there is no such schedule
}

func ExampleList() {
	hub, c := simulate()
	defer hub.stop()
	ctx := context.Background()
	for _, id := range []string{"report-sales", "report-stock", "export"} {
		spec := schedule.Spec{ID: id, Orchestration: "Report", Input: id, Cron: "@daily"}
		if err := schedule.Create(ctx, c, spec); err != nil {
			fmt.Println(err)
		}
	}
	page, err := schedule.List(ctx, c, schedule.Query{Prefix: "report-"})
	fmt.Println(len(page.Items), page.Next == nil, err)
	// Output: 2 true <nil>
}
