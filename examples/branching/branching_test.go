package branching_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/branching"
	"github.com/perdure/perdure/perduretest"
)

func TestWays(t *testing.T) {
	for _, c := range []struct {
		customer string
		cents    int
		step     string // that alone is taken
		want     string
	}{
		{"ada", 49_05, "Charge", "A1: charged 49.05"},
		{"ada", 100_00, "Charge", "A1: charged 100.00"},
		{"ada", 100_01, "AskForPrepayment", "A1: ada is asked to pay in advance"},
		{"stranger", 1, "AskForPrepayment", "A1: stranger is asked to pay in advance"},
		{"mallory", 1, "ReportFraud", "A1: mallory was reported"},
	} {
		reg := perdure.NewRegistry()
		branching.Register(reg)
		e := perduretest.New(t, reg)
		got, err := perduretest.Run(e, branching.CheckOut, branching.Purchase{ID: "A1", Customer: c.customer, Cents: c.cents})
		if err != nil || got != c.want {
			t.Errorf("CheckOut() of %s for %d = %q, %v, want %q", c.customer, c.cents, got, err, c.want)
		}
		for _, step := range []string{"Charge", "AskForPrepayment", "ReportFraud"} {
			want := 0
			if step == c.step {
				want = 1
			}
			if n := len(e.Calls(step)); n != want {
				t.Errorf("CheckOut() of %s for %d ran %s %d times, want %d", c.customer, c.cents, step, n, want)
			}
		}
	}
}
