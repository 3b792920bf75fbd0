package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store/memory"
)

// connect returns a client of a hub in memory that runs the orchestrations of
// these examples. Programs get theirs from host.App.Client.
func connect() (context.Context, *client.Client, func()) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, Approve)
	perdure.AddOrchestration(reg, Quote)
	perdure.AddOrchestration(reg, Flaky)
	perdure.AddEntity[Counter](reg, "counter")
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		panic(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return ctx, client.New(h), func() {
		cancel()
		if err := <-done; err != nil {
			panic(err)
		}
	}
}

// Start a run, raise an event that it waits for, and wait for its result.
func Example() {
	ctx, c, stop := connect()
	defer stop()

	run, err := client.Start(ctx, c, Approve, "durable agents", client.StartOptions{ID: "post-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Raise(ctx, c, run.ID, approval, true); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Result[string](ctx, c, run.ID))
	// Output: published durable agents <nil>
}

// Run starts an orchestration and waits for its result; a run that fails gives
// a RunError.
func ExampleRun() {
	ctx, c, stop := connect()
	defer stop()

	_, err := client.Run(ctx, c, Flaky, false, client.StartOptions{ID: "try-1"})
	var failed *client.RunError
	if errors.As(err, &failed) {
		fmt.Println(failed.Status, failed.Failure.Message)
	}
	// Output: failed no luck
}

// Start with an event finds the run with this id or creates it, and raises the
// event in the same commit.
func ExampleClient_Start() {
	ctx, c, stop := connect()
	defer stop()

	for range 2 {
		run, err := c.Start(ctx, "Approve", "durable agents", client.StartOptions{
			ID:    "post-1",
			Event: &client.Event{Name: "Approval", Data: true},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(run.ID, run.Existing)
	}
	// Output:
	// post-1 false
	// post-1 true
}

// Ask sends a request to a run and waits for its answer.
func ExampleAsk() {
	ctx, c, stop := connect()
	defer stop()

	run, err := client.Start(ctx, c, Quote, "EUR", client.StartOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Ask(ctx, c, run.ID, price, 3))
	// Output: EUR 7 <nil>
}

// List finds runs with the filter language of dashboard and command line.
func ExampleClient_List() {
	ctx, c, stop := connect()
	defer stop()

	for id, ok := range map[string]bool{"good": true, "bad": false} {
		_, err := client.Run(ctx, c, Flaky, ok, client.StartOptions{ID: id, Tags: map[string]string{"team": "pay"}})
		if err != nil && !errors.As(err, new(*client.RunError)) {
			fmt.Println(err)
			return
		}
	}
	page, err := c.List(ctx, client.Query{Filter: "status:failed tag.team:pay created>-1h"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, run := range page.Items {
		fmt.Println(run.ID, run.Status, run.Failure.Message)
	}
	// Output: bad failed no luck
}

// Terminate ends a run before its time.
func ExampleClient_Terminate() {
	ctx, c, stop := connect()
	defer stop()

	run, err := client.Start(ctx, c, Approve, "old news", client.StartOptions{ID: "post-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := c.Terminate(ctx, run.ID, client.Ending{Output: "out of date"}); err != nil {
		fmt.Println(err)
		return
	}
	i, err := c.WaitCompletion(ctx, run.ID)
	fmt.Println(i.Status, string(i.Output), err)
	// Output: terminated "out of date" <nil>
}

// Signal sends a one-way operation to an entity; Ask on its id waits for the
// result of one.
func ExampleClient_Signal() {
	ctx, c, stop := connect()
	defer stop()

	id := perdure.NewEntityID("counter", "visits")
	if err := c.Signal(ctx, id, "add", 2, client.WithRequestID("visit-1")); err != nil {
		fmt.Println(err)
		return
	}
	var sum int
	if err := c.Ask(ctx, id.String(), "get", nil, &sum); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sum)
	// Output: 2
}
