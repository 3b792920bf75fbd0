package bench

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// The workloads.
const (
	Sequence = "sequence"
	Fanout   = "fanout"
	Event    = "event"
	Parked   = "parked"
	Session  = "session"
	Chat     = "chat"
)

// The stores.
const (
	Pebble = "pebble"
	Memory = "memory"

	Postgres = "postgres" // by Config.Hub
)

// ErrConfig is in the chain of Run's error if the configuration is wrong.
var ErrConfig = errors.New("nothing was measured")

// Config says what to measure. Workload is required.
type Config struct {
	Workload string
	Store    string        // Pebble or Memory; "" = Pebble
	InFlight int           // units at a time; 0 = the workload's default
	Count    int           // units in all; 0 = the workload's default
	Steps    int           // activities of one unit; 0 = the workload's default
	Payload  int           // characters of each result, event or input; 0 = 1
	For      time.Duration // begin units for so long instead of Count; 0 = Count
	Sessions int           // that take turns over HTTP; 0 = 1,000
	Rate     float64       // turns over HTTP that begin in a second; 0 = 300
	Fold     bool          // have the turns of a session folded after the window
	Dir      string        // data folder, which is kept; "" = a temporary one
	// Hub is a PostgreSQL database to work in, in a hub "bench" that is made for it and
	// deleted afterwards; "" = Store says where. Nodes is how many nodes share it, this
	// process one of them; 0 = 1. NodeCommand, with the payload behind it, runs
	// another one.
	Hub         string
	Nodes       int
	NodeCommand []string
	// Remote says how the hub is reached by those who use it and by a worker with the
	// code: InProcess, Own or Protocol. WorkerCommand, with an address, the payload and a
	// file for a profile, if there is to be one, behind it, runs that worker; nil = it runs
	// in this process.
	Remote        string
	WorkerCommand []string

	CPUProfile string // file for a profile of the workload, the worker's is FILE.worker; "" = none
	MemProfile string // file for a profile of the heap after it; "" = none

	ProbeTime time.Duration     // of the disk probe; 0 = 1 s
	IdleTime  time.Duration     // for which the idle hub is watched; 0 = 5 s
	Logger    *slog.Logger      // nil = none
	Progress  func(line string) // told what goes on, from 2 s on; nil = nobody
}

// Default is what a workload does if Config does not say otherwise.
type Default struct {
	InFlight int
	Count    int           // 0 = For
	For      time.Duration // 0 = Count
	Steps    int           // 0 = it has no steps
}

// DefaultOf returns the defaults of a workload.
func DefaultOf(workload string) (d Default, known bool) {
	switch workload {
	case Sequence:
		return Default{InFlight: 128, For: 10 * time.Second, Steps: 5}, true
	case Fanout:
		return Default{InFlight: 1, Count: 5, Steps: 1000}, true
	case Event:
		return Default{InFlight: 1, Count: 300}, true
	case Parked:
		return Default{InFlight: 128, Count: 10_000}, true
	case Session:
		return Default{InFlight: 1, Count: 1000}, true
	case Chat:
		return Default{InFlight: 1, For: 60 * time.Second}, true
	}
	return Default{}, false
}

// filled returns the configuration with defaults, or all that is wrong with it.
func (c Config) filled() (Config, error) {
	d, known := DefaultOf(c.Workload)
	if !known {
		return c, fmt.Errorf("%w: no workload %q: known are sequence, fanout, event, parked, session, chat", ErrConfig, c.Workload)
	}
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Store == "" {
		c.Store = Pebble
	}
	c.shared(refuse)
	if c.Store != Pebble && c.Store != Memory && c.Hub == "" {
		refuse("no store %q: known are pebble, memory", c.Store)
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"in flight", c.InFlight}, {"count", c.Count}, {"steps", c.Steps}, {"payload", c.Payload}} {
		if n.value < 0 {
			refuse("%s is %d: it must not be negative", n.name, n.value)
		}
	}
	if c.For < 0 {
		refuse("the window is %v: it must not be negative", c.For)
	}
	if c.Payload > maxPayload {
		refuse("payload is %d: at most %d is allowed", c.Payload, maxPayload)
	}
	switch {
	case c.Count > 0 && c.For > 0:
		refuse("give a count or a window, not both")
	case c.Workload == Parked && c.For > 0:
		refuse("parked has no window: give a count")
	case c.Count == 0 && c.For == 0:
		c.Count, c.For = d.Count, d.For
	}
	if c.Workload == Session && c.InFlight > 1 {
		refuse("a session has one turn at a time")
	}
	if c.Remote != InProcess && (c.Remote != Own && c.Remote != Protocol || c.Workload != Sequence && c.Workload != Fanout && c.Workload != Event) {
		refuse("sequence, fanout and event are measured over the wire, by own or protocol: not %s by %q", c.Workload, c.Remote)
	}
	if c.Sessions < 0 || c.Rate < 0 || (c.Sessions > 0 || c.Rate > 0) && c.Workload != Chat {
		refuse("%d sessions and %v turns a second: chat has both, and not below 0", c.Sessions, c.Rate)
	}
	if c.Workload == Chat && (c.Store == Memory || c.Count > 0) {
		refuse("chat has a window, and keeps its state in pebble")
	}
	if c.Fold && (c.Workload != Session || c.Store == Memory) {
		refuse("turns of sessions in pebble are folded, nothing else")
	}
	if c.Steps > 0 && d.Steps == 0 {
		refuse("%s has no steps", c.Workload)
	}
	if c.Store == Memory && c.Dir != "" {
		refuse("the memory store has no data folder")
	}
	setDefault(&c.InFlight, d.InFlight)
	setDefault(&c.Steps, d.Steps)
	setDefault(&c.Payload, 1)
	setDefault(&c.Sessions, 1000)
	setDefault(&c.Rate, 300)
	setDefault(&c.ProbeTime, time.Second)
	setDefault(&c.IdleTime, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if len(errs) > 0 {
		return c, fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
	}
	return c, nil
}

// shared refuses what does not fit a database.
func (c *Config) shared(refuse func(format string, args ...any)) {
	if c.Hub == "" {
		if c.Nodes != 0 {
			refuse("%d nodes share a database: name it", c.Nodes)
		}
		return
	}
	c.Store = Postgres
	setDefault(&c.Nodes, 1)
	if c.Workload != Sequence && c.Workload != Fanout && c.Workload != Event || c.Remote != InProcess || c.Dir != "" {
		refuse("sequence, fanout and event are measured in a database, without a data folder, and with the code in the nodes")
	}
	if c.Nodes < 1 || c.Nodes > maxNodes || c.Nodes > 1 && len(c.NodeCommand) == 0 {
		refuse("nodes is %d: it must be from 1 to %d", c.Nodes, maxNodes)
	}
}

const maxNodes = 16

// maxPayload leaves room for quotes below the hub's own limit of 8 MiB.
const maxPayload = 8<<20 - 2

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
