package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/dashboard"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// childData names the data folder of the process that is the server; it has no tests.
const childData = "PERDURE_BROWSER_DATA"

func TestMain(m *testing.M) {
	flag.Parse()
	if data := os.Getenv(childData); data != "" {
		if err := serve(data, os.Getenv("PERDURE_BROWSER_ADDR"), os.Getenv("PERDURE_BROWSER_MOUNT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs an app whose agents follow a script, and its dashboard below /x/y/ at the
// address mount.
func serve(data, addr, mount string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	reg := perdure.NewRegistry()
	if err := register(reg); err != nil {
		return err
	}
	_, err := os.Stat(data + ".readonly")
	app, err := host.New(host.Config{Hub: data, Addr: addr, Registry: reg, ReadOnly: err == nil, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", mount)
	if err != nil {
		return err
	}
	at := &url.URL{Scheme: "http", Host: addr}
	api := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }, FlushInterval: -1}
	mux := http.NewServeMux()
	mux.Handle("/x/y/", http.StripPrefix("/x/y", dashboard.Handler(api, dashboard.Options{})))
	mux.Handle("/load/", load(app.Client()))
	mounted := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = mounted.Serve(listener) }()
	defer func() { _ = mounted.Close() }()
	return app.Run(ctx)
}

// register makes known what the scenarios use.
func register(reg *perdure.Registry) error {
	perdure.AddActivityNamed(reg, "step", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	perdure.AddActivityNamed(reg, "fragile", func(_ context.Context, file string) (string, error) {
		if _, err := os.Stat(file); err != nil {
			return "", errors.New("the warehouse has no such file")
		}
		return "mended", nil
	})
	perdure.AddActivityNamed(reg, "hold", func(ctx context.Context, file string) (string, error) {
		for ctx.Err() == nil {
			if _, err := os.Stat(file); err == nil {
				return "let go", nil
			}
			time.Sleep(20 * time.Millisecond)
		}
		return "", ctx.Err()
	})
	perdure.AddOrchestrationNamed(reg, "Holds", func(ctx *perdure.Context, file string) (string, error) {
		alone := perdure.WithLimit("hold", 1)
		first, second := perdure.CallNamed[string](ctx, "hold", file, alone), perdure.CallNamed[string](ctx, "hold", file, alone)
		return "both", perdure.All(ctx, first, second)
	})
	perdure.AddOrchestrationNamed(reg, "Steps", func(ctx *perdure.Context, n int) (sum int, err error) {
		for range n {
			if sum, err = perdure.CallNamed[int](ctx, "step", sum).Await(); err != nil {
				return 0, err
			}
		}
		return sum, nil
	})
	perdure.AddOrchestrationNamed(reg, "Fragile", func(ctx *perdure.Context, file string) (string, error) {
		if _, err := perdure.CallNamed[int](ctx, "step", 1).Await(); err != nil {
			return "", err
		}
		return perdure.CallNamed[string](ctx, "fragile", file).Await()
	})
	perdure.AddOrchestrationNamed(reg, "Waits", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.NewEvent[string]("Go").Wait(ctx).Await()
	})
	perdure.AddOrchestrationNamed(reg, "WaitsForEither", func(ctx *perdure.Context, _ string) (string, error) {
		first, other := perdure.NewEvent[string]("Go").Wait(ctx), perdure.NewEvent[string]("Stop").Wait(ctx)
		if perdure.Any(ctx, first, other) == first {
			return "go", nil
		}
		return "stop", nil
	})
	perdure.AddActivityNamed(reg, "pack", func(ctx context.Context, n int) (int, error) {
		log := perdure.Logger(ctx).With("parcel", n)
		log.Info("packing", "size", "L")
		if n%2 == 0 {
			log.Warn("the tape is nearly used up", "metres", 2)
		}
		if n == 3 && perdure.Activity(ctx).Attempt == 1 {
			log.Error("the box is torn", "err", errors.New("torn"))
			return 0, errors.New("torn")
		}
		return n, nil
	})
	perdure.AddOrchestrationNamed(reg, "Packs", func(ctx *perdure.Context, n int) (string, error) {
		ctx.Logger().Info("the belt starts", "parcels", n)
		again := perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: 10 * time.Millisecond})
		for i := range n {
			if _, err := perdure.CallNamed[int](ctx, "pack", i, again).Await(); err != nil {
				return "", err
			}
		}
		word, err := perdure.NewEvent[string]("Go").Wait(ctx).Await()
		ctx.Logger().Info("the belt stops", "word", word)
		return word, err
	})
	perdure.AddOrchestrationNamed(reg, "Unserved", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallNamed[string](ctx, "nobody", "").Await()
	})
	perdure.AddOrchestrationNamed(reg, "Begins", func(ctx *perdure.Context, name string) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, name, "").Await()
	})
	perdure.AddEntityFunc(reg, "counter", func(ctx *perdure.EntityContext) (any, error) {
		var n int
		if err := ctx.State(&n); err != nil {
			return nil, err
		}
		if ctx.Operation() == "burn" {
			return nil, errors.New("it does not burn")
		}
		return n + 1, ctx.SetState(n + 1)
	})
	perdure.AddOrchestrationNamed(reg, "Counts", func(ctx *perdure.Context, key string) (int, error) {
		return perdure.CallEntity[int](ctx, perdure.EntityID{Name: "counter", Key: key}, "add", nil).Await()
	})
	registerLoad(reg)
	if err := registerScene(reg); err != nil {
		return err
	}
	if err := agent.Register(reg, joker.New(modeltest.Reply(answer))); err != nil {
		return err
	}
	echo := &agent.Agent{Name: "Echo", Description: "Says what it is told.", Prices: model.Prices{"*": {Rates: model.Rates{Input: 1000, Output: 1000}}},
		Model: modeltest.Reply(func(r *model.Request) modeltest.Step { return modeltest.Say(lastText(r)) })}
	perdure.AddOrchestrationNamed(reg, "AsksEcho", func(ctx *perdure.Context, key string) (string, error) {
		return agent.Named("Echo").Run(ctx, "Is anybody there?", agent.InSession(key)).Text()
	})
	grump := &agent.Agent{Name: "Grump", Model: modeltest.Reply(func(*model.Request) modeltest.Step {
		return modeltest.Fail(&model.Error{Status: 400, Message: "the model is on strike"})
	})}
	courier := &agent.Agent{Name: "Courier", Model: modeltest.Reply(func(*model.Request) modeltest.Step { return modeltest.Call("ship", nil) }),
		Tools: []agent.Tool{agent.NewTool("ship", "Ships and never comes back.", func(context.Context, struct{}) (string, error) {
			select {}
		})}}
	perdure.AddOrchestrationNamed(reg, "AsksCourier", func(ctx *perdure.Context, _ string) (string, error) {
		return agent.Named("Courier").Run(ctx, "Ship it.").Text()
	})
	perdure.AddOrchestrationNamed(reg, "AsksGrump", func(ctx *perdure.Context, _ string) (string, error) {
		return agent.Named("Grump").Run(ctx, "Work!").Text()
	})
	return agent.Register(reg, echo, grump, courier, &agent.Agent{
		Name: "Clerk", Description: "Gives money back.", Instructions: "Refund what customers ask for.", Model: modeltest.Reply(refund),
		Tools: []agent.Tool{agent.NewTool("issue_refund", "Gives a customer money back.",
			func(_ context.Context, in Refund) (string, error) {
				return fmt.Sprintf("refunded %d cents", in.Cents), nil
			},
			agent.RequireApproval(func(_ context.Context, in Refund) bool { return in.Cents > 100 }), agent.ApprovalTimeout(48*time.Hour))},
	})
}

