package perduretest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/perduretest"
)

func Step(_ context.Context, n int) (int, error) { return n + 1, nil }

func Flaky(ctx context.Context, n int) (int, error) {
	if perdure.Activity(ctx).Attempt < 3 {
		return 0, errors.New("not yet")
	}
	return n, nil
}

var goOn = perdure.NewEvent[int]("GoOn")

// counter adds.
type counter struct{ N int }

func (c *counter) Add(n int) int { c.N += n; return c.N }

// program is a scenario of one orchestration, which drive tells what it needs.
func program[In any](fn func(*perdure.Context, In) (string, error), in In, drive func(env *perduretest.Env)) perduretest.Scenario {
	return perduretest.Scenario{
		Register: func(r *perdure.Registry) {
			perdure.AddActivity(r, Step)
			perdure.AddActivity(r, Flaky)
			perdure.AddEntity[counter](r, "counter")
			perdure.AddEntityFunc(r, "queue", queue)
			perdure.AddOrchestrationNamed(r, "main", fn)
			perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, n int) (int, error) {
				return perdure.Call(ctx, Step, n).Await()
			})
			perdure.AddOrchestrationNamed(r, "burst", func(ctx *perdure.Context, n int) (string, error) {
				for i := range n {
					if err := goOn.Send(ctx, "run", i); err != nil {
						return "", err
					}
				}
				return "sent", nil
			})
			perdure.AddOrchestrationNamed(r, "transfer", transfer)
			perdure.AddOrchestrationNamed(r, "hold", hold)
		},
		Run: func(env *perduretest.Env) {
			start(env, "main", "run", in)
			if drive != nil {
				drive(env)
			}
			env.Wait("run")
		},
	}
}

// start starts an orchestration under an id and lets it come to rest.
func start(env *perduretest.Env, name, id string, in any) {
	_, err := env.Client().Start(env.Context(), name, in, client.StartOptions{ID: id})
	check(env, err)
}

func check(env *perduretest.Env, err error) {
	if err != nil {
		panic(err)
	}
	env.Settle()
}

func raise(env *perduretest.Env, n int) {
	check(env, client.Raise(env.Context(), env.Client(), "run", goOn, n))
}

// queue answers "wait" when it is told "serve".
func queue(ctx *perdure.EntityContext) (any, error) {
	var tokens []string
	if err := ctx.State(&tokens); err != nil {
		return nil, err
	}
	if ctx.Operation() == "wait" {
		return nil, ctx.SetState(append(tokens, ctx.Defer()))
	}
	return nil, errors.Join(ctx.ResolveReply(tokens[0], "served"), ctx.SetState(tokens[1:]))
}

func transfer(ctx *perdure.Context, n int) (string, error) {
	a, b := perdure.NewEntityID("counter", "a"), perdure.NewEntityID("counter", "b")
	unlock, err := perdure.Lock(ctx, a, b)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := perdure.CallEntity[int](ctx, a, "add", -n).Await(); err != nil {
		return "", err
	}
	left, err := perdure.CallEntity[int](ctx, b, "add", n).Await()
	return fmt.Sprint(left), err
}

// hold keeps the lock that transfer needs until it is ended.
func hold(ctx *perdure.Context, _ int) (string, error) {
	if _, err := perdure.Lock(ctx, perdure.NewEntityID("counter", "b")); err != nil {
		return "", err
	}
	_, err := goOn.Wait(ctx).Await()
	return "", err
}

// rewinding is a scenario of a run that fails with its child, and is rewound when
// what they miss is there; in a critical section if locked.
func rewinding(locked bool) perduretest.Scenario {
	var stocked atomic.Bool
	s := program(func(ctx *perdure.Context, n int) (string, error) {
		counter := perdure.NewEntityID("counter", "b")
		if locked {
			unlock, err := perdure.Lock(ctx, perdure.NewEntityID("counter", "a"), counter)
			if err != nil {
				return "", err
			}
			defer unlock()
		}
		n, err := perdure.Call(ctx, Step, n).Await()
		if err != nil {
			return "", err
		}
		got, err := perdure.CallOrchestrationNamed[string](ctx, "needs", n).Await()
		if err != nil || !locked {
			return got, err
		}
		n, err = perdure.CallEntity[int](ctx, counter, "add", n).Await()
		return fmt.Sprint(n), err
	}, 1, func(env *perduretest.Env) {
		if in := env.Wait("run"); in.Status != client.Failed {
			panic("it is " + in.Status)
		}
		stocked.Store(true)
		check(env, env.Client().Rewind(env.Context(), "run", "there is some"))
	})
	register := s.Register
	s.Register = func(r *perdure.Registry) {
		register(r)
		stocked.Store(false)
		perdure.AddActivityNamed(r, "Stock", func(_ context.Context, n int) (int, error) {
			if !stocked.Load() {
				return 0, errors.New("there is none")
			}
			return n, nil
		})
		perdure.AddOrchestrationNamed(r, "needs", func(ctx *perdure.Context, n int) (string, error) {
			v, err := perdure.CallNamed[int](ctx, "Stock", n).Await()
			return fmt.Sprint(v), err
		})
	}
	return s
}

