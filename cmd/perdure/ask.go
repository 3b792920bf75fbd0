package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// lines returns what is typed, line by line; the channel is closed at its end. The
// reader lives as long as the process, so that nothing typed is lost between
// questions.
func (t *terminal) lines() <-chan string {
	if t.typed == nil {
		typed := make(chan string)
		t.typed = typed
		go func() {
			defer close(typed)
			in := bufio.NewReader(t.in)
			for {
				line, err := in.ReadString('\n')
				if line != "" {
					typed <- line
				}
				if err != nil {
					return
				}
			}
		}()
	}
	return t.typed
}

// readAll reads what comes on standard input until its end, or until the context ends.
func (t *terminal) readAll(ctx context.Context) ([]byte, error) {
	if t.inTTY {
		fmt.Fprintln(t.err, "type it; Ctrl-D at the beginning of a line ends it")
	}
	type read struct {
		data []byte
		err  error
	}
	ended := make(chan read, 1)
	go func() { // a read cannot be interrupted: it lives as long as the process
		data, err := io.ReadAll(t.in)
		ended <- read{data, err}
	}()
	select {
	case r := <-ended:
		if r.err != nil {
			return nil, fail(exitError, "", "standard input cannot be read: %v", r.err)
		}
		return r.data, nil
	case <-ctx.Done():
		return nil, fail(exitInterrupted, "", "interrupted; nothing was done")
	}
}

// ask asks a question and returns the answer, in lower case.
func (t *terminal) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(t.err, question)
	select {
	case line := <-t.lines(): // "" at the end of the input
		return strings.ToLower(strings.TrimSpace(line)), nil
	case <-ctx.Done():
		fmt.Fprintln(t.err)
		return "", fail(exitInterrupted, "", "interrupted; nothing was done")
	}
}

// sure asks whether something that cannot be undone is meant.
func (t *terminal) sure(ctx context.Context, question string) error {
	if !t.inTTY {
		return fail(exitUsage, "add --yes if that is meant", "%s", question)
	}
	answer, err := t.ask(ctx, safe(question)+" [y/N] ")
	if err != nil {
		return err
	}
	if answer != "y" && answer != "yes" {
		return fail(exitUsage, "", "not confirmed; nothing was done")
	}
	return nil
}

// confirm asks before a command ends or deletes several runs.
func (t *terminal) confirm(ctx context.Context, verb string, n int) error {
	if !t.inTTY {
		return fail(exitUsage, "add --yes", "%s of %d runs needs a confirmation", verb, n)
	}
	answer, err := t.ask(ctx, fmt.Sprintf("%s %d runs? Type the number: ", verb, n))
	if err != nil {
		return err
	}
	if answer != strconv.Itoa(n) {
		return fail(exitUsage, "", "not confirmed; nothing was done")
	}
	return nil
}
