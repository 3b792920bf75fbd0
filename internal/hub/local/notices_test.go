package local_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
)

// TestG08_Notices: a message is consumed once, however often and whenever its target is
// told to look for it.
func TestG08_Notices(t *testing.T) {
	const runs, signals = 12, 15
	code := func(string) *perdure.Registry {
		reg := perdure.NewRegistry()
		perdure.AddEntityFunc(reg, "log", func(ctx *perdure.EntityContext) (any, error) {
			time.Sleep(30 * time.Millisecond) // longer than a turn may take: messages wait in memory and in the store
			var list []string
			if err := ctx.State(&list); err != nil {
				return nil, err
			}
			var in string
			if err := ctx.Input(&in); err != nil {
				return nil, err
			}
			return nil, ctx.SetState(append(list, in))
		})
		perdure.AddActivityNamed(reg, "pause", func(context.Context, int) (int, error) { time.Sleep(10 * time.Millisecond); return 0, nil })
		perdure.AddOrchestrationNamed(reg, "signals", func(ctx *perdure.Context, in string) (string, error) {
			for i := range signals {
				perdure.SignalEntity(ctx, perdure.NewEntityID("log", in), "add", fmt.Sprint(i))
				if _, err := perdure.CallNamed[int](ctx, "pause", i).Await(); err != nil {
					return "", err
				}
			}
			return in, nil
		})
		return reg
	}
	inCluster(t, code, func(c *cluster) {
		c.join("a", "b")
		c.settled()
		var targets []string
		for i := range runs {
			targets = append(targets, fmt.Sprintf("@log@%d", i))
			c.start(fmt.Sprint("s", i), "signals", fmt.Sprintf(`"%d"`, i))
		}
		done := make(chan struct{})
		told := make(chan struct{})
		go func() {
			defer close(told)
			for {
				select {
				case <-done:
					return
				case <-time.After(3 * time.Millisecond):
				}
				for _, n := range c.alive() {
					n.Arrived(targets)
				}
			}
		}()
		for i := range runs {
			c.end(fmt.Sprint("s", i))
		}
		close(done)
		<-told
		list := make([]string, signals)
		for i := range list {
			list[i] = fmt.Sprintf("%q", fmt.Sprint(i))
		}
		want := "[" + strings.Join(list, ",") + "]"
		for _, id := range targets {
			var got string
			c.until(time.Minute, "the entity has heard all", func() bool {
				_ = c.route(c.ctx, func(h *local.Hub) error {
					e, err := h.Entity(c.ctx, id)
					if err == nil {
						got = e.State.S
					}
					return err
				})
				return strings.Count(got, ",") >= signals-1
			})
			if got != want {
				t.Errorf("%s = %s, want %s", id, got, want)
			}
		}
	})
}

// TestNoticeBeforeDelivery: a message that its target has found in the store, while the
// commit that sends it is on its way to the disk, is not taken again once it is
// delivered in memory.
func TestNoticeBeforeDelivery(t *testing.T) {
	var r ran
	inCluster(t, family(&r), func(c *cluster) {
		c.join("a")
		c.settled()
		c.disk.Manual(true)
		a := c.alive()[0]
		done := make(chan error)
		go func() {
			_, err := a.Start(c.ctx, &hub.Start{InstanceID: "child", Name: "child", Input: history.Some(`"k"`)})
			done <- err
		}()
		for range 10 { // the start, its call of the entity, the answer
			time.Sleep(50 * time.Millisecond)
			a.Arrived([]string{"@log@k", "child"})
			time.Sleep(50 * time.Millisecond)
			c.disk.Sync()
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		c.disk.Manual(false)
		if got, want := c.end("child"), `"k1"`; got != want {
			t.Errorf("output = %s, want %s", got, want)
		}
		e, err := a.Entity(c.ctx, "@log@k")
		if err != nil || e.State.S != `["k"]` {
			t.Errorf("entity = %+v, %v, want one entry", e, err)
		}
	})
}

// TestG09_ClockOfTheStore: timers fire by the clock of the store, however that and the
// nodes' clocks differ, and when it is stepped: never early, and at most a renewal late.
func TestG09_ClockOfTheStore(t *testing.T) {
	for _, step := range []time.Duration{0, 20 * time.Second, -20 * time.Second} {
		if err := checkStoreClock(t, step); err != nil {
			t.Errorf("step of %v: %v", step, err)
		}
	}
}

func checkStoreClock(t *testing.T, step time.Duration) (err error) {
	code := func(string) *perdure.Registry {
		reg := perdure.NewRegistry()
		perdure.AddOrchestrationNamed(reg, "sleeps", func(ctx *perdure.Context, _ string) (string, error) {
			return "", ctx.Timer(time.Minute).Await()
		})
		return reg
	}
	inCluster(t, code, func(c *cluster) {
		var ahead atomic.Int64
		ahead.Store(int64(-1000 * time.Hour))
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		c.disk.Now = now
		c.join("a", "b")
		c.settled()
		began := now()
		for i := range 10 {
			c.start(fmt.Sprint("s", i), "sleeps", "")
		}
		time.Sleep(20 * time.Second)
		ahead.Add(int64(step))
		time.Sleep(15 * time.Second)
		for i := range 10 {
			c.end(fmt.Sprint("s", i))
			if took := now().Sub(began); err == nil && (took < time.Minute || took > time.Minute+3*time.Second) {
				err = fmt.Errorf("a timer of a minute has fired after %v", took)
			}
		}
	})
	return err
}
