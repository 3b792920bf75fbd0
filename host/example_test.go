package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
)

// Greet is an orchestration.
func Greet(ctx *perdure.Context, name string) (string, error) {
	return perdure.Call(ctx, Spell, name).Await()
}

// Spell is an activity.
func Spell(_ context.Context, name string) (string, error) { return "Hello, " + name + "!", nil }

// A program registers its code, runs an app and works with it.
func Example() {
	registry := perdure.NewRegistry()
	perdure.AddOrchestration(registry, Greet)
	perdure.AddActivity(registry, Spell)
	dir, err := os.MkdirTemp("", "perdure")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	app, err := host.New(host.Config{Hub: dir, Addr: "127.0.0.1:0", Registry: registry, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background()) // main uses signal.NotifyContext
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	fmt.Println(client.Run(ctx, app.Client(), Greet, "world", client.StartOptions{}))
	stop()
	fmt.Println(<-done)
	// Output:
	// Hello, world! <nil>
	// <nil>
}
