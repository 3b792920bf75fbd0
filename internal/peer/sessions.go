package peer

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// sessions are the watches and the streams of work items that are open here for other
// nodes. What comes of one is kept until the node has said that it has it.
type sessions struct {
	mu     sync.Mutex // guards what follows
	number uint64     // of the newest
	open   map[uint64]*session
}

// session is one of them.
type session struct {
	from string // the node
	what opened

	fetching sync.Mutex // held by the fetch that waits
	kept     *wirepb.NodeBatch
	batch    uint64 // number of the last one; guarded by fetching

	mu      sync.Mutex // guards what follows
	cancel  context.CancelFunc
	fetches int
	used    time.Time // when the last fetch has ended
	met     bool      // the node was seen among the members
}

func newSessions() *sessions { return &sessions{open: make(map[uint64]*session)} }

// abandoned is how long nobody may fetch before a session is closed.
const abandoned = 15 * time.Second

// add opens a session.
func (s *sessions) add(from string, what opened) *wirepb.NodeAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	s.open[s.number] = &session{from: from, what: what, used: time.Now()}
	return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Opened{Opened: &wirepb.NodeOpened{Number: s.number}}}
}

// of returns a session of a node.
func (s *sessions) of(from string, number uint64) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open[number]
	if o == nil || o.from != from {
		return nil, errNoSession
	}
	return o, nil
}

var errNoSession = &perdure.Error{Code: perdure.NotFound, Op: "fetch", Message: "there is no such stream: it has ended"}

// fetch waits for what comes of a session, as long as ctx allows.
func (s *sessions) fetch(ctx context.Context, from string, m *wirepb.NodeFetch) (*wirepb.NodeBatch, error) {
	o, err := s.of(from, m.Number)
	if err != nil {
		return nil, err
	}
	if m.Most == justTouch {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.used = time.Now()
		return &wirepb.NodeBatch{}, nil
	}
	ctx, done := o.begin(ctx)
	defer done()
	o.fetching.Lock() // the fetch before has been told to end
	defer o.fetching.Unlock()
	if o.kept != nil && m.After < o.kept.Batch {
		return o.kept, nil // it got lost
	}
	o.kept = nil
	b, err := o.what.fetch(ctx, max(1, min(int(m.Most), mostItems)))
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, errWatchOver) {
			return &wirepb.NodeBatch{}, nil
		}
		s.close1(m.Number, o, false)
		return nil, err
	}
	o.batch++
	o.kept = encodeBatch(b)
	o.kept.Batch = o.batch
	return o.kept, nil
}

const (
	// mostItems is how many items are fetched at once at most.
	mostItems = 16
	// justTouch as the most items of a fetch says only that the session is wanted.
	justTouch = -1
)

// begin has the fetch before end, and notes the new one until done is called.
func (o *session) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cancel != nil {
		o.cancel()
	}
	o.cancel = cancel
	o.fetches++
	return ctx, func() {
		cancel()
		o.mu.Lock()
		defer o.mu.Unlock()
		o.fetches--
		o.used = time.Now()
	}
}

// leave closes a session.
func (s *sessions) leave(from string, m *wirepb.NodeLeave) {
	if o, err := s.of(from, m.Number); err == nil {
		s.close1(m.Number, o, m.Lost)
	}
}

func (s *sessions) close1(number uint64, o *session, lost bool) {
	s.mu.Lock()
	open := s.open[number] == o
	delete(s.open, number)
	s.mu.Unlock()
	if open {
		o.what.leave(lost)
	}
}

// sweep closes the sessions of nodes that are gone, and those that nobody fetches from. A
// node that has only just come may ask before it is known here: it is not gone.
func (s *sessions) sweep(members map[string]store.Node) {
	now := time.Now()
	type dead struct {
		number uint64
		o      *session
	}
	var all []dead
	s.mu.Lock()
	for number, o := range s.open {
		o.mu.Lock()
		_, lives := members[o.from]
		if o.met = o.met || lives; !lives && o.met || o.fetches == 0 && now.Sub(o.used) > abandoned {
			all = append(all, dead{number, o})
		}
		o.mu.Unlock()
	}
	s.mu.Unlock()
	for _, d := range all {
		s.close1(d.number, d.o, false)
	}
}

// close closes all sessions.
func (s *sessions) close() {
	s.mu.Lock()
	all := maps.Clone(s.open)
	s.mu.Unlock()
	for number, o := range all {
		s.close1(number, o, false)
	}
}
