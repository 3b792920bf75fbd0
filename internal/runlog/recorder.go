package runlog

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

const (
	// batchTime is how long lines wait for others of the same run.
	batchTime = 200 * time.Millisecond
	// maxWaiting bounds the bytes of lines that wait; what comes beyond that is dropped.
	maxWaiting = 16 << 20
	// writeRows and writeBytes bound a write.
	writeRows  = 256
	writeBytes = 512 << 10
	// writers is how many runs are written at a time.
	writers = 16
	// lastTime is how long the lines of the last moment may take at the end.
	lastTime = 2 * time.Second
)

// Recorder writes what the code of this process logs. Its methods may be called
// concurrently.
type Recorder struct {
	hub    hub.Rows
	logger *slog.Logger
	wake   chan struct{} // has room for one

	mu      sync.Mutex            // guards the rest
	waiting map[string]*runsLines // by run
	bytes   int                   // of waiting
	dropped int                   // lines since that was last said
}

// runsLines are the newest lines of a run that are not yet written, by key.
type runsLines struct{ rows map[string]store.Row }

// NewRecorder returns a recorder over a hub that writes while Run runs.
func NewRecorder(h hub.Rows, logger *slog.Logger) *Recorder {
	return &Recorder{hub: h, logger: logger, wake: make(chan struct{}, 1), waiting: map[string]*runsLines{}}
}

// Context returns a context with which the worker of the hub must run.
func (r *Recorder) Context(ctx context.Context) context.Context {
	return perdure.WithLogLines(ctx, r.add)
}

// add takes a line. It does not block.
func (r *Recorder) add(l perdure.LogLine) {
	row, err := rowOf(l)
	if err != nil {
		return // attributes that have no JSON were left out before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.waiting[l.InstanceID]
	if w == nil {
		w = &runsLines{rows: map[string]store.Row{}}
		r.waiting[l.InstanceID] = w
	}
	grows := size(row)
	if old, ok := w.rows[string(row.Key)]; ok { // the ring has gone round
		grows -= size(old)
	}
	if r.bytes+grows > maxWaiting {
		r.dropped++
		return
	}
	r.bytes += grows
	w.rows[string(row.Key)] = row
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func size(row store.Row) int {
	return len(row.Value) + len(row.Key) + len(row.Index[0]) + len(row.Owner)
}

// Rest writes what was logged after Run had returned, by code that was ending. A hub that
// has stopped by now takes nothing, which is no news.
func (r *Recorder) Rest() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTime)
	defer cancel()
	r.write(ctx, perdure.Unavailable)
}

// Run writes lines until ctx ends, then what is left. The hub is to go on until it has
// returned.
func (r *Recorder) Run(ctx context.Context) {
	for {
		select {
		case <-r.wake:
			pause := time.NewTimer(batchTime)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
			r.write(ctx)
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			r.write(last)
			cancel()
			return
		}
	}
}

// write writes what waits. Refusals with one of the codes are expected.
func (r *Recorder) write(ctx context.Context, expected ...perdure.Code) {
	expected = append(expected, perdure.NotFound, perdure.Unimplemented)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	waiting, dropped := r.waiting, r.dropped
	r.waiting, r.bytes, r.dropped = map[string]*runsLines{}, 0, 0
	r.mu.Unlock()
	if dropped > 0 {
		r.logger.Warn("lines of runs' logs were dropped: they came faster than they can be written", "lines", dropped)
	}
	places := make(chan struct{}, writers)
	var wg sync.WaitGroup
	for run, lines := range waiting {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			r.writeRun(ctx, run, lines, expected)
		})
	}
	wg.Wait()
}

// writeRun writes lines of a run. What cannot be written is dropped: the run may be
// purged, or the hub keep no rows.
func (r *Recorder) writeRun(ctx context.Context, run string, lines *runsLines, expected []perdure.Code) {
	var rows []store.Row
	bytes := 0
	flush := func() bool {
		err := r.hub.WriteRows(ctx, &hub.WriteRows{Owner: run, Rows: rows})
		if err != nil && !slices.Contains(expected, perdure.CodeOf(err)) {
			r.logger.Warn("lines of a run's log were dropped", "instance", run, "lines", len(rows), "err", err)
		}
		rows, bytes = nil, 0
		return err == nil
	}
	for _, row := range lines.rows {
		if len(rows) == writeRows || bytes > 0 && bytes+size(row) > writeBytes {
			if !flush() {
				return
			}
		}
		rows, bytes = append(rows, row), bytes+size(row)
	}
	flush()
}
