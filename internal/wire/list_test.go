package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW40Queries lists instances by all that a query may ask for.
func TestW40Queries(t *testing.T) {
	s := serve(t, code(local))
	began := time.Now()
	for i := range 25 {
		s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: fmt.Sprintf("a-%02d", i), Name: "echoing", Input: text(`"in"`)}))
	}
	s.instanceIn("b-failed", failed)
	s.instanceIn("b-running", running_)
	query := func(q *wirepb.InstanceQuery) (ids []string) {
		t.Helper()
		seen := map[string]bool{"0": true}
		for {
			page := do[wirepb.QueryInstancesResponse](s, "QueryInstances", &wirepb.QueryInstancesRequest{Query: q})
			if max := int(q.MaxInstanceCount); max > 0 && len(page.OrchestrationState) > max {
				t.Errorf("a page of at most %d has %d instances", max, len(page.OrchestrationState))
			}
			for _, state := range page.OrchestrationState {
				ids = append(ids, state.InstanceId)
				if (state.Input != nil) != q.FetchInputsAndOutputs {
					t.Errorf("%s is listed with input %v, want it only if asked for: %v", state.InstanceId, state.Input, q.FetchInputsAndOutputs)
				}
				if state.CreatedTimestamp == nil || state.LastUpdatedTimestamp == nil {
					t.Errorf("%s is listed without times", state.InstanceId)
				}
			}
			if page.ContinuationToken.GetValue() == "" {
				slices.Sort(ids)
				return ids
			}
			if seen[page.ContinuationToken.Value] {
				t.Fatalf("the continuation token %s comes twice", page.ContinuationToken.Value)
			}
			seen[page.ContinuationToken.Value] = true
			q.ContinuationToken = page.ContinuationToken
		}
	}
	if got := query(&wirepb.InstanceQuery{}); len(got) != 27 {
		t.Errorf("all = %v, want 27", got)
	}
	for _, size := range []int32{1, 7, 25, 1000} {
		got := query(&wirepb.InstanceQuery{MaxInstanceCount: size, InstanceIdPrefix: text("a-"), FetchInputsAndOutputs: size == 7})
		if len(got) != 25 || len(slices.Compact(got)) != 25 {
			t.Errorf("pages of %d = %v, want each of 25 once", size, got)
		}
	}
	if got, want := query(&wirepb.InstanceQuery{RuntimeStatus: []wirepb.OrchestrationStatus{failed, running_}}), []string{"b-failed", "b-running"}; !slices.Equal(got, want) {
		t.Errorf("failed and running = %v, want %v", got, want)
	}
	cut := s.get("b-failed").CreatedTimestamp
	if got, want := query(&wirepb.InstanceQuery{CreatedTimeFrom: cut}), []string{"b-failed", "b-running"}; !slices.Equal(got, want) {
		t.Errorf("created from %v = %v, want %v", cut.AsTime(), got, want)
	}
	if got := query(&wirepb.InstanceQuery{CreatedTimeFrom: timestamppb.New(began.Add(-time.Second)), CreatedTimeTo: cut}); len(got) != 25 {
		t.Errorf("created before %v = %v, want 25", cut.AsTime(), got)
	}
	if got := query(&wirepb.InstanceQuery{InstanceIdPrefix: text("none")}); got != nil {
		t.Errorf("of a prefix that nobody has = %v, want none", got)
	}
	for name, q := range map[string]*wirepb.InstanceQuery{
		"a token that is none":    {ContinuationToken: text("0")},
		"a status that is none":   {RuntimeStatus: []wirepb.OrchestrationStatus{99}},
		"a time that is none":     {CreatedTimeFrom: &timestamppb.Timestamp{Seconds: -1 << 62}},
		"a page of less than one": {MaxInstanceCount: -1},
	} {
		_, err := call[wirepb.QueryInstancesResponse](s.ctx, s, "QueryInstances", &wirepb.QueryInstancesRequest{Query: q})
		wantStatus(t, "QueryInstances("+name+")", err, codes.InvalidArgument)
	}
}

// TestW40PagesFitIntoMessages lists instances whose payloads together are more than
// clients receive.
func TestW40PagesFitIntoMessages(t *testing.T) {
	s := serve(t, code(local))
	for i := range 8 {
		s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint(i), Name: "echoing", Input: text(`"` + strings.Repeat("x", 600_000) + `"`)}))
	}
	q, got := &wirepb.InstanceQuery{FetchInputsAndOutputs: true}, 0
	for {
		var page wirepb.QueryInstancesResponse
		err := s.conn.Invoke(s.ctx, "/TaskHubSidecarService/QueryInstances", &wirepb.QueryInstancesRequest{Query: q}, &page, grpc.MaxCallRecvMsgSize(4<<20))
		if err != nil {
			t.Fatalf("a page = %v, want one that fits into 4 MiB", err)
		}
		got += len(page.OrchestrationState)
		if page.ContinuationToken == nil {
			break
		}
		q.ContinuationToken = page.ContinuationToken
	}
	if got != 8 {
		t.Errorf("the pages have %d instances, want 8", got)
	}
}

