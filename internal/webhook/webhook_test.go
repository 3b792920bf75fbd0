package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/webhook"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_c2VjcmV0IGVub3VnaCBmb3IgYSB0ZXN0"

// receiver is the other side: it checks signatures and takes what it is let.
type receiver struct {
	t      *testing.T
	mu     sync.Mutex // guards the fields below
	refuse int        // so many requests are answered with 503
	tried  int
	got    map[string]int // decisions that were taken, how often
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	// The check is written out, so that it does not share the sender's mistakes.
	key, err := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
	if err != nil {
		r.t.Error(err)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(q.Header.Get("webhook-id") + "." + q.Header.Get("webhook-timestamp") + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); q.Header.Get("webhook-signature") != want {
		r.t.Errorf("signature = %s, want %s", q.Header.Get("webhook-signature"), want)
	}
	if at, err := strconv.ParseInt(q.Header.Get("webhook-timestamp"), 10, 64); err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
		r.t.Errorf("timestamp = %s, want now", q.Header.Get("webhook-timestamp"))
	}
	var p webhook.Payload
	if err := json.Unmarshal(body, &p); err != nil || p.Type != "decision.opened" || p.Decision == nil || p.Decision.ID != q.Header.Get("webhook-id") {
		r.t.Errorf("body = %s, %v, want a decision that was opened", body, err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried++
	if r.tried <= r.refuse {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.got[p.Decision.ID]++
}

// counts returns how many decisions were taken, and how often in all.
func (r *receiver) counts() (decisions, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.got {
		times += n
	}
	return len(r.got), times
}

func listen(t *testing.T, refuse int) (*receiver, *httptest.Server) {
	r := &receiver{t: t, refuse: refuse, got: map[string]int{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s
}

// payer is a model that pays what it is told, and says when it is done.
type payer struct{}

func (payer) Generate(_ context.Context, r *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		var content model.Content = &model.Text{Text: "Done."}
		if r.Messages[len(r.Messages)-1].Role == model.RoleUser {
			content = &model.FunctionCall{CallID: "c1", Name: "pay", Arguments: "{}"}
		}
		yield(&model.Update{Contents: model.Contents{content}}, nil)
	}
}

// begin runs a hub over a disk, whose agent asks for an approval in each turn.
func begin(t *testing.T, disk *memory.Disk) (*agent.Service, func()) {
	t.Helper()
	reg := perdure.NewRegistry()
	pay := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { return "paid", nil }, agent.AlwaysRequireApproval())
	if err := agent.Register(reg, &agent.Agent{Name: "Joker", Model: payer{}, Tools: []agent.Tool{pay}}); err != nil {
		t.Fatal(err)
	}
	s, err := memory.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	h, err := local.New(local.Config{Store: s, Registry: reg, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	service := agent.NewService(client.New(h))
	ctx, cancel := context.WithCancel(service.Context(context.Background()))
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return service, stop
}

// tell runs the webhook; the returned function stops it.
func tell(t *testing.T, s *agent.Service, url string) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	transport := &http.Transport{}
	go func() {
		done <- webhook.Run(ctx, webhook.Config{
			Service: s, URL: url, Secret: secret, Poll: 20 * time.Millisecond, FirstPause: time.Millisecond, MaxPause: 5 * time.Millisecond,
			Transport: transport, Logger: slog.New(slog.DiscardHandler),
		})
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
		transport.CloseIdleConnections()
	})
	t.Cleanup(stop)
	return stop
}

func ask(t *testing.T, s *agent.Service, key string) {
	t.Helper()
	id, err := agent.NewSessionID("Joker", key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), id, agent.Message{Text: "Pay."}); err != nil {
		t.Fatal(err)
	}
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(time.Millisecond); !holds(); <-tick.C {
		if ctx.Err() != nil {
			tick.Stop()
			t.Fatalf("it does not come true that %s", what)
		}
	}
}

func unannounced(t *testing.T, s *agent.Service) int {
	t.Helper()
	page, err := s.Unannounced(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Decisions)
}

// TestTold has a webhook that fails at first be told of each decision, once, and
// not again after a crash.
func TestTold(t *testing.T) {
	r, server := listen(t, 5)
	disk := &memory.Disk{}
	s, stop := begin(t, disk)
	stopTelling := tell(t, s, server.URL)
	for _, key := range []string{"k1", "k2", "k3"} {
		ask(t, s, key)
	}
	until(t, "3 decisions are told", func() bool { n, _ := r.counts(); return n == 3 })
	until(t, "that is noted", func() bool { return unannounced(t, s) == 0 })
	stopTelling()
	disk.Crash()
	stop()
	s, _ = begin(t, disk)
	tell(t, s, server.URL)
	ask(t, s, "k4")
	until(t, "the 4th is told", func() bool { n, _ := r.counts(); return n == 4 })
	if n, times := r.counts(); n != 4 || times != 4 {
		t.Errorf("%d decisions were told %d times, want 4 once each", n, times)
	}
}

// TestToldAfterCrash opens decisions while nobody tells of them, and cuts the power
// before it can be noted that they were told: they are told again.
func TestToldAfterCrash(t *testing.T) {
	r, server := listen(t, 0)
	disk := &memory.Disk{}
	s, stop := begin(t, disk)
	ask(t, s, "k1")
	until(t, "it is asked", func() bool { return unannounced(t, s) == 1 })
	disk.OnGroup(func(memory.GroupEvent) memory.Verdict { return memory.CrashNow }) // the next write is the note
	stopTelling := tell(t, s, server.URL)
	until(t, "it is told", func() bool { n, _ := r.counts(); return n == 1 })
	stopTelling()
	stop()
	disk.OnGroup(nil)
	s, _ = begin(t, disk)
	told := unannounced(t, s)
	tell(t, s, server.URL)
	until(t, "that is noted", func() bool { return unannounced(t, s) == 0 })
	if n, times := r.counts(); n != 1 || times != 1+told {
		t.Errorf("%d decisions were told %d times, want 1, and again if it was not noted (%d)", n, times, told)
	}
}

// TestAnswerWhileTold answers a decision between the look at it and the note that
// it was told: the answer is taken.
func TestAnswerWhileTold(t *testing.T) {
	s, _ := begin(t, &memory.Disk{})
	for i := range 20 {
		ask(t, s, "k"+strconv.Itoa(i))
		var id string
		until(t, "it is asked", func() bool {
			page, err := s.Unannounced(t.Context(), nil)
			if err != nil || len(page.Decisions) != 1 {
				return false
			}
			id = page.Decisions[0].ID
			return true
		})
		var wait sync.WaitGroup
		wait.Go(func() {
			if err := s.Announced(t.Context(), id); err != nil {
				t.Errorf("Announced() = %v", err)
			}
		})
		if _, err := s.Decide(t.Context(), id, agent.Answer{Answer: agent.AnswerApprove}); err != nil {
			t.Errorf("Decide() = %v, want it taken", err)
		}
		wait.Wait()
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		url, secret string
		ok          bool
	}{
		{"https://example.com/hook", secret, true},
		{"http://10.0.0.1:9000", "0123456789abcdef", true},
		{"ftp://example.com", secret, false},
		{"example.com", secret, false},
		{"", secret, false},
		{"https://example.com", "", false},
		{"https://example.com", "short", false},
		{"https://example.com", "whsec_***", false},
	} {
		if err := webhook.Check(c.url, c.secret); (err == nil) != c.ok {
			t.Errorf("Check(%q, %q) = %v, want ok: %v", c.url, c.secret, err, c.ok)
		}
	}
}
