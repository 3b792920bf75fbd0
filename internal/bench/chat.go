package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

// Chatting is what turns over HTTP cost beside the time of the model.
type Chatting struct {
	Sessions   int     `json:"sessions" help:"open sessions, which take turns evenly"`
	Rate       float64 `json:"offered_per_second" help:"turns that began in a second, evenly spread"`
	Late       int     `json:"late" help:"turns that could not begin in time, as the client had too much to do"`
	Overhead50 float64 `json:"overhead_p50_ms" help:"median of what a turn took beyond its call of the model, from the request until the end of its stream"`
	Overhead99 float64 `json:"overhead_p99_ms" help:"99 of 100 turns took no longer beyond that"`
	Token50    float64 `json:"token_p50_ms" help:"median time from the model's first token until the reader of the stream had it"`
	Token99    float64 `json:"token_p99_ms" help:"99 of 100 first tokens took no longer"`
	RSSMax     float64 `json:"rss_max_mb" help:"largest resident memory of this process, the clients included"`
}

// The scripted model says chatWords words within chatTime.
const (
	chatTime  = 50 * time.Millisecond
	chatWords = 5
)

// chatModel is a model that takes its time, and notes when it did what.
type chatModel struct {
	text  string
	calls sync.Map // message -> *chatCall
}

type chatCall struct{ began, first, ended atomic.Int64 }

// Generate implements model.Model.
func (m *chatModel) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		call := &chatCall{}
		if known, ok := m.calls.Load(req.Messages[len(req.Messages)-1].Text()); ok {
			call = known.(*chatCall)
		}
		began := time.Now()
		call.began.Store(began.UnixNano())
		for i := range chatWords {
			pause := time.NewTimer(time.Until(began.Add(chatTime * time.Duration(i+1) / chatWords)))
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				yield(nil, context.Cause(ctx))
				return
			}
			if i == 0 {
				call.first.Store(time.Now().UnixNano())
			}
			if !yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: m.text}}}, nil) {
				return
			}
		}
		call.ended.Store(time.Now().UnixNano())
	}
}

// chat is the workload.
type chat struct {
	*bench
	figures  *Chatting
	url      string
	http     *http.Client
	model    *chatModel
	overhead histogram
	token    histogram
	done     atomic.Int64
}

// chat has sessions take turns over HTTP, at a given rate.
func (b *bench) chat(ctx context.Context, dir string) error {
	c := &chat{bench: b, figures: &Chatting{Sessions: b.cfg.Sessions, Rate: b.cfg.Rate}, model: &chatModel{text: b.cfg.text() + " "}}
	b.result.Chatting, b.result.Steps = c.figures, 1
	c.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	defer c.http.CloseIdleConnections()
	registry := perdure.NewRegistry()
	if err := agent.Register(registry, &agent.Agent{Name: agentName, Instructions: "Answer.", Model: c.model, Window: agentWindow}); err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: dir, Addr: "127.0.0.1:0", Registry: registry, Logger: b.cfg.Logger, Progress: func(string) {}})
	if err != nil {
		return err
	}
	appCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(appCtx) }()
	select {
	case <-app.Ready():
		c.url = app.URL()
		err = c.run(ctx)
	case err = <-ended:
		stop()
		return err
	}
	stop()
	if failed := <-ended; err == nil {
		err = failed
	}
	return err
}

// run opens the sessions, and then measures turns of theirs.
func (c *chat) run(ctx context.Context) error {
	if err := c.offer(ctx, "opening sessions", c.cfg.Sessions, false); err != nil || ctx.Err() != nil {
		return err
	}
	endProfile, err := startProfile(c.cfg.CPUProfile)
	if err != nil {
		return err
	}
	c.done.Store(0)
	began, used := time.Now(), cpuTime()
	err = c.offer(ctx, "taking turns", int(c.cfg.Rate*c.cfg.For.Seconds()), true)
	took, cpu := time.Since(began), cpuTime()-used
	if failed := endProfile(); err == nil {
		err = failed
	}
	c.result.Count, c.result.Interrupted = int(c.done.Load()), ctx.Err() != nil
	c.result.Seconds, c.result.PerSecond = round(took.Seconds(), 4), round(float64(c.done.Load())/took.Seconds(), 2)
	c.result.CPU = round(cpu.Seconds()*1000/float64(max(c.done.Load(), 1)), 5)
	c.result.P50, c.result.P99 = round(c.latency.milliseconds(0.5), 4), round(c.latency.milliseconds(0.99), 4)
	c.figures.Overhead50, c.figures.Overhead99 = round(c.overhead.milliseconds(0.5), 3), round(c.overhead.milliseconds(0.99), 3)
	c.figures.Token50, c.figures.Token99 = round(c.token.milliseconds(0.5), 3), round(c.token.milliseconds(0.99), 3)
	c.result.RSS = megabytes(residentBytes())
	return err
}

// offer begins turns at the rate that was asked for, whether or not earlier ones
// have ended.
func (c *chat) offer(ctx context.Context, what string, count int, measured bool) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.progress.phase(what, func() string { return countOf(c.done.Load(), count) })
	pause := time.Duration(float64(time.Second) / c.cfg.Rate)
	began := time.Now()
	var wg sync.WaitGroup
	for n := 0; n < count && inner.Err() == nil; n++ {
		at := began.Add(pause * time.Duration(n))
		wait := time.NewTimer(time.Until(at))
		select {
		case <-wait.C:
		case <-inner.Done():
		}
		wait.Stop()
		if measured && time.Since(at) > 5*time.Millisecond {
			c.figures.Late++
		}
		if n%100 == 0 {
			c.figures.RSSMax = max(c.figures.RSSMax, megabytes(residentBytes()))
		}
		wg.Go(func() {
			if err := c.turn(inner, n, measured); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() == nil && inner.Err() != nil {
		return context.Cause(inner)
	}
	return nil
}

// turn says something in a session and reads the answer to its end.
func (c *chat) turn(ctx context.Context, n int, measured bool) error {
	text := fmt.Sprintf("%t %d %s", measured, n, c.cfg.text())
	call := &chatCall{}
	c.model.calls.Store(text, call)
	defer c.model.calls.Delete(text)
	body, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		return err
	}
	began := time.Now()
	url := fmt.Sprintf("%s/api/v1/agents/%s/sessions/s%d/messages", c.url, agentName, n%c.cfg.Sessions)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	token, status := int64(0), ""
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		line := lines.Text()
		if token == 0 && strings.HasPrefix(line, "event: text") {
			token = time.Now().UnixNano()
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(data, `"status"`) {
			status = data
		}
	}
	took := time.Since(began)
	if !strings.Contains(status, `"completed"`) {
		return fmt.Errorf("turn %d has ended with HTTP status %d, %q (%v)", n, res.StatusCode, status, lines.Err())
	}
	c.done.Add(1)
	if measured {
		c.latency.add(took)
		c.overhead.add(took - time.Duration(call.ended.Load()-call.began.Load()))
		c.token.add(time.Duration(token - call.first.Load()))
	}
	return lines.Err()
}
