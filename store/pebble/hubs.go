package pebble

import (
	"bytes"
	"encoding/binary"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// Hubs returns the names of all hubs of the directory, in the order of their bytes.
func (db *DB) Hubs() ([]string, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, store.ErrClosed
	}
	var names []string
	prefix := appendSpace(nil, storeHub, spaceHub)
	err := scan(db.eng, prefix, nil, nil, func(k, _ []byte) (bool, error) {
		name, _, ok := cutPart(k[len(prefix):])
		if !ok {
			return false, fmt.Errorf("%w: %v", store.ErrCorrupt, shownKey(k))
		}
		if !bytes.HasPrefix(name, []byte(importing)) {
			names = append(names, string(name))
		}
		return true, nil
	})
	return names, err
}

// Drop deletes a hub with all that it holds, closing it first; store.ErrNotFound
// says that there is none. On return this is durable; if it fails or the process
// ends before that, the hub is there whole or gone whole.
func (db *DB) Drop(name string) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.drop(name, nil)
}

// Recreate replaces a hub by a new, empty one of another identity, as Drop and then
// Hub would, but in one step.
func (db *DB) Recreate(name string) (*Hub, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, store.ErrClosed
	}
	fresh, err := db.newHub()
	if err != nil {
		return nil, err
	}
	if err := db.drop(name, &fresh); err != nil {
		return nil, err
	}
	return db.openHub(name, fresh)
}

// drop deletes a hub and writes its successor, if there is one, in one batch. db.mu
// is held. The hub's number may be given out again: whatever was written under it
// came before the batch.
func (db *DB) drop(name string, successor *hubState) error {
	if db.closed {
		return store.ErrClosed
	}
	old, err := db.readHub(name)
	if err != nil {
		return fmt.Errorf("hub %q: %w", name, err)
	}
	if h := db.hubs[name]; h != nil {
		h.end() // after what it is writing; later writes are refused
		delete(db.hubs, name)
	}
	return db.write(func(b *engine.Batch) error {
		if err := dropNumber(b, old.number); err != nil {
			return err
		}
		if successor == nil {
			return b.Delete(hubKey(name), nil)
		}
		return b.Set(hubKey(name), store.Seal(nil, successor.append(nil), nil), nil)
	})
}

// dropNumber removes all that is kept under a hub's number.
func dropNumber(b *engine.Batch, number uint32) error {
	start := binary.BigEndian.AppendUint32([]byte{layoutVersion}, number)
	return b.DeleteRange(start, prefixEnd(start), nil)
}
