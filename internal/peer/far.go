package peer

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

var _ node = (*neighbour)(nil)

// Start implements hub.Commands.
func (n *neighbour) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Start{Start: codec.EncodeStart(r)}}, false)
	if err != nil {
		return hub.Started{}, err
	}
	s := a.GetStarted()
	return hub.Started{InstanceID: s.GetInstanceId(), ExecutionID: s.GetExecutionId(), Existing: s.GetExisting()}, nil
}

// Raise implements hub.Commands.
func (n *neighbour) Raise(ctx context.Context, r *hub.Raise) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Raise{Raise: codec.EncodeRaise(r)}}, false)
	return err
}

// Signal implements hub.Commands.
func (n *neighbour) Signal(ctx context.Context, r *hub.Signal) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Signal{Signal: codec.EncodeSignal(r)}}, false)
	return err
}

// Control implements hub.Commands.
func (n *neighbour) Control(ctx context.Context, r *hub.Control) (string, error) {
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Control{Control: codec.EncodeControl(r)}}, false)
	return a.GetControlled().GetInstanceId(), err
}

// Purge implements hub.Commands. Only ids travel.
func (n *neighbour) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Purge{Purge: codec.EncodePurge(r)}}, false)
	return hub.Purged{Count: codec.NarrowInt(a.GetPurged().GetCount()), Complete: a.GetPurged().GetComplete()}, err
}

// WriteRows implements hub.Rows.
func (n *neighbour) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Write{Write: codec.EncodeWriteRows(r)}}, false)
	return err
}

// CleanEntities implements hub.Upkeep.
func (n *neighbour) CleanEntities(ctx context.Context, r *hub.CleanEntities) (hub.Cleaned, error) {
	m := &wirepb.HubClean{Empty: r.Empty, Locks: r.Locks, After: r.After}
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Clean{Clean: m}}, false)
	c := a.GetCleaned()
	return hub.Cleaned{Removed: codec.NarrowInt(c.GetRemoved()), Released: codec.NarrowInt(c.GetReleased()), Next: c.GetNext()}, err
}

// TerminateNow implements hub.Upkeep.
func (n *neighbour) TerminateNow(ctx context.Context, ids []string, reason history.Text) ([]string, error) {
	m := &wirepb.HubTerminate{Ids: ids, Reason: codec.Optional(reason)}
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Terminate{Terminate: m}}, false)
	return a.GetLeft().GetIds(), err
}

// Complete implements hub.Activities.
func (n *neighbour) Complete(ctx context.Context, token string, result history.Text, f *history.Failure) error {
	m := &wirepb.HubComplete{Token: token, Result: codec.Optional(result), Failure: codec.EncodeFailure(f)}
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Complete{Complete: m}}, false)
	return err
}

// Heartbeat implements hub.Activities.
func (n *neighbour) Heartbeat(ctx context.Context, token string, progress history.Text) error {
	m := &wirepb.HubHeartbeat{Token: token, Progress: codec.Optional(progress)}
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Heartbeat{Heartbeat: m}}, false)
	return err
}

// WaitStart implements hub.Waits.
func (n *neighbour) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return n.instance(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_WaitStart{WaitStart: &wirepb.HubGet{Id: id}}})
}

// WaitCompletion implements hub.Waits.
func (n *neighbour) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return n.instance(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_WaitCompletion{WaitCompletion: &wirepb.HubGet{Id: id}}})
}

func (n *neighbour) instance(ctx context.Context, c *wirepb.NodeCall) (*hub.Instance, error) {
	a, err := n.call(ctx, c, true)
	if err != nil {
		return nil, err
	}
	return codec.DecodeInstance(a.GetInstance()), nil
}

// Ask implements hub.Waits.
func (n *neighbour) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Ask{Ask: codec.EncodeAsk(r)}}, true)
	if err != nil {
		return history.Text{}, err
	}
	if f := a.GetAnswer().GetFailure(); f != nil {
		return history.Text{}, perdure.FailureError(codec.DecodeFailure(f))
	}
	return codec.TextOf(a.GetAnswer().Result), nil
}

// CompleteOrchestration implements hub.Workers.
func (n *neighbour) CompleteOrchestration(ctx context.Context, done *hub.OrchestrationDone) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Turn{Turn: codec.EncodeTurn(done)}}, false)
	return err
}

// CompleteActivity implements hub.Workers.
func (n *neighbour) CompleteActivity(ctx context.Context, done *hub.ActivityDone) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Activity{Activity: codec.EncodeActivityDone(done)}}, false)
	return err
}

// CompleteEntity implements hub.Workers.
func (n *neighbour) CompleteEntity(ctx context.Context, done *hub.EntityDone) error {
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Batch{Batch: codec.EncodeEntityDone(done)}}, false)
	return err
}

// Abandon implements hub.Workers.
func (n *neighbour) Abandon(ctx context.Context, d hub.Delivery) error {
	m := &wirepb.NodeDelivery{Token: d.Token, InstanceId: d.InstanceID, TaskId: d.TaskID, Lost: d.Lost}
	_, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Abandon{Abandon: m}}, false)
	return err
}

// watch implements node.
func (n *neighbour) watch(ctx context.Context, kind store.RowKind, owner string) (opened, error) {
	m := &wirepb.HubRowQuery{Kind: uint32(kind), Owner: owner}
	return n.open(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Watch{Watch: m}})
}

