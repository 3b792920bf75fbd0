package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

var (
	approval = perdure.NewEvent[bool]("Approval")
	price    = perdure.NewRequest[int, string]("Price")
)

// Approve waits for an approval.
func Approve(ctx *perdure.Context, topic string) (string, error) {
	ok, err := approval.Wait(ctx).Await()
	if err != nil || !ok {
		return "rejected", err
	}
	return "published " + topic, nil
}

// Quote answers one request.
func Quote(ctx *perdure.Context, currency string) (int, error) {
	r, err := price.Wait(ctx).Await()
	if err != nil {
		return 0, err
	}
	if err := r.Reply(ctx, currency+" 7"); err != nil {
		return 0, err
	}
	return r.Input, nil
}

// Outside ends with what completes its activity from outside.
func Outside(ctx *perdure.Context, _ string) (string, error) {
	return perdure.CallNamed[string](ctx, "Hand", nil).Await()
}

// Flaky fails unless its input says otherwise.
func Flaky(_ *perdure.Context, ok bool) (string, error) {
	if !ok {
		return "", errors.New("no luck")
	}
	return "luck", nil
}

// Counter is an entity.
type Counter struct{ N int }

// Add adds.
func (c *Counter) Add(n int) { c.N += n }

// Get returns the sum.
func (c *Counter) Get() int { return c.N }

// open returns a client of a new hub, and the tokens of the activities that
// wait for somebody outside.
func open(t *testing.T) (context.Context, *client.Client, <-chan string) {
	t.Helper()
	tokens := make(chan string, 1)
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, Approve)
	perdure.AddOrchestration(reg, Quote)
	perdure.AddOrchestration(reg, Outside)
	perdure.AddOrchestration(reg, Flaky)
	perdure.AddOrchestration(reg, Climb)
	perdure.AddActivityNamed(reg, "Hand", func(ctx context.Context, _ string) (string, error) {
		tokens <- perdure.Activity(ctx).Token
		return "", perdure.ErrPending
	})
	perdure.AddEntity[Counter](reg, "counter")
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return ctx, client.New(h), tokens
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func check(t *testing.T, what string, err error, want perdure.Code) {
	t.Helper()
	if got := perdure.CodeOf(err); got != want || err == nil {
		t.Errorf("%s = %v, want code %v", what, err, want)
	}
}

func TestEvents(t *testing.T) {
	ctx, c, _ := open(t)
	s := must2(client.Start(ctx, c, Approve, "durable agents", client.StartOptions{ID: "a/1", Tags: map[string]string{"team": "pay"}}))(t)
	if s.ID != "a/1" || s.Existing || len(s.Execution) != 32 {
		t.Errorf("Start() = %+v, want a/1 with an execution, new", s)
	}
	i := must2(c.WaitStart(ctx, "a/1"))(t)
	if i.Status == client.Pending || i.Name != "Approve" {
		t.Errorf("WaitStart() = %+v, want a begun Approve", i)
	}
	if err := client.Raise(ctx, c, "a/1", approval, true); err != nil {
		t.Fatal(err)
	}
	got := must2(client.Result[string](ctx, c, "a/1"))(t)
	if got != "published durable agents" {
		t.Errorf("Result() = %q, want published durable agents", got)
	}
	i = must2(c.Get(ctx, "a/1"))(t)
	if string(i.Input) != `"durable agents"` || string(i.Output) != `"published durable agents"` || !i.Status.Ended() {
		t.Errorf("Get() = %+v, want input, output and completed", i)
	}
	if events := must2(c.History(ctx, "a/1"))(t); len(events) < 3 {
		t.Errorf("History() has %d events, want 3 or more", len(events))
	}
	check(t, "Raise to nothing", c.Raise(ctx, "none", "Approval", true), perdure.NotFound)
	_, err := c.Get(ctx, "none")
	check(t, "Get of nothing", err, perdure.NotFound)
}

// must2 fits a call with two results into must.
func must2[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T { t.Helper(); return must(t, v, err) }
}

