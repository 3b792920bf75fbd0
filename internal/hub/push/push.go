// Package push calls workers by URL when there is work for them: they may be asleep
// otherwise, on a platform that starts what a request is for and stops what has none.
//
// For the hub such a worker is a stream like others, whose items are requests: one POST
// for each, with the item as body, signed as package signing says. The answer is what
// became of it. A worker that cannot be reached is left alone for a while, and its items
// go to others; then it is asked whether it is there before it is sent an item again.
package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/signing"
)

// Worker is a worker that is called by URL.
type Worker struct {
	Name string
	URL  string // http or https
	Key  signing.Key
	// Filters are what it takes; nil = everything.
	Filters *hub.Filters
	// Places is how many items of a kind it is sent at a time; 0 = 10.
	Places int
	// Silence is how long it may take until an answer begins, and between the parts of
	// one. 0 = 5 min.
	Silence time.Duration
}

// Hub is what a hub has for workers.
type Hub interface {
	hub.Workers
	hub.Activities
}

// Config is what a Caller is made of. Hub, Worker and Transport are required.
type Config struct {
	Hub       Hub
	Worker    Worker
	Transport http.RoundTripper
	// FirstPause and MaxPause bound how long a worker that cannot be reached is left
	// alone; the pause doubles each time. 0 = 1 s and 1 min. An item rests for the first
	// one whose worker was lost with it.
	FirstPause, MaxPause time.Duration
	Logger               *slog.Logger // nil = none
}

// Caller calls a worker. Its methods may be called concurrently.
type Caller struct {
	cfg    Config
	client *http.Client

	mu    sync.Mutex // guards state
	state State
}

// State is how a worker is.
type State struct {
	Running int       // items that it is doing
	Cause   string    // why it is left alone; "" = it is not
	Until   time.Time // when it is tried again, if there is work then
}

// Defaults of Worker and Config.
const (
	defaultPlaces  = 10
	defaultSilence = 5 * time.Minute
	firstPause     = time.Second
	maxPause       = time.Minute
	// pingTime is how long a worker may take to say that it is there: it may have to be
	// started first.
	pingTime = time.Minute
)

