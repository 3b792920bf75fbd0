package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	// Frames are written in batches: what has come within batchTime, or batchBytes.
	batchTime  = 50 * time.Millisecond
	batchBytes = 4 << 10
	// spaceTime is the pause before frames are written again to a disk that was
	// full.
	spaceTime = 200 * time.Millisecond
)

// attempt writes the stream of one attempt of a model step.
type attempt struct {
	hub  hub.Hub
	live *live
	turn string

	topic *topic
	start int64

	mu      sync.Mutex // guards the fields below
	next    int64      // offset of the next frame
	shown   bool       // the start is durable: frames may be shown
	waiting []Frame    // not yet written
	bytes   int        // of waiting
	closed  bool
	err     error
	wake    chan struct{} // has room for one
	done    chan struct{}
}

// newAttempt begins an attempt of a step whose first attempt begins at base. The
// frame that says so is on its way to the disk when it returns.
func newAttempt(ctx context.Context, h hub.Hub, l *live, turn string, step int, base int64) (*attempt, error) {
	last, err := lastFrame(ctx, h, turn)
	if err != nil {
		return nil, err
	}
	w := &attempt{hub: h, live: l, turn: turn, start: base, wake: make(chan struct{}, 1), done: make(chan struct{})}
	first := Frame{Type: FrameStep, Step: step}
	if last != nil && last.Offset >= base {
		w.start = nextBase(last.Offset + 1)
		before, err := newestAttempt(ctx, h, turn, base)
		if err != nil {
			return nil, err
		}
		first = Frame{Type: FrameReset, Step: step, ToOffset: &base, Attempt: before + 1}
	}
	w.next = w.start
	w.topic = l.join(turn)
	w.add(first)
	go w.write(ctx)
	return w, nil
}

// lastFrame returns the stored frame with the highest offset, nil if none is.
func lastFrame(ctx context.Context, h hub.Hub, turn string) (*Frame, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowStream, Owner: turn, Desc: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	frames, err := readFrames(rows[0])
	if err != nil {
		return nil, err
	}
	return &frames[len(frames)-1], nil
}

// newestAttempt returns the number of the newest attempt of the step whose first attempt
// begins at base. If the turn was rewound, that counts as the first.
func newestAttempt(ctx context.Context, h hub.Hub, turn string, base int64) (int, error) {
	var cursor []byte
	for {
		rows, next, err := h.ReadRows(ctx, store.RowQuery{Kind: rowStream, Owner: turn, Desc: true, After: cursor, Limit: 100})
		if err != nil {
			return 0, err
		}
		for _, row := range rows {
			frames, err := readFrames(row)
			if err != nil {
				return 0, err
			}
			for _, f := range slices.Backward(frames) {
				if f.Offset < base {
					return 1, nil
				}
				switch f.Type {
				case FrameStep, FrameReset, FrameEnd: // the turn has not told of its rewind yet if it has an end
					return max(f.Attempt, 1), nil
				}
			}
		}
		if cursor = next; cursor == nil {
			return 1, nil
		}
	}
}

// add appends frames, and shows them to readers in this process.
func (w *attempt) add(frames ...Frame) {
	w.mu.Lock()
	for i := range frames {
		frames[i].Offset = w.next
		w.next++
		w.bytes += len(frames[i].Delta) + len(frames[i].Arguments) + 64
	}
	w.waiting = append(w.waiting, frames...)
	shown := w.shown
	if shown {
		w.live.publish(w.topic, w.start, frames...)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close writes what is left and waits until it is durable. It returns the offset
// after the last frame, and the error of the first write that failed.
func (w *attempt) close() (int64, error) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	<-w.done
	w.live.finish(w.topic, w.start)
	w.live.leave(w.turn, w.topic)
	return w.next, w.err
}

// write stores frames until the attempt is closed and all are stored.
func (w *attempt) write(ctx context.Context) {
	defer close(w.done)
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		w.mu.Lock()
		frames, closed, full := w.waiting, w.closed, w.bytes >= batchBytes
		w.mu.Unlock()
		switch {
		case len(frames) == 0 && closed:
			return
		case len(frames) == 0:
			<-w.wake
			continue
		case !closed && !full && w.isShown():
			if !w.more(pause) {
				continue
			}
		}
		if err := w.store(ctx); err != nil {
			w.mu.Lock()
			w.err, w.waiting = err, nil
			w.mu.Unlock()
			w.drain()
			return
		}
	}
}

func (w *attempt) isShown() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown
}

// more waits for more frames; it reports whether the batch's time is over.
func (w *attempt) more(pause *time.Timer) bool {
	pause.Reset(batchTime)
	for {
		select {
		case <-pause.C:
			return true
		case <-w.wake:
			w.mu.Lock()
			stop := w.closed || w.bytes >= batchBytes
			w.mu.Unlock()
			if stop {
				return false
			}
		}
	}
}

// store writes the frames that wait as one commit.
func (w *attempt) store(ctx context.Context) error {
	w.mu.Lock()
	frames := w.waiting
	w.waiting, w.bytes = nil, 0
	w.mu.Unlock()
	var rows []store.Row
	for rest := frames; len(rest) > 0; {
		n := min(len(rest), rowFrames)
		row, err := streamRow(rest[:n])
		if err != nil {
			return err
		}
		rows = append(rows, store.Row{Kind: rowStream, Owner: w.turn, Key: row.Key, Value: row.Value})
		rest = rest[n:]
	}
	for {
		err := w.hub.WriteRows(ctx, &hub.WriteRows{Owner: w.turn, Rows: rows})
		if perdure.CodeOf(err) != perdure.NoSpace {
			if err == nil {
				w.show(frames)
			}
			return err
		}
		// An answer that is paid for is not given up because the disk is full.
		again := time.NewTimer(spaceTime)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return context.Cause(ctx)
		}
	}
}

// show lets readers see the attempt, once its first frame is durable.
func (w *attempt) show(stored []Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.shown {
		w.shown = true
		w.live.begin(w.topic, append(stored[:len(stored):len(stored)], w.waiting...))
	}
}

// drain takes frames that will not be written until the attempt is closed.
func (w *attempt) drain() {
	for {
		w.mu.Lock()
		w.waiting = nil
		closed := w.closed
		w.mu.Unlock()
		if closed {
			return
		}
		<-w.wake
	}
}

// failed returns why frames could not be written, nil if all could so far. An
// instance that is gone is told apart: nobody waits for the step.
func (w *attempt) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if perdure.CodeOf(w.err) == perdure.NotFound {
		return perdure.NonRetryable(w.err)
	}
	return w.err
}