// TestW41ListsTheEnded pages through instances by the time of their end, while others
// end.
func TestW41ListsTheEnded(t *testing.T) {
	s := serve(t, code(local))
	s.instanceIn("running", running_)
	for i := range 9 {
		s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint(8 - i), Name: "echoing", Input: text(`""`)}))
	}
	s.instanceIn("failed", failed)
	list := func(in *wirepb.ListInstanceIdsRequest, between func()) (ids []string) {
		for {
			page := do[wirepb.ListInstanceIdsResponse](s, "ListInstanceIds", in)
			ids = append(ids, page.InstanceIds...)
			if page.LastInstanceKey == nil {
				return ids
			}
			in.LastInstanceKey = page.LastInstanceKey
			between()
		}
	}
	n := 0
	got := list(&wirepb.ListInstanceIdsRequest{PageSize: 2}, func() {
		if n++; n < 4 {
			s.wait(s.start(&wirepb.CreateInstanceRequest{InstanceId: fmt.Sprintf("new-%d", n), Name: "echoing", Input: text(`""`)}))
		}
	})
	want := []string{"8", "7", "6", "5", "4", "3", "2", "1", "0", "failed"}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("ListInstanceIds() = %v, want %v and those that ended meanwhile", got, want)
	}
	none := func() {}
	if got, want := list(&wirepb.ListInstanceIdsRequest{RuntimeStatus: []wirepb.OrchestrationStatus{failed, running_}}, none), []string{"failed"}; !slices.Equal(got, want) {
		t.Errorf("ListInstanceIds(failed, running) = %v, want %v", got, want)
	}
	if got := list(&wirepb.ListInstanceIdsRequest{RuntimeStatus: []wirepb.OrchestrationStatus{running_}}, none); got != nil {
		t.Errorf("ListInstanceIds(running) = %v, want none", got)
	}
	end := s.get("5").CompletedTimestamp
	if got, want := list(&wirepb.ListInstanceIdsRequest{CompletedTimeTo: end}, none), []string{"8", "7", "6"}; !slices.Equal(got, want) {
		t.Errorf("ListInstanceIds(before the end of 5) = %v, want %v", got, want)
	}
}

// TestW42Purges by id, batch and filter.
func TestW42Purges(t *testing.T) {
	s := serve(t, code(local))
	purge := func(in *wirepb.PurgeInstancesRequest, want int32) {
		t.Helper()
		got := do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", in)
		if got.DeletedInstanceCount != want || !got.IsComplete.GetValue() {
			t.Errorf("PurgeInstances(%v) = %v, want %d, complete", in, got, want)
		}
	}
	byID := func(id string) *wirepb.PurgeInstancesRequest {
		return &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id}}
	}
	s.instanceIn("live", running_)
	s.instanceIn("done", completed)
	purge(byID("none"), 0)
	purge(byID("done"), 1)
	purge(byID("done"), 0)
	if s.get("done") != nil {
		t.Error("a purged instance is still there")
	}
	_, err := call[wirepb.PurgeInstancesResponse](s.ctx, s, "PurgeInstances", byID("live"))
	wantStatus(t, "PurgeInstances(a running one)", err, codes.FailedPrecondition)
	s.instanceIn("x", completed)
	s.instanceIn("y", failed)
	batch := &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceBatch{InstanceBatch: &wirepb.InstanceBatch{InstanceIds: []string{"x", "live", "none", "y"}}}}
	purge(batch, 2)
	batch.GetInstanceBatch().InstanceIds = slices.Repeat([]string{"none"}, 501)
	_, err = call[wirepb.PurgeInstancesResponse](s.ctx, s, "PurgeInstances", batch)
	wantStatus(t, "PurgeInstances(501 ids)", err, codes.InvalidArgument)
	_, err = call[wirepb.PurgeInstancesResponse](s.ctx, s, "PurgeInstances", &wirepb.PurgeInstancesRequest{})
	wantStatus(t, "PurgeInstances(nothing)", err, codes.InvalidArgument)
	filter := func(f *wirepb.PurgeInstanceFilter) *wirepb.PurgeInstancesRequest {
		return &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_PurgeInstanceFilter{PurgeInstanceFilter: f}}
	}
	s.instanceIn("x", completed)
	s.instanceIn("y", failed)
	purge(filter(&wirepb.PurgeInstanceFilter{RuntimeStatus: []wirepb.OrchestrationStatus{running_}}), 0)
	purge(filter(&wirepb.PurgeInstanceFilter{RuntimeStatus: []wirepb.OrchestrationStatus{failed, running_}}), 1)
	purge(filter(&wirepb.PurgeInstanceFilter{CreatedTimeTo: s.get("live").CreatedTimestamp}), 0)
	purge(filter(&wirepb.PurgeInstanceFilter{}), 1)
	if s.get("live") == nil {
		t.Error("a filter has purged a running instance")
	}
	for i := range 5 {
		s.instanceIn(fmt.Sprint(i), completed)
	}
	early := do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", filter(&wirepb.PurgeInstanceFilter{Timeout: durationpb.New(1)}))
	if early.IsComplete == nil || early.IsComplete.Value {
		t.Errorf("PurgeInstances(1 ns) = %v, want it not complete", early)
	}
	purge(filter(&wirepb.PurgeInstanceFilter{Timeout: durationpb.New(time.Minute)}), 5-early.DeletedInstanceCount)
}

// TestW42PurgesFamilies purges a parent with its children.
func TestW42PurgesFamilies(t *testing.T) {
	s := serve(t, code(local))
	for _, recursive := range []bool{false, true} {
		s.start(&wirepb.CreateInstanceRequest{InstanceId: "p", Name: "parent", Input: text(`""`)})
		s.untilStatus("p-child", running_)
		s.raise("p-child", "go on", `""`)
		s.wait("p")
		if got := s.get("p-child").ParentInstanceId.GetValue(); got != "p" {
			t.Errorf("parent of the child = %q, want p", got)
		}
		got := do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", &wirepb.PurgeInstancesRequest{
			Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: "p"}, Recursive: recursive,
		})
		want := map[bool]int32{false: 1, true: 2}[recursive]
		if got.DeletedInstanceCount != want || (s.get("p-child") == nil) != recursive {
			t.Errorf("PurgeInstances(recursive %v) = %v, want %d", recursive, got, want)
		}
	}
}
