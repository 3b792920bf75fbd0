package shard

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/series"
	"github.com/perdure/perdure/store"
)

// books count what has become durable here, by minutes, see package series. They are
// written while something happens and once when it has ceased, never when nothing does.
// What a crash takes is what was counted since they were written last.
type books struct {
	writer [16]byte
	seq    uint64      // of what was written last
	pages  []*page     // of minutes that are not over or not saved, the oldest first
	owner  string      // of the rows: in a shard that is held here
	timer  *time.Timer // real time, so that nobody's clock is moved for it
	armed  bool
	closed bool
}

// page is a minute of the books.
type page struct {
	minute time.Time
	bucket series.Bucket
	// changes is how often it was changed, saved how often when it was last durable.
	changes, saved uint64
}

const (
	// saveEvery is how long counts stay in memory.
	saveEvery = 5 * time.Second
	// maxPages are kept before they are written: a test's clock may run fast.
	maxPages = 16
)

func newBooks() books {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return books{timer: t}
}

// at returns the page of a time, to be changed.
func (b *books) at(now time.Time) *page {
	minute := now.UTC().Truncate(series.Minute)
	var p *page
	if n := len(b.pages); n > 0 && !b.pages[n-1].minute.Before(minute) {
		p = b.pages[n-1] // also when the clock was set back
	} else {
		p = &page{minute: minute}
		if b.pages = append(b.pages, p); len(b.pages) >= maxPages {
			b.timer.Reset(0)
		}
	}
	p.changes++
	if !b.armed {
		b.armed = true
		b.timer.Reset(saveEvery)
	}
	return p
}

// countChange counts what a durable change has brought, and reports whether that was
// anything.
func (l *loop) countChange(ch *change, now time.Time) bool {
	counted := false
	for _, list := range [2][]*entry{ch.entries, ch.keeps} {
		for _, e := range list {
			if e.task != nil {
				l.countStep(ch, e, now)
				e.task, counted = nil, true
			}
		}
	}
	rec, was := ch.commit.Record, ch.commit.Was
	if rec == nil || rec.Kind != store.Orchestration {
		return counted
	}
	if ch.commit.Replace {
		was = nil
	}
	began, ended := was == nil, rec.Status.Terminal() && (was == nil || !was.Status.Terminal())
	if !began && !ended {
		return counted
	}
	r := l.books.at(now).bucket.Run(series.RunKey{Name: rec.Name, Agent: rec.Agent})
	if began {
		r.Started++
	}
	if ended {
		switch rec.Status {
		case store.Completed:
			r.Completed++
		case store.Failed:
			r.Failed++
		default:
			r.Stopped++
		}
		r.Took.Add(rec.Completed.Sub(rec.Created))
	}
	return true
}

// countStep counts the outcome of an activity.
func (l *loop) countStep(ch *change, e *entry, now time.Time) {
	bucket := &l.books.at(now).bucket
	task, event := e.task, e.m.Event
	s, meta := bucket.Step(task.Name), event.Meta
	_, failed := event.Body.(*history.TaskFailed)
	if failed {
		s.Failed++
	} else {
		s.Completed++
	}
	if !meta.DequeuedAt.IsZero() {
		began := meta.DequeuedAt
		s.Waited.Add(began.Sub(task.Event.Time))
		if !meta.StartedAt.IsZero() {
			began = meta.StartedAt
		}
		s.Took.Add(event.Time.Sub(began))
	}
	model, isModel := strings.CutPrefix(task.Name, modelStep)
	if !isModel {
		return
	}
	k := series.ModelKey{Agent: model}
	if in := ch.in; in.rec != nil && in.rec.Agent != "" {
		k.Agent = in.rec.Agent
	}
	u, err := history.DecodeUsage(meta.Usage)
	if err != nil {
		return
	}
	if k.Model = u.Model; k.Model == "" && ch.in.sum != nil {
		k.Model = ch.in.sum.Usage.Model
	}
	m := bucket.Model(k)
	if failed {
		m.Errors++
		return
	}
	m.Calls++
	m.In += u.In
	m.Out += u.Out
	m.Cached += u.Cached
	m.Nano += u.Nano
}

// saveBooks has what was counted written, and reports whether there was anything. Once
// that is durable it calls then, unless that is nil.
func (l *loop) saveBooks(then func()) bool {
	b := &l.books
	b.armed = false
	current := l.clock.Now().Add(-series.Minute)
	b.pages = slices.DeleteFunc(b.pages, func(p *page) bool { return p.saved == p.changes && p.minute.Before(current) })
	if !slices.ContainsFunc(b.pages, func(p *page) bool { return p.saved != p.changes }) {
		return false
	}
	b.armed = true // until that is durable
	b.timer.Reset(saveEvery)
	if !l.pressed.IsZero() || !l.findBooksOwner() {
		return false
	}
	if b.writer == ([16]byte{}) {
		b.writer = l.ids.random()
	}
	w := &rowWrite{absent: true}
	var durable []func()
	b.seq++
	for _, p := range b.pages {
		if p.saved == p.changes {
			continue
		}
		w.rows = append(w.rows, series.RowOf(b.owner, p.minute, b.writer, b.seq, &p.bucket))
		changes := p.changes
		durable = append(durable, func() { p.saved = max(p.saved, changes) })
	}
	w.then = func() {
		for _, f := range durable {
			f()
		}
		if then != nil {
			then()
		}
	}
	l.write(b.owner, w)
	return true
}

// findBooksOwner gives the rows an owner in a shard that is held here, and reports
// whether there is one.
func (l *loop) findBooksOwner() bool {
	for n := 0; n < 8*store.Shards; n++ {
		if l.books.owner != "" && l.refuses(l.books.owner) == nil && l.held[store.ShardOf(l.books.owner)] != nil {
			return true
		}
		l.books.owner = fmt.Sprintf("%s%d", booksOwner, n)
	}
	l.books.owner = ""
	return false
}

// booksOwner begins the ids that have the rows of the books. They are of no instances.
const booksOwner = "~series/"

// closeBooks has written at the end what was counted, and reports whether it was.
func (l *loop) closeBooks() bool {
	if l.shared != nil || l.books.closed {
		return false
	}
	l.books.closed = true
	return l.saveBooks(nil)
}
