package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

func runWatch(t *terminal) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "watch ID",
		Short: "Watch a run until it ends; the exit code tells how",
		Long: `Watch a run until it ends: on a terminal as a tree of what it is doing, in which finished branches are
folded, in a pipe as one JSON line for each change. The exit code tells how the run ended.`,
		Example: "  perdure run watch post-1 --timeout 5m",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				return follow(c.Context(), s, out, id, timeout)
			})
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "give up after this long, with exit code 7")
	return c
}

// within bounds the time of a command; 0 = it has all.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// follow shows a run until it has ended, and fails if it did not complete.
func follow(ctx context.Context, s *server, out *output, id string, timeout time.Duration) error {
	ctx, cancel := within(ctx, timeout)
	defer cancel()
	var last *row
	var err error
	if out.format == "table" && out.outTTY {
		last, err = newTree(s, out, id).follow(ctx)
	} else {
		last, err = s.until(ctx, id, out.change)
	}
	if err != nil {
		return left(err, id, "perdure run watch "+quoted(id)+" watches it again")
	}
	return out.summary(ctx, s, id, last)
}

// left adds to the error of a command that was interrupted, or whose time is over, that
// the run goes on, and how to come back to it.
func left(err error, id, next string) error {
	var f *failure
	if errors.As(err, &f) && f.problem == nil && (f.code == exitInterrupted || f.code == exitTimeout) {
		return fail(f.code, next, "%s; %s goes on", f.cause, id)
	}
	return err
}

// change shows a run that has changed on a line.
func (o *output) change(item json.RawMessage, r *row) error {
	if o.format != "table" {
		return o.document(item)
	}
	_, err := fmt.Fprintln(o.out, o.sentence(r))
	return err
}

// until tells show of a run as it is and as it changes until it has ended.
func (s *server) until(ctx context.Context, id string, show func(item json.RawMessage, r *row) error) (*row, error) {
	// The run must exist, and what is shown first is from before the stream.
	var raw json.RawMessage
	if err := s.get(ctx, runPath(id), &raw); err != nil {
		return nil, err
	}
	var shown row
	take := func(item json.RawMessage) error {
		var r row
		if err := decode(item, &r); err != nil {
			return err
		}
		if r.Incarnation == shown.Incarnation && r.RowVersion <= shown.RowVersion {
			return nil
		}
		shown = r
		return show(item, &r)
	}
	err := s.stream(ctx, []string{"run:" + id}, "", func(e event) (bool, error) {
		if e.kind == "hello" || e.kind == "reset" {
			if err := s.get(ctx, runPath(id), &raw); err != nil {
				return false, err
			}
			err := take(raw)
			return shown.ended(), err
		}
		var frame changed
		if err := decode(e.data, &frame); err != nil {
			return false, err
		}
		for _, item := range frame.Upsert {
			if err := take(item); err != nil {
				return false, err
			}
		}
		return shown.ended(), frame.purged(id)
	})
	return &shown, err
}

// changed is a frame of a stream of runs.
type changed struct {
	Upsert []json.RawMessage
	Gone   []struct{ ID string }
}

// purged is an error if the frame tells that a run is gone.
func (c *changed) purged(id string) error {
	for _, g := range c.Gone {
		if g.ID == id {
			return fail(exitNotFound, "", "%s was purged", id)
		}
	}
	return nil
}

const (
	drawEvery = 100 * time.Millisecond // at most
	ageEvery  = time.Second            // between drawings of a tree that has not changed
)

// follow draws the tree, live, until its root has ended.
func (t *tree) follow(ctx context.Context) (*row, error) {
	if err := t.get(ctx, runPath(t.root), new(json.RawMessage)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	events, away, ended := make(chan event), make(chan bool), make(chan error, 1)
	reader := *t.server
	reader.away = func(is bool) {
		select {
		case away <- is:
		case <-ctx.Done():
		}
	}
	var reading sync.WaitGroup
	defer func() { cancel(); reading.Wait() }()
	reading.Go(func() {
		ended <- reader.stream(ctx, []string{"run:" + t.root, t.topic()}, "", func(e event) (bool, error) {
			select {
			case events <- e:
				return false, nil
			case <-ctx.Done():
				return false, t.unreachable(ctx, ctx.Err())
			}
		})
	})
	screen := &display{output: t.output}
	next := time.NewTimer(0)
	defer next.Stop()
	dirty, notice := false, ""
	for {
		select {
		case is := <-away:
			if notice = ""; is {
				notice = t.whereabouts(is)
			}
			next.Reset(0)
		case e := <-events:
			if err := t.take(e); err != nil {
				return nil, err
			}
			if !dirty {
				dirty = true
				next.Reset(drawEvery)
			}
		case <-next.C:
			began := time.Now()
			if err := t.refresh(ctx); err != nil && !isAway(err) { // the stream tells of that
				return nil, err
			}
			lines := t.lines()
			if notice != "" {
				lines = append(lines, t.paint(yellow, notice))
			}
			screen.draw(lines)
			if b := t.top(); b != nil && b.row.ended() && !b.stale {
				return &b.row, nil
			}
			dirty = false
			// Reading the steps of a large run takes a fifth of the time at most.
			next.Reset(max(ageEvery, 4*time.Since(began)))
		case err := <-ended:
			return nil, err
		}
	}
}

// take takes in an event of the stream.
func (t *tree) take(e event) error {
	if e.kind == "hello" || e.kind == "reset" {
		t.missed = true
		return nil
	}
	var frame changed
	if err := decode(e.data, &frame); err != nil {
		return err
	}
	for _, item := range frame.Upsert {
		if err := t.add(item); err != nil {
			return err
		}
	}
	return frame.purged(t.root)
}

// summary shows the result of a run that has ended; the error says how.
func (o *output) summary(ctx context.Context, s *server, id string, r *row) error {
	var whole row
	if err := s.get(ctx, runPath(id), &whole); err != nil {
		return err
	}
	if o.format == "table" && len(whole.Output) > 0 {
		var b bytes.Buffer
		if err := json.Indent(&b, whole.Output, "", "  "); err != nil {
			return fail(exitError, "", "the output of %s is no JSON: %v", id, err)
		}
		if _, err := fmt.Fprintf(o.out, "%s\n", safeJSON(b.Bytes())); err != nil {
			return err
		}
	}
	return r.outcome()
}

// outcome is the error of a run that has not completed.
func (r *row) outcome() error {
	switch r.Status {
	case "completed":
		return nil
	case "failed":
		return fail(exitRunFailed, "perdure run history "+quoted(r.ID)+" shows the steps", "%s failed: %s", r.ID, r.ErrorText)
	}
	return fail(exitRunEnded, "", "%s was %s", r.ID, r.Status)
}
