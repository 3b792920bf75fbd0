package perdure

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// LogLine is a line that the code of a run has logged, on its way to the run's log.
// It is part of the seam to the runtime.
type LogLine struct {
	InstanceID  string
	ExecutionID string
	TaskID      int32  // of the activity that logs; 0 = the orchestration itself
	Name        string // of the activity or orchestration
	Attempt     int    // of the activity
	Token       string // of the activity's attempt
	Worker      string // that ran it, "" = not known
	Number      uint64 // among the lines of the attempt, or of the execution
	Time        time.Time
	Level       slog.Level
	Message     string
	Attrs       []byte // a JSON object, without line break; it is the receiver's
}

type lineSinkKey struct{}

// WithLogLines returns a context under which a worker gives take what activities and
// orchestrations log. take must not block, and may be called concurrently. It is part
// of the seam to the runtime.
func WithLogLines(ctx context.Context, take func(LogLine)) context.Context {
	return context.WithValue(ctx, lineSinkKey{}, take)
}

// Logger returns the logger of the activity that runs with ctx, or of a tool: what it
// writes stands in the log of the run, beside the step, as well as in that of the
// worker. The run's log keeps what is at least Info, or what the worker's keeps: the
// newest 256 lines of a step. It is written a moment later, so that a crash may lose the
// last lines. Outside of activities it is slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	act := activityOf(ctx)
	if act == nil {
		return slog.Default()
	}
	base := act.Logger
	if base == nil {
		base = slog.Default()
	}
	handler := base.Handler().WithAttrs([]slog.Attr{slog.String("instance", act.InstanceID), slog.String("activity", act.Name)})
	return slog.New(newLineHandler(handler, func(context.Context) *lineSource { return act.source(ctx) }))
}

// LogHandler returns a handler that gives everything to next, and what activities log
// with their context to the log of their run too, as Logger does:
//
//	slog.SetDefault(slog.New(perdure.LogHandler(slog.NewTextHandler(os.Stderr, nil))))
//	...
//	slog.InfoContext(ctx, "the parcel has left", "order", order.ID) // in an activity
func LogHandler(next slog.Handler) slog.Handler {
	return newLineHandler(next, func(ctx context.Context) *lineSource {
		if act := activityOf(ctx); act != nil && ctx.Value(recordedKey{}) == nil {
			return act.source(ctx)
		}
		return nil
	})
}

// source says whose lines the activity's are; nil if nobody takes them.
func (a *activity) source(ctx context.Context) *lineSource {
	take, _ := ctx.Value(lineSinkKey{}).(func(LogLine))
	if take == nil {
		return nil
	}
	return &lineSource{take: take, next: a.lines.Add, line: LogLine{
		InstanceID: a.InstanceID, ExecutionID: a.ExecutionID, TaskID: a.TaskID, Name: a.Name, Attempt: a.Attempt, Token: a.Token, Worker: a.Worker,
	}}
}

// lineSource says where lines come from and who takes them.
type lineSource struct {
	take func(LogLine)
	next func(delta uint64) uint64 // numbers lines
	line LogLine                   // but for what the record says
}

// recordedKey marks contexts of records that stand in the run's log already.
type recordedKey struct{}

// lineHandler gives records to another handler, and to the log of the run that find
// names.
type lineHandler struct {
	next slog.Handler
	find func(context.Context) *lineSource
	text *attrText
	json slog.Handler // writes attributes to text
}

// attrText is where a JSON handler writes.
type attrText struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func newLineHandler(next slog.Handler, find func(context.Context) *lineSource) *lineHandler {
	text := &attrText{}
	onlyAttrs := func(groups []string, a slog.Attr) slog.Attr {
		_, level := a.Value.Any().(slog.Level)
		if len(groups) == 0 && (a.Key == slog.LevelKey && level || a.Key == slog.MessageKey && a.Value.String() == "") {
			return slog.Attr{}
		}
		return a
	}
	return &lineHandler{next, find, text, slog.NewJSONHandler(&text.buf, &slog.HandlerOptions{Level: slog.Level(-100), ReplaceAttr: onlyAttrs})}
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || level >= slog.LevelInfo && h.find(ctx) != nil
}

// Handle implements slog.Handler.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	source := h.find(ctx)
	if source == nil {
		return h.next.Handle(ctx, r)
	}
	l := source.line
	l.Number, l.Time, l.Level, l.Message = source.next(1)-1, r.Time, r.Level, r.Message
	if l.Time.IsZero() {
		l.Time = time.Now()
	}
	attrs := slog.NewRecord(time.Time{}, r.Level, "", 0)
	r.Attrs(func(a slog.Attr) bool { attrs.AddAttrs(a); return true })
	h.text.mu.Lock()
	h.text.buf.Reset()
	err := h.json.Handle(ctx, attrs)
	l.Attrs = bytes.Clone(bytes.TrimSpace(h.text.buf.Bytes()))
	h.text.mu.Unlock()
	if err != nil {
		l.Attrs = nil
	}
	source.take(l)
	if ctx = context.WithValue(ctx, recordedKey{}, true); h.next.Enabled(ctx, r.Level) {
		return h.next.Handle(ctx, r)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.next.WithAttrs(attrs), h.find, h.text, h.json.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	return &lineHandler{h.next.WithGroup(name), h.find, h.text, h.json.WithGroup(name)}
}

// loggerOf returns the logger of an orchestration over that of the worker.
func loggerOf(info *Info) *slog.Logger {
	handler := slog.Handler(slog.DiscardHandler)
	if info.Logger != nil {
		handler = info.Logger.Handler()
	}
	handler = handler.WithAttrs([]slog.Attr{slog.String("instance", info.InstanceID), slog.String("orchestration", info.Name)})
	lines := &replayedLines{info: info}
	if info.Value != nil {
		if take, _ := info.Value(lineSinkKey{}).(func(LogLine)); take != nil {
			source := &lineSource{take: take, next: func(uint64) uint64 { return lines.asked.Load() }, line: LogLine{
				InstanceID: info.InstanceID, ExecutionID: info.ExecutionID, Name: info.Name,
			}}
			handler = newLineHandler(handler, func(context.Context) *lineSource { return source })
		}
	}
	return slog.New(replayHandler{handler, lines})
}

// replayedLines counts the lines of an execution, those too that are silent because the
// code is replayed: a line that is written again, after its turn was dropped, takes the
// place of the first.
type replayedLines struct {
	info  *Info
	asked atomic.Uint64
}

// replayHandler is silent while the code is replayed.
type replayHandler struct {
	slog.Handler
	lines *replayedLines
}

func (h replayHandler) Enabled(ctx context.Context, level slog.Level) bool {
	h.lines.asked.Add(1)
	return !h.lines.info.Replaying && h.Handler.Enabled(ctx, level)
}

func (h replayHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return replayHandler{h.Handler.WithAttrs(attrs), h.lines}
}

func (h replayHandler) WithGroup(name string) slog.Handler {
	return replayHandler{h.Handler.WithGroup(name), h.lines}
}
