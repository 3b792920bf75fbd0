package host

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
)

// IsDatabase reports whether a hub string, such as Config.Hub, names a database that
// nodes share.
func IsDatabase(hub string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(hub), "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}

// withoutSecrets is the address of a database as people may see it.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a PostgreSQL database"
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// database is a database that nodes share, of which this process is one.
type database struct {
	app     *App
	db      *postgres.DB
	me      store.Node
	cluster *access.Cluster
	secret  []byte

	mu   sync.Mutex          // guards open
	open map[string]*nodeHub // the newest of each name
}

// openDatabase opens the database that the configuration names, and lets its other
// nodes in through f.
func (a *App) openDatabase(ctx context.Context, f *front) (place, clock.Clock, error) {
	db, err := postgres.Open(ctx, a.cfg.Hub, postgres.Options{NoMigrate: a.cfg.NoMigrate, Logger: a.cfg.Logger})
	if err != nil {
		return nil, nil, databaseError(err)
	}
	version, _, _ := build()
	d := &database{
		app: a, db: db, open: make(map[string]*nodeHub),
		me: store.Node{Name: newNode(), Advertise: a.cfg.advertised(f.listeners[0].Addr()), Detail: []byte(version)},
	}
	if d.secret, err = db.Secret(ctx); err == nil {
		d.cluster, err = access.NewCluster(d.secret)
	}
	if err != nil {
		return nil, nil, errors.Join(databaseError(err), db.Close())
	}
	f.door.open(d.me.Name, d.cluster)
	return d, clock.System(), nil
}

// databaseError says that a database cannot be used. The driver's errors tell which
// one, why, and what to do.
func databaseError(err error) error {
	e := &perdure.Error{Code: perdure.Unavailable, Message: "the database cannot be used", Cause: err}
	switch {
	case errors.Is(err, store.ErrFormat):
		e.Code = perdure.FailedPrecondition
	case errors.Is(err, store.ErrNoSpace):
		e.Code = perdure.NoSpace
	}
	return e
}

func (d *database) names() ([]string, error) { return d.db.Hubs() }

func (d *database) kept(ctx context.Context) (map[string]store.Identity, error) {
	return d.db.Identities(ctx)
}

func (d *database) hub(name string, create bool) (worked, error) {
	kept, err := d.db.Hub(name, create)
	if errors.Is(err, store.ErrNotFound) {
		return nil, access.NoHub(name)
	}
	if err != nil {
		return nil, databaseError(err)
	}
	h, err := d.carry(name, kept)
	if err != nil {
		return nil, err
	}
	h.ended = func() { d.forget(name, h) }
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[name] = h
	return h, nil
}

// forget leaves a hub that has ended, whoever has deleted it, out of how the node is.
func (d *database) forget(name string, h *nodeHub) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[name] == h {
		delete(d.open, name)
	}
}

// carry returns a hub as this node of several carries it on.
func (d *database) carry(name string, kept *postgres.Hub) (*nodeHub, error) {
	cfg := &d.app.cfg
	logger := cfg.Logger.With("hub", name)
	h := &nodeHub{kept: kept, beats: &beats{Nodes: kept}}
	var err error
	h.owner, err = local.New(local.Config{
		Store: kept, Registry: cfg.Registry, Node: d.me.Name, Logger: logger, Retention: cfg.Retention.by(),
		Shared: &shard.Shared{
			Nodes: h.beats, Node: d.me,
			Tell: func(to store.Node, targets []string) { h.Tell(to, targets) },
			Held: func(ctx context.Context, shards []store.Shard) ([]hub.Held, error) { return h.Held(ctx, shards) },
			Done: func(ctx context.Context, done *hub.ActivityDone) error { return h.CompleteActivity(ctx, done) },
			Beat: func(ctx context.Context, token string, progress history.Text) error {
				return h.Heartbeat(ctx, token, progress)
			},
		},
	})
	if err != nil {
		return nil, err
	}
	h.Hub, err = peer.New(peer.Config{
		Owner: h.owner, Node: d.me, Letters: kept, Logger: logger,
		Dial: func(n store.Node) (peer.Link, error) {
			return remote.DialNode(remote.NodeConfig{Address: n.Advertise, TaskHub: name, Secret: d.secret, TLS: d.cluster.Dial(n.Name)})
		},
	})
	return h, err
}

