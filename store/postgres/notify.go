package postgres

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is what processes notify each other on: hints that letters wait or that the
// change feed has grown, for those who would find out by looking, a little later.
const channel = "perdure"

// notifyEvery bounds how often a process notifies: PostgreSQL does one transaction with
// a notification at a time, so these are apart from groups, and few.
const notifyEvery = 100 * time.Millisecond

// lookEvery is how often those who wait look by themselves; heardEvery is it while this
// process hears the notifications of others, which may still fail silently.
const (
	lookEvery  = 500 * time.Millisecond
	heardEvery = 5 * time.Second
)

// pause is how long those who wait let pass before they look.
func (db *DB) pause() time.Duration {
	if db.hears.Load() {
		return heardEvery
	}
	return lookEvery
}

// Kinds of hints.
const (
	hintFeed = "f"
	hintMail = "l"
)

// hints are what a process has to tell.
type hints struct {
	mu   sync.Mutex // guards set
	set  map[string]bool
	wake chan struct{} // holds one
}

func newHints() *hints { return &hints{set: make(map[string]bool), wake: make(chan struct{}, 1)} }

// add adds a hint about a hub, which is told soon.
func (n *hints) add(kind string, hub int32) {
	n.mu.Lock()
	n.set[kind+strconv.Itoa(int(hub))] = true
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *hints) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]string, 0, len(n.set))
	for hint := range n.set {
		all = append(all, hint)
	}
	clear(n.set)
	return strings.Join(all, " ")
}

// maxHints is how long a notification may be; PostgreSQL takes 8,000 bytes.
const maxHints = 7000

// notifySQL writes nothing that must be durable, so it waits for no disk.
const notifySQL = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

// runNotifier tells other processes what hints there are. What cannot be told is
// found out by looking.
func (db *DB) runNotifier() {
	defer db.work.Done()
	for {
		select {
		case <-db.hints.wake:
		case <-db.life.Done():
			return
		}
		text := db.hints.take()
		if text != "" && len(text) < maxHints {
			ctx, cancel := context.WithTimeout(db.life, db.opts.Patience)
			_, err := db.pool.Exec(ctx, notifySQL, channel, db.self+" "+text)
			cancel()
			if err != nil {
				db.opts.Logger.Debug("other processes were not notified", "cause", err)
			}
		}
		if !wait(db.life, notifyEvery) {
			return
		}
	}
}

// runListener rings the bells that other processes ask for, on a connection of its
// own, which may fail. Behind a pooler there is none.
func (db *DB) runListener() {
	defer db.work.Done()
	for db.life.Err() == nil {
		err := db.listen()
		if db.life.Err() == nil {
			db.opts.Logger.Debug("listening to other processes ended", "cause", err)
		}
		wait(db.life, lastPause)
	}
}

func (db *DB) listen() error {
	s, err := connect(db.life, db.cfg)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx) // nothing depends on it
	}()
	if _, err := s.Exec(db.life, `LISTEN `+channel, pgx.QueryExecModeExec); err != nil {
		return err
	}
	db.hears.Store(true)
	defer db.hears.Store(false)
	db.ringAll() // what came before was not heard
	for {
		n, err := s.WaitForNotification(db.life)
		if err != nil {
			return err
		}
		db.hinted(n.Payload)
	}
}

// ringAll rings the bells of all open hubs.
func (db *DB) ringAll() {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, h := range db.hubs {
		h.changed.ring()
		h.mail.ring()
	}
}

// hinted rings the bells of open hubs, for hints of other processes.
func (db *DB) hinted(text string) {
	from, text, _ := strings.Cut(text, " ")
	if from == db.self {
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, h := range db.hubs {
		for _, hint := range strings.Fields(text) {
			switch hint {
			case hintFeed + strconv.Itoa(int(h.number)):
				h.changed.ring()
			case hintMail + strconv.Itoa(int(h.number)):
				h.mail.ring()
			}
		}
	}
}
