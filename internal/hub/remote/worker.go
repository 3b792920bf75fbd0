package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// WorkerConfig is what a Worker is made of. Hub and Registry are required.
type WorkerConfig struct {
	Hub      *Hub
	Registry *perdure.Registry // the code that it runs
	// ID names the process to the hub; "" = a random one.
	ID string
	// How many items of a kind it works on at a time; 0 = 100.
	Orchestrations, Activities, Entities int
	// Agents are those that the code serves: a hub of ours serves their routes then.
	Agents []Agent
	// Plain is called before the worker works for a hub that speaks the protocol only,
	// with a context that ends when what still runs is given up. It returns the context
	// whose values the code finds there instead of those of Run's, or why the code
	// cannot work there, which ends Run. nil = it can, unless there are Agents.
	Plain func(ctx context.Context) (context.Context, error)
	// CacheBytes bounds the memory of suspended orchestrations; 0 = 64 MB.
	CacheBytes int
	// Grace is how long activities may go on after the worker was asked to stop;
	// then their contexts end. 0 = at once.
	Grace time.Duration
	// Payload is the most bytes of what entities keep and say; 0 = 8 MB.
	Payload int
	// Clock is what entities are given as the time where the hub does not say it; nil
	// = the system's.
	Now    func() time.Time
	Logger *slog.Logger // nil = that of the Hub
}

// Agent describes an agent to the hub's server.
type Agent struct {
	Name, Hash, Description, Model string
	Tools                          []string
	Info                           []byte // as the REST API describes it
}

func descriptionsOf(agents []Agent) (list []*wirepb.AgentDescription) {
	for _, a := range agents {
		list = append(list, &wirepb.AgentDescription{
			Name: a.Name, Version: a.Hash, Description: a.Description, Model: a.Model, Tools: a.Tools, Info: a.Info,
		})
	}
	return list
}

// Defaults of a WorkerConfig.
const (
	defaultPlaces  = 100
	defaultCache   = 64 << 20
	defaultPayload = 8 << 20
)

// Worker runs code for a hub elsewhere. What it has done counts once the hub has said
// so; what it was given and could not finish the hub gives to others.
type Worker struct {
	cfg  WorkerConfig
	code *replay.Runner
}

// NewWorker returns a worker that works once Run is called.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if cfg.Hub == nil || cfg.Registry == nil {
		return nil, errors.New("remote worker: Config needs a Hub and a Registry")
	}
	if err := cfg.Registry.Err(); err != nil {
		return nil, fmt.Errorf("remote worker: %w", err)
	}
	if cfg.Orchestrations < 0 || cfg.Activities < 0 || cfg.Entities < 0 {
		return nil, errors.New("remote worker: it cannot work on fewer than 0 items at a time")
	}
	for _, n := range []*int{&cfg.Orchestrations, &cfg.Activities, &cfg.Entities} {
		if *n == 0 {
			*n = defaultPlaces
		}
	}
	if cfg.ID == "" {
		cfg.ID = newWorkerID()
	}
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = defaultCache
	}
	if cfg.Payload <= 0 {
		cfg.Payload = defaultPayload
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = cfg.Hub.cfg.Logger
	}
	return &Worker{cfg: cfg, code: replay.NewRunner(cfg.Registry, replay.Options{Logger: cfg.Logger})}, nil
}

// newWorkerID names this process to hubs.
func newWorkerID() string {
	host, _ := os.Hostname() // a name is only for people
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), newRequestID())
}

// Pauses between connections.
const (
	firstReconnect = 100 * time.Millisecond
	lastReconnect  = 5 * time.Second
	// steady is how long a connection must have held for the next to follow soon.
	steady = 2 * time.Second
)

// errStopping is the cause with which activities are cancelled at the end.
var errStopping = errors.New("the worker is stopping")

