package shard

import (
	"sync"

	"github.com/perdure/perdure/internal/hub"
)

// Tell implements hub.Outcomes.
func (o *Owner) Tell(out hub.Outcome, told func(error)) {
	e, err := o.endingOf(out)
	if err != nil {
		told(err)
		return
	}
	c := &call{}
	c.then = func(_ any, err error) {
		if tell := o.told.settle(c); tell != nil {
			tell(err)
		}
	}
	o.told.expect(c, func(err error) { told(e.named(err)) })
	if err := o.mail.add(item{do: func(l *loop) { l.finish(e, c) }}); err != nil {
		c.then(nil, err)
	}
}

// promises are calls whose answer nobody waits for: who has made them is told.
type promises struct {
	mu   sync.Mutex // guards open
	open map[*call]func(error)
}

func (p *promises) expect(c *call, told func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[*call]func(error))
	}
	p.open[c] = told
}

// settle returns who is to be told of a call, nil if he was.
func (p *promises) settle(c *call) func(error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.open[c]
	delete(p.open, c)
	return told
}

// breakAll tells all who still wait.
func (p *promises) breakAll(err error) {
	p.mu.Lock()
	open := p.open
	p.open = nil
	p.mu.Unlock()
	for _, told := range open {
		told(err)
	}
}
