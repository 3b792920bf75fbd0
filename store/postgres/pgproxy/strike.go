package pgproxy

import (
	"slices"
	"strings"
)

// Commit is what a client is about to make durable: the statements that it has executed
// since its last commit.
type Commit struct {
	SQL []string
}

// Has reports whether one of the statements contains a text.
func (c Commit) Has(text string) bool {
	return slices.ContainsFunc(c.SQL, func(s string) bool { return strings.Contains(s, text) })
}

// Where is the side of a commit on which a strike comes.
type Where uint8

// The places. Before: the server has executed the statements and does not get the
// message that would commit them. After: it has committed, and its answer does not
// reach the client.
const (
	Before Where = iota
	After
)

// Action is what a strike does to the connection.
type Action uint8

// The actions. Cut ends it with RST on both sides. Freeze leaves it open and passes
// nothing on, until Thaw. Fail, which is for Before, has the server refuse the commit
// with an SQLSTATE; the connection goes on.
const (
	Cut Action = iota
	Freeze
	Fail
)

// Strike is what shall happen at a commit.
type Strike struct {
	Where Where
	Do    Action
	// When chooses the commits; nil = all that write.
	When func(Commit) bool
	// Nth is which of these it is, counted from 1; 0 = the first.
	Nth int
	// State is the SQLSTATE of Fail.
	State string
}

type armed struct {
	Strike
	seen   int
	struck chan struct{} // closed when it has come
}

// Arm sets a strike, which comes once, and returns a channel that is closed when it has.
func (p *Proxy) Arm(s Strike) (struck <-chan struct{}) {
	a := &armed{Strike: s, struck: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strikes = append(p.strikes, a)
	return a.struck
}

// Disarm takes back all strikes that have not come.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.strikes = nil
}

// strike returns what comes at a commit, nil if nothing does.
func (p *Proxy) strike(c Commit) *armed {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	for i, a := range p.strikes {
		if a.When != nil && !a.When(c) {
			continue
		}
		if a.seen++; a.seen < a.Nth {
			continue
		}
		p.strikes = slices.Delete(p.strikes, i, i+1)
		return a
	}
	return nil
}