// rewindingTo is a scenario of a run that completes, and is rewound to between two steps.
func rewindingTo() perduretest.Scenario {
	return program(func(ctx *perdure.Context, n int) (string, error) {
		n, err := perdure.Call(ctx, Step, n).Await()
		if err != nil {
			return "", err
		}
		v, err := goOn.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		n, err = perdure.Call(ctx, Step, n+v).Await()
		return fmt.Sprint(n), err
	}, 1, func(env *perduretest.Env) {
		check(env, env.Client().Raise(env.Context(), "run", "goon", 5))
		env.Wait("run")
		const turnOfTheEvent = 7
		err := env.Client().RewindTo(env.Context(), "run", client.RewindPoint{Event: turnOfTheEvent}, client.WithRequestID("rewind"))
		check(env, err)
		check(env, env.Client().Raise(env.Context(), "run", "goon", 7))
	})
}

// rewindingBelow is a scenario of a run that is rewound to before it has begun another one,
// in another shard, which has continued as new and has ended, or still waits.
func rewindingBelow(waits bool) perduretest.Scenario {
	s := program(func(ctx *perdure.Context, n int) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "below", n, perdure.WithID("below")).Await()
	}, 1, func(env *perduretest.Env) {
		if !waits {
			check(env, env.Client().Raise(env.Context(), "below", "goon", 5))
			env.Wait("run")
		} else {
			check(env, env.Client().Terminate(env.Context(), "run", client.Ending{}))
		}
		check(env, env.Client().RewindTo(env.Context(), "run", client.RewindPoint{Event: 1}, client.WithRequestID("rewind")))
		check(env, env.Client().Raise(env.Context(), "below", "goon", 7))
		env.Wait("below")
	})
	register := s.Register
	s.Register = func(r *perdure.Registry) {
		register(r)
		perdure.AddOrchestrationNamed(r, "below", func(ctx *perdure.Context, n int) (string, error) {
			n, err := perdure.Call(ctx, Step, n).Await()
			if err != nil {
				return "", err
			}
			if n < 3 {
				return "", perdure.ContinueAsNew(ctx, n)
			}
			v, err := goOn.Wait(ctx).Await()
			return fmt.Sprint(n, v), err
		})
	}
	return s
}

type gathered struct{ Got []int }

