package filter_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/internal/filter/filtertest"
)

var update = flag.Bool("update", false, "rewrite the examples that all who take filters share")

// TestGolden reads the examples that client, API and command line read too.
func TestGolden(t *testing.T) {
	cases := filtertest.Cases()
	if len(cases) < 40 {
		t.Fatalf("there are %d examples, want 40 or more", len(cases))
	}
	for i := range cases {
		want, got := cases[i], filtertest.Case{Filter: cases[i].Filter}
		if f, err := filter.Parse(got.Filter, filtertest.Now()); err != nil {
			got.Mistake = err.Error()
		} else {
			got.Canonical = f.String()
		}
		if cases[i] = got; *update {
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got)\n%s", want.Filter, diff)
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Join("filtertest", "golden.txt"), []byte(filtertest.Format(cases)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
