package peer

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/hub"
)

// TestOverdueOrFetched has places come free at a worker while items that have waited for
// them are given back: each item goes one way, never both.
func TestOverdueOrFetched(t *testing.T) {
	const n = 20_000
	s := &stream{total: places{ofActivity: 1}, wake: make(chan struct{}, 1), demand: make(chan struct{})}
	byWork := make(map[*hub.Work]*item, n)
	for range n {
		it := &item{work: &hub.Work{}, kind: ofActivity}
		s.ready, byWork[it.work] = append(s.ready, it), it
	}
	var fetched []*item
	var back sync.Map
	var over atomic.Bool
	var returned sync.WaitGroup
	returned.Go(func() {
		for !over.Load() {
			for _, it := range s.overdue(time.Now()) {
				back.Store(it, true)
			}
		}
	})
	for {
		w, _ := s.take()
		if w == nil {
			break
		}
		it := byWork[w]
		fetched = append(fetched, it)
		s.answered(it)
	}
	over.Store(true)
	returned.Wait()
	for _, it := range fetched {
		if _, twice := back.Load(it); twice {
			t.Fatal("an item was fetched by the worker and given back")
		}
	}
	given := 0
	back.Range(func(any, any) bool { given++; return true })
	t.Logf("%d fetched, %d given back", len(fetched), given)
	if len(fetched)+given != n {
		t.Errorf("%d items were fetched and %d given back, want %d in all", len(fetched), given, n)
	}
}
