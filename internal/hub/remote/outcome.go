package remote

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// maxOutcome is the most bytes of an outcome: with more it would not fit into a message
// and would break the connection, again and again.
const maxOutcome = maxMessage - 1<<20

// outcomeOf writes a report for our own service, and says how many bytes it has, about.
// What is too large becomes a failure.
func outcomeOf(r *report) (o *wirepb.HubOutcome, size int) {
	o = &wirepb.HubOutcome{}
	switch {
	case r.turn != nil:
		m := codec.EncodeTurn(r.turn)
		if size = proto.Size(m); size > maxOutcome {
			done := *r.turn
			done.Result = engine.TurnResult{Panicked: true, Actions: []engine.Action{{ID: lastID(&r.turn.Result) + 1, Do: &engine.Complete{
				Status: history.StatusFailed, Failure: tooLarge("the turn asks for", size),
			}}}}
			m = codec.EncodeTurn(&done)
		}
		o.What = &wirepb.HubOutcome_Orchestration{Orchestration: m}
	case r.activity != nil:
		m := codec.EncodeActivityDone(r.activity)
		if size = proto.Size(m); size > maxOutcome {
			done := *r.activity
			done.Result, done.Failure = history.Text{}, tooLarge("the activity returned", size)
			m = codec.EncodeActivityDone(&done)
		}
		o.What = &wirepb.HubOutcome_Activity{Activity: m}
		if r.followUp != nil {
			o.FollowUp = codec.EncodeFollowUp(r.followUp)
			size += proto.Size(o.FollowUp)
		}
	case r.entity != nil:
		m := codec.EncodeEntityDone(r.entity)
		if size = proto.Size(m); size > maxOutcome {
			done := *r.entity
			done.Result = engine.EntityResult{Failure: tooLarge("the operations leave", size)}
			m = codec.EncodeEntityDone(&done)
		}
		o.What = &wirepb.HubOutcome_Entity{Entity: m}
	case r.abandon != nil:
		o.What = &wirepb.HubOutcome_Abandoned{Abandoned: r.abandon.Token}
	case r.heartbeat != nil:
		size = len(r.heartbeat.token) + len(r.heartbeat.progress)
		m := &wirepb.HubHeartbeat{Token: r.heartbeat.token, Progress: codec.Optional(r.heartbeat.text())}
		o.What = &wirepb.HubOutcome_Heartbeat{Heartbeat: m}
	}
	return o, size
}

// lastID is the highest id of the actions of a turn.
func lastID(r *engine.TurnResult) (id int32) {
	for _, a := range r.Actions {
		id = max(id, a.ID)
	}
	return id
}

func tooLarge(what string, size int) *history.Failure {
	return &history.Failure{Type: perdure.ResourceExhausted.String(), NonRetriable: true, Message: fmt.Sprintf(
		"%s %d bytes; a worker can send %d bytes at a time: use references to large data", what, size, maxOutcome)}
}
