package postgres

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// channel is what processes notify each other on: hints that letters wait or that the
// change feed has grown, for those who would find out by looking, a little later.
const channel = "perdure"

// notifyEvery bounds how often a process notifies: PostgreSQL does one transaction with
// a notification at a time, so these are apart from groups, and few.
const notifyEvery = 100 * time.Millisecond

// lookEvery is how often those who wait look by themselves; heardEvery is it while this
// process hears the notifications of others, of which few get lost.
const (
	lookEvery  = 500 * time.Millisecond
	heardEvery = 5 * time.Second
)

// A connection on which nothing has come in for silence is asked whether it is still
// there, and is not if it says nothing within answerLimit: who stands between may have
// forgotten it without a word to either side.
const (
	silence     = 2 * time.Second
	answerLimit = time.Second
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

// listen returns when the connection is lost, at once or because it has gone silent. Those
// who wait look by themselves from then on.
func (db *DB) listen() error {
	s, err := db.listener()
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
		defer cancel()
		_ = s.Close(ctx) // nothing depends on it
	}()
	db.hears.Store(true)
	db.ringAll() // what came before was not heard
	defer db.ringAll()
	defer db.hears.Store(false)
	for {
		n, err := s.next(db.life)
		if err != nil {
			return err
		}
		if n != nil {
			db.hinted(n.Payload)
		}
	}
}

// listener makes a connection that is notified.
func (db *DB) listener() (*session, error) {
	ctx, cancel := context.WithTimeout(db.life, connectLimit)
	defer cancel()
	s, err := connect(ctx, db.cfg)
	if err != nil {
		return nil, err
	}
	if _, err := s.Exec(ctx, `LISTEN `+channel, pgx.QueryExecModeExec); err != nil {
		_ = s.Close(ctx) // the error before it tells more
		return nil, err
	}
	return s, nil
}

// next waits for a notification; nil = none came for a while, and the connection is there.
func (s *session) next(ctx context.Context) (*pgconn.Notification, error) {
	quiet, cancel := context.WithTimeout(ctx, silence)
	n, err := s.WaitForNotification(quiet)
	cancel()
	if err == nil || ctx.Err() != nil || s.IsClosed() {
		return n, err
	}
	asked, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	return nil, s.Ping(asked)
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
