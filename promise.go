package perdure

import "github.com/perdure/perdure/internal/history"

// Promise is something that one branch of an orchestration waits for and another
// one brings about. It works with All and Any. The zero Promise is not ready to
// use.
type Promise struct {
	ctx *Context
	s   Step
}

// NewPromise returns a promise that is open. Nothing is recorded of it: what it
// stands for follows from the history.
func NewPromise(ctx *Context) *Promise { return &Promise{ctx: ctx} }

// Keep ends the wait of all who wait for the promise. To keep it twice is as good
// as once.
func (p *Promise) Keep() { p.s.Complete(history.Text{}) }

// Await waits until the promise is kept.
func (p *Promise) Await() { p.ctx.wait(&p.s) }

// Done reports whether the promise was kept.
func (p *Promise) Done() bool { return p.s.done }

func (p *Promise) step() *Step { return &p.s }
