package peer

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// overlayTime is how long other nodes have to tell how work stands: somebody looks at it.
const overlayTime = time.Second

// Standing implements hub.Overlay: each node tells of the shards that it holds. Nothing is
// told of those of nodes that cannot be asked at once; they get no letters for it.
func (h *Hub) Standing(ctx context.Context, ids []string, most int) ([]hub.Standing, error) {
	var here []string
	far, nodes := make(map[string][]string), make(map[string]store.Node)
	for _, id := range ids {
		switch n, _, local, ok := h.owner.Holder(store.ShardOf(id)); {
		case local:
			here = append(here, id)
		case ok:
			far[n.Name], nodes[n.Name] = append(far[n.Name], id), n
		}
	}
	names := slices.Sorted(maps.Keys(far))
	told := make([][]hub.Standing, len(names))
	asking, cancel := context.WithTimeout(ctx, overlayTime)
	defer cancel()
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			var err error
			if told[i], err = h.neighbour(nodes[name]).standing(asking, far[name], most); err != nil {
				h.logger.Debug("node does not tell how work stands", "node", name, "err", err)
			}
		})
	}
	list, err := h.owner.Standing(ctx, here, most)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return append(list, slices.Concat(told...)...), nil
}

// standing asks the neighbour, over a connection only.
func (n *neighbour) standing(ctx context.Context, ids []string, most int) ([]hub.Standing, error) {
	link := n.over(ctx)
	if link == nil {
		return nil, &perdure.Error{Code: perdure.Unavailable, Op: "call node " + n.node.Name, Message: "there is no connection"}
	}
	a, err := link.Call(ctx, &wirepb.NodeCall{
		From: n.hub.cfg.Node.Name, Patience: durationpb.New(overlayTime),
		What: &wirepb.NodeCall_Standing{Standing: &wirepb.NodeStanding{Ids: ids, Most: int64(most)}},
	}, false)
	if err != nil {
		return nil, err
	}
	return decodeStanding(a.GetOverlay()), failure(a)
}

func encodeStanding(list []hub.Standing) *wirepb.NodeOverlay {
	m := &wirepb.NodeOverlay{}
	for _, s := range list {
		d := &wirepb.NodeDue{InstanceId: s.InstanceID, Kind: uint32(s.Kind), Task: s.Task, Name: s.Name, Executing: s.Executing, Worker: s.Worker}
		if !s.Since.IsZero() {
			d.Since = timestamppb.New(s.Since)
		}
		m.Due = append(m.Due, d)
	}
	return m
}

func decodeStanding(m *wirepb.NodeOverlay) (list []hub.Standing) {
	for _, d := range m.GetDue() {
		s := hub.Standing{InstanceID: d.GetInstanceId(), Kind: hub.WorkKind(codec.Narrow8(d.GetKind())), Task: d.GetTask(), Name: d.GetName(), Executing: d.GetExecuting(), Worker: d.GetWorker()}
		if d.Since != nil {
			s.Since = d.Since.AsTime()
		}
		list = append(list, s)
	}
	return list
}