// watchDemand implements node.
func (n *neighbour) watchDemand(ctx context.Context) (opened, error) {
	return n.open(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_WatchDemand{WatchDemand: &wirepb.HubAll{}}})
}

// Demand implements hub.Demand.
func (n *neighbour) Demand(ctx context.Context) ([]hub.Load, error) {
	a, err := n.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Demand{Demand: &wirepb.HubAll{}}}, false)
	if err != nil {
		return nil, err
	}
	return decodeLoads(a.GetLoads()), nil
}

// connect implements node.
func (n *neighbour) connect(ctx context.Context, w *hub.Worker, p places) (opened, error) {
	m := &wirepb.NodeWorker{
		Request: codec.EncodeWorker(w), Worker: w.ID, Own: w.Own, MaxHistory: int64(w.MaxHistory), StreamsHistory: w.StreamsHistory,
		Forgets: w.Forgets, Places: encodePlaces(p, 0), Client: w.Client, Address: w.Address,
	}
	return n.open(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Worker{Worker: m}})
}

func (n *neighbour) open(ctx context.Context, c *wirepb.NodeCall) (opened, error) {
	a, err := n.call(ctx, c, false)
	if err != nil {
		return nil, err
	}
	return &farOpened{node: n, number: a.GetOpened().GetNumber()}, nil
}

// farOpened is something open at a neighbour. Only one fetch is made at a time.
type farOpened struct {
	node   *neighbour
	number uint64
	after  uint64 // the last batch received
}

// fetchTime is how long a fetch waits for something to come.
const fetchTime = 30 * time.Second

// fetch implements opened. After an error it may be called again: nothing is lost.
func (o *farOpened) fetch(ctx context.Context, most int) (batch, error) {
	for {
		m := &wirepb.NodeFetch{Number: o.number, After: o.after, Most: int64(most)}
		a, err := o.node.call(ctx, &wirepb.NodeCall{Patience: durationpb.New(fetchTime), What: &wirepb.NodeCall_Fetch{Fetch: m}}, true)
		if err != nil {
			return batch{}, err
		}
		if got := a.GetBatch(); got.GetBatch() != 0 {
			o.after = got.Batch
			return decodeBatch(got)
		}
		if ctx.Err() != nil {
			return batch{}, ended(ctx, "fetch", "")
		}
	}
}

// ration implements opened.
func (o *farOpened) ration(ctx context.Context, p places) (places, error) {
	a, err := o.node.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Places{Places: encodePlaces(p, o.number)}}, false)
	return decodePlaces(a.GetPlaces()), err
}

// touch implements opened. What goes wrong the next fetch finds out.
func (o *farOpened) touch(ctx context.Context) {
	m := &wirepb.NodeFetch{Number: o.number, Most: justTouch}
	_, _ = o.node.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Fetch{Fetch: m}}, false)
}

// leave implements opened. A neighbour that is taken for lost is told by letter: if it
// comes back, what is open there must not get items that nobody fetches. What it does not
// hear it finds out when nobody fetches any more.
func (o *farOpened) leave(lost bool) {
	h := o.node.hub
	h.start(func() {
		ctx, cancel := context.WithTimeout(h.ctx, letterTime)
		defer cancel()
		m := &wirepb.NodeLeave{Number: o.number, Lost: lost}
		for {
			_, err := o.node.call(ctx, &wirepb.NodeCall{What: &wirepb.NodeCall_Leave{Leave: m}}, false)
			if err == nil || h.ctx.Err() != nil {
				return
			}
			if !passes(err) || ctx.Err() != nil {
				h.logger.Debug("node was not told of the end of a stream", "node", o.node.node.Name, "err", err)
				return
			}
			wait(ctx, jitter(leaveAgain))
		}
	})
}

// leaveAgain is the pause after a neighbour could not be told of an end.
const leaveAgain = 100 * time.Millisecond

func encodePlaces(p places, number uint64) *wirepb.NodePlaces {
	return &wirepb.NodePlaces{Number: number, Orchestrations: int64(p[ofTurn]), Activities: int64(p[ofActivity]), Entities: int64(p[ofBatch])}
}

func decodePlaces(m *wirepb.NodePlaces) places {
	return places{
		ofTurn: codec.NarrowInt(m.GetOrchestrations()), ofActivity: codec.NarrowInt(m.GetActivities()), ofBatch: codec.NarrowInt(m.GetEntities()),
	}
}

func encodeBatch(b batch) *wirepb.NodeBatch {
	m := &wirepb.NodeBatch{}
	for _, w := range b.items {
		m.Items = append(m.Items, codec.EncodeWork(w, true))
	}
	for k, wanted := range b.wanted {
		if wanted {
			m.Wanted |= 1 << k
		}
	}
	return m
}

func decodeBatch(m *wirepb.NodeBatch) (batch, error) {
	b := batch{written: true}
	for _, item := range m.Items {
		w, err := codec.DecodeWork(item)
		if err != nil {
			return batch{}, err
		}
		if w != nil {
			b.items = append(b.items, w)
		}
	}
	for k := range b.wanted {
		b.wanted[k] = m.Wanted&(1<<k) != 0
	}
	return b, nil
}
