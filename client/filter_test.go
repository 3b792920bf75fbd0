package client_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/filter/filtertest"
)

// TestFilters takes the filters that parser, API and command line take, as they do.
func TestFilters(t *testing.T) {
	ctx, c, _ := open(t)
	for _, example := range filtertest.Cases() {
		_, listed := c.List(ctx, client.Query{Filter: example.Filter})
		selection, err := client.Select(example.Filter, filtertest.Now())
		if example.Mistake == "" {
			if err != nil || listed != nil || selection.Parsed != example.Canonical {
				t.Errorf("Select(%q) = %v, %v and List = %v, want %s", example.Filter, selection, err, listed, example.Canonical)
			}
			continue
		}
		for _, err := range []error{err, listed} {
			if perdure.CodeOf(err) != perdure.InvalidArgument || !strings.HasSuffix(err.Error(), example.Mistake) {
				t.Errorf("a list of %q = %v, want the mistake %s", example.Filter, err, example.Mistake)
			}
		}
	}
}
