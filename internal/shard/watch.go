package shard

import (
	"context"
	"slices"

	"github.com/perdure/perdure/store"
)

// watchKey names what a watcher watches; owner "" = all.
type watchKey struct {
	kind  store.RowKind
	owner string
}

// watcher is told of rows that are written. Its channel has room for one value, and
// only the loop sends to it and closes it.
type watcher chan struct{}

// WatchRows implements hub.Rows.
func (o *Owner) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	k, w := watchKey{kind, owner}, make(watcher, 1)
	_, err := o.call(ctx, owner, func(l *loop, c *call) {
		l.watchers[k] = append(l.watchers[k], w)
		c.end(nil, nil)
	})
	leave := func() { o.mail.add(item{do: func(l *loop) { l.unwatch(k, w) }}) }
	if err != nil {
		leave() // it may have begun all the same
		return nil, named(err, "watch rows", owner)
	}
	context.AfterFunc(ctx, leave)
	return w, nil
}

func (l *loop) unwatch(k watchKey, w watcher) {
	list := l.watchers[k]
	i := slices.Index(list, w)
	if i < 0 {
		return
	}
	close(w)
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(l.watchers, k)
		return
	}
	l.watchers[k] = list
}

// rowsWritten tells those who watch rows that a change has written.
func (l *loop) rowsWritten(ch *change) {
	if len(l.watchers) == 0 {
		return
	}
	for _, r := range ch.commit.Rows {
		for _, owner := range [...]string{ch.in.id, ""} {
			for _, w := range l.watchers[watchKey{r.Kind, owner}] {
				select {
				case w <- struct{}{}:
				default: // it was not received since the last one
				}
			}
		}
	}
	if ch.purge || ch.gone {
		for k := range l.watchers {
			if k.owner == ch.in.id {
				l.endWatches(k)
			}
		}
	}
}

func (l *loop) endWatches(k watchKey) {
	for _, w := range l.watchers[k] {
		close(w)
	}
	delete(l.watchers, k)
}
