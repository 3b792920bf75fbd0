package codec

import (
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// EncodeState writes the state of an orchestration. Without payloads, input and
// output are left out.
func EncodeState(in *hub.Instance, payloads bool) *wirepb.OrchestrationState {
	s := &wirepb.OrchestrationState{
		InstanceId: valid(in.ID), Name: valid(in.Name), Version: EncodeText(in.AppVersion),
		OrchestrationStatus: wirepb.OrchestrationStatus(in.Status), ScheduledStartTimestamp: EncodeTime(in.StartAt),
		CreatedTimestamp: EncodeTime(in.Created), LastUpdatedTimestamp: EncodeTime(in.Updated),
		CustomStatus: EncodeText(in.CustomStatus), FailureDetails: EncodeFailure(in.Failure),
		ExecutionId: EncodeText(history.NoneIfEmpty(in.Execution)), CompletedTimestamp: EncodeTime(in.Completed),
		ParentInstanceId: EncodeText(history.NoneIfEmpty(in.Parent)), Tags: encodeTags(in.Tags),
	}
	if s.LastUpdatedTimestamp == nil { // .NET reads it without looking
		s.LastUpdatedTimestamp = s.CreatedTimestamp
	}
	if payloads {
		s.Input, s.Output = EncodeText(in.Input), EncodeText(in.Output)
	}
	return s
}

// DecodeState reads the state of an orchestration. What the protocol does not
// tell is absent.
func DecodeState(s *wirepb.OrchestrationState) (*hub.Instance, error) {
	d := &decoder{}
	in := &hub.Instance{
		Record: store.Record{
			ID: s.GetInstanceId(), Name: s.GetName(), Status: store.Status(s.GetOrchestrationStatus()),
			Created: d.time("a time of creation", s.GetCreatedTimestamp()), Completed: d.time("a time of completion", s.GetCompletedTimestamp()),
			Execution: s.GetExecutionId().GetValue(), Parent: s.GetParentInstanceId().GetValue(), Tags: s.GetTags(),
		},
		AppVersion: DecodeText(s.GetVersion()), Updated: d.time("a time of change", s.GetLastUpdatedTimestamp()),
		StartAt:      d.time("a time of start", s.GetScheduledStartTimestamp()),
		CustomStatus: DecodeText(s.GetCustomStatus()), Failure: DecodeFailure(s.GetFailureDetails()),
		Input: DecodeText(s.GetInput()), Output: DecodeText(s.GetOutput()),
	}
	return in, d.err
}

// EncodeEntity writes what is known of an entity.
func EncodeEntity(e *hub.Entity, state bool) *wirepb.EntityMetadata {
	m := &wirepb.EntityMetadata{
		InstanceId: valid(e.ID), LastModifiedTime: EncodeTime(e.Modified), BacklogQueueSize: int32(e.Queue),
		LockedBy: EncodeText(history.NoneIfEmpty(e.LockedBy)),
	}
	if m.LastModifiedTime == nil {
		m.LastModifiedTime = EncodeTime(time.Unix(0, 0))
	}
	if state {
		m.SerializedState = EncodeText(e.State)
	}
	return m
}

// DecodeEntity reads what is known of an entity.
func DecodeEntity(m *wirepb.EntityMetadata) (*hub.Entity, error) {
	d := &decoder{}
	e := &hub.Entity{
		ID: m.GetInstanceId(), Modified: d.time("a time of change", m.GetLastModifiedTime()), Queue: int(m.GetBacklogQueueSize()),
		LockedBy: m.GetLockedBy().GetValue(), State: DecodeText(m.GetSerializedState()),
	}
	return e, d.err
}
