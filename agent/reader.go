package agent

import (
	"context"
	"encoding/binary"
	"iter"
	"sync"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

func beUint64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// Stream returns the frames of a turn from an offset on, 0 = all, those that
// exist and those to come, and ends after FrameEnd. It waits for a turn that has
// not begun. The sequence ends with an error when it cannot go on; the offset
// after the last frame seen resumes it, here or in another process.
func (s *Service) Stream(ctx context.Context, turn string, offset int64) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		h, err := s.client.Hub(ctx)
		if err != nil {
			yield(Frame{}, err)
			return
		}
		turn, known, err := s.answering(ctx, h, turn)
		if err != nil {
			yield(Frame{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		r := &reader{hub: h, live: &s.live, turn: turn, next: offset, topic: s.live.join(turn)}
		defer func() {
			cancel()
			r.wait.Wait()
			s.live.leave(turn, r.topic)
		}()
		r.over = r.awaitEnd(ctx, func() (*hub.Instance, error) { return s.awaitTurn(ctx, h, turn, known) })
		if err := r.run(ctx, func(f Frame) bool { return yield(f, nil) }); err != nil {
			yield(Frame{}, err)
		}
	}
}

// reader follows the stream of a turn.
type reader struct {
	hub  hub.Hub
	live *live
	turn string
	next int64 // offset from which frames are wanted

	topic *topic
	wait  sync.WaitGroup
	rows  <-chan struct{} // rows were written; nil = they are not watched
	over  <-chan *hub.Instance
	ended *hub.Instance // nil = the turn goes on
}

// run yields frames until the end, or until yield returns false.
func (r *reader) run(ctx context.Context, yield func(Frame) bool) error {
	for {
		frames, changed := r.live.after(r.topic, r.next)
		if len(frames) == 0 {
			err := r.watch(ctx) // before it reads, so that nothing is missed
			if err != nil {
				return err
			}
			over := r.ended != nil
			if frames, err = r.stored(ctx); err != nil {
				return err
			}
			if len(frames) == 0 && over {
				frames = []Frame{r.lastWord()}
			}
		}
		for _, f := range frames {
			r.next = f.Offset + 1
			if !yield(f) || f.Type == FrameEnd {
				return nil
			}
		}
		if len(frames) > 0 {
			continue
		}
		if err := r.more(ctx, changed); err != nil {
			return err
		}
	}
}

// more waits until there may be more frames.
func (r *reader) more(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
	case _, watched := <-r.rows:
		if !watched {
			r.rows = nil
		}
	case r.ended = <-r.over:
		r.over = nil
	case <-ctx.Done():
		return &perdure.Error{Code: perdure.Canceled, Op: "stream", Instance: r.turn, Cause: context.Cause(ctx)}
	}
	return nil
}

// watch has r.rows told of rows that are written from now on.
func (r *reader) watch(ctx context.Context) (err error) {
	if r.rows == nil {
		r.rows, err = r.hub.WatchRows(ctx, rowStream, r.turn)
	}
	return err
}

// awaitEnd returns a channel that receives the turn when it has ended.
func (r *reader) awaitEnd(ctx context.Context, await func() (*hub.Instance, error)) <-chan *hub.Instance {
	over := make(chan *hub.Instance, 1)
	r.wait.Add(1)
	go func() {
		defer r.wait.Done()
		i, err := await()
		if err == nil {
			over <- i
		} else if ctx.Err() == nil && perdure.CodeOf(err) == perdure.Canceled {
			over <- &hub.Instance{Record: store.Record{Status: store.Canceled}} // its message was dropped
		}
	}()
	return over
}

// stored reads frames that are rows.
func (r *reader) stored(ctx context.Context) ([]Frame, error) {
	q := store.RowQuery{Kind: rowStream, Owner: r.turn, From: offsetKey(r.next - rowFrames), Limit: 100}
	for {
		rows, after, err := r.hub.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		var frames []Frame
		for _, row := range rows {
			list, err := readFrames(row)
			if err != nil {
				return nil, err
			}
			for _, f := range list {
				if f.Offset >= r.next {
					frames = append(frames, f)
				}
			}
		}
		if q.After = after; len(frames) > 0 || after == nil {
			return frames, nil
		}
		// All these rows lie before what is wanted: rows may hold one frame each.
	}
}

// lastWord ends the stream of a turn that could not end it itself.
func (r *reader) lastWord() Frame {
	f := Frame{Offset: r.next, Type: FrameEnd, Status: client.StatusName(r.ended.Status)}
	if r.ended.Failure != nil {
		f.Error = r.ended.Failure.Message
		if r.ended.Failure.Type == perdure.Canceled.String() {
			f.Status = statusCanceled
		}
	}
	return f
}
