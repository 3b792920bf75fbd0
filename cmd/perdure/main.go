// Perdure is the binary: it runs hubs and works with running ones.
//
// Data goes to standard output, everything else to standard error. Output is a
// table on a terminal and one JSON document a line in a pipe.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes, which scripts rely on.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitConflict    = 4
	exitRunFailed   = 5
	exitRunEnded    = 6 // terminated or canceled
	exitTimeout     = 7
	exitUnreachable = 8
	exitNotAllowed  = 9
	exitInterrupted = 130
)

// terminal is what a command talks to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	inTTY    bool // somebody can answer questions
	outTTY   bool // somebody reads the output
	errTTY   bool // somebody reads messages as they come
	width    int  // columns; 0 = unlimited
	height   int  // lines; 0 = unlimited
	getenv   func(string) string
	now      func() time.Time
	// second tells of a second Ctrl-C to a command that makes something of it; nil =
	// it ends the process.
	second <-chan struct{}
	typed  <-chan string // what lines reads
}

func main() { os.Exit(execute(samples)) }

// execute runs the process's command line: the first Ctrl-C asks it to end, the
// second, unless the command takes it, or another ends it at once.
func execute(hosts hosting) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	t := system()
	second := make(chan struct{})
	t.second = second
	go func() { // lives as long as the process
		<-signals
		cancel(errInterrupted)
		<-signals
		select {
		case second <- struct{}{}:
		case <-time.After(handOver):
			os.Exit(exitInterrupted)
		}
		<-signals
		os.Exit(exitInterrupted)
	}()
	defer cancel(nil)
	return run(ctx, os.Args[1:], t, hosts)
}

// handOver is how long a second Ctrl-C waits for a command that has a use for it, which
// may have offered that just now.
const handOver = 100 * time.Millisecond

// errInterrupted is the cause of a context that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

// system is the terminal of the process.
func system() *terminal {
	const least, usual = 20, 120
	width, height, _ := sizeOf(os.Stdout)
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width == 0 {
		width = n
	}
	if width <= 0 {
		width = usual
	}
	width = max(width, least)
	return &terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, inTTY: isTerminal(os.Stdin), outTTY: isTerminal(os.Stdout), errTTY: isTerminal(os.Stderr),
		width: width, height: height, getenv: os.Getenv, now: time.Now}
}

// isTerminal reports whether a file shows people what is written to it, or tells what
// they type.
func isTerminal(f *os.File) bool {
	_, _, ok := sizeOf(f)
	return ok
}

// run executes a command line and returns the exit code. hosts tells what dev
// hosts.
func run(ctx context.Context, args []string, t *terminal, hosts hosting) int {
	root := newRoot(t, hosts)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if w, ok := t.out.(*written); ok && w.err != nil { // also where nobody looked
		err = w.err
	}
	if err == nil {
		return exitDone
	}
	return t.report(ctx, root, err)
}

// written is a writer that remembers its first error.
type written struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (w *written) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// failure is the error of a command: a cause, a next step and the exit code.
type failure struct {
	code    int
	cause   string
	next    string
	problem []byte // the server's answer, shown under -o json
}

// Error implements error.
func (f *failure) Error() string { return f.cause }

// fail returns a failure.
func fail(code int, next, format string, args ...any) error {
	return &failure{code: code, next: next, cause: fmt.Sprintf(format, args...)}
}

// report shows an error and returns its exit code.
func (t *terminal) report(ctx context.Context, root *cobra.Command, err error) int {
	var f *failure
	var file *fs.PathError
	if !errors.As(err, &f) {
		if ctx.Err() != nil {
			f = &failure{code: exitInterrupted, cause: errInterrupted.Error()}
		} else if errors.As(err, &file) && file.Op == "write" {
			f = &failure{code: exitError, cause: "the output could not be written: " + file.Err.Error()}
		} else { // cobra's own, with what may have been meant in lines of its own
			cause, _, _ := strings.Cut(err.Error(), "\n")
			f = &failure{code: exitUsage, cause: cause, next: "perdure --help lists the commands"}
			if _, meant, ok := strings.Cut(err.Error(), "Did you mean this?\n"); ok {
				f.next = "did you mean " + strings.Join(strings.Fields(meant), " or ") + "? " + f.next
			}
		}
	}
	if format, _ := root.PersistentFlags().GetString("output"); f.problem != nil && (format == "json" || format == "jsonl") {
		fmt.Fprintf(t.err, "%s\n", safeJSON(f.problem))
		return f.code
	}
	if f.cause != "" {
		fmt.Fprintf(t.err, "perdure: %s\n", safe(f.cause))
	}
	if f.next != "" {
		fmt.Fprintf(t.err, "  %s\n", safe(f.next))
	}
	return f.code
}

// newRoot returns the tree of commands.
func newRoot(t *terminal, hosts hosting) *cobra.Command {
	root := &cobra.Command{
		Use:   "perdure",
		Short: "A durable runtime for AI agents and orchestrations",
		Long: `A durable runtime for AI agents and orchestrations.

perdure dev starts a server with samples, and says what to try; perdure run list, perdure agent list and
perdure inbox list show what is there, and perdure open shows it in a browser.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringP("output", "o", "", "table, json or jsonl (default: table on a terminal, jsonl in a pipe)")
	flags.String("time", "relative", "how tables show times: relative, local or utc")
	flags.String("color", "auto", "colour output: auto (on a terminal, unless NO_COLOR is set), always or never")
	flags.BoolP("quiet", "q", false, "no messages but errors")
	root.SetFlagErrorFunc(flagError)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return refuseNegative(c) }
	root.AddCommand(devCommand(t, hosts), serverCommand(t), runCommand(t), inboxCommand(t), agentCommand(t), sessionCommand(t), entityCommand(t), mcpCommand(t),
		modelCommand(t), tokenCommand(t), hubCommand(t), workerCommand(t), auditCommand(t), migrateCommand(t), backupCommand(t), restoreCommand(t), doctorCommand(t), benchCommand(t),
		openCommand(t), apiCommand(t), completionCommand(t), versionCommand(t))
	refuseHelp(root)
	complete(root, t)
	return root
}

// refuseHelp has the help of what is no command fail, as the command itself does.
func refuseHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err)
	}
	show := help.Run
	help.Run, help.Args, help.Example = nil, between(0, -1, ""), "  perdure help run list"
	help.RunE = func(c *cobra.Command, args []string) error {
		if _, rest, err := root.Find(args); err != nil || len(rest) > 0 {
			return fail(exitUsage, "perdure --help lists the commands", "no command perdure %s", strings.Join(args, " "))
		}
		show(c, args)
		return nil
	}
}

// exactly demands n arguments, named in usage.
func exactly(n int, usage string) cobra.PositionalArgs { return between(n, n, usage) }

// between demands low to high arguments; high < 0 = any number.
func between(low, high int, usage string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return fail(exitUsage, c.CommandPath()+" --help shows an example", "%s takes %s", c.CommandPath(), usage)
		}
		return nil
	}
}

// group is a command that only has commands below it.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: between(0, -1, ""), SuggestionsMinimumDistance: 2, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			next := c.CommandPath() + " --help lists the commands"
			if meant := c.SuggestionsFor(args[0]); len(meant) > 0 {
				next = "did you mean " + strings.Join(meant, " or ") + "? " + next
			}
			return fail(exitUsage, next, "no command %s %s", c.CommandPath(), args[0])
		}
		return c.Help()
	}}
	c.AddCommand(children...)
	return c
}
