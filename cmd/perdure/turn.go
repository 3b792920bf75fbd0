package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// frame is what commands read of an event in the stream of a turn.
type frame struct {
	Offset    int64           `json:"offset"`
	Type      string          `json:"type"`
	Delta     string          `json:"delta"`
	CallID    string          `json:"callId"`
	Tool      string          `json:"tool"`
	Arguments string          `json:"arguments"`
	Decision  string          `json:"decision"`
	Kind      string          `json:"kind"`
	Result    json.RawMessage `json:"result"`
	Agent     string          `json:"agent"`
	Status    string          `json:"status"`
	Error     string          `json:"error"`
}

// failed is the error of a turn that has ended otherwise than well, nil if it has not.
func (f *frame) failed(turn string) error {
	switch f.Status {
	case "completed":
		return nil
	case "failed":
		return fail(exitRunFailed, "perdure run history "+quoted(turn)+" shows the steps", "the turn failed: %s", f.Error)
	}
	return fail(exitRunEnded, "", "the turn was %s", f.Status)
}

// turn reads the stream of a turn of a session from its beginning until f is done or
// fails, and takes it up again where it was cut.
func (s *server) turn(ctx context.Context, agent, key, turn string, f func(*frame) (done bool, err error)) error {
	var next int64
	name := turn[strings.LastIndexByte(turn, '~')+1:]
	return s.events(ctx, func() string {
		return sessionPath(agent, key) + "/turns/" + segment(name) + "/stream?offset=" + strconv.FormatInt(next, 10)
	}, func(e event) (bool, error) {
		if e.kind == "error" {
			return false, refused(0, e.data)
		}
		var got frame
		if err := decode(e.data, &got); err != nil {
			return false, err
		}
		next = got.Offset + 1
		return f(&got)
	})
}

// stop has a turn end, durably.
func (s *server) stop(ctx context.Context, agent, key, turn string) error {
	body, err := encode(map[string]any{"turn": turn})
	if err != nil {
		return err
	}
	var done json.RawMessage
	return s.post(ctx, sessionPath(agent, key)+"/stop", body, &done)
}

// interruptedBy reports whether an error is that of somebody who pressed Ctrl-C.
func interruptedBy(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.code == exitInterrupted
}
