package peer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

const (
	// letterTime is how long a letter is waited for at most.
	letterTime = 10 * time.Second
	// maxLetter is the most bytes of a letter.
	maxLetter = 32 << 20
	// lettersAtATime is how many are fetched at once, and lettersOpen how many are
	// answered at a time; more wait in the store.
	lettersAtATime = 64
	lettersOpen    = 1024
)

// post sends calls as letters, and brings their answers.
type post struct {
	letters store.Letters
	self    string

	mu      sync.Mutex // guards what follows
	number  uint64     // of the newest call
	waiting map[uint64]chan *wirepb.NodeAnswer
}

func newPost(l store.Letters, self string) *post {
	return &post{letters: l, self: self, waiting: make(map[uint64]chan *wirepb.NodeAnswer)}
}

// call sends a call and waits for the answer, but not longer than letterTime. Without
// one it is not known what became of the call, which is Unavailable.
func (p *post) call(ctx context.Context, to string, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, letterTime)
	defer cancel()
	until, _ := ctx.Deadline()
	if patience := time.Until(until) * 9 / 10; c.Patience == nil || c.Patience.AsDuration() > patience {
		c.Patience = durationpb.New(max(patience, time.Millisecond)) // the answer needs some time too
	}
	answer := make(chan *wirepb.NodeAnswer, 1)
	p.mu.Lock()
	p.number++
	number := p.number
	p.waiting[number] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, number)
	}()
	if err := p.send(ctx, to, &wirepb.NodeLetter{Number: number, Call: c}, until); err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return nil, &perdure.Error{Code: perdure.Unavailable, Op: "call node " + to, Message: "no connection, and no answer to a letter"}
	}
}

func (p *post) send(ctx context.Context, to string, m *wirepb.NodeLetter, until time.Time) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "call node " + to, Message: "a text is not UTF-8"}
	}
	if len(data) > maxLetter {
		return &perdure.Error{Code: perdure.ResourceExhausted, Op: "call node " + to, Message: fmt.Sprintf(
			"there is no connection to it, and a letter of %d bytes is too long; the limit is %d", len(data), maxLetter)}
	}
	if err := p.letters.Send(ctx, &store.Letter{From: p.self, To: to, Data: data, Until: until}); err != nil {
		return &perdure.Error{Code: perdure.Unavailable, Op: "call node " + to, Message: "a letter cannot be sent", Cause: err}
	}
	return nil
}

// receive fetches letters until ctx ends: answers go to who waits for them, calls are
// answered by answer, each on a goroutine of its own.
func (p *post) receive(ctx context.Context, logger *slog.Logger, answer func(*wirepb.NodeCall) *wirepb.NodeAnswer) {
	var group sync.WaitGroup
	defer group.Wait()
	open := make(chan struct{}, lettersOpen)
	pause := firstPause
	for ctx.Err() == nil {
		letters, err := p.letters.Receive(ctx, p.self, lettersAtATime)
		if err != nil && ctx.Err() == nil {
			logger.Debug("letters of other nodes cannot be fetched", "err", err)
			wait(ctx, jitter(pause))
			pause = min(2*pause, 2*time.Second)
			continue
		}
		pause = firstPause
		for _, l := range letters {
			m := &wirepb.NodeLetter{}
			if err := proto.Unmarshal(l.Data, m); err != nil {
				logger.Warn("a letter of another node cannot be read", "node", l.From, "err", err)
				continue
			}
			if m.Call == nil {
				p.deliver(m)
				continue
			}
			select {
			case open <- struct{}{}:
			case <-ctx.Done():
				return
			}
			group.Go(func() {
				defer func() { <-open }()
				reply := &wirepb.NodeLetter{Number: m.Number, Answer: answer(m.Call)}
				if err := p.send(ctx, l.From, reply, time.Now().Add(letterTime)); err != nil && ctx.Err() == nil {
					logger.Debug("a letter of another node cannot be answered", "node", l.From, "err", err)
				}
			})
		}
	}
}

func (p *post) deliver(m *wirepb.NodeLetter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer := p.waiting[m.Number]; answer != nil && m.Answer != nil {
		delete(p.waiting, m.Number)
		answer <- m.Answer
	}
}

// wait waits, but not longer than ctx allows.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
