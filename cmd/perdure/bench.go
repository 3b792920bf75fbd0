package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/internal/bench"
)

func benchCommand(t *terminal) *cobra.Command {
	return group("bench", "Measure a hub in this process, on this machine's disk",
		benchWorkload(t, bench.Sequence, "Orchestrations with activities one after the other", `
Runs orchestrations that call --steps activities one after the other. A unit is
an orchestration, from its start to its completion. From 300 steps on, steps 101
to 200 are compared with the last 100.`,
			"perdure bench sequence --in-flight 128 --for 20s"),
		benchWorkload(t, bench.Fanout, "Orchestrations with many activities at once", `
Runs orchestrations that call --steps activities at once and wait for all. A
unit is an orchestration, from its start to its completion.`,
			"perdure bench fanout --count 5"),
		benchWorkload(t, bench.Event, "Events raised to waiting orchestrations", `
Parks orchestrations that wait for an event, then raises one event to each. A
unit is an event, from its raising until the client has seen the orchestration
completed. Parking is not part of the window.`,
			"perdure bench event --count 300"),
		benchWorkload(t, bench.Parked, "Orchestrations that wait, and what they cost meanwhile", `
Starts orchestrations that wait for an event, measures what they cost while they
wait, then raises an event to each and waits for its completion. The window is
that of starting and completing; p50_ms and p99_ms are those of a start.`,
			"perdure bench parked --count 10000"),
		benchWorkload(t, bench.Session, "Agent turns of one session", `
Says something in one session, --count times, and waits for each answer. A unit
is a turn, from the message to its answer; the model answers at once and is
given the newest 50 messages. From 300 turns on, turns 101 to 200 are compared
with the last 100. With --fold the hub is then opened again a day later, to see
what the session costs when its turns are folded.`,
			"perdure bench session --count 1000"),
		benchWorkload(t, bench.Chat, "Agent turns of many sessions, over HTTP", `
Serves an agent over HTTP and says something in --sessions sessions, --rate
times a second and evenly spread, reading each answer as a stream. A unit is a
turn; the scripted model takes 50 ms. Clients and server share the process.`,
			"perdure bench chat --rate 300 --for 60s"),
		benchWorkerCommand(t), benchNodeCommand(t),
	)
}

// benchWorker is the command that runs the code of a workload in its own process.
const benchWorker = "worker"

func benchWorkerCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     benchWorker + " ADDRESS PAYLOAD [PROFILE]",
		Short:   "Run the code of a workload for a hub, until standard input ends",
		Example: "  perdure bench " + benchWorker + " http://127.0.0.1:8080 1",
		Hidden:  true,
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			payload, err := strconv.Atoi(args[1])
			if err != nil {
				return fail(exitUsage, "", "the payload's size is %q: it is a number", args[1])
			}
			profile := ""
			if len(args) > 2 {
				profile = args[2]
			}
			if err := bench.Work(c.Context(), args[0], payload, profile, t.in); err != nil {
				return fail(exitError, "", "%s", oneLine(err))
			}
			return nil
		},
	}
}

// benchNode is the command that runs a node with the code of a workload.
const benchNode = "node"

func benchNodeCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     benchNode + " PAYLOAD",
		Short:   "Run a node with the code of a workload on the database of " + bench.HubVariable + ", until standard input ends",
		Example: "  perdure bench " + benchNode + " 1",
		Hidden:  true,
		Args:    exactly(1, "the payload's size"),
		RunE: func(c *cobra.Command, args []string) error {
			payload, err := strconv.Atoi(args[0])
			if err != nil {
				return fail(exitUsage, "", "the payload's size is %q: it is a number", args[0])
			}
			if err := bench.Node(c.Context(), t.getenv(bench.HubVariable), payload, t.in, t.out); err != nil {
				return fail(exitError, "", "%s", oneLine(err))
			}
			return nil
		},
	}
}

