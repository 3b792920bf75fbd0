package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

func agentChat(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "chat NAME [KEY]",
		Short: "Chat with an agent, in the session KEY or in a new one",
		Long: `Chat with an agent, in the session KEY or in a new one. What an agent asks for is approved or denied
where it comes up. Ctrl-C detaches: the turn goes on, and the same command attaches again. A
second Ctrl-C stops the turn, durably. The end of the input (Ctrl-D) leaves the chat.`,
		Example: "  perdure agent chat Joker bob",
		Args:    between(1, 2, "the name of an agent and the key of a session"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			key := newSessionKey()
			if len(args) == 2 {
				key = args[1]
			}
			var about json.RawMessage
			if err := s.get(c.Context(), agentPath(args[0]), &about); err != nil {
				return err
			}
			ch := &chat{server: s, output: out, agent: args[0], key: key, lines: t.lines(), frames: make(chan frame)}
			return ch.run(c.Context())
		},
	}
}

// detachTime is how long a chat that was left waits for a second Ctrl-C, which stops
// the turn.
const detachTime = 3 * time.Second

// chat is a conversation at the terminal.
type chat struct {
	*server
	*output
	agent, key string
	lines      <-chan string // what is typed; closed at its end
	frames     chan frame    // of the running turn
	asked      *decision     // that the next line answers
	column     int           // > 0: text stands in the line
}

// again is the command that comes back to the conversation.
func (c *chat) again() string { return "perdure agent chat " + quoted(c.agent) + " " + quoted(c.key) }

// run talks until the input ends, Ctrl-C is pressed or the server is gone.
func (c *chat) run(ctx context.Context) error {
	var session sessionDocument
	switch err := c.get(ctx, sessionPath(c.agent, c.key), &session); {
	case isMissing(err):
		c.note("a new session with %s; %s comes back to it", c.agent, c.again())
	case err != nil:
		return err
	case session.Running != "":
		c.note("a turn is running; here is what it has said so far")
		if err := c.follow(ctx, session.Running); err != nil {
			return err
		}
	case session.Preview != "":
		c.note("%d messages so far; the last one: %s", session.Messages, session.Preview)
	}
	for {
		text, err := c.read(ctx)
		if err != nil || text == "" {
			return err
		}
		var raw json.RawMessage
		p, err := c.tell(ctx, c.agent, c.key, text, &raw)
		if err != nil {
			return err
		}
		if err := c.follow(ctx, p.Turn); err != nil {
			return err
		}
	}
}

// read returns the next message, "" at the end of the input.
func (c *chat) read(ctx context.Context) (string, error) {
	for {
		if c.inTTY {
			fmt.Fprint(c.err, c.paint(bold, "> "))
		}
		select {
		case line, ok := <-c.lines:
			if text := strings.TrimSpace(line); text != "" || !ok {
				return text, nil
			}
		case <-ctx.Done():
			fmt.Fprintln(c.err)
			return "", fail(exitInterrupted, c.again()+" comes back", "left the chat")
		}
	}
}

// follow shows a turn until it ends. It returns an error if the chat ends with it; a
// failed turn ends only a chat in a pipe.
func (c *chat) follow(ctx context.Context, turn string) error {
	ended := make(chan error, 1)
	reading, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	from := *c.server
	from.away = func(away bool) {
		select {
		case c.frames <- frame{Type: "notice", Delta: c.whereabouts(away)}:
		case <-reading.Done():
		}
	}
	reader.Go(func() {
		ended <- from.turn(reading, c.agent, c.key, turn, func(f *frame) (bool, error) {
			select {
			case c.frames <- *f:
				return f.Type == "end", nil
			case <-reading.Done():
				return false, c.unreachable(ctx, reading.Err())
			}
		})
	})
	err := c.show(ctx, turn, ended)
	cancel()
	reader.Wait()
	if interruptedBy(err) {
		return c.detach(ctx, turn)
	}
	return err
}

