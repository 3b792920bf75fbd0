package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// event is one frame of a stream.
type event struct {
	id, kind string
	data     []byte
}

// stream reads changes of topics until f is done or fails, and takes the stream up
// again where it was cut.
func (s *server) stream(ctx context.Context, topics []string, since string, f func(event) (done bool, err error)) error {
	return s.events(ctx, func() string {
		q := url.Values{"topics": topics}
		if since != "" {
			q.Set("since", since)
		}
		return "/api/v1/stream?" + q.Encode()
	}, func(e event) (bool, error) {
		if e.id != "" {
			since = e.id
		}
		return f(e)
	})
}

// events reads server-sent events until f is done or fails. Where they are cut they
// are taken up again at the path from then on.
func (s *server) events(ctx context.Context, path func() string, f func(event) (done bool, err error)) error {
	for attempt := 0; ; attempt++ {
		response, err := s.send(ctx, http.MethodGet, path(), nil)
		if err != nil {
			if attempt == 0 || ctx.Err() != nil {
				return err
			}
			if err := s.pause(ctx, attempt); err != nil {
				return err
			}
			continue
		}
		if response.StatusCode != http.StatusOK {
			data, readErr := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if readErr != nil {
				return s.unreachable(ctx, readErr)
			}
			return refused(response.StatusCode, data)
		}
		done, err := readFrames(response.Body, func(e event) (bool, error) {
			attempt = 0
			return f(e)
		})
		_ = response.Body.Close()
		if done || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return s.unreachable(ctx, ctx.Err())
		}
		if err := s.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// pause waits before a stream is taken up again, and gives up after a while.
func (s *server) pause(ctx context.Context, attempt int) error {
	const most = 30
	if attempt >= most {
		return fail(exitUnreachable, "is it running?", "no answer from %s", s.label)
	}
	t := time.NewTimer(min(time.Duration(attempt+1)*200*time.Millisecond, 2*time.Second))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return s.unreachable(ctx, ctx.Err())
	}
}

// readFrames reads frames until f is done or fails, or the stream ends; a
// stream that is cut is no error.
func readFrames(r io.Reader, f func(event) (bool, error)) (done bool, err error) {
	lines := bufio.NewReader(r)
	var e event
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return false, nil
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case len(line) == 0:
			if e.kind == "" {
				e = event{}
				continue
			}
			if done, err := f(e); done || err != nil {
				return done, err
			}
			e = event{}
		case string(name) == "id":
			e.id = string(value)
		case string(name) == "event":
			e.kind = string(value)
		case string(name) == "data":
			e.data = append(e.data, value...)
		}
	}
}

func runWatch(t *terminal) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:     "watch ID",
		Short:   "Watch a run until it ends; the exit code tells how",
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

// follow shows a run whenever it changes until it has ended, and fails if it
// did not complete.
func follow(ctx context.Context, s *server, out *output, id string, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	// The run must exist, and what is shown first is from before the stream.
	var raw json.RawMessage
	if err := s.get(ctx, runPath(id), &raw); err != nil {
		return err
	}
	var shown row
	show := func(item json.RawMessage) error {
		var r row
		if err := json.Unmarshal(item, &r); err != nil {
			return fail(exitError, "", "%s", err)
		}
		if r.Incarnation == shown.Incarnation && r.RowVersion <= shown.RowVersion {
			return nil
		}
		shown = r
		if out.format != "table" {
			return out.document(item)
		}
		out.progress(&r)
		return nil
	}
	err := s.stream(ctx, []string{"run:" + id}, "", func(e event) (bool, error) {
		if e.kind == "hello" || e.kind == "reset" {
			if err := s.get(ctx, runPath(id), &raw); err != nil {
				return false, err
			}
			err := show(raw)
			return shown.ended(), err
		}
		var frame struct {
			Upsert []json.RawMessage
			Gone   []struct{ ID string }
		}
		if err := json.Unmarshal(e.data, &frame); err != nil {
			return false, fail(exitError, "", "%s", err)
		}
		for _, item := range frame.Upsert {
			if err := show(item); err != nil {
				return false, err
			}
		}
		if len(frame.Gone) > 0 {
			return false, fail(exitNotFound, "", "%s was purged", id)
		}
		return shown.ended(), nil
	})
	if err != nil {
		return err
	}
	return out.summary(ctx, s, id, &shown)
}

// progress shows a run on one line, over the line before.
func (o *output) progress(r *row) {
	if o.outTTY && !r.ended() {
		fmt.Fprintf(o.out, "\r\x1b[K%s", o.sentence(r))
		return
	}
	if o.outTTY {
		fmt.Fprint(o.out, "\r\x1b[K")
	}
	fmt.Fprintln(o.out, o.sentence(r))
}

// summary shows the result of a run that has ended; the error says how.
func (o *output) summary(ctx context.Context, s *server, id string, r *row) error {
	var whole row
	if err := s.get(ctx, runPath(id), &whole); err != nil {
		return err
	}
	if o.format == "table" && len(whole.Output) > 0 {
		fmt.Fprintln(o.out, safe(strings.TrimSpace(string(whole.Output))))
	}
	switch r.Status {
	case "completed":
		return nil
	case "failed":
		return fail(exitRunFailed, "perdure run history "+id+" shows the steps", "%s failed: %s", id, r.ErrorText)
	}
	return fail(exitRunEnded, "", "%s was %s", id, r.Status)
}
