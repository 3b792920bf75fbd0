package wire

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// Microsoft's SDK for Java knows no rewinds: it has no answer to one, and fails an
// orchestration whose history tells of one. So its workers are not given any such event, and
// the hub answers in their place.

// knowsNoRewind reports whether a worker is one of that SDK.
func knowsNoRewind(ctx context.Context) bool {
	return strings.HasPrefix(header(ctx, keyAgent), "durabletask-java/") || strings.Contains(header(ctx, keyClient), "grpc-java")
}

// withoutRewinds takes rewinds out of what a worker is sent of a turn. It reports false if
// the turn is to rewind the orchestration: then it was answered.
func (w *workStream) withoutRewinds(ctx context.Context, work *hub.Work) bool {
	o := work.Orchestration
	if !slices.ContainsFunc(o.New, tellsOfRewind) {
		if slices.ContainsFunc(o.Past, tellsOfRewind) {
			o.Past = slices.DeleteFunc(slices.Clone(o.Past), tellsOfRewind)
		}
		return true
	}
	err := w.workers.CompleteOrchestration(ctx, &hub.OrchestrationDone{
		Delivery: hub.Delivery{Token: work.Token, InstanceID: o.InstanceID},
		Result:   engine.TurnResult{Actions: []engine.Action{{ID: -1, Do: &engine.Rewind{ByHub: true}}}},
	})
	if err != nil && !notFound(err) && ctx.Err() == nil {
		w.s.cfg.Logger.Error("an orchestration whose worker knows no rewinds could not be rewound", "hub", w.c.name, "instance", o.InstanceID, "err", err)
		w.s.giveBack(w.c, w.workers, hub.Delivery{Token: work.Token, InstanceID: o.InstanceID})
	}
	return false
}

// tellsOfRewind reports whether an encoded event is of a rewind.
func tellsOfRewind(event []byte) bool {
	for len(event) > 0 {
		num, kind, n := protowire.ConsumeTag(event)
		if n < 0 || history.Kind(num) == history.KindExecutionRewound {
			return n >= 0
		}
		m := protowire.ConsumeFieldValue(num, kind, event[n:])
		if m < 0 {
			return false
		}
		event = event[n+m:]
	}
	return false
}
