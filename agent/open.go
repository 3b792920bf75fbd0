package agent

import (
	"bytes"
	"context"
	"time"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Open follows the open decisions of a hub, for those who tell of them as they come:
// what it has read before costs little to read again. It is for one goroutine.
type Open struct {
	service *Service
	known   map[string]*storedDecision // by id, as they were told
	judged  time.Time                  // when all of known were last judged by their runs
}

// Open returns a follower that knows of no decision yet.
func (s *Service) Open() *Open {
	return &Open{service: s, known: map[string]*storedDecision{}}
}

const (
	// maxOpened bounds the decisions that are followed, the nearest deadlines first.
	maxOpened = 1000
	// judgeEvery is how often those that have not changed are judged by their runs, which
	// may have ended without a word to them.
	judgeEvery = 10 * time.Second
)

// Read returns the decisions that were opened since the last call, or have changed, the
// nearest deadline first, and the ids of those that are no longer open. Call it when
// WatchDecisions says that something has changed.
func (o *Open) Read(ctx context.Context) (changed []*Decision, closed []string, err error) {
	h, err := o.service.client.Hub(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := askAll(ctx, h); err != nil {
		return nil, nil, err
	}
	judge := time.Since(o.judged) >= judgeEvery
	rows, err := openRows(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	open := make(map[string]*storedDecision, len(rows))
	for _, row := range rows {
		d := o.known[string(row.Key)]
		same := d != nil && bytes.Equal(d.raw, row.Value)
		if !same {
			if d, err = readDecision(row); err != nil {
				return nil, nil, err
			}
		}
		if !same || judge {
			if err := supersede(ctx, h, d); err != nil {
				return nil, nil, err
			}
		}
		if d.State != DecisionPending {
			continue
		}
		if open[d.ID] = d; !same {
			if err := d.findStarters(ctx, h); err != nil {
				return nil, nil, err
			}
			changed = append(changed, &d.Decision)
		}
	}
	for id := range o.known {
		if open[id] == nil {
			closed = append(closed, id)
		}
	}
	if judge {
		o.judged = time.Now()
	}
	o.known = open
	return changed, closed, nil
}

// openRows reads the rows of open decisions.
func openRows(ctx context.Context, h hub.Rows) (all []store.Row, err error) {
	q := store.RowQuery{Kind: rowDecision, From: append([]byte(DecisionPending), 0), To: append([]byte(DecisionPending), 1), Limit: maxOpened}
	for {
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if next == nil || len(all) >= maxOpened {
			return all, nil
		}
		q.After, q.Limit = next, maxOpened-len(all)
	}
}