// show shows what a turn says and asks until ended tells that its stream has.
func (c *chat) show(ctx context.Context, turn string, ended <-chan error) error {
	c.asked = nil
	var end frame
	for {
		var answers <-chan string
		if c.asked != nil {
			answers = c.lines
		}
		select {
		case f := <-c.frames:
			if err := c.frame(ctx, &f); err != nil {
				return err
			}
			if f.Type == "end" {
				end = f
			}
		case line, ok := <-answers:
			if !ok {
				return &failure{code: exitDone} // Ctrl-D leaves the turn to itself
			}
			if err := c.reply(ctx, line); err != nil {
				return err
			}
		case err := <-ended:
			c.newline()
			if err != nil {
				return err
			}
			if err := end.failed(turn); err != nil {
				if !c.inTTY {
					return err
				}
				fmt.Fprintf(c.err, "%s\n", c.paint(red, safe(err.Error())))
			}
			return nil
		}
	}
}

// frame shows one event of a turn.
func (c *chat) frame(ctx context.Context, f *frame) error {
	switch f.Type {
	case "text":
		text := safeText(f.Delta)
		fmt.Fprint(c.out, text)
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			c.column, text = 0, text[i+1:]
		}
		c.column += len(text)
	case "notice":
		c.note("%s", f.Delta)
	case "reset":
		c.note("the model is called again; what it was about to say does not count")
	case "tool_call":
		c.note("· %s %s", f.Tool, f.Arguments)
	case "tool_result":
		if f.Error != "" {
			c.note("  failed: %s", f.Error)
		}
	case "agent":
		c.note("→ %s", f.Agent)
	case "decision":
		return c.open(ctx, f.Decision)
	case "decided":
		if c.asked != nil && c.asked.ID == f.Decision {
			c.asked = nil
			c.note("it was answered elsewhere")
		}
	}
	return nil
}

// note says something about the conversation, dim, on a line of its own.
func (c *chat) note(format string, args ...any) {
	c.newline()
	if !c.quiet {
		fmt.Fprintln(c.err, c.paint(dim, c.clip(safe(fmt.Sprintf(format, args...)))))
	}
}

// newline ends a line in which text stands.
func (c *chat) newline() {
	if c.column > 0 {
		fmt.Fprintln(c.out)
		c.column = 0
	}
}

// open shows a decision that the turn waits for, and asks.
func (c *chat) open(ctx context.Context, id string) error {
	d, _, err := c.server.decision(ctx, id)
	if err != nil {
		return err
	}
	if d.State != "pending" {
		return nil
	}
	c.newline()
	if err := c.output.decision(c.err, d); err != nil {
		return err
	}
	if d.Kind != "approval" || !c.inTTY {
		for _, a := range d.answers() {
			fmt.Fprintf(c.err, "perdure inbox %s\n", safe(a))
		}
		return nil
	}
	c.asked = d
	fmt.Fprint(c.err, c.paint(bold, "approve or deny? [a/d] "))
	return nil
}

// reply answers the decision that was asked for, for exactly the arguments shown.
func (c *chat) reply(ctx context.Context, line string) error {
	word := strings.ToLower(strings.TrimSpace(line))
	answer := map[string]string{"a": "approve", "approve": "approve", "d": "deny", "deny": "deny"}[word]
	if answer == "" {
		fmt.Fprint(c.err, c.paint(bold, "a to approve, d to deny: "))
		return nil
	}
	d := c.asked
	c.asked = nil
	body, err := encode(map[string]any{"answer": answer, "args_hash": d.ArgsHash})
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := c.post(ctx, "/api/v1/decisions/"+segment(d.ID), body, &raw); err != nil {
		err = explainDecided(err)
		if isConflict(err) { // somebody was faster, and the turn goes on
			c.note("%s", err)
			return nil
		}
		return err
	}
	return nil
}

// detach leaves a turn that goes on, unless Ctrl-C is pressed again soon.
func (c *chat) detach(ctx context.Context, turn string) error {
	c.newline()
	fmt.Fprintf(c.err, "\ndetached; the turn goes on. Ctrl-C again stops it.\n  %s\n", safe(c.again()))
	wait := time.NewTimer(detachTime)
	defer wait.Stop()
	select {
	case <-c.second:
	case <-wait.C:
		return &failure{code: exitInterrupted}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.patience)
	defer cancel()
	if err := c.stop(ctx, c.agent, c.key, turn); err != nil {
		return err
	}
	return fail(exitInterrupted, c.again()+" goes on with the session", "the turn was stopped")
}
