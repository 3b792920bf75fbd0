package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/wire/codec"
)

// Pauses between attempts of a call.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// repeat says how often a call is tried when it is not known what became of it.
type repeat uint8

const (
	once    repeat = iota // never again: it may have happened
	patient               // while Config.Patience lasts
	forever               // as long as the context allows
)

// call carries out a call until it is known what became of it.
func (h *Hub) call(ctx context.Context, op, id, method string, in, out any, again repeat) error {
	err := h.attempt(ctx, op, id, again, func(ctx context.Context) error {
		if again != forever {
			return h.conn.Invoke(ctx, method, in, out)
		}
		conn, free, err := h.waits.take()
		if err != nil {
			return err
		}
		defer free()
		return conn.Invoke(ctx, method, in, out)
	})
	if perdure.CodeOf(err) == perdure.Internal {
		if _, bad := proto.Marshal(in.(proto.Message)); bad != nil {
			return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Message: "a text of it is not UTF-8"}
		}
	}
	return err
}

// attempt carries out a call until it is known what became of it.
func (h *Hub) attempt(ctx context.Context, op, id string, again repeat, do func(context.Context) error) error {
	sent := h.outgoing(ctx)
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do(sent)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ended(ctx, op, id)
		}
		select {
		case <-h.closed:
			return &perdure.Error{Code: perdure.Unavailable, Op: op, Instance: id, Message: "the connection to the hub was closed"}
		default:
		}
		failed := h.failure(err, op, id)
		if failed.Code != perdure.Unavailable || again == once || again == patient && time.Since(began) > h.cfg.Patience {
			return failed
		}
		sleep(ctx, h.closed, jitter(pause))
	}
}

// outgoing is ctx with what each call says of itself.
func (h *Hub) outgoing(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "taskhub", h.cfg.Target.TaskHub, "x-user-agent", "perdure-go", "perdure-level", "1")
}

// failure is an error as the callers of a hub get it.
func (h *Hub) failure(err error, op, id string) *perdure.Error {
	var e *perdure.Error
	if !errors.As(err, &e) { // one of ours comes from this side
		errors.As(codec.DecodeError(err, op, id), &e)
	}
	switch e.Code {
	case perdure.Canceled, perdure.DeadlineExceeded: // not by the caller, whose context has not ended
		e.Code = perdure.Unavailable
	}
	return e
}

// ended is the error of a call whose context has ended.
func ended(ctx context.Context, op, id string) error {
	code := perdure.Canceled
	if ctx.Err() == context.DeadlineExceeded {
		code = perdure.DeadlineExceeded
	}
	return &perdure.Error{Code: code, Op: op, Instance: id, Message: "the caller has stopped waiting", Cause: context.Cause(ctx)}
}

// jitter is a duration from d/2 to d.
func jitter(d time.Duration) time.Duration {
	if fault.Mutant(fault.RetryAtOnce) {
		d = time.Millisecond
	}
	return d/2 + rand.N(d/2+1)
}

// sleep waits, but not longer than ctx and stop allow.
func sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-stop:
	}
}

// speak finds out what the far side speaks.
func (h *Hub) speak(ctx context.Context) (side, error) {
	h.mu.Lock()
	s := h.side
	h.mu.Unlock()
	if s != nil {
		return s, nil
	}
	found, err := h.probe(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.side == nil {
		h.side = found
	}
	return h.side, nil
}
