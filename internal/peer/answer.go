package peer

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// answerLetter answers a call that has come as a letter.
func (h *Hub) answerLetter(c *wirepb.NodeCall) *wirepb.NodeAnswer { return h.Answer(h.ctx, c) }

// Answer answers the call of another node: as the holder of shards, or else by saying
// that it is none. It passes nothing on.
func (h *Hub) Answer(ctx context.Context, c *wirepb.NodeCall) *wirepb.NodeAnswer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.ctx, func() { cancel(errStopped) })()
	if a := c.GetActor(); a != nil {
		ctx = hub.WithActor(ctx, &hub.Actor{By: a.By, For: a.For, From: a.From, Client: a.Client, Action: a.Action, Reason: a.Reason})
	}
	if p := c.GetPatience(); p != nil {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, p.AsDuration())
		defer end()
	}
	a, err := h.answer(ctx, c)
	switch {
	case err == nil:
		return a
	case elsewhere(err):
		return &wirepb.NodeAnswer{Elsewhere: true}
	}
	return &wirepb.NodeAnswer{Error: codec.EncodeOwnError(err)}
}

func (h *Hub) answer(ctx context.Context, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	switch m := c.GetWhat().(type) {
	case *wirepb.NodeCall_Start, *wirepb.NodeCall_Raise, *wirepb.NodeCall_Signal, *wirepb.NodeCall_Control,
		*wirepb.NodeCall_Purge, *wirepb.NodeCall_Terminate, *wirepb.NodeCall_Write, *wirepb.NodeCall_Clean:
		return h.command(ctx, c)
	case *wirepb.NodeCall_Ask, *wirepb.NodeCall_WaitStart, *wirepb.NodeCall_WaitCompletion:
		return h.waitFor(ctx, c)
	case *wirepb.NodeCall_Arrived:
		h.owner.Arrived(m.Arrived.GetTargets())
		return done(nil)
	case *wirepb.NodeCall_Holds:
		list, err := h.holds(ctx, shardsOf(m.Holds))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Holds{Holds: encodeHeld(list)}}, err
	case *wirepb.NodeCall_Demand:
		loads, err := h.owner.Demand(ctx)
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Loads{Loads: encodeLoads(loads)}}, err
	case *wirepb.NodeCall_Standing:
		list, err := h.owner.Standing(ctx, m.Standing.GetIds(), codec.NarrowInt(m.Standing.GetMost()))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Overlay{Overlay: encodeStanding(list)}}, err
	case *wirepb.NodeCall_Watch, *wirepb.NodeCall_WatchDemand, *wirepb.NodeCall_Worker, *wirepb.NodeCall_Fetch, *wirepb.NodeCall_Places, *wirepb.NodeCall_Leave:
		return h.session(ctx, c)
	}
	return h.outcome(ctx, c)
}

// command carries out what changes instances of the shards held here.
func (h *Hub) command(ctx context.Context, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	switch m := c.GetWhat().(type) {
	case *wirepb.NodeCall_Start:
		s, err := h.owner.Start(ctx, codec.DecodeStart(m.Start))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Started{Started: &wirepb.HubStarted{
			InstanceId: s.InstanceID, ExecutionId: s.ExecutionID, Existing: s.Existing,
		}}}, err
	case *wirepb.NodeCall_Raise:
		return done(h.owner.Raise(ctx, codec.DecodeRaise(m.Raise)))
	case *wirepb.NodeCall_Signal:
		return done(h.owner.Signal(ctx, codec.DecodeSignal(m.Signal)))
	case *wirepb.NodeCall_Control:
		id, err := h.owner.Control(ctx, codec.DecodeControl(m.Control))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Controlled{Controlled: &wirepb.HubControlled{InstanceId: id}}}, err
	case *wirepb.NodeCall_Purge:
		p, err := h.owner.Purge(ctx, codec.DecodePurge(m.Purge))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Purged{Purged: &wirepb.HubPurged{Count: int64(p.Count), Complete: p.Complete}}}, err
	case *wirepb.NodeCall_Terminate:
		left, err := h.owner.TerminateNow(ctx, m.Terminate.GetIds(), codec.TextOf(m.Terminate.Reason))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Left{Left: &wirepb.HubLeft{Ids: left}}}, err
	case *wirepb.NodeCall_Write:
		return done(h.owner.WriteRows(ctx, codec.DecodeWriteRows(m.Write)))
	case *wirepb.NodeCall_Clean:
		d, err := h.owner.CleanEntities(ctx, &hub.CleanEntities{Empty: m.Clean.Empty, Locks: m.Clean.Locks, After: m.Clean.After})
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Cleaned{Cleaned: &wirepb.HubCleaned{
			Removed: int64(d.Removed), Released: int64(d.Released), Next: d.Next,
		}}}, err
	}
	return nil, strange(c)
}

