package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The directory of a hub lists the agents that workers have announced, whichever
// process they run in: each is a row of one entity, so that all servers of the hub
// know them, also after a restart.

// rowAgent is an agent in the directory; the key is its folded name. The number is
// stored.
const rowAgent = 113

// directoryName is the name of the entity that owns the directory's rows, and
// opOpen the operation that makes it.
const (
	directoryName = "perdure.agents"
	directoryKey  = "hub"
	opOpen        = "open"
)

func directoryID() perdure.EntityID { return perdure.NewEntityID(directoryName, directoryKey) }

// directory is the entity. Its state says only that it is there.
func directory(ctx *perdure.EntityContext) (any, error) {
	return nil, ctx.SetState(true)
}

// RegisterShared adds to a registry what all agents of a hub share: their switches and
// the directory. Register does so, too; a server that has no agents of its own needs it
// to switch agents of workers off, and to know them, while no worker is there.
func RegisterShared(reg *perdure.Registry) {
	if _, there := reg.Entity(switchesName); !there {
		perdure.AddEntityFunc(reg, switchesName, switches)
	}
	if _, there := reg.Entity(directoryName); !there {
		perdure.AddEntityFunc(reg, directoryName, directory)
	}
}

// Enlist writes agents to the directory of the hub, in place of those of the same
// names. On return that is durable.
func (s *Service) Enlist(ctx context.Context, agents ...Info) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	w := &hub.WriteRows{Owner: directoryID().String()}
	for _, info := range agents {
		value, err := json.Marshal(info)
		if err != nil {
			return fmt.Errorf("enlist agent %s: %w", info.Name, err)
		}
		w.Rows = append(w.Rows, store.Row{Kind: rowAgent, Owner: w.Owner, Key: []byte(fold(info.Name)), Value: value})
	}
	return writeDirectory(ctx, h, w)
}

// writeDirectory writes rows of the directory, which is made if it is not there.
func writeDirectory(ctx context.Context, h hub.Hub, w *hub.WriteRows) error {
	err := h.WriteRows(ctx, w)
	if perdure.CodeOf(err) != perdure.NotFound {
		return err
	}
	if _, err = h.Ask(ctx, &hub.Ask{InstanceID: w.Owner, Name: opOpen}); err != nil {
		return err
	}
	return h.WriteRows(ctx, w)
}

// Enlisted returns the agents in the directory of the hub, by name. Those that cannot
// be read, as a later version has written them, are left out.
func (s *Service) Enlisted(ctx context.Context) ([]Info, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	q := store.RowQuery{Kind: rowAgent, Owner: directoryID().String(), Limit: 100}
	var list []Info
	for {
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			var info Info
			if json.Unmarshal(row.Value, &info) == nil && fold(info.Name) == string(row.Key) {
				list = append(list, info)
			}
		}
		if q.After = next; next == nil {
			return list, nil
		}
	}
}

// WatchEnlisted returns a channel that holds a value when the directory was written
// after the call. It is closed when the watch ends, with ctx or with the hub: watch
// anew then.
func (s *Service) WatchEnlisted(ctx context.Context) (<-chan struct{}, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	return h.WatchRows(ctx, rowAgent, "")
}
