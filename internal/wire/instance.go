package wire

import (
	"slices"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

func (s *Service) startInstance(c *call, in *wirepb.CreateInstanceRequest) (*wirepb.CreateInstanceResponse, error) {
	if in.InstanceId != "" {
		if err := checkID("start", in.InstanceId); err != nil {
			return nil, err
		}
	}
	at, err := codec.DecodeTime("the scheduled start", in.ScheduledStartTimestamp)
	if err != nil {
		return nil, err
	}
	replace, err := replaceable(in.OrchestrationIdReusePolicy)
	if err != nil {
		return nil, err
	}
	started, err := c.hub.Start(c.ctx, &hub.Start{
		RequestID: c.requestID(in.RequestId), InstanceID: in.InstanceId, Name: in.Name, Version: codec.DecodeText(in.Version),
		Input: codec.DecodeText(in.Input), ExecutionID: in.ExecutionId.GetValue(), StartAt: at, Tags: in.Tags,
		Trace: codec.DecodeTrace(in.ParentTraceContext), Replace: replace,
	})
	if err != nil {
		return nil, err
	}
	return &wirepb.CreateInstanceResponse{InstanceId: started.InstanceID}, nil
}

// replaceable returns the statuses in which an existing instance may be replaced.
// The text of its error is one that SDKs look for.
func replaceable(p *wirepb.OrchestrationIdReusePolicy) ([]history.Status, error) {
	statuses, err := codec.DecodeStatuses(p.GetReplaceableStatus())
	if err != nil {
		return nil, err
	}
	live := func(s history.Status) bool {
		return s == history.StatusRunning || s == history.StatusPending || s == history.StatusSuspended
	}
	if slices.ContainsFunc(statuses, live) && !slices.Contains(statuses, history.StatusTerminated) {
		return nil, invalid("", "", "Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances")
	}
	return statuses, nil
}

func (s *Service) getInstance(c *call, in *wirepb.GetInstanceRequest) (*wirepb.GetInstanceResponse, error) {
	if err := checkID("get", in.InstanceId); err != nil {
		return nil, err
	}
	if isEntity(in.InstanceId) {
		return &wirepb.GetInstanceResponse{}, nil
	}
	i, err := c.hub.Instance(c.ctx, in.InstanceId, in.GetInputsAndOutputs)
	if notFound(err) {
		return &wirepb.GetInstanceResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return found(i, in.GetInputsAndOutputs), nil
}

func found(i *hub.Instance, payloads bool) *wirepb.GetInstanceResponse {
	return &wirepb.GetInstanceResponse{Exists: true, OrchestrationState: codec.EncodeState(i, payloads)}
}

// A wait never ends before the instance has started or ended, or the caller gives
// up: .NET takes an end without a result for the instance not existing.

func (s *Service) waitStart(c *call, in *wirepb.GetInstanceRequest) (*wirepb.GetInstanceResponse, error) {
	if err := checkID("wait", in.InstanceId); err != nil {
		return nil, err
	}
	i, err := c.hub.WaitStart(c.ctx, in.InstanceId)
	if err != nil {
		return nil, err
	}
	return c.waited(i, in.GetInputsAndOutputs)
}

func (s *Service) waitCompletion(c *call, in *wirepb.GetInstanceRequest) (*wirepb.GetInstanceResponse, error) {
	if err := checkID("wait", in.InstanceId); err != nil {
		return nil, err
	}
	i, err := c.hub.WaitCompletion(c.ctx, in.InstanceId)
	if err != nil {
		return nil, err
	}
	return c.waited(i, in.GetInputsAndOutputs)
}

// waited answers a wait. The input, which the wait may lack, is read if it is still
// the same execution that was waited for.
func (c *call) waited(i *hub.Instance, payloads bool) (*wirepb.GetInstanceResponse, error) {
	if !payloads {
		return found(i, false), nil
	}
	whole, err := c.hub.Instance(c.ctx, i.ID, true)
	if err != nil && !notFound(err) {
		return nil, err
	}
	if err == nil && whole.Execution == i.Execution && whole.Incarnation == i.Incarnation {
		i = whole
	}
	return found(i, true), nil
}
