package peer

import (
	"context"
	"slices"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// Demand implements hub.Demand: that of all nodes together. Without the answer of one it
// is not known.
func (h *Hub) Demand(ctx context.Context) ([]hub.Load, error) {
	type key struct {
		kind          hub.WorkKind
		name, version string
	}
	sum := make(map[key]hub.Load)
	for _, m := range h.members() {
		loads, err := h.nodeOf(m).Demand(ctx)
		if passes(err) && ctx.Err() == nil { // perhaps by letter
			loads, err = h.nodeOf(m).Demand(ctx)
		}
		if err != nil {
			return nil, err
		}
		for _, l := range loads {
			k := key{l.Kind, l.Name, l.Version}
			all := sum[k]
			l.Waiting, l.Running, l.Held = l.Waiting+all.Waiting, l.Running+all.Running, l.Held+all.Held
			sum[k] = l
		}
	}
	var list []hub.Load
	for _, l := range sum {
		list = append(list, l)
	}
	slices.SortFunc(list, hub.CompareLoads)
	return list, nil
}

// WatchDemand implements hub.Demand, at all nodes.
func (h *Hub) WatchDemand(ctx context.Context) (<-chan struct{}, error) {
	return h.watchAll(ctx, "watch the demand", func(ctx context.Context, n node) (opened, error) { return n.watchDemand(ctx) })
}

func encodeLoads(loads []hub.Load) *wirepb.NodeLoads {
	m := &wirepb.NodeLoads{}
	for _, l := range loads {
		m.Loads = append(m.Loads, &wirepb.NodeLoad{
			Kind: uint32(l.Kind), Name: l.Name, Version: l.Version, Waiting: int64(l.Waiting), Running: int64(l.Running), Held: int64(l.Held),
		})
	}
	return m
}

func decodeLoads(m *wirepb.NodeLoads) (loads []hub.Load) {
	for _, l := range m.GetLoads() {
		loads = append(loads, hub.Load{
			Kind: hub.WorkKind(codec.Narrow8(l.GetKind())), Name: l.GetName(), Version: l.GetVersion(),
			Waiting: codec.NarrowInt(l.GetWaiting()), Running: codec.NarrowInt(l.GetRunning()), Held: codec.NarrowInt(l.GetHeld()),
		})
	}
	return loads
}
