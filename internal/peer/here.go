package peer

import (
	"context"
	"errors"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// here is this node: its Owner does what is asked.
type here struct{ Owner }

var _ node = here{}

// watch implements node.
func (h here) watch(ctx context.Context, kind store.RowKind, owner string) (opened, error) {
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	written, err := h.WatchRows(watching, kind, owner)
	if err != nil {
		cancel()
		return nil, err
	}
	w := &hereWatch{written: written, cancel: cancel}
	if owner != "" {
		s := store.ShardOf(owner)
		_, epoch, _, _ := h.Holder(s)
		w.moved = func() bool {
			_, now, here, _ := h.Holder(s)
			return !here || now != epoch
		}
	}
	return w, nil
}

// watchDemand implements node.
func (h here) watchDemand(ctx context.Context) (opened, error) {
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	written, err := h.WatchDemand(watching)
	if err != nil {
		cancel()
		return nil, err
	}
	return &hereWatch{written: written, cancel: cancel}, nil
}

// hereWatch is a watch at the Owner of this node.
type hereWatch struct {
	written <-chan struct{}
	cancel  context.CancelFunc
	moved   func() bool // the owner's shard is not held here any more; nil = of no matter
}

// errWatchOver is the end of a watch that its watcher has not asked for.
var errWatchOver = &perdure.Error{Code: perdure.NotFound, Op: "watch", Message: "the watch has ended"}

// isOver reports whether an error, of another node perhaps, is errWatchOver.
func isOver(err error) bool {
	var e *perdure.Error
	return errors.As(err, &e) && e.Code == errWatchOver.Code && e.Op == errWatchOver.Op
}

// fetch implements opened.
func (w *hereWatch) fetch(ctx context.Context, _ int) (batch, error) {
	select {
	case _, ok := <-w.written:
		switch {
		case !ok && w.moved != nil && w.moved():
			return batch{}, errElsewhere
		case !ok:
			return batch{}, errWatchOver
		}
		return batch{written: true}, nil
	case <-ctx.Done():
		return batch{}, ended(ctx, "watch rows", "")
	}
}

// ration implements opened.
func (w *hereWatch) ration(context.Context, places) (places, error) { return places{}, nil }

// touch implements opened.
func (w *hereWatch) touch(context.Context) {}

// leave implements opened.
func (w *hereWatch) leave(bool) { w.cancel() }

// connect implements node.
func (h here) connect(ctx context.Context, w *hub.Worker, p places) (opened, error) {
	s, err := h.Connect(ctx, w)
	if err != nil {
		return nil, err
	}
	o := &hereStream{stream: s}
	if _, err := o.ration(ctx, p); err != nil {
		s.Close(false)
		return nil, err
	}
	return o, nil
}

// hereStream is a stream of work items at the Owner of this node.
type hereStream struct{ stream hub.Stream }

// fetch implements opened.
func (o *hereStream) fetch(ctx context.Context, most int) (b batch, err error) {
	w, err := o.stream.Next(ctx)
	if err != nil {
		return batch{}, err
	}
	b.add(w)
	now, cancel := context.WithCancel(ctx)
	cancel()
	for len(b.items) < most {
		if w, err = o.stream.Next(now); err != nil {
			break // nothing more is ready; if it is something else, the next fetch says so
		}
		b.add(w)
	}
	return b, nil
}

func (b *batch) add(w *hub.Work) {
	if w.More == nil {
		b.items = append(b.items, w)
		return
	}
	b.wanted[ofTurn] = b.wanted[ofTurn] || w.More.Orchestrations
	b.wanted[ofActivity] = b.wanted[ofActivity] || w.More.Activities
	b.wanted[ofBatch] = b.wanted[ofBatch] || w.More.Entities
}

// ration implements opened.
func (o *hereStream) ration(ctx context.Context, p places) (places, error) {
	r := o.stream.(hub.Rationed)
	out, err := r.Ration(ctx, hub.Places{Orchestrations: p[ofTurn], Activities: p[ofActivity], Entities: p[ofBatch]})
	return places{ofTurn: out.Orchestrations, ofActivity: out.Activities, ofBatch: out.Entities}, err
}

// touch implements opened.
func (o *hereStream) touch(context.Context) {}

// leave implements opened.
func (o *hereStream) leave(lost bool) { o.stream.Close(lost) }
