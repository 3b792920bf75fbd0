package host_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// cluster starts nodes on one new database, and waits until they have parted the
// shards among them.
func cluster(t *testing.T, cfgs ...host.Config) ([]*host.App, []func() error) {
	t.Helper()
	database := pgtest.Start(t).Database()
	apps, stops := make([]*host.App, len(cfgs)), make([]func() error, len(cfgs))
	for i, cfg := range cfgs {
		cfg.Hub = database
		apps[i], stops[i] = start(t, cfg)
	}
	parted(t, apps...)
	return apps, stops
}

// parted waits until nodes have parted the shards of the hub "default" among them.
func parted(t *testing.T, apps ...*host.App) {
	t.Helper()
	var seen []node
	defer func() {
		if t.Failed() {
			t.Logf("nodes: %+v", seen)
		}
	}()
	until(t, fmt.Sprintf("%d nodes to part the shards", len(apps)), func() bool {
		all := 0
		seen = nil
		for _, app := range apps {
			n, ready := health(t, app)
			seen = append(seen, n)
			if !ready || n.Members != len(apps) || n.Shards < 200/len(apps) {
				return false
			}
			all += n.Shards
		}
		return all == 256
	})
}

// nodes is the configuration of n nodes.
func nodes(n int) []host.Config {
	cfgs := make([]host.Config, n)
	for i := range cfgs {
		cfgs[i] = config("")
	}
	return cfgs
}

// TestNodes has clients of three nodes work with the same instances.
func TestNodes(t *testing.T) {
	apps, stops := cluster(t, nodes(3)...)
	const n = 12
	id := func(i int) string { return fmt.Sprint("run-", i) }
	for i := range n {
		if _, err := client.Start(t.Context(), apps[i%3].Client(), Approve, id(i), client.StartOptions{ID: id(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n / 2 {
		if err := apps[(i+1)%3].Client().Raise(t.Context(), id(i), "ApprovalDecision", true); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n / 2 {
		got, err := client.Result[string](t.Context(), apps[(i+2)%3].Client(), id(i))
		if err != nil || got != "published "+id(i) {
			t.Errorf("Result(%s) at another node = %q, %v, want published", id(i), got, err)
		}
	}

	// What one node does with the hubs, the others do too.
	if status, body := ask(t, "POST", apps[0].URL()+"/api/v1/hubs", `{"name":"orders"}`); status != http.StatusOK {
		t.Fatalf("make a hub = %d %s, want 200", status, body)
	}
	if status, body := ask(t, "GET", apps[1].URL()+"/api/v1/runs", "", "taskhub", "orders"); status != http.StatusOK {
		t.Errorf("runs of a hub that another node has just made = %d %s, want 200", status, body)
	}
	until(t, "the hub at the third node", func() bool { return slices.Contains(apps[2].TaskHubs(), "orders") })
	if status, body := ask(t, "DELETE", apps[1].URL()+"/api/v1/hubs/orders", ""); status != http.StatusOK {
		t.Fatalf("delete a hub = %d %s, want 200", status, body)
	}
	until(t, "the hub's end", func() bool {
		return !slices.Contains(apps[0].TaskHubs(), "orders") && !slices.Contains(apps[2].TaskHubs(), "orders")
	})

	// A node that is stopped hands over what it has.
	began := time.Now()
	if err := stops[0](); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	t.Logf("a node stops in %v", time.Since(began))
	for i := n / 2; i < n; i++ {
		if err := apps[1].Client().Raise(t.Context(), id(i), "ApprovalDecision", true); err != nil {
			t.Fatal(err)
		}
		if got, err := client.Result[string](t.Context(), apps[2].Client(), id(i)); err != nil || got != "published "+id(i) {
			t.Errorf("Result(%s) after a node has gone = %q, %v, want published", id(i), got, err)
		}
	}
	took := time.Since(began)
	t.Logf("all has gone on after %v", took)
	if took > 3*time.Second {
		t.Errorf("what a node had that was stopped has gone on after %v, want about one second", took)
	}
	parted(t, apps[1], apps[2])
}

// TestNodeStopsWithRequests stops a node with a request under way that takes its time:
// others get what the node has within a second all the same, and the request finishes.
func TestNodeStopsWithRequests(t *testing.T) {
	database := pgtest.Start(t).Database()
	cfgs := nodes(2)
	cfgs[0].Hub, cfgs[1].Hub = database, database
	slow, err := host.New(cfgs[0])
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	slow.Handle("GET /slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		fmt.Fprint(w, "finished")
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- slow.Run(ctx) }()
	select {
	case <-slow.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	other, _ := start(t, cfgs[1])
	parted(t, slow, other)
	answered := make(chan string, 1)
	go func() {
		_, body := ask(t, "GET", slow.URL()+"/slow", "")
		answered <- body
	}()
	<-entered
	began := time.Now()
	cancel()
	for i := range 20 { // in the shards of both
		if _, err := client.Start(t.Context(), other.Client(), Approve, "x", client.StartOptions{ID: fmt.Sprint("late-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all shards at the other node", func() bool { n, _ := health(t, other); return n.Shards == 256 })
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the other node has all shards after %v, want one second", took)
	} else {
		t.Logf("the other node has all shards after %v", took)
	}
	select {
	case err := <-ended:
		t.Errorf("Run() = %v with a request under way, want it to finish", err)
	default:
	}
	close(release)
	if body := <-answered; body != "finished" {
		t.Errorf("the request that was under way = %q, want finished", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
