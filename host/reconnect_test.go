package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// TestReconnect cuts a reader of a stream off more than 100 times, while the answer
// is written: what it has read in the end is the answer, nothing twice and nothing
// missing.
func TestReconnect(t *testing.T) {
	const words = 1000
	want := ""
	for i := range words {
		want += fmt.Sprintf("word %d ", i)
	}
	talker := model.Func(func(ctx context.Context, _ *model.Request) iter.Seq2[*model.Update, error] {
		return func(yield func(*model.Update, error) bool) {
			tick := time.NewTicker(500 * time.Microsecond)
			defer tick.Stop()
			for i := range words {
				select {
				case <-tick.C:
				case <-ctx.Done():
					yield(nil, context.Cause(ctx))
					return
				}
				if !yield(&model.Update{Contents: model.Contents{&model.Text{Text: fmt.Sprintf("word %d ", i)}}}, nil) {
					return
				}
			}
		}
	})
	cfg := config(t.TempDir())
	cfg.Registry = perdure.NewRegistry()
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Talker", Model: talker}); err != nil {
		t.Fatal(err)
	}
	app, _ := start(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := http.Post(app.URL()+"/api/v1/agents/Talker/sessions/k1/messages", "application/json", strings.NewReader(`{"message":"talk"}`))
	if err != nil {
		t.Fatal(err)
	}
	var posted struct{ Stream string }
	err = json.NewDecoder(res.Body).Decode(&posted)
	if closed := res.Body.Close(); err != nil || closed != nil || posted.Stream == "" {
		t.Fatalf("message = %d, %v, want the path of a stream", res.StatusCode, err)
	}
	got, next, connections, over := "", int64(0), 0, false
	for ; !over; connections++ {
		frames, err := readSome(ctx, fmt.Sprintf("%s%s?offset=%d", app.URL(), posted.Stream, next), 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if f.Offset < next {
				t.Errorf("frame %+v was sent for the offset %d", f, next)
			}
			next, got, over = f.Offset+1, got+f.Delta, f.Type == agent.FrameEnd
		}
	}
	if got != want {
		t.Errorf("%d connections have read %d characters, want the %d of the answer", connections, len(got), len(want))
	}
	if connections < 100 {
		t.Errorf("%d connections, want at least 100", connections)
	}
}

// readSome reads so many frames of a stream, or to its end, and cuts the connection.
func readSome(ctx context.Context, url string, count int) (frames []agent.Frame, err error) {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for len(frames) < count && lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var f agent.Frame
		if err := json.Unmarshal([]byte(data), &f); err != nil {
			return nil, err
		}
		frames = append(frames, f)
		if f.Type == agent.FrameEnd {
			return frames, nil
		}
	}
	return frames, lines.Err()
}
