package bench

import (
	"fmt"
	"sync"
	"time"
)

// progress tells somebody what goes on when it takes long: once a second, later
// every ten.
type progress struct {
	tell  func(string)
	began time.Time
	stop  chan struct{}
	done  chan struct{}

	mu   sync.Mutex // guards what follows
	what string
	how  func() string // nil = nothing to count
}

const (
	patience = 2 * time.Second  // for so long nothing is told
	rarely   = 10 * time.Second // between two lines, once it has taken so long
)

// newProgress begins to tell; end ends it.
func newProgress(tell func(string)) *progress {
	p := &progress{tell: tell, began: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	if tell == nil {
		close(p.done)
		return p
	}
	go p.run()
	return p
}

func (p *progress) run() {
	defer close(p.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := p.began
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			if d := now.Sub(p.began); d < patience || d > rarely && now.Sub(told) < rarely {
				continue
			}
			told = now
			p.tell(p.line(now))
		}
	}
}

func (p *progress) line(now time.Time) string {
	p.mu.Lock()
	what, how := p.what, p.how
	p.mu.Unlock()
	line := fmt.Sprintf("%3.0f s  %s", now.Sub(p.began).Seconds(), what)
	if how != nil {
		line += ": " + how()
	}
	return line
}

// phase says what begins, and how far it is.
func (p *progress) phase(what string, how func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.how = what, how
}

func (p *progress) end() {
	close(p.stop)
	<-p.done
}
