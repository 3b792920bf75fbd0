package httpapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/runlog"
)

// logFrame tells what a run has logged.
type logFrame struct {
	Topic string `json:"topic"`
	// Whole says that Lines are the newest that there are, as in the first frame and
	// when more have come than a frame has.
	Whole bool      `json:"whole"`
	Lines []logLine `json:"lines"` // the oldest first
}

// frameLines bounds the lines of a frame.
const frameLines = 500

// lineKey names a line.
type lineKey struct {
	execution string
	step      int32
	attempt   int
	number    uint64
	time      time.Time
}

func keyOf(l *logLine) lineKey { return lineKey{l.Execution, l.Step, l.Attempt, l.Number, l.Time} }

// readLogs hands on what a run logs: the newest lines, then what comes.
func (s *streamer) readLogs(ctx context.Context, t *topic) {
	for ctx.Err() == nil {
		written, err := s.api.Hub.WatchRows(ctx, hub.RowLog, t.id) // before it is read, so that nothing is missed
		if err != nil {
			s.hand(ctx, logged{err: err})
			return
		}
		if !s.followLogs(ctx, t, written) {
			return
		}
		pause := time.NewTimer(s.api.Batch) // the watch has ended: the run may be purged
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// followLogs reads the log whenever it was written. It reports whether the watch ended.
func (s *streamer) followLogs(ctx context.Context, t *topic, written <-chan struct{}) bool {
	known := map[lineKey]bool{}
	for whole := true; ; whole = false {
		page, err := runlog.Read(ctx, s.api.Hub, runlog.Query{Run: t.id, Level: slog.LevelDebug - 100, Limit: frameLines})
		if err != nil {
			return s.hand(ctx, logged{err: err}) && false
		}
		f := logFrame{Topic: t.text, Lines: []logLine{}}
		lines, seen := viewLines(page.Lines), map[lineKey]bool{}
		for i := len(lines) - 1; i >= 0; i-- {
			k := keyOf(&lines[i])
			if seen[k] = true; !known[k] {
				f.Lines = append(f.Lines, lines[i])
			}
		}
		f.Whole = whole || len(f.Lines) == frameLines
		known = seen
		if (whole || len(f.Lines) > 0) && !s.hand(ctx, logged{frame: f}) {
			return false
		}
		select {
		case _, open := <-written:
			if !open {
				return ctx.Err() == nil
			}
		case <-ctx.Done():
			return false
		}
	}
}

// logged is a frame of a log on its way to the client.
type logged struct {
	frame logFrame
	err   error
}

// hand gives a frame of a log to the stream. It reports whether the stream goes on.
func (s *streamer) hand(ctx context.Context, l logged) bool {
	select {
	case s.logs <- l:
		return true
	case <-ctx.Done():
		return false
	}
}

// tellLogs tells what a run has logged.
func (s *streamer) tellLogs(l logged) error {
	if perdure.CodeOf(l.err) == perdure.Unimplemented { // the hub keeps no logs
		return nil
	}
	if l.err != nil {
		return l.err
	}
	return s.send("logs", l.frame)
}
