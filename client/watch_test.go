package client_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
)

// Climb tells each step, which somebody has to order.
func Climb(ctx *perdure.Context, steps int) (string, error) {
	for i := range steps {
		ctx.SetCustomStatus(i)
		if _, err := approval.Wait(ctx).Await(); err != nil {
			return "", err
		}
	}
	return "top", nil
}

// TestWatch orders each step when the one before it was seen, while other runs
// change.
func TestWatch(t *testing.T) {
	ctx, c, _ := open(t)
	must2(client.Start(ctx, c, Climb, 3, client.StartOptions{ID: "climb"}))(t)
	must2(client.Start(ctx, c, Approve, "x", client.StartOptions{ID: "other"}))(t)
	var steps []string
	var last *client.Instance
	for i, err := range c.Watch(ctx, "climb") {
		if err != nil {
			t.Fatal(err)
		}
		last = i
		step := string(i.CustomStatus)
		if i.Phase != "waiting_event" || len(steps) > 0 && steps[len(steps)-1] == step {
			continue
		}
		steps = append(steps, step)
		if err := client.Raise(ctx, c, "climb", approval, true); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, steps); diff != "" {
		t.Errorf("steps that were seen (-want +got)\n%s", diff)
	}
	if last.Status != client.Completed || string(last.Output) != `"top"` {
		t.Errorf("the last state is %s with %s, want completed with the output", last.Status, last.Output)
	}
	n := 0
	for i, err := range c.Watch(ctx, "climb") {
		if n++; err != nil || i.Status != client.Completed {
			t.Errorf("Watch() of a run that has ended yields %v, %v, want its end", i, err)
		}
	}
	if n != 1 {
		t.Errorf("Watch() of a run that has ended yields %d states, want 1", n)
	}
}

func TestWatchErrors(t *testing.T) {
	ctx, c, _ := open(t)
	for i, err := range c.Watch(ctx, "nobody") {
		if i != nil {
			t.Errorf("Watch() yields %v, want nothing", i)
		}
		check(t, "Watch() of no run", err, perdure.NotFound)
	}
	must2(client.Start(ctx, c, Climb, 1, client.StartOptions{ID: "purged"}))(t)
	seen := 0
	var last error
	for i, err := range c.Watch(ctx, "purged") {
		if last = err; err == nil && i.Phase == "waiting_event" {
			if seen++; seen > 1 {
				continue
			}
			if err := c.Terminate(ctx, "purged", client.Ending{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Purge(ctx, []string{"purged"}, client.PurgeOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check(t, "Watch() of a run that was purged", last, perdure.NotFound)
	must2(client.Start(ctx, c, Climb, 1, client.StartOptions{ID: "waits"}))(t)
	ctx, cancel := context.WithCancel(ctx)
	for _, err := range c.Watch(ctx, "waits") {
		if last = err; err == nil {
			cancel()
		}
	}
	cancel()
	if last == nil {
		t.Error("Watch() ended without an error when its context did")
	}
}