// Refund is what the clerk's tool is given.
type Refund struct {
	Order string `json:"order"`
	Cents int    `json:"cents"`
}

// answer is what Joker says: slowly if it is asked for a long story, and as an attacker
// would have it if it is asked for something hostile.
func answer(r *model.Request) modeltest.Step {
	said := lastText(r)
	switch {
	case strings.Contains(said, "long"):
		return modeltest.Say(strings.Repeat("And then the pirate went on, and on. ", 20)).Pace(50 * time.Millisecond)
	case strings.Contains(said, "hostile"):
		return modeltest.Say("<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 1\"> ![pixel](http://127.0.0.1:9/pixel.png) " +
			"[click](javascript:window.hacked=1) \u202egnp.exe " + strings.Repeat("A", 1<<20))
	}
	return modeltest.Say("**Arr!** Why is a pirate called a pirate? Because he *arrrr*.")
}

// refund has the clerk call its tool for the order that a JSON text in the message names,
// else A7, and say what came of it.
func refund(r *model.Request) modeltest.Step {
	if last := r.Messages[len(r.Messages)-1]; last.Role == model.RoleTool {
		return modeltest.Say("It is done.")
	}
	order := "A7"
	_, named, _ := strings.Cut(lastText(r), "order ")
	_ = json.Unmarshal([]byte(named), &order) // else it is A7
	return modeltest.Call("issue_refund", Refund{Order: order, Cents: 12000})
}

func lastText(r *model.Request) string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Text()
}
