package shard

import (
	"context"
	"errors"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Purge implements hub.Commands.
func (o *Owner) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	p := &purging{owner: o, request: r}
	if r.Timeout > 0 {
		p.until = time.Now().Add(r.Timeout)
	}
	err := p.named(ctx)
	if err == nil && r.Filter != nil {
		err = p.matching(ctx)
	}
	if errors.Is(err, errOutOfTime) {
		return hub.Purged{Count: p.count}, nil
	}
	return hub.Purged{Count: p.count, Complete: err == nil}, err
}

// purging is a purge under way. Its time is looked at between two instances: what
// has begun is waited for, so that it is counted.
type purging struct {
	owner   *Owner
	request *hub.Purge
	until   time.Time // zero = no bound
	count   int
}

var errOutOfTime = errors.New("the time of the purge is over")

// named purges the instances that the request names.
func (p *purging) named(ctx context.Context) error {
	for _, id := range p.request.IDs {
		err := p.purge(ctx, id)
		if perdure.CodeOf(err) == perdure.NotFound || p.request.SkipLive && skipped(err) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skipped reports whether an instance was left alone.
func skipped(err error) bool {
	code := perdure.CodeOf(err)
	return err != nil && (code == perdure.NotFound || code == perdure.FailedPrecondition)
}

// matching purges what the request's filter selects.
func (p *purging) matching(ctx context.Context) error {
	q := *p.request.Filter
	if len(q.Statuses) == 0 && q.Kind == store.Orchestration {
		q.Statuses = ended[:]
	}
	return p.each(ctx, q)
}

// each purges what a query selects, and may be purged.
func (p *purging) each(ctx context.Context, q store.Query) error {
	for {
		page, err := p.owner.store.List(ctx, q)
		if err != nil {
			return storeError("purge", "", err)
		}
		for _, rec := range page.Records {
			if err := p.purge(ctx, rec.ID); err != nil && !skipped(err) {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		q.After = page.Next
	}
}

// purge deletes one instance, and its children first if asked to.
func (p *purging) purge(ctx context.Context, id string) error {
	if !p.until.IsZero() && !time.Now().Before(p.until) {
		return errOutOfTime
	}
	r, o := p.request, p.owner
	if r.Recursive || r.DryRun {
		if err := o.purgeable(ctx, id, r.Force); err != nil {
			return err
		}
	}
	if r.Recursive {
		if err := p.each(ctx, store.Query{Parent: id}); err != nil {
			return err
		}
	}
	if !r.DryRun {
		_, err := o.call(ctx, id, func(l *loop, c *call) {
			var err error
			content := []any{r.Recursive}
			if r.Force {
				content = append(content, "force")
				if c.givenUp, err = holds(l.io, l.store, "purge", id); err != nil {
					c.end(nil, err)
					return
				}
			}
			row, again := l.request(id, r.RequestID, "purge", c, content...)
			if !again {
				l.write(id, &rowWrite{purge: true, force: r.Force, rows: row, acks: []ack{{call: c}}})
			}
		})
		if err != nil {
			return named(err, "purge", id)
		}
	}
	p.count++
	return nil
}

// purgeable returns the error with which the purge of an instance would be refused,
// before its children are purged.
func (o *Owner) purgeable(ctx context.Context, id string, force bool) error {
	rec, _, err := o.read(ctx, "purge", id)
	if err != nil {
		return err
	}
	if rec.Kind == store.Orchestration && !rec.Status.Terminal() {
		return alive(id)
	}
	if force {
		return nil
	}
	return held(ctx, o.store, "purge", id)
}

func alive(id string) error {
	return &perdure.Error{
		Code: perdure.FailedPrecondition, Op: "purge", Instance: id, Message: "it has not ended; terminate it first",
	}
}
