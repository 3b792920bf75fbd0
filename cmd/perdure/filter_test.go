package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/internal/filter/filtertest"
)

// TestFilters takes the filters that parser, Go client and API take, as they do.
func TestFilters(t *testing.T) {
	url := running(t)
	for _, example := range filtertest.Cases() {
		if example.Mistake != "" {
			got := perdureCLI(t.Context(), url, screen{}, "run", "list", "--filter", example.Filter)
			want := "perdure: " + example.Mistake + "\n"
			if got.Code != exitUsage || !strings.HasPrefix(got.Err, want) {
				t.Errorf("run list --filter %q = exit %d %q, want exit 2 %q", example.Filter, got.Code, got.Err, want)
			}
			if got := perdureCLI(t.Context(), url, screen{}, "run", "purge", "--yes", "--filter", example.Filter); got.Code != exitUsage {
				t.Errorf("run purge --filter %q = exit %d %q, want exit 2", example.Filter, got.Code, got.Err)
			}
			continue
		}
		got := perdureCLI(t.Context(), url, screen{}, "run", "list", "-o", "json", "--filter", example.Filter)
		var page struct{ Parsed string }
		if err := json.Unmarshal([]byte(got.Out), &page); err != nil || got.Code != exitDone {
			t.Errorf("run list --filter %q = %+v", example.Filter, got)
		}
		later, err := filter.Parse(example.Filter, filtertest.Now().Add(48*time.Hour))
		if err == nil && later.String() == example.Canonical && page.Parsed != example.Canonical { // else it depends on the time
			t.Errorf("run list --filter %q = parsed as %s, want %s", example.Filter, page.Parsed, example.Canonical)
		}
	}
}
