package host_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// plain serves a hub over the Durable Task protocol only.
func plain(t *testing.T) (url string) {
	t.Helper()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	near, err := local.New(local.Config{Store: s, Registry: perdure.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	service, err := wire.New(wire.Config{Hubs: oneHub{near}})
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	service.Register(publicOnly{server})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- near.Run(ctx) }()
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		cancel()
		if err := errors.Join(<-ran, s.Close()); err != nil {
			t.Error(err)
		}
		<-served
	})
	return "http://" + listener.Addr().String()
}

type oneHub struct{ hub hub.Hub }

func (h oneHub) Open(context.Context, string) (hub.Hub, error) { return h.hub, nil }
func (oneHub) Create(context.Context, string, bool) error      { return errors.ErrUnsupported }
func (oneHub) Delete(context.Context, string) error            { return errors.ErrUnsupported }

type publicOnly struct{ grpc.ServiceRegistrar }

func (r publicOnly) RegisterService(d *grpc.ServiceDesc, s any) {
	if d.ServiceName != wire.OwnService {
		r.ServiceRegistrar.RegisterService(d, s)
	}
}

// Hire has the agent answer in a session.
func Hire(ctx *perdure.Context, prompt string) (string, error) {
	return agent.Named("Clerk").Run(ctx, prompt, agent.InSession("k")).Text()
}

// TestPlainHubAgents: the agents of an app work for a hub that is no Perdure server,
// and its routes say that they do not.
func TestPlainHubAgents(t *testing.T) {
	cfg := config(plain(t))
	cfg.Document = agent.DocumentVersion11
	perdure.AddOrchestration(cfg.Registry, Hire)
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Clerk", Model: modeltest.Script(t, modeltest.Say("at once"))}); err != nil {
		t.Fatal(err)
	}
	app, stop := start(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if got, err := client.Run(ctx, app.Client(), Hire, "file this", client.StartOptions{}); err != nil || got != "at once" {
		t.Errorf("Run() = %q, %v, want at once", got, err)
	}
	h, err := app.Client().Hub(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := h.Entity(ctx, "@dafx-clerk@k"); err != nil || !strings.Contains(e.State.S, `"schemaVersion":"1.1.0"`) {
		t.Errorf("Entity() = %+v, %v, want a document of version 1.1.0", e, err)
	}
	res, err := http.Post(app.URL()+"/api/agents/Clerk/run", "application/json", strings.NewReader(`{"message":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if closed := res.Body.Close(); err != nil || closed != nil || res.StatusCode < 400 || !strings.Contains(string(body), "no Perdure server") {
		t.Errorf("run = %d, %s, want that it is not there", res.StatusCode, body)
	}
	if err := stop(); err != nil {
		t.Errorf("Run() = %v", err)
	}
}

// TestPlainHubRefuses agents that such a hub cannot keep what they need for.
func TestPlainHubRefuses(t *testing.T) {
	cfg := config(plain(t))
	pay := agent.NewTool("pay", "Pays.", func(context.Context, struct{}) (int, error) { return 0, nil })
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Clerk", Model: modeltest.Script(t), Tools: []agent.Tool{pay}}); err != nil {
		t.Fatal(err)
	}
	app, err := host.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := app.Run(ctx); err == nil || !strings.Contains(err.Error(), "AllowTurnLevelDurability") || !strings.Contains(err.Error(), `"pay"`) {
		t.Errorf("Run() = %v, want an error that names the tool and the option", err)
	}
}
