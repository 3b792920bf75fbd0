package wire

import (
	"google.golang.org/grpc"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// Sizes of the chunks of a history, in bytes. An event that is larger is a chunk of
// its own.
const (
	clientChunk = 1<<20 - 16<<10
	workChunk   = 256 << 10
)

// streamHistory sends the events of an execution, nothing if there is none.
func (s *Service) streamHistory(c *call, in *wirepb.StreamInstanceHistoryRequest, stream grpc.ServerStream) error {
	if err := checkID("history", in.InstanceId); err != nil {
		return err
	}
	events, err := c.hub.History(c.ctx, in.InstanceId, in.ExecutionId.GetValue())
	if err != nil {
		if notFound(err) {
			return nil
		}
		return err
	}
	limit := clientChunk
	if in.ForWorkItemProcessing {
		limit = workChunk
	}
	return sendChunks(events, limit, c.own, func(chunk *wirepb.HistoryChunk) error { return stream.SendMsg(chunk) })
}

func sendChunks(events []*history.Event, limit int, own bool, send func(*wirepb.HistoryChunk) error) error {
	chunk, size := &wirepb.HistoryChunk{}, 0
	for _, e := range events {
		b := codec.EncodeEvent(e, own)
		if n := len(b) + 6; size+n > limit && size > 0 { // 6: tag and length
			if err := send(chunk); err != nil {
				return err
			}
			chunk, size = &wirepb.HistoryChunk{}, 0
		}
		chunk.Events = append(chunk.Events, b)
		size += len(b) + 6
	}
	if size == 0 {
		return nil
	}
	return send(chunk)
}
