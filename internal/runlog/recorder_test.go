package runlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/runlog"
	"github.com/perdure/perdure/store"
)

// rows notes what is written; refuse says what else to answer than nil.
type rows struct {
	hub.Rows
	refuse func(*hub.WriteRows) error

	mu     sync.Mutex
	writes []*hub.WriteRows // guarded by mu
}

func (r *rows) WriteRows(_ context.Context, w *hub.WriteRows) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, w)
	if r.refuse != nil {
		return r.refuse(w)
	}
	return nil
}

// written returns the writes so far.
func (r *rows) written() []*hub.WriteRows {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.writes)
}

// recording runs f with the logger of an activity, and returns what was written and what
// the recorder said. In f time passes at once.
func recording(t *testing.T, h *rows, f func(logOf func(run string, task int32) *slog.Logger)) string {
	t.Helper()
	var said strings.Builder
	synctest.Test(t, func(t *testing.T) {
		r := runlog.NewRecorder(h, slog.New(slog.NewTextHandler(&said, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		f(func(run string, task int32) *slog.Logger {
			return perdure.Logger(perdure.WithActivity(r.Context(ctx), perdure.ActivityInfo{
				Name: "act", InstanceID: run, TaskID: task, Logger: slog.New(slog.DiscardHandler)}))
		})
		cancel()
		<-done
	})
	return said.String()
}

func TestRecorderBatches(t *testing.T) {
	h := &rows{}
	recording(t, h, func(logOf func(string, int32) *slog.Logger) {
		a, b := logOf("a", 1), logOf("b", 1)
		for i := range 400 {
			a.Info("line", "i", i)
		}
		b.Info("line")
		time.Sleep(time.Second)
		if got := h.written(); len(got) != 2 || len(got[0].Rows)+len(got[1].Rows) != 257 {
			t.Errorf("%d writes, want one for each run, with the newest 256 lines of a step", len(got))
		}
		b.Info("the last moment")
	})
	if last := h.writes[len(h.writes)-1]; len(h.writes) != 3 || last.Owner != "b" || len(last.Rows) != 1 {
		t.Errorf("the end wrote %+v, want the last line of b", last)
	}
}

func TestRecorderBounds(t *testing.T) {
	h := &rows{}
	long := strings.Repeat("ü", 5_000)
	said := recording(t, h, func(logOf func(string, int32) *slog.Logger) {
		for task := range int32(20) {
			log := logOf("a", task+1)
			for range 70 {
				log.Info(long, "attr", long)
			}
		}
		time.Sleep(time.Second)
	})
	total := 0
	for _, w := range h.writes {
		size := 0
		for _, r := range w.Rows {
			size += len(r.Value)
			if len(r.Value) > 40<<10 {
				t.Fatalf("a line has %d bytes, want it cut", len(r.Value))
			}
		}
		if size > 1<<20 {
			t.Errorf("a write has %d bytes, want less than 1 MB", size)
		}
		total += size
	}
	if total > 16<<20 || !strings.Contains(said, "dropped") {
		t.Errorf("%d bytes were kept, the log says %q, want at most 16 MB and the rest named", total, said)
	}
}

func TestRecorderRefused(t *testing.T) {
	for _, test := range []struct {
		code perdure.Code
		said bool
	}{{perdure.NotFound, false}, {perdure.Unimplemented, false}, {perdure.NoSpace, true}} {
		h := &rows{refuse: func(*hub.WriteRows) error { return &perdure.Error{Code: test.code, Message: "no"} }}
		said := recording(t, h, func(logOf func(string, int32) *slog.Logger) {
			logOf("a", 1).Info("x")
			time.Sleep(time.Second)
		})
		if got := said != ""; got != test.said || len(h.writes) != 1 {
			t.Errorf("a write refused with %v: %d writes, said %q, want one, and said: %v", test.code, len(h.writes), said, test.said)
		}
	}
}

// paged answers pages of two rows, of a log that has one line for each number.
type paged struct {
	hub.Rows
	n int
}

func (p *paged) ReadRows(_ context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	at := p.n
	if len(q.After) > 0 {
		at = int(q.After[0])
	}
	var list []store.Row
	for ; at > 0 && len(list) < min(2, q.Limit); at-- {
		level := []string{"INFO", "WARN"}[at%2]
		list = append(list, store.Row{Value: fmt.Appendf(nil, `{"message":"%d","level":"%s","task":%d}`, at, level, at%3)})
	}
	if at == 0 {
		return list, nil, nil
	}
	return list, []byte{byte(at)}, nil
}

func TestRead(t *testing.T) {
	h := &paged{n: 9}
	var got []string
	q := runlog.Query{Run: "a", Level: slog.LevelWarn, Tasks: []int32{0, 1}, Limit: 2}
	for pages := 0; ; pages++ {
		page, err := runlog.Read(t.Context(), h, q)
		if err != nil || pages > 9 {
			t.Fatalf("Read() = %v, page %d", err, pages)
		}
		for _, l := range page.Lines {
			got = append(got, l.Message)
		}
		if q.After = page.Next; q.After == nil {
			break
		}
	}
	if fmt.Sprint(got) != "[9 7 3 1]" {
		t.Errorf("warnings of two steps = %v, want [9 7 3 1]", got)
	}
}
