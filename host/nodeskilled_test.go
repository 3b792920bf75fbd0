package host_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestT06_NodesEffectCut kills nodes of three in the middle of agents' turns: others
// carry them on, ask no model again for what it has answered, and repeat no effect
// by themselves.
func TestT06_NodesEffectCut(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("PERDURE_EFFECT_ROUNDS")); err == nil {
		rounds = n
	} else if os.Getenv("PERDURE_SOAK") != "" {
		rounds = 30
	}
	database := pgtest.Start(t).Database()
	w := newWorld(t)
	names := []string{"n0", "n1", "n2"}
	nodes := make([]*process, len(names))
	asked := 0
	next := func() *process { // another one each time
		asked++
		i := asked % len(nodes)
		if nodes[i] == nil || gone(nodes[i]) {
			nodes[i] = startClerkAs(t, w, names[i], database)
		}
		return nodes[i]
	}
	undisturbed := w.serveAt(t, next, []string{"order-0"})["order-0"]
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 6))
	for round := 1; round <= rounds; round++ {
		var orders []string
		for i := range 4 {
			orders = append(orders, fmt.Sprintf("order-%d-%d", round, i))
		}
		w.plan(chance, orders)
		w.cuts[orders[0]] = &cut{tool: "pay", after: true}
		for o, got := range w.serveAt(t, next, orders) {
			if want := strings.ReplaceAll(undisturbed, "order-0", o); got != want {
				t.Errorf("%s: the conversation is\n%s\nwant\n%s", o, got, want)
			}
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	for _, p := range nodes {
		p.kill()
	}
	w.judge(t, rounds)
}
