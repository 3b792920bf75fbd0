package host

import (
	"context"
	"maps"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/store"
)

// shared is a place whose hubs others make, empty and delete too. Those that it opens
// are identified.
type shared interface {
	place
	// kept returns the hubs that are there now. One that was emptied has another
	// identity than before.
	kept(ctx context.Context) (map[string]store.Identity, error)
}

// identified is a hub of a shared place.
type identified interface{ identity() store.Identity }

const (
	// lookAtHubs is how often it is looked what others have done with the hubs,
	// lookLater how soon again if that could not be seen.
	lookAtHubs = 3 * time.Second
	lookLater  = 3 * time.Second
)

// keepUp has what others do with the hubs done here too, until ctx ends: one that was
// made is served, one that was deleted is not any more, one that was emptied, or has
// ended here for another reason, is begun anew.
func (h *hubs) keepUp(ctx context.Context, p shared) {
	again := time.NewTimer(lookAtHubs)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			again.Reset(lookAtHubs)
		case <-ctx.Done():
			return
		}
		if err := h.follow(ctx, p); err != nil && ctx.Err() == nil {
			h.app.cfg.Logger.Warn("what other nodes do with the hubs cannot be followed", "err", err)
			again.Reset(lookLater)
		}
	}
}

// follow looks once.
func (h *hubs) follow(ctx context.Context, p shared) error {
	h.mu.Lock()
	before := maps.Clone(h.all)
	h.mu.Unlock()
	kept, err := p.kept(ctx) // what changes from here on is none of its business
	if err != nil {
		return err
	}
	for name, s := range before {
		identity, there := kept[name]
		if there && identity == s.hub.(identified).identity() && !s.hasEnded() {
			continue
		}
		if err := h.replace(ctx, name, s, there); err != nil {
			return err
		}
	}
	for name := range kept {
		if before[name] != nil {
			continue
		}
		if _, err := h.find(ctx, name); err != nil && perdure.CodeOf(err) != perdure.NotFound {
			return err
		}
	}
	return nil
}

// replace stops a hub that others have changed, unless that was done, and begins it
// anew if it is still there.
func (h *hubs) replace(ctx context.Context, name string, s *served, there bool) error {
	return h.change(ctx, name, func(old *served) (*served, error) {
		if old != s {
			return old, nil
		}
		old.stop()
		if !there {
			h.app.cfg.Logger.Info("a hub was deleted by another node", "hub", name)
			return nil, nil
		}
		fresh, err := h.start(ctx, name, false)
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil, nil
		}
		return fresh, err
	})
}

// find serves a hub that another node may have made. NotFound if there is none.
func (h *hubs) find(ctx context.Context, name string) (*served, error) {
	if _, ok := h.place.(shared); !ok || access.CheckHub(name) != nil {
		return nil, access.NoHub(name)
	}
	var found *served
	err := h.change(ctx, name, func(old *served) (_ *served, err error) {
		if found = old; found == nil {
			found, err = h.start(context.WithoutCancel(ctx), name, false)
		}
		return found, err
	})
	return found, err
}

// hasEnded reports whether the hub is not carried on any more.
func (s *served) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}
