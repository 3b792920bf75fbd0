package wire

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
)

// shrink returns an item that the worker can receive in place of one that is too
// large for it, nil if there is none: then the item has been settled.
func (w *workStream) shrink(ctx context.Context, work *hub.Work) *hub.Work {
	size := proto.Size(codec.EncodeWork(work, w.worker.Own))
	var err error
	switch {
	case work.Activity != nil:
		err = w.workers.CompleteActivity(ctx, &hub.ActivityDone{
			Delivery: hub.Delivery{Token: work.Token}, Failure: oversized(fmt.Sprintf("activity %q with its input", work.Activity.Name), size),
		})
	case work.Entity != nil:
		if fewer := fewerOperations(work, w.worker.Own); fewer != nil {
			return fewer
		}
		e := work.Entity
		err = w.workers.CompleteEntity(ctx, &hub.EntityDone{
			Delivery: hub.Delivery{Token: work.Token},
			Result: engine.EntityResult{State: e.State, Results: []engine.OperationResult{{
				Failure: oversized(fmt.Sprintf("entity %s with its state and an operation", e.InstanceID), size),
			}}},
		})
	default:
		// The hub holds instances whose history is too large; what it could not know
		// waits for another worker.
		w.s.cfg.Logger.Warn("a work item is too large for its worker", "hub", w.c.name, "bytes", size, "worker", w.worker.ID)
		err = w.workers.Abandon(ctx, hub.Delivery{Token: work.Token})
	}
	if err != nil && !notFound(err) && ctx.Err() == nil {
		w.s.cfg.Logger.Error("a work item that is too large for its worker could not be settled", "hub", w.c.name, "err", err)
	}
	return nil
}

// fewerOperations returns the item with as many of its operations as the worker can
// receive, nil if it is none: the rest is delivered again after them.
func fewerOperations(work *hub.Work, own bool) *hub.Work {
	entity := *work.Entity
	fewer := &hub.Work{Token: work.Token, Entity: &entity}
	for n := len(entity.Operations) / 2; n > 0; n /= 2 {
		entity.Operations = entity.Operations[:n]
		if proto.Size(codec.EncodeWork(fewer, own)) <= codec.MaxItem {
			return fewer
		}
	}
	return nil
}

func oversized(what string, size int) *history.Failure {
	return &history.Failure{Type: "PayloadTooLarge", NonRetriable: true, Message: fmt.Sprintf(
		"%s makes a message of %d bytes; workers of this SDK receive at most %d: pass a reference to the data instead", what, size, codec.MaxItem)}
}
