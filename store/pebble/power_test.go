package pebble_test

import (
	"math/rand/v2"
	"testing"

	"github.com/perdure/perdure/store/storetest"
)

// modelSeeds are the seeds of a normal run and of a long one.
func modelSeeds() uint64 {
	if soak() {
		return 1000
	}
	return 50
}

func TestModel(t *testing.T) {
	for seed := range modelSeeds() {
		h := newHarness(t)
		if seed%2 == 1 {
			h.rng = rand.New(rand.NewPCG(seed, 1))
		}
		if err := storetest.Model(t.Context(), h, seed, 60); err != nil {
			t.Errorf("Model: %v", err)
		}
		h.closeDB()
	}
}
