package hubtest

import (
	"context"
	"errors"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

var tokenCases = []testCase{
	{"Completes", tokenCompletes},
	{"Fails", tokenFails},
	{"AfterRestart", tokenRestart},
	{"WhileItRuns", tokenWhileRunning},
	{"Wrong", tokenWrong},
	{"Heartbeat", tokenHeartbeat},
}

// outside registers an activity that is completed from outside and hands its
// token out, and the orchestration run that calls it.
func outside(tokens chan<- string) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "outside", func(ctx context.Context, _ string) (string, error) {
			tokens <- perdure.Activity(ctx).Token
			return "", perdure.ErrPending
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "outside", nil).Await()
		})
	}
}

func tokenCompletes(t *testing.T, s suite) {
	tokens := make(chan string, 9)
	e := s.open(t, outside(tokens))
	e.start("run", "a", "")
	token := receive(e, tokens)
	e.settle()
	e.ok(e.hub.Complete(e.ctx, token, history.Some(`"x"`), nil))
	e.completes("a", `"x"`)
	e.ok(e.hub.Complete(e.ctx, token, history.Some(`"x"`), nil)) // again is fine
}

func tokenFails(t *testing.T, s suite) {
	tokens := make(chan string, 9)
	e := s.open(t, outside(tokens))
	e.start("run", "a", "")
	token := receive(e, tokens)
	e.settle()
	e.ok(e.hub.Complete(e.ctx, token, history.Text{}, perdure.FailureOf(errors.New("refused"))))
	if got, want := e.fails("a").Message, "outside: refused"; got != want {
		t.Errorf("failure = %q, want %q", got, want)
	}
}

func tokenRestart(t *testing.T, s suite) {
	tokens := make(chan string, 9)
	e := s.open(t, outside(tokens))
	e.start("run", "a", "")
	token := receive(e, tokens)
	e.settle()
	e.restart(outside(tokens))
	e.settle()
	if len(tokens) > 0 {
		t.Error("the activity ran again, want it to wait for its completion")
	}
	e.ok(e.hub.Complete(e.ctx, token, history.Some(`"x"`), nil))
	e.completes("a", `"x"`)
	e.restart(outside(tokens))
	e.ok(e.hub.Complete(e.ctx, token, history.Some(`"x"`), nil))
}

func tokenWhileRunning(t *testing.T, s suite) {
	tokens, canceled := make(chan string, 1), make(chan struct{})
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			tokens <- perdure.Activity(ctx).Token
			<-ctx.Done()
			close(canceled)
			return "own", nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "slow", nil).Await()
		})
	})
	e.start("run", "a", "")
	e.ok(e.hub.Complete(e.ctx, receive(e, tokens), history.Some(`"outside"`), nil))
	<-canceled
	e.completes("a", `"outside"`)
}

func tokenWrong(t *testing.T, s suite) {
	tokens := make(chan string, 9)
	e := s.open(t, outside(tokens))
	e.start("run", "a", "")
	token := receive(e, tokens)
	e.settle()
	for _, bad := range []string{"", "x", "!!", token + "AA", token[:len(token)-2], "AAAA"} {
		e.code("Complete("+bad+")", e.hub.Complete(e.ctx, bad, history.Text{}, nil), perdure.NotFound)
		e.code("Heartbeat("+bad+")", e.hub.Heartbeat(e.ctx, bad, history.Text{}), perdure.NotFound)
	}
	e.control(hub.Terminate, "a")
	e.settle()
	e.code("Complete(ended)", e.hub.Complete(e.ctx, token, history.Text{}, nil), perdure.NotFound)
}

func tokenHeartbeat(t *testing.T, s suite) {
	tokens := make(chan string, 9)
	e := s.open(t, outside(tokens))
	e.start("run", "a", "")
	token := receive(e, tokens)
	e.settle()
	e.ok(e.hub.Heartbeat(e.ctx, token, history.Some(`{"done":1}`)))
	e.restart(outside(tokens))
	e.ok(e.hub.Heartbeat(e.ctx, token, history.Text{}))
	e.ok(e.hub.Complete(e.ctx, token, history.Some(`"x"`), nil))
	e.completes("a", `"x"`)
	e.code("Heartbeat(ended)", e.hub.Heartbeat(e.ctx, token, history.Text{}), perdure.NotFound)
}
