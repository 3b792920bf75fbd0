package wire_test

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// everyRPC returns each call of the protocol with a request to it.
func everyRPC() map[string]proto.Message {
	return map[string]proto.Message{
		"Hello":                     &emptypb.Empty{},
		"StartInstance":             &wirepb.CreateInstanceRequest{Name: "patient"},
		"GetInstance":               &wirepb.GetInstanceRequest{InstanceId: "i"},
		"WaitForInstanceStart":      &wirepb.GetInstanceRequest{InstanceId: "i"},
		"WaitForInstanceCompletion": &wirepb.GetInstanceRequest{InstanceId: "i"},
		"RaiseEvent":                &wirepb.RaiseEventRequest{InstanceId: "i", Name: "e"},
		"TerminateInstance":         &wirepb.TerminateRequest{InstanceId: "i"},
		"SuspendInstance":           &wirepb.SuspendRequest{InstanceId: "i"},
		"ResumeInstance":            &wirepb.ResumeRequest{InstanceId: "i"},
		"RewindInstance":            &wirepb.RewindInstanceRequest{InstanceId: "i"},
		"RestartInstance":           &wirepb.RestartInstanceRequest{InstanceId: "i"},
		"QueryInstances":            &wirepb.QueryInstancesRequest{},
		"ListInstanceIds":           &wirepb.ListInstanceIdsRequest{},
		"PurgeInstances":            &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: "i"}},
		"CreateTaskHub":             &wirepb.CreateTaskHubRequest{},
		"DeleteTaskHub":             &wirepb.DeleteTaskHubRequest{},
		"SignalEntity":              &wirepb.SignalEntityRequest{InstanceId: "@e@k", Name: "o", RequestId: "8f14e45f-ceea-467f-a0e6-1f0f3c2b1a00"},
		"GetEntity":                 &wirepb.GetEntityRequest{InstanceId: "@e@k"},
		"QueryEntities":             &wirepb.QueryEntitiesRequest{},
		"CleanEntityStorage":        &wirepb.CleanEntityStorageRequest{RemoveEmptyEntities: true, ReleaseOrphanedLocks: true},
		"GetWorkItems":              &wirepb.GetWorkItemsRequest{},
		"StreamInstanceHistory":     &wirepb.StreamInstanceHistoryRequest{InstanceId: "i"},
		"CompleteActivityTask":      &wirepb.ActivityResponse{CompletionToken: "t"},
		"CompleteOrchestratorTask":  &wirepb.OrchestratorResponse{CompletionToken: "t"},
		"CompleteEntityTask":        &wirepb.EntityBatchResult{CompletionToken: "t"},
		"AbandonTaskEntityWorkItem": &wirepb.AbandonEntityTaskRequest{CompletionToken: "t"},
		"AbandonTaskActivityWorkItem": &wirepb.AbandonActivityTaskRequest{
			CompletionToken: "t",
		},
		"AbandonTaskOrchestratorWorkItem": &wirepb.AbandonOrchestrationTaskRequest{CompletionToken: "t"},
		"SkipGracefulOrchestrationTerminations": &wirepb.SkipGracefulOrchestrationTerminationsRequest{
			InstanceBatch: &wirepb.InstanceBatch{InstanceIds: []string{"i"}},
		},
	}
}

// any makes a call and returns the bytes of the last message of the answer.
func (s *server) any(ctx context.Context, rpc string, in proto.Message) (*emptypb.Empty, error) {
	out := &emptypb.Empty{} // keeps what it does not know
	if rpc != "GetWorkItems" && rpc != "StreamInstanceHistory" {
		return out, s.conn.Invoke(ctx, "/TaskHubSidecarService/"+rpc, in, out)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/"+rpc)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(in); err != nil {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	err = stream.RecvMsg(out)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return out, err
}