// waitFor waits for what becomes of an instance.
func (h *Hub) waitFor(ctx context.Context, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	instance := func(in *hub.Instance, err error) (*wirepb.NodeAnswer, error) {
		if err != nil {
			return nil, err
		}
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Instance{Instance: codec.EncodeInstance(in)}}, nil
	}
	switch m := c.GetWhat().(type) {
	case *wirepb.NodeCall_WaitStart:
		return instance(h.owner.WaitStart(ctx, m.WaitStart.GetId()))
	case *wirepb.NodeCall_WaitCompletion:
		return instance(h.owner.WaitCompletion(ctx, m.WaitCompletion.GetId()))
	case *wirepb.NodeCall_Ask:
		answer, err := h.owner.Ask(ctx, codec.DecodeAsk(m.Ask))
		out := &wirepb.HubAnswer{Result: codec.Optional(answer)}
		if failed, ok := err.(*perdure.StepError); ok {
			out, err = &wirepb.HubAnswer{Failure: codec.EncodeFailure(perdure.FailureOf(failed))}, nil
		}
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Answer{Answer: out}}, err
	}
	return nil, strange(c)
}

// outcome takes in what a worker says of an item.
func (h *Hub) outcome(ctx context.Context, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	switch m := c.GetWhat().(type) {
	case *wirepb.NodeCall_Complete:
		return done(h.owner.Complete(ctx, m.Complete.GetToken(), codec.TextOf(m.Complete.Result), codec.DecodeFailure(m.Complete.Failure)))
	case *wirepb.NodeCall_Heartbeat:
		return done(h.owner.Heartbeat(ctx, m.Heartbeat.GetToken(), codec.TextOf(m.Heartbeat.Progress)))
	case *wirepb.NodeCall_Turn:
		turn, _, err := codec.DecodeTurn(m.Turn, true)
		if err != nil {
			return nil, err
		}
		return done(h.owner.CompleteOrchestration(ctx, turn))
	case *wirepb.NodeCall_Activity:
		return done(h.owner.CompleteActivity(ctx, codec.DecodeActivityDone(m.Activity, true)))
	case *wirepb.NodeCall_Batch:
		b, _, err := codec.DecodeEntityDone(m.Batch, true)
		if err != nil {
			return nil, err
		}
		return done(h.owner.CompleteEntity(ctx, b))
	case *wirepb.NodeCall_Abandon:
		d := m.Abandon
		return done(h.owner.Abandon(ctx, hub.Delivery{Token: d.GetToken(), InstanceID: d.GetInstanceId(), TaskID: d.GetTaskId(), Lost: d.GetLost()}))
	}
	return nil, strange(c)
}

// session opens something for another node, or goes on with it.
func (h *Hub) session(ctx context.Context, c *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	switch m := c.GetWhat().(type) {
	case *wirepb.NodeCall_Watch:
		o, err := h.here.watch(ctx, store.RowKind(codec.Narrow16(m.Watch.GetKind())), m.Watch.GetOwner())
		if err != nil {
			return nil, err
		}
		return h.sessions.add(c.From, o), nil
	case *wirepb.NodeCall_WatchDemand:
		o, err := h.here.watchDemand(ctx)
		if err != nil {
			return nil, err
		}
		return h.sessions.add(c.From, o), nil
	case *wirepb.NodeCall_Worker:
		w, err := codec.DecodeWorker(m.Worker.GetRequest(), "", m.Worker.GetWorker())
		if err != nil {
			return nil, err
		}
		w.Own, w.MaxHistory, w.StreamsHistory, w.Forgets = m.Worker.Own, codec.NarrowInt(m.Worker.MaxHistory), m.Worker.StreamsHistory, m.Worker.Forgets
		w.Client, w.Address = m.Worker.Client, m.Worker.Address
		o, err := h.here.connect(ctx, w, decodePlaces(m.Worker.Places))
		if err != nil {
			return nil, err
		}
		return h.sessions.add(c.From, o), nil
	case *wirepb.NodeCall_Fetch:
		b, err := h.sessions.fetch(ctx, c.From, m.Fetch)
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Batch{Batch: b}}, err
	case *wirepb.NodeCall_Places:
		o, err := h.sessions.of(c.From, m.Places.GetNumber())
		if err != nil {
			return nil, err
		}
		taken, err := o.what.ration(ctx, decodePlaces(m.Places))
		return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Places{Places: encodePlaces(taken, m.Places.GetNumber())}}, err
	case *wirepb.NodeCall_Leave:
		h.sessions.leave(c.From, m.Leave)
		return done(nil)
	}
	return nil, strange(c)
}

func done(err error) (*wirepb.NodeAnswer, error) {
	return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Done{Done: &wirepb.HubDone{}}}, err
}

func strange(c *wirepb.NodeCall) error {
	return &perdure.Error{Code: perdure.Unimplemented, Op: "answer a node", Message: fmt.Sprintf("this version does not know calls of the kind %T", c.GetWhat())}
}