var scenarios = map[string]perduretest.Scenario{
	"chain": program(func(ctx *perdure.Context, n int) (string, error) {
		for range 4 {
			var err error
			if n, err = perdure.Call(ctx, Step, n).Await(); err != nil {
				return "", err
			}
		}
		return fmt.Sprint(n), nil
	}, 1, nil),
	"fan-out": program(func(ctx *perdure.Context, n int) (string, error) {
		out, err := perdure.Map(ctx, make([]int, n), 0, func(ctx *perdure.Context, i int) (int, error) {
			return perdure.Call(ctx, Step, i).Await()
		})
		return fmt.Sprint(out), err
	}, 8, nil),
	"fold": program(func(ctx *perdure.Context, n int) (string, error) {
		n, err := perdure.CallOrchestrationNamed[int](ctx, "child", n, perdure.WithID("child"), perdure.WithFold(time.Hour)).Await()
		if err != nil {
			return "", err
		}
		return fmt.Sprint(n), ctx.Timer(2 * time.Hour).Await()
	}, 1, func(env *perduretest.Env) {
		env.Wait("run")
		if child, err := env.Client().Get(env.Context(), "child"); err != nil || child.Folded.IsZero() {
			panic(fmt.Sprintf("the child = %+v, %v, want it folded", child, err))
		}
	}),
	"timer": program(func(ctx *perdure.Context, n int) (string, error) {
		canceled := ctx.Timer(time.Minute)
		if err := ctx.Timer(time.Second).Await(); err != nil {
			return "", err
		}
		canceled.Cancel()
		return "woke", ctx.Timer(48 * time.Hour).Await()
	}, 0, nil),
	"event": program(func(ctx *perdure.Context, n int) (string, error) {
		var got []int
		for range n {
			v, err := goOn.Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			got = append(got, v)
			ctx.SetCustomStatus(got)
		}
		return fmt.Sprint(got), nil
	}, 3, func(env *perduretest.Env) {
		for i := range 3 {
			raise(env, i)
		}
	}),
	"sub-orchestration": program(func(ctx *perdure.Context, n int) (string, error) {
		a := perdure.CallOrchestrationNamed[int](ctx, "child", n)
		b := perdure.CallOrchestrationNamed[int](ctx, "child", n+10, perdure.WithID("own"))
		v, err := a.Await()
		w, err2 := b.Await()
		return fmt.Sprint(v, w), errors.Join(err, err2)
	}, 1, nil),
	"continue-as-new": program(func(ctx *perdure.Context, g gathered) (string, error) {
		for range 3 {
			v, err := goOn.Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			if g.Got = append(g.Got, v); len(g.Got) == 10 {
				return strings.Trim(fmt.Sprint(g.Got), "[]"), nil
			}
		}
		return "", perdure.ContinueAsNew(ctx, g)
	}, gathered{}, func(env *perduretest.Env) { start(env, "burst", "burst", 10) }),
	"entity": program(func(ctx *perdure.Context, n int) (string, error) {
		id := perdure.NewEntityID("counter", "c")
		for range n {
			if err := perdure.SignalEntity(ctx, id, "add", 1); err != nil {
				return "", err
			}
			if _, err := perdure.CallEntity[int](ctx, id, "add", 10).Await(); err != nil {
				return "", err
			}
		}
		v, err := perdure.CallEntity[int](ctx, id, "add", 0).Await()
		return fmt.Sprint(v), errors.Join(err, perdure.SignalEntityAt(ctx, ctx.Now().Add(time.Hour), id, "add", 100))
	}, 2, func(env *perduretest.Env) { env.Advance(2 * time.Hour) }),
	"lock": program(func(ctx *perdure.Context, n int) (string, error) {
		v, err := perdure.CallOrchestrationNamed[string](ctx, "transfer", n).Await()
		if err != nil {
			return "", err
		}
		w, err := transfer(ctx, n)
		return v + w, err
	}, 5, nil),
	"deferred reply": program(func(ctx *perdure.Context, n int) (string, error) {
		return perdure.CallEntity[string](ctx, perdure.NewEntityID("queue", "q"), "wait", nil).Await()
	}, 0, func(env *perduretest.Env) {
		check(env, env.Client().Signal(env.Context(), perdure.NewEntityID("queue", "q"), "serve", nil))
	}),
	"retry": program(func(ctx *perdure.Context, n int) (string, error) {
		v, err := perdure.Call(ctx, Flaky, n, perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3})).Await()
		return fmt.Sprint(v), err
	}, 7, nil),
	"request-reply": program(func(ctx *perdure.Context, n int) (string, error) {
		req, err := double.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		v, err := perdure.Call(ctx, Step, req.Input).Await()
		return "answered", errors.Join(err, req.Reply(ctx, 2*v))
	}, 0, func(env *perduretest.Env) {
		var answer int
		check(env, env.Client().Ask(env.Context(), "run", "Double", 3, &answer))
		if answer != 8 {
			panic(fmt.Sprintf("the answer is %d, want 8", answer))
		}
	}),
	"rewind":           rewinding(false),
	"rewind with lock": rewinding(true),
	"rewind to event":  rewindingTo(),

	"rewind above an ended run":  rewindingBelow(false),
	"rewind above a waiting run": rewindingBelow(true),
	"terminate": program(func(ctx *perdure.Context, n int) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "hold", n, perdure.WithID("held")).Await()
	}, 0, func(env *perduretest.Env) {
		start(env, "transfer", "waits", 1)
		check(env, env.Client().Terminate(env.Context(), "run", client.Ending{Output: "enough", Recursive: true}))
		env.Wait("waits")
	}),
	"scheduled": {
		Register: func(r *perdure.Registry) {
			perdure.AddOrchestrationNamed(r, "main", func(ctx *perdure.Context, n int) (string, error) {
				v, err := goOn.Wait(ctx).Await()
				return fmt.Sprint(n, v), err
			})
		},
		Run: func(env *perduretest.Env) {
			_, err := env.Client().Start(env.Context(), "main", 1, client.StartOptions{
				ID: "run", At: env.Now().Add(time.Hour), Event: &client.Event{Name: "goon", Data: 2},
			})
			check(env, err)
			env.Wait("run")
			_, err = env.Client().Start(env.Context(), "main", 3, client.StartOptions{
				ID: "run", Exists: client.ReplaceEnded, Event: &client.Event{Name: "goon", Data: 4},
			})
			check(env, err)
			env.Wait("run")
			_, err = env.Client().Restart(env.Context(), "run", client.RestartOptions{})
			check(env, err)
			raise(env, 5)
			env.Wait("run")
			start(env, "main", "other", 1)
			check(env, client.Raise(env.Context(), env.Client(), "other", goOn, 1))
			_, err = env.Client().Purge(env.Context(), []string{"other"}, client.PurgeOptions{})
			check(env, err)
		},
	},
	"suspend": program(func(ctx *perdure.Context, n int) (string, error) {
		v, err := goOn.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		v, err = perdure.Call(ctx, Step, v).Await()
		return fmt.Sprint(v), err
	}, 0, func(env *perduretest.Env) {
		check(env, env.Client().Suspend(env.Context(), "run", "wait"))
		raise(env, 4)
		check(env, env.Client().Resume(env.Context(), "run", "go on"))
	}),
}

