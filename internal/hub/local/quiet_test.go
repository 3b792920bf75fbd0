package local_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure"
)

// TestQuietNodes has nodes without work do no more than what keeps them known: every
// renewal a beat, and a look at who holds what for each lease's time.
func TestQuietNodes(t *testing.T) {
	inCluster(t, func(string) *perdure.Registry { return perdure.NewRegistry() }, func(c *cluster) {
		c.join("a", "b", "c")
		c.settled()
		<-time.After(time.Minute)
		const window, renew, lease = 10 * time.Minute, 1500 * time.Millisecond, 5 * time.Second
		type count struct{ beats, looks int64 }
		before := make(map[string]count)
		for _, n := range c.alive() {
			before[n.name] = count{n.line.beats.Load(), n.line.looks.Load()}
		}
		<-time.After(window)
		for _, n := range c.alive() {
			beats, looks := n.line.beats.Load()-before[n.name].beats, n.line.looks.Load()-before[n.name].looks
			if most := int64(window/renew) + 1; beats < most*9/10 || beats > most {
				t.Errorf("node %s has said %d times in %v that it lives, want about %d", n.name, beats, window, most)
			}
			if most := int64(window/lease) + 1; looks > most {
				t.Errorf("node %s has looked %d times in %v who holds what, want at most %d", n.name, looks, window, most)
			}
		}
	})
}

// TestQuietUnreached has nodes that others do not reach, but that live, cost nothing
// more: their time is not tried to be ended for ever.
func TestQuietUnreached(t *testing.T) {
	inCluster(t, func(string) *perdure.Registry { return perdure.NewRegistry() }, func(c *cluster) {
		c.join("a", "b")
		c.settled()
		a := c.alive()[0]
		for range 120 {
			a.Refused("b", true) // as each attempt to reach it says
			<-time.After(5 * time.Second)
		}
		if n := a.line.ends.Load(); n == 0 || n > 30 {
			t.Errorf("in ten minutes the node has tried %d times to end the time of one that lives, want some tries in the first seconds only", n)
		}
	})
}
