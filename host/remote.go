package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/remote"
)

// tokenVariable is the environment variable with the token that is shown to the
// server of a hub elsewhere.
const tokenVariable = "PERDURE_TOKEN"

// server is another server, one of whose hubs is served here as "default".
type server struct {
	app *App
	far *remote.Hub
}

// openRemote prepares the connection to the hub that the configuration names. Nothing
// is sent yet: the far side need not be there.
func (a *App) openRemote() (place, clock.Clock, error) {
	far, err := dialHub(a.cfg.Hub, a.cfg.HubToken, a.cfg.Logger)
	if err != nil {
		return nil, nil, err
	}
	return &server{a, far}, clock.System(), nil
}

// dialHub prepares a connection to a hub elsewhere. token "" = that of the environment.
func dialHub(address, token string, logger *slog.Logger) (*remote.Hub, error) {
	target, err := remote.Parse(address)
	if err != nil {
		return nil, err
	}
	if target.Azure == nil {
		if target.Token = token; target.Token == "" {
			target.Token = os.Getenv(tokenVariable)
		}
	}
	return remote.Dial(remote.Config{Target: target, Logger: logger})
}

func (s *server) names() ([]string, error) { return []string{defaultHub}, nil }

func (s *server) hub(name string, _ bool) (worked, error) {
	if name != defaultHub {
		return nil, s.elsewhere()
	}
	agents, err := announced(s.app.cfg.Registry)
	if err != nil {
		return nil, err
	}
	worker, err := remote.NewWorker(remote.WorkerConfig{
		Hub: s.far, Registry: s.app.cfg.Registry, Agents: agents, Grace: s.app.cfg.Grace, Logger: s.app.cfg.Logger,
		Plain: s.plain,
	})
	if err != nil {
		return nil, err
	}
	return farHub{s.far, worker}, nil
}

// plain has agents work for a hub that is no Perdure server.
func (s *server) plain(ctx context.Context) (context.Context, error) {
	if err := agent.CheckTurnLevel(s.app.cfg.Registry); err != nil {
		return nil, err
	}
	return agent.TurnLevel(ctx, s.app.cfg.Document), nil
}

// announced is what a worker tells of the agents of a registry.
func announced(reg *perdure.Registry) ([]remote.Agent, error) {
	list, err := agent.List(reg)
	if err != nil {
		return nil, err
	}
	var agents []remote.Agent
	for _, info := range list {
		text, err := json.Marshal(info)
		if err != nil {
			return nil, err
		}
		a := remote.Agent{Name: info.Name, Hash: info.Hash, Description: info.Description, Model: info.Model, Info: text}
		for _, tool := range info.Tools {
			a.Tools = append(a.Tools, tool.Name)
		}
		agents = append(agents, a)
	}
	return agents, nil
}

func (s *server) recreate(string) error { return s.elsewhere() }

func (s *server) drop(string) error { return s.elsewhere() }

func (s *server) elsewhere() error {
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "change hubs", Message: "the hubs of " + s.far.String() + " are made and deleted there"}
}

func (s *server) close() error { return s.far.Close() }

// farHub is a hub elsewhere, with a worker for it.
type farHub struct {
	*remote.Hub
	worker *remote.Worker
}

// Run works for the hub until ctx ends.
func (h farHub) Run(ctx context.Context) error { return h.worker.Run(ctx) }

// data says where the state lives, without secrets.
func (a *App) data() string {
	if target, err := remote.Parse(a.cfg.Hub); remote.Is(a.cfg.Hub) && err == nil {
		return target.String()
	}
	if IsDatabase(a.cfg.Hub) {
		return withoutSecrets(a.cfg.Hub)
	}
	return a.cfg.Hub
}

// kind says what keeps the state.
func (a *App) kind() string {
	switch {
	case remote.Is(a.cfg.Hub):
		return "remote"
	case IsDatabase(a.cfg.Hub):
		return "postgres"
	}
	return "pebble"
}
