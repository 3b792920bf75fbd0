package nodes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
)

// door is a way into a node. Both return a *perdure.Error, with RetryAfter if there is too
// much to do.
type door interface {
	start(ctx context.Context, id, name, input string) error
	await(ctx context.Context, id string) error
}

// grpcDoor is what Go programs use.
type grpcDoor struct{ hub.Hub }

func (d grpcDoor) start(ctx context.Context, id, name, input string) error {
	_, err := d.Start(ctx, &hub.Start{RequestID: "r", InstanceID: id, Name: name, Input: history.Some(input)})
	return err
}

func (d grpcDoor) await(ctx context.Context, id string) error {
	_, err := d.WaitCompletion(ctx, id)
	return err
}

// restDoor is what the others use.
type restDoor struct {
	url    string
	client *http.Client
}

func (d restDoor) start(ctx context.Context, id, name, input string) error {
	return d.do(ctx, "POST", "/api/v1/runs", fmt.Sprintf(`{"id":%q,"name":%q,"input":%s}`, id, name, input))
}

func (d restDoor) await(ctx context.Context, id string) error {
	return d.do(ctx, "GET", "/api/v1/runs/"+id+"?wait=30s", "")
}

func (d restDoor) do(ctx context.Context, method, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return err
	case answer.StatusCode < 300:
		return nil
	}
	failed := &perdure.Error{Code: perdure.Internal, Message: answer.Status + " " + string(text)}
	if answer.StatusCode == http.StatusTooManyRequests {
		failed.Code = perdure.ResourceExhausted
		if s, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
			failed.RetryAfter = time.Duration(s) * time.Second
		}
	}
	return failed
}

// crowd are clients, each of which starts one run and has no use for it after patience.
type crowd struct {
	*cluster
	doors []door
	all   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	served  []time.Time
	refused int
	late    int
	waited  time.Duration // the longest for a refusal
}

const crowdPatience = 8 * time.Second

// send has a client start a run and wait for its end, but not for longer than patience.
// One that is refused comes again when it was told to, once.
func (c *crowd) send(ctx context.Context, id string, n int) {
	for range 2 {
		began := time.Now()
		err := c.attempt(ctx, id, c.doors[n%len(c.doors)])
		var e *perdure.Error
		if err == nil || !errors.As(err, &e) || e.Code != perdure.ResourceExhausted {
			return
		}
		c.mu.Lock()
		c.refused++
		c.waited = max(c.waited, time.Since(began))
		c.mu.Unlock()
		if e.RetryAfter < time.Second || e.RetryAfter > 2*time.Second {
			c.Errorf("a start is refused with RetryAfter %v, want one or two seconds", e.RetryAfter)
		}
		<-time.After(e.RetryAfter)
	}
}

func (c *crowd) attempt(ctx context.Context, id string, d door) error {
	ctx, cancel := context.WithTimeout(ctx, crowdPatience)
	defer cancel()
	began := time.Now()
	err := d.start(ctx, id, "job", `"x"`)
	if err == nil {
		err = d.await(ctx, id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.served = append(c.served, time.Now())
	case ctx.Err() != nil, time.Since(began) > crowdPatience*9/10: // a node may notice first
		c.late++
	case perdure.CodeOf(err) != perdure.ResourceExhausted && perdure.CodeOf(err) != perdure.DeadlineExceeded:
		c.Errorf("%s: %v", id, err)
	}
	return err
}

// rate is how many were served a second since a time.
func (c *crowd) rate(since time.Time) float64 {
	end := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, at := range c.served {
		if !at.Before(since) && at.Before(end) {
			n++
		}
	}
	return float64(n) / end.Sub(since).Seconds()
}

// able returns how many are served a second of those that come one after the other, in
// lanes.
func (c *crowd) able(ctx context.Context, lanes int, lasts time.Duration) float64 {
	end := time.Now().Add(lasts)
	half := end.Add(-lasts / 2)
	for lane := range lanes {
		c.all.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				c.send(ctx, fmt.Sprintf("able-%d-%d", lane, i), lane+i)
			}
		})
	}
	<-time.After(time.Until(end))
	r := c.rate(half)
	c.all.Wait()
	return r
}

// load sends so many clients a second for a while, and returns how many were served in
// time a second, of those that were served in its second half.
func (c *crowd) load(ctx context.Context, rate float64, lasts time.Duration) float64 {
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	n := 0
	for now := began; now.Sub(began) < lasts; now = <-tick.C {
		for ; n < int(rate*now.Sub(began).Seconds()); n++ {
			i := n
			c.all.Go(func() { c.send(ctx, fmt.Sprint("ten-", i), i) })
		}
	}
	return c.rate(began.Add(lasts / 2))
}

// slowDatabase has each commit take the database a while, one after the other in a group,
// so that nodes and their clients do not compete for the processor.
const slowDatabase = `
CREATE FUNCTION audit.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER INSERT OR UPDATE ON perdure.instances FOR EACH ROW EXECUTE FUNCTION audit.slow();
`