// Run works until ctx ends, through whatever happens to the hub and to the connection.
// It ends before only if the far side is no hub, which is Unimplemented, or one for
// which the code cannot work, which is the error of Plain.
// Then it takes no more items, finishes those that it has, within the grace, and gives
// the rest back. Orchestrations, activities and entities find the values of ctx. It
// may be called once.
func (w *Worker) Run(ctx context.Context) error {
	values := context.WithoutCancel(ctx)
	crew := newCrew(values, &w.cfg, w.code.With(values.Value))
	defer crew.close()
	pause := firstReconnect
	for ctx.Err() == nil {
		began := time.Now()
		err := w.connect(ctx, crew)
		if ctx.Err() != nil {
			break
		}
		var unfit *unfitError
		if errors.As(err, &unfit) {
			return unfit.error
		}
		if perdure.CodeOf(err) == perdure.Unimplemented {
			return err
		}
		if time.Since(began) > steady {
			pause = firstReconnect
		}
		w.cfg.Logger.Warn("the worker has lost its hub and tries again", "hub", w.cfg.Hub.String(), "pause", pause, "err", err)
		sleep(ctx, w.cfg.Hub.closed, jitter(pause))
		pause = min(2*pause, lastReconnect)
		select {
		case <-w.cfg.Hub.closed:
			return &perdure.Error{Code: perdure.Unavailable, Op: "run worker", Message: "the connection to the hub was closed"}
		default:
		}
	}
	return nil
}

// connect works over one connection until it ends, by ctx or by a failure.
func (w *Worker) connect(ctx context.Context, crew *crew) error {
	s, err := w.cfg.Hub.speak(ctx)
	if err != nil {
		return err
	}
	switch s := s.(type) {
	case *ownSide:
		return crew.overOwn(ctx, s)
	case *protocolSide:
		if err := w.fit(crew, s); err != nil {
			return &unfitError{err}
		}
		return crew.overProtocol(ctx, s)
	}
	panic("unreachable: there are two ways to speak with a hub")
}

// unfitError is why the code cannot work for the hub.
type unfitError struct{ error }

// fit has the code work for a hub that speaks the protocol only.
func (w *Worker) fit(crew *crew, s *protocolSide) error {
	switch {
	case w.cfg.Plain != nil && !crew.fitted:
		ctx, err := w.cfg.Plain(crew.working)
		if err != nil {
			return err
		}
		crew.code, crew.fitted = w.code.With(ctx.Value), true // nothing runs yet
	case w.cfg.Plain == nil && len(w.cfg.Agents) > 0:
		return s.cannot("run worker", "", "rows, which agents need: connect them to a Perdure server")
	}
	return nil
}

// report is what became of an item, on its way to the hub. One of the pointers is set.
type report struct {
	turn      *hub.OrchestrationDone
	activity  *hub.ActivityDone
	entity    *hub.EntityDone
	abandon   *hub.Delivery
	heartbeat *heartbeat
	kind      kind         // of an item that is given back
	before    history.Text // of a batch: the state that it was given
	// told is called once it is known what the hub made of it; nil = nobody asks. It
	// must not block.
	told func(error)
	// followUp is sent with an activity, once: followed is called before told with
	// whether the hub has taken it.
	followUp *hub.FollowUp
	followed func(bool)
}

// kind is what an item is.
type kind uint8

const (
	ofTurn kind = iota
	ofActivity
	ofBatch
)

func kindOf(work *hub.Work) kind {
	switch {
	case work.Activity != nil:
		return ofActivity
	case work.Entity != nil:
		return ofBatch
	}
	return ofTurn
}

// heartbeat says that an activity is alive.
type heartbeat struct {
	token    string
	progress string
	has      bool // progress is set
}

func (h *heartbeat) text() history.Text { return history.Text{S: h.progress, Set: h.has} }

func (r *report) end(err error) {
	r.follow(err == nil && r.followUp != nil && r.followUp.Taken)
	if r.told != nil {
		r.told(err)
	}
}

// follow says what became of the follow-up, if there is one of which it was not said.
func (r *report) follow(taken bool) {
	if r.followed != nil {
		r.followed(taken)
		r.followUp, r.followed = nil, nil
	}
}

// crew runs the items that a worker was given, over one connection after the other.
type crew struct {
	ctx    context.Context // carries values
	cfg    *WorkerConfig
	code   *replay.Runner
	fitted bool // to a hub that speaks the protocol only
	warm   *warm
	items  sync.WaitGroup // that run
	hands  hands

	// working carries the values of ctx and ends, with errStopping, when what still
	// runs is given up.
	working     context.Context
	stopWorking context.CancelCauseFunc

	// Calls that tell outcomes, to hubs that have no stream for them. They outlive a
	// connection; telling ends them.
	calls       sync.WaitGroup
	telling     context.Context
	stopTelling context.CancelFunc

	mu         sync.Mutex          // guards the rest
	out        outlet              // the connection there is; nil = there is none
	unsent     []*report           // while there is none
	activities map[string]*running // by token
	tasks      map[task]*running   // the newest of each
	draining   bool                // items that still come are given back
	stopping   bool                // the contexts of activities have ended
}