func TestStartPolicies(t *testing.T) {
	ctx, c, _ := open(t)
	start := func(o client.StartOptions) (client.Started, error) { return client.Start(ctx, c, Flaky, false, o) }
	if _, err := start(client.StartOptions{ID: "x", RequestID: "r1"}); err != nil {
		t.Fatal(err)
	}
	if s, err := start(client.StartOptions{ID: "x", RequestID: "r1"}); err != nil || s.Existing {
		t.Errorf("repeated start = %+v, %v, want the first answer", s, err)
	}
	_, err := start(client.StartOptions{ID: "x", RequestID: "r1", Version: "2"})
	check(t, "request id with other content", err, perdure.Conflict)
	if _, err := c.WaitCompletion(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	_, err = start(client.StartOptions{ID: "x"})
	check(t, "start of an id that exists", err, perdure.AlreadyExists)
	if s, err := start(client.StartOptions{ID: "x", Exists: client.Get}); err != nil || !s.Existing {
		t.Errorf("start with Get = %+v, %v, want the existing one", s, err)
	}
	if s, err := start(client.StartOptions{ID: "x", Exists: client.ReplaceFailed}); err != nil || s.Existing {
		t.Errorf("start with ReplaceFailed = %+v, %v, want a new one", s, err)
	}
	_, err = start(client.StartOptions{ID: "y", Exists: 9})
	check(t, "unknown policy", err, perdure.InvalidArgument)
	_, err = c.Start(ctx, "Flaky", func() {}, client.StartOptions{})
	check(t, "input that is no JSON", err, perdure.InvalidArgument)
	_, err = client.Start(ctx, c, func(*perdure.Context, int) (int, error) { return 0, nil }, 1, client.StartOptions{})
	check(t, "closure", err, perdure.InvalidArgument)

	s, err := c.Start(ctx, "Approve", "x", client.StartOptions{ID: "e", Event: &client.Event{Name: "approval", Data: true}})
	if err != nil || s.Existing {
		t.Fatalf("signal with start = %+v, %v", s, err)
	}
	if got, err := client.Result[string](ctx, c, "e"); err != nil || got != "published x" {
		t.Errorf("signal with start gives %q, %v, want published x", got, err)
	}
}

func TestFailure(t *testing.T) {
	ctx, c, _ := open(t)
	_, err := client.Run(ctx, c, Flaky, false, client.StartOptions{ID: "f"})
	var failed *client.RunError
	if !errors.As(err, &failed) || failed.Status != client.Failed || failed.Failure.Message != "no luck" {
		t.Fatalf("Run() = %v, want a RunError with its failure", err)
	}
	id := must2(c.Restart(ctx, "f", client.RestartOptions{NewID: true, Input: true}))(t)
	if got, err := client.Result[string](ctx, c, id); err != nil || got != "luck" || id == "f" {
		t.Errorf("restart of f = %s: %q, %v, want luck under a new id", id, got, err)
	}
	version := "2"
	id = must2(c.Restart(ctx, "f", client.RestartOptions{ID: "g", Version: &version, Input: true}))(t)
	if _, err := client.Result[string](ctx, c, id); err != nil {
		t.Fatal(err)
	}
	if run, err := c.Get(ctx, id); err != nil || id != "g" || run.Version != version {
		t.Errorf("restart of f as g = %s: %+v, %v, want version 2 under that id", id, run, err)
	}
	_, err = c.Restart(ctx, "f", client.RestartOptions{ID: "g"})
	check(t, "Restart under an id in use", err, perdure.AlreadyExists)
	n := must2(c.Purge(ctx, []string{"f"}, client.PurgeOptions{DryRun: true}))(t)
	if n != 1 {
		t.Errorf("dry run of purge = %d, want 1", n)
	}
	if n = must2(c.Purge(ctx, []string{"f"}, client.PurgeOptions{}))(t); n != 1 {
		t.Errorf("purge = %d, want 1", n)
	}
	_, err = c.Get(ctx, "f")
	check(t, "Get of a purged run", err, perdure.NotFound)
}

func TestControl(t *testing.T) {
	ctx, c, _ := open(t)
	for _, id := range []string{"s", "t", "c"} {
		if _, err := client.Start(ctx, c, Approve, id, client.StartOptions{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Suspend(ctx, "s", "lunch"); err != nil {
		t.Fatal(err)
	}
	if i := must2(c.Get(ctx, "s"))(t); i.Status != client.Suspended {
		t.Errorf("after Suspend the status is %s, want suspended", i.Status)
	}
	if err := client.Raise(ctx, c, "s", approval, false); err != nil {
		t.Fatal(err)
	}
	if err := c.Resume(ctx, "s", "back"); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Result[string](ctx, c, "s"); err != nil || got != "rejected" {
		t.Errorf("after Resume the result is %q, %v, want rejected", got, err)
	}
	if err := c.Terminate(ctx, "t", client.Ending{Output: "stop"}); err != nil {
		t.Fatal(err)
	}
	if i := must2(c.WaitCompletion(ctx, "t"))(t); i.Status != client.Terminated || string(i.Output) != `"stop"` {
		t.Errorf("after Terminate: %s %s, want terminated \"stop\"", i.Status, i.Output)
	}
	if err := c.Cancel(ctx, "c", client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if i := must2(c.WaitCompletion(ctx, "c"))(t); i.Status != client.Canceled {
		t.Errorf("after Cancel: %s, want canceled", i.Status)
	}
	_, err := client.Result[string](ctx, c, "c")
	var ended *client.RunError
	if !errors.As(err, &ended) || ended.Error() != "run c canceled" {
		t.Errorf("Result() of a canceled run = %v, want run c canceled", err)
	}
	check(t, "Suspend of nothing", c.Suspend(ctx, "none", ""), perdure.NotFound)
}

func TestAskAndActivities(t *testing.T) {
	ctx, c, tokens := open(t)
	must2(client.Start(ctx, c, Quote, "EUR", client.StartOptions{ID: "q"}))(t)
	if got, err := client.Ask(ctx, c, "q", price, 3); err != nil || got != "EUR 7" {
		t.Errorf("Ask() = %q, %v, want EUR 7", got, err)
	}
	if got, err := client.Result[int](ctx, c, "q"); err != nil || got != 3 {
		t.Errorf("Result() = %d, %v, want 3", got, err)
	}
	must2(client.Start(ctx, c, Outside, "", client.StartOptions{ID: "o"}))(t)
	token := <-tokens
	if err := c.Heartbeat(ctx, token, 0.5); err != nil {
		t.Errorf("Heartbeat() = %v", err)
	}
	if err := c.Complete(ctx, token, "done"); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Result[string](ctx, c, "o"); err != nil || got != "done" {
		t.Errorf("Result() = %q, %v, want done", got, err)
	}
	must2(client.Start(ctx, c, Outside, "", client.StartOptions{ID: "p"}))(t)
	if err := c.Fail(ctx, <-tokens, errors.New("broken")); err != nil {
		t.Fatal(err)
	}
	var failed *client.RunError
	if _, err := client.Result[string](ctx, c, "p"); !errors.As(err, &failed) {
		t.Errorf("Result() = %v, want a failure", err)
	}
	check(t, "Complete with a bad token", c.Complete(ctx, "nonsense", 1), perdure.NotFound)
}

func TestEntity(t *testing.T) {
	ctx, c, _ := open(t)
	id := perdure.NewEntityID("Counter", "a")
	_, err := c.Entity(ctx, id)
	check(t, "Entity that is none", err, perdure.NotFound)
	if err := c.Signal(ctx, id, "add", 2); err != nil {
		t.Fatal(err)
	}
	var sum int
	if err := c.Ask(ctx, id.String(), "get", nil, &sum); err != nil || sum != 2 {
		t.Errorf("Ask(get) = %d, %v, want 2", sum, err)
	}
	if e := must2(c.Entity(ctx, id))(t); string(e.State) != `{"N":2}` {
		t.Errorf("Entity() = %s, want {\"N\":2}", e.State)
	}
}

func TestListAndChanges(t *testing.T) {
	ctx, c, _ := open(t)
	position := must2(c.Position(ctx))(t)
	for _, id := range []string{"p1", "p2", "q1"} {
		must2(client.Start(ctx, c, Approve, id, client.StartOptions{ID: id, Tags: map[string]string{"team": id[:1]}}))(t)
		must2(c.WaitStart(ctx, id))(t)
	}
	must2(client.Run(ctx, c, Flaky, true, client.StartOptions{ID: "luck"}))(t)
	_, _ = client.Run(ctx, c, Flaky, false, client.StartOptions{ID: "flop"})
	for filter, want := range map[string][]string{
		"":                                   {"flop", "luck", "p1", "p2", "q1"},
		"status:running":                     {"p1", "p2", "q1"},
		"status:completed,failed":            {"flop", "luck"},
		"-status:running":                    {"flop", "luck"},
		"id:p*":                              {"p1", "p2"},
		"p":                                  {"p1", "p2"},
		"name:Approve -tag.team:p":           {"q1"},
		"tag.team:q":                         {"q1"},
		`error~"LUCK"`:                       {"flop"},
		"has:error":                          {"flop"},
		"created>-1h":                        {"flop", "luck", "p1", "p2", "q1"},
		"created<-1h":                        nil,
		"completed>-1h name:Flaky":           {"flop", "luck"},
		"duration<1h":                        {"flop", "luck"},
		"agent:joker":                        nil,
		"phase:waiting_event id:p1,p2":       {"p1", "p2"},
		"status:running status:failed":       nil,
		"created>-1h created<-30m":           nil,
		"parent:\"\" status:completed":       {"luck"},
		"status:failed or tag.team:q":        {"flop", "q1"},
		"name:Approve (tag.team:q or id:p1)": {"p1", "q1"},
		"-(status:running or has:error)":     {"luck"},
		"status:completed or error~luck -tag.team:q": {"flop", "luck"},
	} {
		page, err := c.List(ctx, client.Query{Filter: filter})
		if err != nil {
			t.Errorf("List(%q) = %v", filter, err)
			continue
		}
		var got []string
		for _, i := range page.Items {
			got = append(got, i.ID)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("List(%q) (-want +got)\n%s", filter, diff)
		}
	}
	_, err := c.List(ctx, client.Query{Filter: "stauts:failed"})
	check(t, "List with a bad filter", err, perdure.InvalidArgument)
	first := must2(c.List(ctx, client.Query{Filter: `error~"luck"`, Limit: 1, OldestFirst: true}))(t)
	if len(first.Items) != 1 {
		t.Errorf("List(limit 1) has %d items, want 1", len(first.Items))
	}
	var paged []string
	for q := (client.Query{Limit: 2, OldestFirst: true}); ; {
		page := must2(c.List(ctx, q))(t)
		for _, i := range page.Items {
			paged = append(paged, i.ID)
		}
		if q.After = page.Next; q.After == nil {
			break
		}
	}
	if diff := cmp.Diff([]string{"p1", "p2", "q1", "luck", "flop"}, paged); diff != "" {
		t.Errorf("pages (-want +got)\n%s", diff)
	}
	seen := map[string]bool{}
	for len(seen) < 5 {
		changes, next, reset, err := c.Changes(ctx, position, 2)
		if err != nil || reset {
			t.Fatalf("Changes() = reset %v, %v", reset, err)
		}
		for _, change := range changes {
			seen[change.ID] = true
		}
		position = next
	}
	var total int64
	for _, n := range must2(c.Counts(ctx))(t) {
		total += n.N
	}
	if total != 5 {
		t.Errorf("Counts() add up to %d, want 5", total)
	}
}
