package remote

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// maxBatch is how many instances a request of the protocol may name.
const maxBatch = 500

// Purge implements hub.Commands.
func (h *protocolSide) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	switch {
	case r.DryRun:
		return hub.Purged{}, h.cannot("purge", "", "purge on trial")
	case r.Force:
		return hub.Purged{}, h.cannot("purge", "", "purge of what is held, by force")
	case r.Filter != nil:
		return h.purgeFilter(ctx, r)
	case r.RequestID != "" && len(r.IDs) > 1:
		return hub.Purged{}, h.cannot("purge", "", "request id of several purges: purge one at a time")
	case r.SkipLive:
		return h.purgeBatches(ctx, r)
	}
	done, over := hub.Purged{Complete: true}, overdue(r)
	for _, id := range r.IDs {
		if over() {
			done.Complete = false
			break
		}
		m := &wirepb.PurgeInstancesRequest{
			Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id}, Recursive: r.Recursive, IsOrchestration: !isEntity(id),
		}
		if err := h.purge(ctx, id, r.RequestID, m, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

// overdue returns what tells whether a purge has taken the time that it may: the
// protocol has such a bound for filters only.
func overdue(r *hub.Purge) func() bool {
	began := time.Now()
	return func() bool { return r.Timeout > 0 && time.Since(began) >= r.Timeout }
}

func (h *protocolSide) purge(ctx context.Context, id, requestID string, m *wirepb.PurgeInstancesRequest, done *hub.Purged) error {
	out := &wirepb.PurgeInstancesResponse{}
	if err := h.change(ctx, "purge", id, "PurgeInstances", &m.RequestId, requestID, m, out); err != nil {
		return err
	}
	done.Count += int(out.DeletedInstanceCount)
	done.Complete = done.Complete && (out.IsComplete == nil || out.IsComplete.Value)
	return nil
}

func (h *protocolSide) purgeBatches(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	done, over := hub.Purged{Complete: true}, overdue(r)
	for ids := range slices.Chunk(r.IDs, maxBatch) {
		if over() {
			done.Complete = false
			break
		}
		m := &wirepb.PurgeInstancesRequest{
			Request:   &wirepb.PurgeInstancesRequest_InstanceBatch{InstanceBatch: &wirepb.InstanceBatch{InstanceIds: ids}},
			Recursive: r.Recursive, IsOrchestration: true,
		}
		if err := h.purge(ctx, "", r.RequestID, m, &done); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (h *protocolSide) purgeFilter(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	q := *r.Filter
	f := &wirepb.PurgeInstanceFilter{
		CreatedTimeFrom: codec.EncodeTime(q.CreatedFrom), CreatedTimeTo: codec.EncodeTime(q.CreatedTo),
		RuntimeStatus: statuses(q.Statuses), Timeout: codec.EncodeDuration(r.Timeout),
	}
	q.CreatedFrom, q.CreatedTo, q.Statuses, q.Limit, q.Budget = store.Query{}.CreatedFrom, store.Query{}.CreatedTo, nil, 0, 0
	if !bare(&q) {
		return hub.Purged{}, h.cannot("purge", "", "such filter: it knows the time of creation and the status")
	}
	done := hub.Purged{Complete: true}
	err := h.purge(ctx, "", r.RequestID, &wirepb.PurgeInstancesRequest{
		Request: &wirepb.PurgeInstancesRequest_PurgeInstanceFilter{PurgeInstanceFilter: f}, Recursive: r.Recursive, IsOrchestration: true,
	}, &done)
	return done, err
}

func statuses(list []store.Status) (out []wirepb.OrchestrationStatus) {
	for _, s := range list {
		out = append(out, wirepb.OrchestrationStatus(s))
	}
	return out
}

// bare reports whether a query has no condition.
func bare(q *store.Query) bool {
	return q.Kind == store.Orchestration && len(q.Statuses)+len(q.Phases)+len(q.Names)+len(q.Shards) == 0 && q.IDPrefix == "" &&
		q.Parent == "" && q.Agent == "" && q.Session == "" && q.Tag[0] == "" && q.CreatedFrom.IsZero() && q.CreatedTo.IsZero() &&
		q.CompletedFrom.IsZero() && q.CompletedTo.IsZero() && !q.WorkOnly && q.Match == nil
}

// List implements hub.Reads. What the protocol cannot select is chosen here, among what
// it can. The order is the hub's.
func (h *protocolSide) List(ctx context.Context, q store.Query) (hub.Page, error) {
	if q.Kind == store.Entity {
		return h.listEntities(ctx, q)
	}
	if len(q.Phases) > 0 || q.Agent != "" || q.Session != "" || q.WorkOnly || len(q.Shards) > 0 {
		return hub.Page{}, h.cannot("list", "", "phases, agents and sessions")
	}
	if q.Order != store.CreatedDesc {
		return hub.Page{}, h.cannot("list", "", "order of lists")
	}
	if chosen := chooser(&q); chosen != nil {
		q.Match = chosen
		return choose(ctx, q, h.page)
	}
	return h.page(ctx, &q)
}

// chooser returns what chooses among instances by what the protocol cannot select;
// nil if there is nothing such.
func chooser(q *store.Query) func(*store.Record) bool {
	names, parent, tag, match := q.Names, q.Parent, q.Tag, q.Match
	from, to := q.CompletedFrom, q.CompletedTo
	if len(names) == 0 && parent == "" && tag[0] == "" && match == nil && from.IsZero() && to.IsZero() {
		return nil
	}
	return func(r *store.Record) bool {
		value, tagged := r.Tags[tag[0]]
		return (len(names) == 0 || slices.Contains(names, r.Name)) && (parent == "" || r.Parent == parent) &&
			(tag[0] == "" || tagged && value == tag[1]) &&
			(from.IsZero() || !r.Completed.Before(from)) && (to.IsZero() || !r.Completed.IsZero() && r.Completed.Before(to)) &&
			(match == nil || match(r))
	}
}

// page reads one page of orchestrations.
func (h *protocolSide) page(ctx context.Context, q *store.Query) (hub.Page, error) {
	in := &wirepb.QueryInstancesRequest{Query: &wirepb.InstanceQuery{
		RuntimeStatus: statuses(q.Statuses), CreatedTimeFrom: codec.EncodeTime(q.CreatedFrom), CreatedTimeTo: codec.EncodeTime(q.CreatedTo),
		MaxInstanceCount: int32(q.Limit), ContinuationToken: codec.EncodeText(history.NoneIfEmpty(string(q.After))),
		InstanceIdPrefix: codec.EncodeText(history.NoneIfEmpty(q.IDPrefix)),
	}}
	out := &wirepb.QueryInstancesResponse{}
	if err := h.call(ctx, "list", "", protocol+"QueryInstances", in, out, patient); err != nil {
		return hub.Page{}, err
	}
	page := hub.Page{Next: cursor(out.ContinuationToken.GetValue()), Scanned: len(out.OrchestrationState)}
	for _, s := range out.OrchestrationState {
		i, err := codec.DecodeState(s)
		if err != nil {
			return hub.Page{}, err
		}
		page.Items = append(page.Items, i)
	}
	return page, nil
}

func cursor(token string) []byte {
	if token == "" {
		return nil
	}
	return []byte(token)
}

func (h *protocolSide) listEntities(ctx context.Context, q store.Query) (hub.Page, error) {
	list, next, err := h.Entities(ctx, &hub.EntityQuery{Prefix: q.IDPrefix, Transient: true, Limit: q.Limit, After: string(q.After)})
	page := hub.Page{Next: cursor(next), Scanned: len(list)}
	for _, e := range list {
		i := entityInstance(e)
		if len(q.Names) > 0 && !slices.ContainsFunc(q.Names, func(n string) bool { return strings.EqualFold(n, i.Name) }) ||
			q.Match != nil && !q.Match(&i.Record) {
			continue
		}
		page.Items = append(page.Items, i)
	}
	return page, err
}

// Counts implements hub.Reads.
func (h *protocolSide) Counts(context.Context) ([]store.Count, error) {
	return nil, h.cannot("count", "", "counts")
}

// Ended implements hub.Upkeep.
func (h *protocolSide) Ended(ctx context.Context, q *hub.EndedQuery) ([]string, string, error) {
	in := &wirepb.ListInstanceIdsRequest{
		RuntimeStatus: statuses(q.Statuses), CompletedTimeFrom: codec.EncodeTime(q.From), CompletedTimeTo: codec.EncodeTime(q.To),
		PageSize: int32(q.Limit), LastInstanceKey: codec.EncodeText(history.NoneIfEmpty(q.After)),
	}
	out := &wirepb.ListInstanceIdsResponse{}
	err := h.call(ctx, "list what has ended", "", protocol+"ListInstanceIds", in, out, patient)
	return out.InstanceIds, out.LastInstanceKey.GetValue(), err
}

// Entities implements hub.Upkeep.
func (h *protocolSide) Entities(ctx context.Context, q *hub.EntityQuery) ([]*hub.Entity, string, error) {
	in := &wirepb.QueryEntitiesRequest{Query: &wirepb.EntityQuery{
		InstanceIdStartsWith: codec.EncodeText(history.NoneIfEmpty(q.Prefix)), LastModifiedFrom: codec.EncodeTime(q.From),
		LastModifiedTo: codec.EncodeTime(q.To), IncludeState: q.State, IncludeTransient: q.Transient,
		ContinuationToken: codec.EncodeText(history.NoneIfEmpty(q.After)),
	}}
	if q.Limit > 0 {
		in.Query.PageSize = codec.EncodeInt(int32(q.Limit))
	}
	out := &wirepb.QueryEntitiesResponse{}
	if err := h.call(ctx, "list entities", "", protocol+"QueryEntities", in, out, patient); err != nil {
		return nil, "", err
	}
	var list []*hub.Entity
	for _, m := range out.Entities {
		e, err := codec.DecodeEntity(m)
		if err != nil {
			return nil, "", err
		}
		list = append(list, e)
	}
	return list, out.ContinuationToken.GetValue(), nil
}

// CleanEntities implements hub.Upkeep.
func (h *protocolSide) CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error) {
	in := &wirepb.CleanEntityStorageRequest{
		RemoveEmptyEntities: r.Empty, ReleaseOrphanedLocks: r.Locks, ContinuationToken: codec.EncodeText(history.NoneIfEmpty(r.After)),
	}
	out := &wirepb.CleanEntityStorageResponse{}
	err := h.call(ctx, "clean entities", "", protocol+"CleanEntityStorage", in, out, patient)
	return hub.Cleaned{
		Removed: int(out.EmptyEntitiesRemoved), Released: int(out.OrphanedLocksReleased), Next: out.ContinuationToken.GetValue(),
	}, err
}

// TerminateNow implements hub.Upkeep.
func (h *protocolSide) TerminateNow(ctx context.Context, ids []string, reason history.Text) (left []string, err error) {
	for batch := range slices.Chunk(ids, maxBatch) {
		in := &wirepb.SkipGracefulOrchestrationTerminationsRequest{
			InstanceBatch: &wirepb.InstanceBatch{InstanceIds: batch}, Reason: codec.EncodeText(reason),
		}
		out := &wirepb.SkipGracefulOrchestrationTerminationsResponse{}
		if err := h.call(ctx, "terminate", "", protocol+"SkipGracefulOrchestrationTerminations", in, out, once); err != nil {
			return left, err
		}
		left = append(left, out.UnterminatedInstanceIds...)
	}
	return left, nil
}