var double = perdure.NewRequest[int, int]("Double")

// completion is a scenario with an activity that is completed from outside.
func completion() perduretest.Scenario {
	var token string
	s := program(func(ctx *perdure.Context, n int) (string, error) {
		return perdure.CallNamed[string](ctx, "Outside", n).Await()
	}, 0, func(env *perduretest.Env) {
		for { // an attempt that a crash has lost is made again
			err := env.Client().Complete(env.Context(), token, "done")
			env.Settle()
			if perdure.CodeOf(err) != perdure.NotFound {
				check(env, err)
				return
			}
		}
	})
	s.Options = []perduretest.Option{perduretest.Outcomes("Outside",
		perduretest.Pending(func(t string) { token = t }), perduretest.Pending(func(t string) { token = t }))}
	return s
}

func TestCrashEverywhere(t *testing.T) {
	total := perduretest.Crashes{}
	count := func(name string, s perduretest.Scenario) {
		t.Run(name, func(t *testing.T) {
			c := perduretest.CrashEverywhere(t, s)
			total.Commits += c.Commits
			total.Crashes += c.Crashes
		})
	}
	for name, s := range scenarios {
		count(name, s)
	}
	count("completion", completion())
	t.Logf("%d scenarios, %d commits, %d crashes", len(scenarios)+1, total.Commits, total.Crashes)
}

// TestCrashTwice has the hub that takes over die too, at one of its first commits.
func TestCrashTwice(t *testing.T) {
	crashes := 0
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			want, commits := perduretest.EndOf(t, s)
			for n := 1; n <= commits; n++ {
				for later := 1; later <= 3; later++ {
					durable := [2]bool{(n+later)%2 == 0, later%2 == 0}
					t.Run(fmt.Sprintf("commit%03d+%d", n, later), func(t *testing.T) {
						got, happened := perduretest.EndOfTwice(t, s, n, later, durable)
						crashes += happened
						if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
							t.Errorf("the end differs from that without a crash (-want +got):\n%s", diff)
						}
					})
				}
			}
		})
	}
	t.Logf("%d crashes", crashes)
}

// TestSyncFails has the sync of each commit fail: the hub stops, and the next one
// finds what it was to write, or does not.
func TestSyncFails(t *testing.T) {
	failures := 0
	for name, s := range scenarios {
		t.Run(name, func(t *testing.T) {
			want, commits := perduretest.EndOf(t, s)
			for n := 2; n <= commits; n++ { // the first is written before the hub works
				for _, kept := range []bool{false, true} {
					t.Run(fmt.Sprintf("commit%03d kept %v", n, kept), func(t *testing.T) {
						got, happened := perduretest.EndOfFailed(t, s, n, kept)
						failures += happened
						if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
							t.Errorf("the end differs from that without a failure (-want +got):\n%s", diff)
						}
					})
				}
			}
		})
	}
	t.Logf("%d failures", failures)
}
