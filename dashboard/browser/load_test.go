package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
)

// registerLoad makes known what the budgets are measured with.
func registerLoad(reg *perdure.Registry) {
	perdure.AddOrchestrationNamed(reg, "Noop", func(*perdure.Context, int) (int, error) { return 0, nil })
	perdure.AddOrchestrationNamed(reg, "Wide", func(ctx *perdure.Context, n int) (int, error) {
		var all []perdure.Awaitable
		for i := range n {
			all = append(all, perdure.CallNamed[int](ctx, "step", i))
		}
		return n, perdure.All(ctx, all...)
	})
}

// load serves what makes work, each answered when it is done:
//
//	POST /load/runs?n=1000&rate=100&prefix=x   runs so many to their end; rate 0 = as fast as can be
//	POST /load/events?n=100&rate=20            raises Go to the runs wait-0, wait-1, ...
func load(c *client.Client) http.Handler {
	mux := http.NewServeMux()
	number := func(r *http.Request, name string) int {
		n, _ := strconv.Atoi(r.FormValue(name)) // 0 if it is not there
		return n
	}
	mux.HandleFunc("POST /load/runs", func(w http.ResponseWriter, r *http.Request) {
		prefix := r.FormValue("prefix")
		reply(w, spread(r.Context(), number(r, "n"), number(r, "rate"), func(ctx context.Context, i int) error {
			// The letters are beginnings that few runs share.
			id := fmt.Sprintf("%c%c-%s%d", 'a'+i%26, 'a'+i/26%26, prefix, i)
			if _, err := c.Start(ctx, "Noop", i, client.StartOptions{ID: id}); err != nil {
				return err
			}
			_, err := c.WaitCompletion(ctx, id)
			return err
		}))
	})
	mux.HandleFunc("POST /load/events", func(w http.ResponseWriter, r *http.Request) {
		reply(w, spread(r.Context(), number(r, "n"), number(r, "rate"), func(ctx context.Context, i int) error {
			return c.Raise(ctx, fmt.Sprintf("wait-%d", i), "Go", "now")
		}))
	})
	return mux
}

func reply(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// spread does n things, so many a second, many at a time.
func spread(ctx context.Context, n, rate int, do func(ctx context.Context, i int) error) error {
	const atOnce = 256
	work := make(chan int)
	errs := make(chan error, atOnce)
	var doers sync.WaitGroup
	for range min(atOnce, max(n, 1)) {
		doers.Go(func() {
			for i := range work {
				if err := do(ctx, i); err != nil {
					select {
					case errs <- err:
					default: // there are enough
					}
				}
			}
		})
	}
	began := time.Now()
	for i := range n {
		if rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		work <- i
	}
	close(work)
	doers.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