func newCrew(ctx context.Context, cfg *WorkerConfig, code *replay.Runner) *crew {
	c := &crew{ctx: ctx, cfg: cfg, code: code, warm: newWarm(cfg.CacheBytes), activities: map[string]*running{}, tasks: map[task]*running{},
		hands: newHands()}
	c.telling, c.stopTelling = context.WithCancel(ctx)
	c.working, c.stopWorking = context.WithCancelCause(ctx)
	return c
}

// attach sends what is reported to a connection from now on, first what waits.
func (c *crew) attach(out outlet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = out
	for _, r := range c.unsent {
		out.add(r)
	}
	c.unsent = nil
	out.ring()
}

// detach takes back what a connection could not deliver.
func (c *crew) detach(undelivered []*report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = nil
	c.unsent = append(undelivered, c.unsent...)
}

// report has the hub told of something. It does not block.
func (c *crew) report(r *report) {
	if out := c.hand(r); out != nil {
		out.ring()
	}
}

// finish has the hub told of an item, at the end of the goroutine that has carried it
// out: it sends what is to be sent itself, if nobody does, which may take a while.
func (c *crew) finish(r *report) {
	if out := c.hand(r); out != nil {
		out.flush()
	}
}

// hand gives a report to the connection, which it returns if there is one.
func (c *crew) hand(r *report) outlet {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		c.unsent = append(c.unsent, r)
		return nil
	}
	c.out.add(r)
	return c.out
}

// outlet is a connection over which a crew tells what it has done.
type outlet interface {
	add(r *report) // to what is to be sent; it does not block
	flush()        // sends that, unless another goroutine does
	ring()         // has another goroutine send that
}

// each is an outlet that has each report on its way at once.
type each func(*report)

func (f each) add(r *report) { f(r) }
func (each) flush()          {}
func (each) ring()           {}

// take begins the work on an item.
func (c *crew) take(work *hub.Work) {
	if work.Cancel != nil {
		c.cancel(work.Token, &perdure.Error{Code: perdure.Canceled, Op: "run activity", Message: work.Cancel.Reason})
		return
	}
	if !c.start(work) {
		c.report(&report{abandon: &hub.Delivery{Token: work.Token}, kind: kindOf(work)})
	}
}

// start begins the work on an item, unless the worker drains.
func (c *crew) start(work *hub.Work) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return false
	}
	switch {
	case work.Orchestration != nil:
		c.carryOut(func() { c.turn(work.Token, work.Orchestration) })
	case work.Activity != nil:
		r := c.begin(work.Token, work.Activity)
		c.carryOut(func() { c.activity(r, work.Activity) })
	case work.Entity != nil:
		c.carryOut(func() { c.batch(work.Token, work.Entity) })
	}
	return true
}

// carryOut runs an item on a goroutine of its own.
func (c *crew) carryOut(item func()) {
	c.items.Add(1)
	c.hands.do(func() {
		defer c.items.Done() // also when the code ends its goroutine
		item()
	})
}

// drain ends the work: activities are given the grace, then their contexts end, and a
// moment later nobody waits for them. It returns when nothing runs any more, or that
// moment is over.
func (c *crew) drain() {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		c.items.Wait()
		close(idle)
	}()
	for _, wait := range []time.Duration{c.cfg.Grace, stubborn} {
		t := time.NewTimer(wait)
		select {
		case <-idle:
			t.Stop()
			return
		case <-t.C:
			c.interrupt()
		}
	}
	c.cfg.Logger.Warn("code that the worker runs does not end; the hub gives its items to others")
}

// stubborn is how long code may take that was told to stop.
const stubborn = 2 * time.Second

// close ends what may be left, and forgets what is suspended.
func (c *crew) close() {
	c.drain()
	c.stopWorking(errStopping)
	c.stopTelling()
	c.calls.Wait()
	c.warm.close()
	c.hands.close()
}