// overload has nodes asked for ten times what they can do, and then no more. It returns
// what is not as it should be.
func overload(t *testing.T, nodes int, rest bool, faults string) (wrong []string) {
	t.Helper()
	c := &crowd{cluster: startCluster(t, nodes, faults)}
	c.until("each node has its share", func() bool {
		for _, n := range c.nodes {
			if c.shards(n) < 200/nodes {
				return false
			}
		}
		return true
	})
	ctx := within(t, 3*time.Minute)
	transport := &http.Transport{MaxIdleConnsPerHost: 1000}
	defer transport.CloseIdleConnections()
	for i := range c.nodes {
		if rest {
			c.doors = append(c.doors, restDoor{"http://" + c.nodes[i].addr, &http.Client{Transport: transport}})
			continue
		}
		// Each of many clients has a connection of its own; in one, calls would wait for others.
		for range 6 {
			h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: c.nodes[i].addr, TaskHub: "default"}, Patience: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = h.Close() })
			c.doors = append(c.doors, grpcDoor{h})
		}
	}
	const listener = "listens"
	if err := c.doors[0].start(ctx, listener, "listen", "0"); err != nil {
		t.Fatal(err)
	}
	c.sql(slowDatabase)
	peak := c.able(ctx, 24*nodes, 8*time.Second)

	asking, enough := context.WithCancel(ctx)
	var asked sync.WaitGroup
	var events time.Duration
	asked.Go(func() { // what runs goes on meanwhile
		for i := 0; asking.Err() == nil; i++ {
			began := time.Now()
			h := c.hubs[i%len(c.hubs)]
			if err := h.Raise(ctx, &hub.Raise{RequestID: fmt.Sprint(i), InstanceID: listener, Name: goOn.Name(), Data: history.Some(`"x"`)}); err != nil {
				t.Errorf("an event during overload: %v", err)
			}
			if _, err := h.Instance(ctx, listener, false); err != nil {
				t.Errorf("a read during overload: %v", err)
			}
			events = max(events, time.Since(began))
			<-time.After(50 * time.Millisecond)
		}
	})
	c.all.Go(func() { // who comes again for as long as it takes gets in
		in, err := client.Connect(ctx, "http://"+c.nodes[0].addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = in.Close() }()
		<-time.After(2 * time.Second)
		for i := range 5 {
			if _, err := in.Start(ctx, "job", "x", client.StartOptions{ID: fmt.Sprint("insists-", i), RequestID: "r"}); err != nil {
				t.Errorf("Start() of a client that may wait: %v", err)
			}
		}
	})
	goodput := c.load(ctx, 10*peak, 16*time.Second)
	enough()
	asked.Wait()

	ended := time.Now()
	back := time.Duration(0)
	for i := 0; back == 0; i++ {
		began := time.Now()
		short, cancel := context.WithTimeout(ctx, time.Second)
		id := fmt.Sprint("after-", i)
		err := c.doors[i%len(c.doors)].start(short, id, "job", `"x"`)
		if err == nil {
			err = c.doors[(i+1)%len(c.doors)].await(short, id)
		}
		cancel()
		if err == nil || time.Since(ended) > time.Minute {
			back = began.Sub(ended)
		} else {
			<-time.After(100 * time.Millisecond)
		}
	}
	c.all.Wait()
	t.Logf(`{"test": "overload", "nodes": %d, "rest": %v, "faults": %q, "peak": %.0f, "goodput": %.0f, "event_ms": %d, "back_ms": %d, "refused": %d, "refused_within_ms": %d, "late": %d}`,
		nodes, rest, faults, peak, goodput, events.Milliseconds(), back.Milliseconds(), c.refused, c.waited.Milliseconds(), c.late)
	if goodput < 0.8*peak {
		wrong = append(wrong, fmt.Sprintf("%.0f runs a second in time under ten times the load, want 80 %% of %.0f", goodput, peak))
	}
	if events > 3*time.Second {
		wrong = append(wrong, fmt.Sprintf("an event and a read took %v, want 3 s at most", events))
	}
	if back > 10*time.Second {
		wrong = append(wrong, fmt.Sprintf("runs are quick again %v after the load, want 10 s at most", back))
	}
	if faults == "" && c.refused == 0 {
		wrong = append(wrong, "nothing was refused under ten times the load")
	}
	return wrong
}

// TestT24_Overload asks nodes over the wire for ten times what they can do, through gRPC
// and HTTP: as many runs as without that are served in time, events are still taken, and
// all is well again soon after.
func TestT24_Overload(t *testing.T) {
	normalOnly(t)
	if !long() {
		t.Skip("it measures, and runs with PERDURE_LONG")
	}
	t.Run("three nodes", func(t *testing.T) { none(t, overload(t, 3, false, "")) })
	t.Run("one node over HTTP", func(t *testing.T) { none(t, overload(t, 1, true, "")) })
}

func none(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}
