package wire

import (
	"context"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

func (s *Service) raiseEvent(c *call, in *wirepb.RaiseEventRequest) (*wirepb.RaiseEventResponse, error) {
	if err := checkID("raise event", in.InstanceId); err != nil {
		return nil, err
	}
	err := c.hub.Raise(c.ctx, &hub.Raise{
		RequestID: c.requestID(in.RequestId), InstanceID: in.InstanceId, Name: in.Name, Data: codec.DecodeText(in.Input),
	})
	return &wirepb.RaiseEventResponse{}, err
}

func (s *Service) terminate(c *call, in *wirepb.TerminateRequest) (*wirepb.TerminateResponse, error) {
	_, err := c.control(&hub.Control{
		Kind: hub.Terminate, RequestID: in.RequestId, InstanceID: in.InstanceId, Reason: codec.DecodeText(in.Output), Recursive: in.Recursive,
	})
	return &wirepb.TerminateResponse{}, err
}

func (s *Service) suspend(c *call, in *wirepb.SuspendRequest) (*wirepb.SuspendResponse, error) {
	_, err := c.control(&hub.Control{Kind: hub.Suspend, RequestID: in.RequestId, InstanceID: in.InstanceId, Reason: codec.DecodeText(in.Reason)})
	return &wirepb.SuspendResponse{}, err
}

func (s *Service) resume(c *call, in *wirepb.ResumeRequest) (*wirepb.ResumeResponse, error) {
	_, err := c.control(&hub.Control{Kind: hub.Resume, RequestID: in.RequestId, InstanceID: in.InstanceId, Reason: codec.DecodeText(in.Reason)})
	return &wirepb.ResumeResponse{}, err
}

func (s *Service) rewind(c *call, in *wirepb.RewindInstanceRequest) (*wirepb.RewindInstanceResponse, error) {
	r := &hub.Control{Kind: hub.Rewind, RequestID: in.RequestId, InstanceID: in.InstanceId, Reason: codec.DecodeText(in.Reason),
		To: int(in.To), Execution: in.Execution}
	if in.Asked != nil {
		r.Asked = &hub.Point{To: int(in.Asked.To), Execution: in.Asked.Execution}
	}
	_, err := c.control(r)
	return &wirepb.RewindInstanceResponse{}, err
}

func (s *Service) restart(c *call, in *wirepb.RestartInstanceRequest) (*wirepb.RestartInstanceResponse, error) {
	id, err := c.control(&hub.Control{
		Kind: hub.Restart, RequestID: in.RequestId, InstanceID: in.InstanceId, NewID: in.RestartWithNewInstanceId,
	})
	return &wirepb.RestartInstanceResponse{InstanceId: id}, err
}

func (c *call) control(r *hub.Control) (string, error) {
	if err := checkID("control", r.InstanceID); err != nil {
		return "", err
	}
	r.RequestID = c.requestID(r.RequestID)
	return c.hub.Control(c.ctx, r)
}

// terminateNow ends instances without asking their code.
func (s *Service) terminateNow(c *call, in *wirepb.SkipGracefulOrchestrationTerminationsRequest) (*wirepb.SkipGracefulOrchestrationTerminationsResponse, error) {
	ids := in.GetInstanceBatch().GetInstanceIds()
	if err := checkBatch("terminate", ids); err != nil {
		return nil, err
	}
	upkeep, ok := c.hub.(hub.Upkeep)
	if !ok {
		return nil, unimplemented("forced termination")
	}
	var reason history.Text
	if in.Reason != nil {
		reason = codec.DecodeText(in.Reason)
	}
	left, err := upkeep.TerminateNow(c.ctx, ids, reason)
	return &wirepb.SkipGracefulOrchestrationTerminationsResponse{UnterminatedInstanceIds: left}, err
}

func (s *Service) createHub(ctx context.Context, in *wirepb.CreateTaskHubRequest) (*wirepb.CreateTaskHubResponse, error) {
	return &wirepb.CreateTaskHubResponse{}, s.cfg.Hubs.Create(acting(ctx), HubName(ctx), in.RecreateIfExists)
}

func (s *Service) deleteHub(ctx context.Context, _ *wirepb.DeleteTaskHubRequest) (*wirepb.DeleteTaskHubResponse, error) {
	return &wirepb.DeleteTaskHubResponse{}, s.cfg.Hubs.Delete(acting(ctx), HubName(ctx))
}