func benchWorkload(t *terminal, name, short, long, example string) *cobra.Command {
	cfg := bench.Config{Workload: name}
	c := &cobra.Command{
		Use:   name,
		Short: short,
		Long: strings.TrimSpace(long) + `

The hub runs in this process, with activities that do nothing. Data goes to a
temporary folder (set TMPDIR to choose the disk), which is removed at the end,
unless --data names one. Ctrl-C ends the workload early and still prints what
was measured.

Prints one line of JSON:
` + bench.Explain(name),
		Example: "  " + example,
		Args:    exactly(0, "no arguments"),
		RunE:    func(c *cobra.Command, _ []string) error { return runBench(c, t, cfg) },
	}
	d, _ := bench.DefaultOf(name)
	flags := c.Flags()
	flags.StringVar(&cfg.Store, "store", bench.Pebble, "pebble, which syncs to disk, or memory")
	flags.StringVar(&cfg.Dir, "data", "", "data folder, which is kept (default: a temporary one)")
	if name == bench.Chat {
		flags.IntVar(&cfg.Sessions, "sessions", 1000, "open sessions")
		flags.Float64Var(&cfg.Rate, "rate", 300, "turns that begin in a second")
	} else if name != bench.Session {
		flags.IntVar(&cfg.InFlight, "in-flight", d.InFlight, "units at a time")
	}
	if name == bench.Session {
		flags.BoolVar(&cfg.Fold, "fold", false, "measure the session again when its turns are folded")
	}
	switch name {
	case bench.Parked:
		flags.IntVar(&cfg.Count, "count", d.Count, "instances to park")
	case bench.Chat:
		flags.DurationVar(&cfg.For, "for", d.For, "how long turns begin")
	default:
		flags.IntVar(&cfg.Count, "count", 0, "units in all"+benchDefault(d.Count > 0, d.Count))
		flags.DurationVar(&cfg.For, "for", 0, "begin units for so long, instead of --count"+benchDefault(d.For > 0, d.For))
	}
	if name == bench.Sequence || name == bench.Fanout || name == bench.Event {
		flags.StringVar(&cfg.Remote, "remote", bench.InProcess, "have the code run in another process, which works for the hub over the wire: own (Perdure's own service) or protocol (the calls of the Durable Task protocol)")
		flags.Lookup("remote").NoOptDefVal = bench.Own
		flags.StringVar(&cfg.Hub, "hub", "", "a PostgreSQL database to work in, postgres://user@host/database, in a task hub \"bench\" that is emptied before and deleted afterwards")
		flags.IntVar(&cfg.Nodes, "nodes", 0, "nodes that share the database, each a process (default 1)")
	}
	if d.Steps > 0 {
		flags.IntVar(&cfg.Steps, "steps", d.Steps, "activities of a unit")
	}
	flags.IntVar(&cfg.Payload, "payload", 1, "characters of each activity's result, event, input or message")
	flags.StringVar(&cfg.CPUProfile, "cpuprofile", "", "file for a profile of the processor, for go tool pprof; that of a worker is FILE.worker")
	flags.StringVar(&cfg.MemProfile, "memprofile", "", "file for a profile of the heap at the end")
	return c
}

func benchDefault(has bool, value any) string {
	if !has {
		return ""
	}
	return fmt.Sprintf(" (default %v)", value)
}

func runBench(c *cobra.Command, t *terminal, cfg bench.Config) error {
	quiet, err := c.Flags().GetBool("quiet")
	if err != nil {
		return err
	}
	cfg.Logger = slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if !quiet {
		cfg.Progress = func(line string) { fmt.Fprintln(t.err, line) }
	}
	for _, name := range []string{"in-flight", "count", "steps", "payload"} {
		if flag := c.Flags().Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "0" {
			return fail(exitUsage, c.CommandPath()+" --help shows the flags", "--%s is 0: it must be at least 1", name)
		}
	}
	if cfg.Remote != bench.InProcess {
		self, err := os.Executable()
		if err != nil {
			return fail(exitError, "", "%s", oneLine(err))
		}
		cfg.WorkerCommand = []string{self, "bench", benchWorker}
	}
	if cfg.Nodes > 1 {
		self, err := os.Executable()
		if err != nil {
			return fail(exitError, "", "%s", oneLine(err))
		}
		cfg.NodeCommand = []string{self, "bench", benchNode}
	}
	result, err := bench.Run(c.Context(), cfg)
	if errors.Is(err, bench.ErrConfig) {
		return fail(exitUsage, c.CommandPath()+" --help shows the flags", "%s", oneLine(err))
	}
	if err != nil {
		return fail(exitError, "", "%s", oneLine(err))
	}
	line, err := result.Line()
	if err != nil {
		return fail(exitError, "", "%s", err)
	}
	_, err = fmt.Fprintln(t.out, line)
	return err
}
