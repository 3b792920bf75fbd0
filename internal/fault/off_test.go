//go:build !faults

package fault_test

import (
	"testing"

	"github.com/perdure/perdure/internal/fault"
)

func TestNothingHappens(t *testing.T) {
	if fault.Enabled {
		t.Error("Enabled = true, want false")
	}
	for _, p := range fault.Points() {
		if err := fault.Hit(p, "node"); err != nil {
			t.Errorf("Hit(%s) = %v, want nil", p, err)
		}
	}
	for _, m := range fault.Mutations() {
		if fault.Mutant(m) {
			t.Errorf("Mutant(%s) = true, want false", m)
		}
	}
}
