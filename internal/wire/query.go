package wire

import (
	"encoding/base64"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// Bounds of a page.
const (
	defaultPage = 100
	maxPage     = 1000
	// maxPageBytes ends a page whose instances are large. Clients take messages of
	// 4 MiB.
	maxPageBytes = 2 << 20
)

func (s *Service) queryInstances(c *call, in *wirepb.QueryInstancesRequest) (*wirepb.QueryInstancesResponse, error) {
	q, err := queryOf(in.GetQuery())
	if err != nil {
		return nil, err
	}
	out := &wirepb.QueryInstancesResponse{}
	for { // a page without instances says nothing; the search goes on
		page, err := c.hub.List(c.ctx, *q)
		if err != nil {
			return nil, err
		}
		fit, err := c.states(page.Items, in.GetQuery().GetFetchInputsAndOutputs(), out)
		if err != nil {
			return nil, err
		}
		if fit < len(page.Items) { // end the page earlier
			q.Limit = fit
			out.OrchestrationState = nil
			continue
		}
		if len(out.OrchestrationState) > 0 || page.Next == nil {
			out.ContinuationToken = encodeCursor(page.Next)
			return out, nil
		}
		q.After = page.Next
	}
}

func queryOf(in *wirepb.InstanceQuery) (*store.Query, error) {
	q := &store.Query{Kind: store.Orchestration, IDPrefix: in.GetInstanceIdPrefix().GetValue()}
	var errs [5]error
	q.CreatedFrom, errs[0] = codec.DecodeTime("created_time_from", in.GetCreatedTimeFrom())
	q.CreatedTo, errs[1] = codec.DecodeTime("created_time_to", in.GetCreatedTimeTo())
	q.Limit, errs[2] = pageSize(in.GetMaxInstanceCount())
	q.After, errs[3] = decodeCursor(in.GetContinuationToken().GetValue())
	q.Statuses, errs[4] = storeStatuses(in.GetRuntimeStatus())
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return q, nil
}

// states appends the states of instances to a page and returns how many fit into
// it, at least one. Those that were purged meanwhile count as well.
func (c *call) states(items []*hub.Instance, payloads bool, out *wirepb.QueryInstancesResponse) (int, error) {
	size := 0
	for n, i := range items {
		if payloads {
			whole, err := c.hub.Instance(c.ctx, i.ID, true)
			if notFound(err) {
				continue
			}
			if err != nil {
				return 0, err
			}
			i = whole
		}
		state := codec.EncodeState(i, payloads)
		if size += proto.Size(state); size > maxPageBytes && n > 0 {
			return n, nil
		}
		out.OrchestrationState = append(out.OrchestrationState, state)
	}
	return len(items), nil
}

func (s *Service) listInstanceIDs(c *call, in *wirepb.ListInstanceIdsRequest) (*wirepb.ListInstanceIdsResponse, error) {
	upkeep, ok := c.hub.(hub.Upkeep)
	if !ok {
		return nil, unimplemented("list of ended instances")
	}
	statuses, err := storeStatuses(in.RuntimeStatus)
	if err != nil {
		return nil, err
	}
	q := &hub.EndedQuery{After: in.GetLastInstanceKey().GetValue()}
	for _, status := range statuses {
		if status.Terminal() {
			q.Statuses = append(q.Statuses, status)
		}
	}
	if len(statuses) > 0 && len(q.Statuses) == 0 { // what is wanted has not ended
		return &wirepb.ListInstanceIdsResponse{}, nil
	}
	var errs [3]error
	q.From, errs[0] = codec.DecodeTime("completed_time_from", in.CompletedTimeFrom)
	q.To, errs[1] = codec.DecodeTime("completed_time_to", in.CompletedTimeTo)
	q.Limit, errs[2] = pageSize(in.PageSize)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	ids, next, err := upkeep.Ended(c.ctx, q)
	return &wirepb.ListInstanceIdsResponse{InstanceIds: ids, LastInstanceKey: codec.EncodeText(history.NoneIfEmpty(next))}, err
}

func (s *Service) purge(c *call, in *wirepb.PurgeInstancesRequest) (*wirepb.PurgeInstancesResponse, error) {
	r := &hub.Purge{RequestID: c.requestID(in.RequestId), Recursive: in.Recursive}
	switch what := in.Request.(type) {
	case *wirepb.PurgeInstancesRequest_InstanceId:
		if err := checkID("purge", what.InstanceId); err != nil {
			return nil, err
		}
		r.IDs = []string{what.InstanceId}
	case *wirepb.PurgeInstancesRequest_InstanceBatch:
		// A batch is answered with a count: those that cannot be purged are not in it.
		r.IDs, r.SkipLive = what.InstanceBatch.GetInstanceIds(), true
		if err := checkBatch("purge", r.IDs); err != nil {
			return nil, err
		}
	case *wirepb.PurgeInstancesRequest_PurgeInstanceFilter:
		if err := purgeFilter(r, what.PurgeInstanceFilter); err != nil {
			return nil, err
		}
		if len(what.PurgeInstanceFilter.GetRuntimeStatus()) > 0 && len(r.Filter.Statuses) == 0 {
			return purged(hub.Purged{Complete: true}), nil // what is wanted has not ended
		}
	default:
		return nil, invalid("purge", "", "the request names no instance, no batch and no filter")
	}
	done, err := c.hub.Purge(c.ctx, r)
	return purged(done), err
}

func purged(done hub.Purged) *wirepb.PurgeInstancesResponse {
	return &wirepb.PurgeInstancesResponse{DeletedInstanceCount: int32(done.Count), IsComplete: wrapperspb.Bool(done.Complete)}
}

// purgeFilter reads the filter of a purge. Only what has ended is purged.
func purgeFilter(r *hub.Purge, in *wirepb.PurgeInstanceFilter) error {
	q := &store.Query{Kind: store.Orchestration}
	statuses, err := storeStatuses(in.GetRuntimeStatus())
	if err != nil {
		return err
	}
	for _, s := range statuses {
		if s.Terminal() {
			q.Statuses = append(q.Statuses, s)
		}
	}
	var errs [3]error
	q.CreatedFrom, errs[0] = codec.DecodeTime("created_time_from", in.GetCreatedTimeFrom())
	q.CreatedTo, errs[1] = codec.DecodeTime("created_time_to", in.GetCreatedTimeTo())
	r.Timeout, errs[2] = codec.DecodeDuration("timeout", in.GetTimeout())
	r.Filter = q
	return errors.Join(errs[:]...)
}

// checkBatch refuses batches that are too large, and ids that no instance can have.
func checkBatch(op string, ids []string) error {
	if len(ids) > maxBatch {
		return invalid(op, "", fmt.Sprintf("the batch has %d instances; at most %d are allowed", len(ids), maxBatch))
	}
	for _, id := range ids {
		if err := checkID(op, id); err != nil {
			return err
		}
	}
	return nil
}

func storeStatuses(list []wirepb.OrchestrationStatus) ([]store.Status, error) {
	statuses, err := codec.DecodeStatuses(list)
	if err != nil {
		return nil, err
	}
	var out []store.Status
	for _, s := range statuses {
		out = append(out, store.Status(s))
	}
	return out, nil
}

func pageSize(n int32) (int, error) {
	switch {
	case n < 0:
		return 0, invalid("query", "", "the size of a page is negative")
	case n == 0:
		return defaultPage, nil
	}
	return min(int(n), maxPage), nil
}

// cursorMark begins a cursor, which therefore is never one of the values that some
// SDKs take for the end of a list.
const cursorMark = "c"

func encodeCursor(next []byte) *wrapperspb.StringValue {
	if next == nil {
		return nil
	}
	return wrapperspb.String(cursorMark + base64.RawURLEncoding.EncodeToString(next))
}

func decodeCursor(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s[1:])
	if err != nil || s[:1] != cursorMark {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "query", Message: "the continuation token is not one of this list"}
	}
	return b, nil
}
