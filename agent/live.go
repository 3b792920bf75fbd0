package agent

import "sync"

// live hands the frames of running model steps to readers in this process,
// before they are durable. The zero value is ready to use.
type live struct {
	mu     sync.Mutex // guards all below, of topics too
	topics map[string]*topic
}

// topic is a turn that is being written or read.
type topic struct {
	users   int
	open    bool    // a step is being streamed
	start   int64   // offset at which the step's attempt began
	frames  []Frame // of the attempt
	changed chan struct{}
}

// join returns the topic of a turn; leave must be called once for it.
func (l *live) join(turn string) *topic {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics == nil {
		l.topics = map[string]*topic{}
	}
	t := l.topics[turn]
	if t == nil {
		t = &topic{changed: make(chan struct{})}
		l.topics[turn] = t
	}
	t.users++
	return t
}

func (l *live) leave(turn string, t *topic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.topics, turn)
	}
}

// begin opens an attempt whose frames so far, the first of which is durable, may
// be shown.
func (l *live) begin(t *topic, frames []Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.open && t.start > frames[0].Offset {
		return // a newer attempt runs
	}
	t.open, t.start, t.frames = true, frames[0].Offset, append([]Frame(nil), frames...)
	t.wake()
}

// publish adds frames to the attempt that began at start.
func (l *live) publish(t *topic, start int64, frames ...Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.open || t.start != start {
		return
	}
	t.frames = append(t.frames, frames...)
	t.wake()
}

// finish closes the attempt that began at start: all its frames are rows, or void.
func (l *live) finish(t *topic, start int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.open && t.start == start {
		t.open, t.frames = false, nil
	}
	t.wake()
}

func (t *topic) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// after returns the frames from offset on, if all before them that are newer
// than offset are known here, and a channel that is closed when there is more.
func (l *live) after(t *topic, offset int64) ([]Frame, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.open || offset < t.start {
		return nil, t.changed
	}
	n := offset - t.start // frames of an attempt are dense
	if n >= int64(len(t.frames)) {
		return nil, t.changed
	}
	return t.frames[n:len(t.frames):len(t.frames)], t.changed
}