func (d *database) recreate(name string) error {
	_, err := d.db.Recreate(name)
	return err
}

func (d *database) drop(name string) error {
	if err := d.db.Drop(name); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return access.NoHub(name) // another node was faster
}

func (d *database) close() error { return d.db.Close() }

// measure implements measured.
func (d *database) measure(ctx context.Context) (store.Stats, error) {
	d.mu.Lock()
	h := d.open[defaultHub]
	d.mu.Unlock()
	if h == nil {
		return store.Stats{}, access.NoHub(defaultHub)
	}
	return h.kept.Stats(ctx)
}

// node tells how this node is: of the hubs the one counts whose last beat is oldest.
func (d *database) node() *httpapi.Node {
	n := &httpapi.Node{Name: d.me.Name}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.open {
		n.Members = max(n.Members, len(h.owner.Members()))
		for s := range store.Shards {
			if _, _, here, ok := h.owner.Holder(store.Shard(s)); ok && here {
				n.Shards++
			}
		}
		last, err := h.beats.newest()
		if n.LastBeat.IsZero() || !last.IsZero() && last.Before(n.LastBeat) {
			n.LastBeat = last
		}
		if err != nil {
			n.Error = err.Error()
		}
		for _, other := range h.Unreached() {
			if !slices.Contains(n.Unreached, other.Name) {
				n.Unreached = append(n.Unreached, other.Name)
			}
		}
	}
	return n
}

// nodeHub is a hub of a database, as this node of several carries it on: the owner its
// part, and the Hub brings what concerns others to them.
type nodeHub struct {
	*peer.Hub
	owner *local.Hub
	kept  *postgres.Hub
	beats *beats
	ended func() // called when it is not carried on any more
}

// Run carries on the node's part of the hub until ctx ends. The store is open anew
// after it.
func (h *nodeHub) Run(ctx context.Context) error {
	talking, stop := context.WithCancel(context.WithoutCancel(ctx))
	talked := make(chan error, 1)
	go func() { talked <- h.Hub.Run(talking) }()
	err := h.owner.Run(ctx)
	stop()
	h.ended()
	return errors.Join(err, <-talked, h.kept.Close())
}

// Stats and Backlog are for those who count.
func (h *nodeHub) Stats() *shard.Stats { return h.owner.Stats() }

// Waiting returns how many starts wait for this node's engine to have room.
func (h *nodeHub) Waiting() int { return h.owner.Waiting() }

// Backlog implements counted.
func (h *nodeHub) Backlog(ctx context.Context) ([]hub.Backlog, error) { return h.owner.Backlog(ctx) }

// Connected implements hub.Roster, as Backlog, Members and Holder do.
func (h *nodeHub) Connected(ctx context.Context) ([]hub.Connected, error) {
	return h.owner.Connected(ctx)
}

// Incidents implements hub.Roster.
func (h *nodeHub) Incidents(ctx context.Context) (hub.Incidents, error) {
	return h.owner.Incidents(ctx)
}

// Members implements hub.Roster.
func (h *nodeHub) Members() []store.Node { return h.owner.Members() }

// Holder implements hub.Roster.
func (h *nodeHub) Holder(s store.Shard) (store.Node, uint64, bool, bool) { return h.owner.Holder(s) }

func (h *nodeHub) identity() store.Identity { return h.kept.Identity() }

// Copy gives fn all that the hub holds, whichever node holds it.
func (h *nodeHub) Copy(ctx context.Context, fn func(*store.Item) error) error {
	return h.owner.Copy(ctx, fn)
}

// beats are the nodes of a hub as the database knows them, with when it was last told
// that this one lives.
type beats struct {
	store.Nodes

	mu   sync.Mutex // guards what follows
	last time.Time
	err  error // of the newest attempt
}

// Beat implements store.Nodes.
func (b *beats) Beat(ctx context.Context, n store.Node, d time.Duration) ([]store.Node, error) {
	nodes, err := b.Nodes.Beat(ctx, n, d)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err = err; err == nil {
		b.last = time.Now()
	}
	return nodes, err
}

// newest returns when the last beat was, and what the newest attempt has failed with.
func (b *beats) newest() (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.err
}
