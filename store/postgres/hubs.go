package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// hubTables are the tables whose rows belong to a hub, the fences first.
var hubTables = [...]string{"committers", "leases", "nodes", "instances", "listing", "tags", "chunks", "messages", "timers", "rows", "feed", "counts", "letters"}

// Secret returns what nodes authenticate with to each other: random bytes made
// with the schema.
func (db *DB) Secret(ctx context.Context) (secret []byte, err error) {
	err = db.patient(ctx, func(ctx context.Context) error {
		return db.pool.QueryRow(ctx, `SELECT value FROM perdure.meta WHERE key = 'secret'`).Scan(&secret)
	})
	return secret, err
}

// Nodes returns the nodes of all hubs that live, by name.
func (db *DB) Nodes(ctx context.Context) (nodes []store.Node, err error) {
	err = db.patient(ctx, func(ctx context.Context) error {
		rows, err := db.pool.Query(ctx, `SELECT name, advertise, min(since) FROM perdure.nodes WHERE lives >= now() GROUP BY name, advertise ORDER BY name COLLATE "C"`)
		if err == nil {
			nodes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n store.Node, err error) {
				return n, row.Scan(&n.Name, &n.Advertise, &n.Since)
			})
		}
		return err
	})
	return nodes, err
}

// Hubs returns the names of all hubs of the database, in the order of their bytes.
func (db *DB) Hubs() (names []string, err error) {
	err = db.patient(db.life, func(ctx context.Context) error {
		rows, err := db.pool.Query(ctx, `SELECT name FROM perdure.hubs ORDER BY name COLLATE "C"`)
		if err == nil {
			names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	})
	return names, err
}

// Identities returns the identities of all hubs of the database, by name. That of a
// hub changes when it is replaced or restored.
func (db *DB) Identities(ctx context.Context) (all map[string]store.Identity, err error) {
	err = db.patient(ctx, func(ctx context.Context) error {
		all = make(map[string]store.Identity)
		rows, err := db.pool.Query(ctx, `SELECT name, lineage, timeline FROM perdure.hubs`)
		if err != nil {
			return err
		}
		var name string
		var lineage, timeline []byte
		_, err = pgx.ForEachRow(rows, []any{&name, &lineage, &timeline}, func() error {
			var id store.Identity
			copy(id.Lineage[:], lineage)
			copy(id.Timeline[:], timeline)
			all[name] = id
			return nil
		})
		return err
	})
	return all, err
}

// Hub opens the hub with this name, or makes it if create is set; without,
// store.ErrNotFound says that there is none. A hub that is open is returned as it
// is. On return a new hub is durable.
func (db *DB) Hub(name string, create bool) (*Hub, error) {
	db.naming.Lock()
	defer db.naming.Unlock()
	h, err := db.opened(name)
	if err != nil || h != nil && h.open() == nil {
		return h, err
	}
	var number int32
	var identity store.Identity
	err = db.tx(db.life, func(ctx context.Context, tx pgx.Tx) (err error) {
		number, identity, err = findHub(ctx, tx, name)
		if errors.Is(err, store.ErrNotFound) && create {
			if _, err := nextHub(ctx, tx); err != nil { // others who make it wait here
				return err
			}
			if number, identity, err = findHub(ctx, tx, name); errors.Is(err, store.ErrNotFound) {
				number, identity, err = makeHub(ctx, tx, name)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hub %q: %w", name, err)
	}
	return db.openHub(name, number, identity)
}

// opened returns the hub that is open under a name, or was; nil = there is none.
func (db *DB) opened(name string) (*Hub, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return nil, store.ErrClosed
	}
	return db.hubs[name], nil
}

// openHub opens a hub that is there. db.naming is held.
func (db *DB) openHub(name string, number int32, identity store.Identity) (*Hub, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed { // meanwhile
		return nil, store.ErrClosed
	}
	h := newHub(db, name, number, identity)
	db.hubs[name] = h
	return h, nil
}

// Recreate replaces a hub by a new, empty one of another identity, as Drop and then
// Hub would, but in one step.
func (db *DB) Recreate(name string) (*Hub, error) {
	db.naming.Lock()
	defer db.naming.Unlock()
	err := db.endHub(name)
	if err != nil {
		return nil, err
	}
	var number int32
	var identity store.Identity
	err = db.tx(db.life, func(ctx context.Context, tx pgx.Tx) (err error) {
		if err := dropHub(ctx, tx, name); err != nil {
			return err
		}
		number, identity, err = makeHub(ctx, tx, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hub %q: %w", name, err)
	}
	return db.openHub(name, number, identity)
}

// Drop deletes a hub with all that it holds, closing it first; other nodes can no
// longer write to it. store.ErrNotFound says that there is none. If it fails, the
// hub is there whole or gone whole.
func (db *DB) Drop(name string) error {
	db.naming.Lock()
	defer db.naming.Unlock()
	if err := db.endHub(name); err != nil {
		return err
	}
	if err := db.tx(db.life, func(ctx context.Context, tx pgx.Tx) error { return dropHub(ctx, tx, name) }); err != nil {
		return fmt.Errorf("hub %q: %w", name, err)
	}
	return nil
}

// endHub closes a hub, if it is open. db.naming is held.
func (db *DB) endHub(name string) error {
	h, err := db.opened(name)
	if h == nil {
		return err
	}
	h.close()
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.hubs, name)
	return nil
}

func findHub(ctx context.Context, tx pgx.Tx, name string) (number int32, identity store.Identity, err error) {
	var lineage, timeline []byte
	err = tx.QueryRow(ctx, `SELECT id, lineage, timeline FROM perdure.hubs WHERE name = $1`, name).Scan(&number, &lineage, &timeline)
	if errors.Is(err, pgx.ErrNoRows) {
		err = store.ErrNotFound
	}
	copy(identity.Lineage[:], lineage)
	copy(identity.Timeline[:], timeline)
	return number, identity, err
}

// nextHub takes a number; none is given out twice.
func nextHub(ctx context.Context, tx pgx.Tx) (number int32, err error) {
	err = tx.QueryRow(ctx, `UPDATE perdure.meta SET value = convert_to((convert_from(value, 'UTF8')::int4 + 1)::text, 'UTF8')
		WHERE key = 'next hub' RETURNING convert_from(value, 'UTF8')::int4 - 1`).Scan(&number)
	return number, err
}

func makeHub(ctx context.Context, tx pgx.Tx, name string) (number int32, identity store.Identity, err error) {
	_, _ = rand.Read(identity.Lineage[:]) // never fails
	_, _ = rand.Read(identity.Timeline[:])
	if number, err = nextHub(ctx, tx); err != nil {
		return number, identity, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO perdure.hubs (id, name, lineage, timeline) VALUES ($1, $2, $3, $4)`,
		number, name, identity.Lineage[:], identity.Timeline[:])
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO perdure.leases (hub, shard, epoch) SELECT $1::int4, s, 0 FROM generate_series(0, $2::int4 - 1) s`, number, store.Shards)
	}
	return number, identity, err
}

func dropHub(ctx context.Context, tx pgx.Tx, name string) error {
	number, _, err := findHub(ctx, tx, name)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM perdure.hubs WHERE id = $1`, number); err != nil {
		return err
	}
	for _, table := range hubTables {
		if _, err := tx.Exec(ctx, `DELETE FROM perdure.`+table+` WHERE hub = $1`, number); err != nil {
			return fmt.Errorf("delete %s: %w", table, err)
		}
	}
	return nil
}

// randomOwner draws the number of an open hub.
func randomOwner() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]) >> 1)
}
