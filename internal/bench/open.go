package bench

import (
	"errors"
	"fmt"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
	"github.com/perdure/perdure/store/pebble"
)

// hubName is the hub of a data folder that is measured.
const hubName = "bench"

// openStore opens the store that was asked for, with a function that closes it.
func (c Config) openStore(dir string) (store.Store, func() error, error) {
	if c.Store == Memory {
		s, err := memory.Open(&memory.Disk{})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	db, err := pebble.Open(dir, pebble.Options{Logger: c.Logger})
	if errors.Is(err, store.ErrLocked) {
		return nil, nil, fmt.Errorf("%s is in use by another process: %w", dir, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", dir, err)
	}
	s, err := db.Hub(hubName, true)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), db.Close())
	}
	return s, db.Close, nil
}
