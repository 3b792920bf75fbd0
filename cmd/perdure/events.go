package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
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