// New returns a Caller that works once Run is called.
func New(cfg Config) *Caller {
	if cfg.Worker.Places <= 0 {
		cfg.Worker.Places = defaultPlaces
	}
	if cfg.Worker.Silence <= 0 {
		cfg.Worker.Silence = defaultSilence
	}
	if cfg.FirstPause <= 0 {
		cfg.FirstPause = firstPause
	}
	if cfg.MaxPause <= 0 {
		cfg.MaxPause = maxPause
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Caller{cfg: cfg, client: clientOf(cfg.Transport)}
}

// State returns how the worker is now.
func (c *Caller) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// change changes the state.
func (c *Caller) change(by func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by(&c.state)
}

// downError says that a worker cannot be reached, or takes nothing now.
type downError struct {
	cause error
	after time.Duration // before which it wants no request
}

// Error implements error.
func (e *downError) Error() string { return e.cause.Error() }

// Run calls the worker for what there is for it until ctx ends. What is under way then
// is cut off, and goes to others.
func (c *Caller) Run(ctx context.Context) {
	pause := c.cfg.FirstPause
	for down := false; ctx.Err() == nil; {
		var err error
		if down {
			err = c.probe(ctx)
		} else {
			err = c.work(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil { // it is there
			down, pause = false, c.cfg.FirstPause
			c.change(func(s *State) { s.Cause, s.Until = "", time.Time{} })
			continue
		}
		wait := pause/2 + rand.N(pause) //nolint:gosec // it only spreads requests
		if d := (*downError)(nil); errors.As(err, &d) {
			wait = max(wait, d.after)
			if !down {
				c.cfg.Logger.Warn("a worker cannot be called and is left alone for a while", "worker", c.cfg.Worker.Name, "err", err)
			}
			down = true
		}
		c.change(func(s *State) { s.Cause, s.Until = err.Error(), time.Now().Add(wait) })
		sleep(ctx, wait)
		pause = min(2*pause, c.cfg.MaxPause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// connect makes the worker known to the hub.
func (c *Caller) connect(ctx context.Context, places int) (hub.Stream, error) {
	w := &c.cfg.Worker
	return c.cfg.Hub.Connect(ctx, &hub.Worker{
		ID: w.Name, Orchestrations: places, Activities: places, Entities: places, Filters: w.Filters, Own: true, Forgets: true,
	})
}

// probe waits for work and asks the worker then whether it is there. Others get the work
// if it is not.
func (c *Caller) probe(ctx context.Context) error {
	s, err := c.connect(ctx, 1)
	if err != nil {
		return err
	}
	defer s.Close(false)
	if _, err := s.Next(ctx); err != nil {
		return err
	}
	if _, err := c.ping(ctx); err != nil {
		return down(err)
	}
	return nil
}

// down makes a downError of what became of a request.
func down(err error) *downError {
	d := &downError{cause: err}
	if f := (*failure)(nil); errors.As(err, &f) {
		d.after = f.after
	}
	return d
}

// work sends the worker what there is for it, until it cannot be reached, which is a
// downError, or the hub ends.
func (c *Caller) work(ctx context.Context) error {
	s, err := c.connect(ctx, c.cfg.Worker.Places)
	if err != nil {
		return err
	}
	defer s.Close(false) // when nothing runs any more
	asking, stop := context.WithCancel(ctx)
	defer stop()
	v := &visit{caller: c, stop: stop, cancels: map[string]context.CancelCauseFunc{}}
	defer v.group.Wait()
	for {
		work, err := s.Next(asking)
		if d := v.isDown(); d != nil {
			if err != nil {
				return d
			}
			if work.Cancel == nil {
				c.abandon(ctx, work.Token, false)
			}
		}
		switch {
		case err != nil:
			return err
		case work.Cancel != nil:
			v.cancel(work.Token, &perdure.Error{Code: perdure.Canceled, Op: "run activity", Message: work.Cancel.Reason})
		default:
			v.start(ctx, work)
		}
	}
}

// visit is the time from when a worker could be reached until it cannot be.
type visit struct {
	caller *Caller
	stop   func() // ends the wait for items
	group  sync.WaitGroup

	mu      sync.Mutex // guards the rest
	down    *downError // nothing more is sent
	cancels map[string]context.CancelCauseFunc
}

func (v *visit) isDown() *downError {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.down
}

// start has the worker do an item.
func (v *visit) start(ctx context.Context, work *hub.Work) {
	item, cancel := context.WithCancelCause(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down != nil {
		cancel(nil)
		return
	}
	v.cancels[work.Token] = cancel
	v.caller.change(func(s *State) { s.Running++ })
	v.group.Go(func() {
		d := v.caller.do(ctx, item, work)
		cancel(nil)
		v.caller.change(func(s *State) { s.Running-- })
		v.ended(work.Token, d)
	})
}

// ended notes that an item has ended; down says that the worker cannot be reached. The
// visit is over once nothing runs then.
func (v *visit) ended(token string, down *downError) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.cancels, token)
	if v.down == nil {
		v.down = down
	}
	if v.down != nil && len(v.cancels) == 0 {
		v.stop()
	}
}

// cancel ends the request for an activity that nobody waits for.
func (v *visit) cancel(token string, cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if cancel := v.cancels[token]; cancel != nil {
		cancel(cause)
	}
}

// do has the worker do an item, while item goes on, and tells the hub what became of it.
// It returns why the worker cannot be reached, if it cannot.
func (c *Caller) do(ctx, item context.Context, work *hub.Work) *downError {
	err := c.exchange(item, work)
	all := context.WithoutCancel(ctx)
	f := (*failure)(nil)
	switch {
	case err == nil || ctx.Err() != nil: // the end of the stream gives what is left to others
		return nil
	case item.Err() != nil: // nobody waits for it
		c.abandon(all, work.Token, false)
		return nil
	case !errors.As(err, &f) || f.innocent:
		c.abandon(all, work.Token, false)
		return down(err)
	}
	if _, ping := c.ping(ctx); ping != nil {
		c.abandon(all, work.Token, false)
		return down(fmt.Errorf("%w; then: %w", err, ping))
	}
	// It is there, so it was the item.
	c.cfg.Logger.Warn("a worker was lost with an item", "worker", c.cfg.Worker.Name, "item", nameOf(work), "err", err)
	sleep(ctx, c.cfg.FirstPause)
	c.abandon(all, work.Token, ctx.Err() == nil)
	return nil
}

// nameOf names an item to people.
func nameOf(work *hub.Work) string {
	switch {
	case work.Activity != nil:
		return "activity " + work.Activity.Name + " of " + work.Activity.InstanceID
	case work.Entity != nil:
		return "entity " + work.Entity.InstanceID
	}
	return "orchestration " + work.Orchestration.InstanceID
}

// abandon gives an item back. It fails if the item is not this worker's any more, or the
// hub has ended: then others have it already.
func (c *Caller) abandon(ctx context.Context, token string, lost bool) {
	_ = c.cfg.Hub.Abandon(ctx, hub.Delivery{Token: token, Lost: lost})
}
