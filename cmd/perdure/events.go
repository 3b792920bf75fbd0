package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// defaultSilence is how long a stream may say nothing: a server that has nothing to
	// tell says so every 15 seconds.
	defaultSilence = 45 * time.Second
	// returning is how long a server that is gone may take to come back.
	returning = time.Minute
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
// are taken up again at the path from then on; f may be cut short too, by a server that
// is away. One that is away from the start is not waited for.
func (s *server) events(ctx context.Context, path func() string, f func(event) (done bool, err error)) error {
	met, told := false, false
	var gone time.Time // since when the server is away; zero = it is not
	for attempt := 0; ; attempt++ {
		done, err := s.listen(ctx, path(), func(e event) (bool, error) {
			if met = true; told {
				told = false
				s.tellAway(false)
			}
			done, err := f(e)
			if err == nil {
				attempt, gone = 0, time.Time{}
			}
			return done, err
		})
		switch {
		case done || err != nil && (!met || !isAway(err)):
			return err
		case ctx.Err() != nil:
			return s.unreachable(ctx, ctx.Err())
		case err != nil && gone.IsZero():
			gone = time.Now()
		case err != nil && time.Since(gone) > returning:
			return err
		}
		if err != nil && !told {
			told = true
			s.tellAway(true)
		}
		if err := s.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// tellAway says that the server is away, or back.
func (s *server) tellAway(away bool) {
	if s.away != nil {
		s.away(away)
	}
}

// listen reads the events of one connection until f is done or fails; neither is so if
// it is cut.
func (s *server) listen(ctx context.Context, path string, f func(event) (done bool, err error)) (done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(s.silence, func() { cancel(&silent{s.silence}) })
	defer quiet.Stop()
	response, err := s.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		data, err := io.ReadAll(response.Body)
		if err != nil {
			return false, s.unreachable(ctx, err)
		}
		return false, refused(response.StatusCode, data)
	}
	done, err = readFrames(heard{response.Body, quiet, s.silence}, f)
	if mute := new(silent); !done && err == nil && errors.As(context.Cause(ctx), &mute) {
		err = s.unreachable(ctx, mute)
	}
	return done, err
}

// heard is a reader that puts off a timer whenever it has read something.
type heard struct {
	io.Reader
	quiet   *time.Timer
	silence time.Duration
}

// Read implements io.Reader.
func (h heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == nil {
		h.quiet.Reset(h.silence)
	}
	return n, err
}

// isAway reports whether an error says that the server does not answer, or not yet.
func isAway(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.code == exitUnreachable
}

// pause waits before a stream is taken up again.
func (s *server) pause(ctx context.Context, attempt int) error {
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
