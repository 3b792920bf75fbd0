package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/perdure/perdure/store"
)

// failState is the one-way switch of R5. It may be used concurrently.
type failState struct {
	logger *slog.Logger
	once   sync.Once
	down   chan struct{} // closed by the first failure, after cause was set
	cause  error

	closeOnce sync.Once
	closing   chan struct{} // closed when the store closes
}

func newFailState(logger *slog.Logger) *failState {
	return &failState{logger: logger, down: make(chan struct{}), closing: make(chan struct{})}
}

// fail makes the store fail for the reason given, unless it has failed before.
func (s *failState) fail(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.down)
		s.logger.Error("store has failed", "cause", cause)
	})
}

func (s *failState) failed() bool {
	select {
	case <-s.down:
		return true
	default:
		return false
	}
}

// err returns ErrFailed with its cause. It may be called once down is closed.
func (s *failState) err() error {
	return fmt.Errorf("%w: %w", store.ErrFailed, s.cause)
}

// check returns nil until the store has failed.
func (s *failState) check() error {
	if s.failed() {
		return s.err()
	}
	return nil
}

func (s *failState) beginClose() {
	s.closeOnce.Do(func() { close(s.closing) })
}

// engineLog is Pebble's logger. Fatalf must not end the process: it fails the
// store and returns, and guardFS lets nothing of what follows reach the disk.
type engineLog struct {
	logger *slog.Logger
	state  *failState
}

// Infof implements pebble.Logger.
func (l engineLog) Infof(format string, args ...any) {
	l.logger.Debug(fmt.Sprintf(format, args...))
}

// Errorf implements pebble.Logger.
func (l engineLog) Errorf(format string, args ...any) {
	if !l.state.failed() {
		l.logger.Warn(fmt.Sprintf(format, args...))
	}
}

// Fatalf implements pebble.Logger.
func (l engineLog) Fatalf(format string, args ...any) {
	l.state.fail(fmt.Errorf(format, args...))
}

// guarded runs a call into Pebble: its errors and panics fail the store, but for
// those of a context.
func (s *failState) guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(fmt.Errorf("panic in engine: %v", p))
			err = s.err()
		}
	}()
	switch err := call(); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case err != nil:
		s.fail(err)
	}
	return s.check()
}

// leavable runs a call into Pebble that may never return once the store has
// failed: it is left behind then, until Close lets it go.
func (s *failState) leavable(call func() error) error {
	done := make(chan error, 1)
	go func() { done <- s.guarded(call) }()
	select {
	case err := <-done:
		return err
	case <-s.down:
		return s.err()
	}
}
