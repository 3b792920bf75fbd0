package local_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// startCalls starts runs s0, s1 and so on, each of which has one slow activity.
func (c *cluster) startCalls(runs int) {
	c.t.Helper()
	for i := range runs {
		c.start(fmt.Sprint("s", i), "calls", fmt.Sprintf(`"s%d"`, i))
	}
}

// ranOnce waits until the runs of startCalls have ended: their activities ran once each.
func (c *cluster) ranOnce(r *ran, runs int) {
	c.t.Helper()
	for i := range runs {
		c.end(fmt.Sprint("s", i))
		if n := r.count(fmt.Sprint("s", i)); n != 1 {
			c.t.Errorf("activity of run %d ran %d times, want once", i, n)
		}
	}
}

// TestRule20_LateAnswers: what a living node says of its activities counts too if it
// takes longer than one question may.
func TestRule20_LateAnswers(t *testing.T) {
	var r ran
	gate := make(chan struct{})
	inCluster(t, slow(&r, gate), func(c *cluster) {
		gate := make(chan struct{})
		c.code = slow(&r, gate)
		c.join("a")
		c.settled()
		const runs = 20
		c.startCalls(runs)
		c.mu.Lock()
		c.mute = time.Now().Add(5 * time.Second)
		c.mu.Unlock()
		c.join("b")
		c.settled()
		time.Sleep(10 * time.Second)
		close(gate)
		c.ranOnce(&r, runs)
	})
}

// TestRule20_BusyNode: a living node that cannot say for a while what it has, for the
// store holds it up, is not taken for one that has nothing.
func TestRule20_BusyNode(t *testing.T) {
	var r ran
	inCluster(t, nil, func(c *cluster) {
		gate := make(chan struct{})
		c.code = slow(&r, gate)
		c.join("a")
		c.settled()
		const runs = 20
		c.startCalls(runs)
		a := c.alive()[0]
		var once sync.Once
		var raised sync.WaitGroup
		c.mu.Lock()
		c.asking = func(by string) {
			if by != "b" {
				return
			}
			once.Do(func() { // what it is to write holds its loop up
				a.line.hold()
				time.AfterFunc(3*time.Second, a.line.release)
				for i := range runs {
					raised.Go(func() { c.raise(fmt.Sprint("s", i), "unasked", "1") })
				}
				time.Sleep(100 * time.Millisecond)
			})
		}
		c.mu.Unlock()
		c.join("b")
		c.settled()
		raised.Wait()
		close(gate)
		c.ranOnce(&r, runs)
	})
}

// TestRule20_ResumedOnceSettled: an activity whose run is being written when it becomes
// known who has it is not forgotten, however long the commit takes.
func TestRule20_ResumedOnceSettled(t *testing.T) {
	var r ran
	inCluster(t, nil, func(c *cluster) {
		gate := make(chan struct{})
		c.code = slow(&r, gate)
		c.join("a")
		c.settled()
		const runs = 20
		c.startCalls(runs)
		c.mu.Lock()
		c.mute = time.Now().Add(time.Second)
		c.mu.Unlock()
		c.join("b")
		c.settled()
		c.disk.Manual(true)
		var raised sync.WaitGroup
		for i := range runs {
			raised.Go(func() { c.raise(fmt.Sprint("s", i), "unasked", "1") })
		}
		time.Sleep(4 * time.Second) // they know by then, and the events are not written
		c.disk.Manual(false)
		c.disk.Sync()
		raised.Wait()
		close(gate)
		c.ranOnce(&r, runs)
	})
}
