package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/internal/signing"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// PushConfig is what a PushHandler is made of. Registry and Secret are required.
type PushConfig struct {
	Registry *perdure.Registry // the code that it runs
	// Secret is that with which the hub signs its requests; several, with blanks
	// between, are good each.
	Secret string
	ID     string          // of the process, for people; "" = a random one
	Agents []Agent         // that the code serves
	Values context.Context // the code finds its values; nil = none
	Alive  time.Duration   // between signs of life; 0 = 15 s
	Grace  time.Duration   // that activities have at the end; 0 = none
	Logger *slog.Logger    // nil = none
}

const (
	// quick is how long the answer is awaited before a sign of life is sent.
	quick = time.Second
	// defaultAlive is the time between signs of life.
	defaultAlive = 15 * time.Second
	// pushType is the type of requests and answers.
	pushType = "application/x-protobuf"
	// remembered is how long, and how many, ids of requests are known so that they are
	// not done again.
	remembered    = 11 * time.Minute
	mostRemembers = 100_000
)

// PushHandler runs code for a hub that calls it over HTTP, an item at a time, and keeps
// nothing between two requests: see package push. It may be used concurrently.
type PushHandler struct {
	cfg  PushConfig
	keys []signing.Key
	crew *crew

	mu   sync.Mutex           // guards the rest
	open map[string]*answer   // by token
	seen map[string]time.Time // ids of requests
}

// answer is one that is under way.
type answer struct {
	parts chan *report // has room for one
	last  chan *report // has room for one
}

// NewPushHandler returns a handler that works until Close is called.
func NewPushHandler(cfg PushConfig) (*PushHandler, error) {
	if cfg.Registry == nil {
		return nil, errors.New("push handler: it needs a Registry")
	}
	if err := cfg.Registry.Err(); err != nil {
		return nil, fmt.Errorf("push handler: %w", err)
	}
	h := &PushHandler{cfg: cfg, open: map[string]*answer{}, seen: map[string]time.Time{}}
	for _, secret := range strings.Fields(cfg.Secret) {
		key, err := signing.ParseKey(secret)
		if err != nil {
			return nil, fmt.Errorf("push handler: %w", err)
		}
		h.keys = append(h.keys, key)
	}
	if len(h.keys) == 0 {
		return nil, errors.New("push handler: it needs the secret with which the hub signs its requests")
	}
	if h.cfg.ID == "" {
		h.cfg.ID = newWorkerID()
	}
	if h.cfg.Alive <= 0 {
		h.cfg.Alive = defaultAlive
	}
	if h.cfg.Logger == nil {
		h.cfg.Logger = slog.New(slog.DiscardHandler)
	}
	values := cfg.Values
	if values == nil {
		values = context.Background()
	}
	values = context.WithoutCancel(values)
	code := replay.NewRunner(cfg.Registry, replay.Options{Logger: h.cfg.Logger}).With(values.Value)
	worker := &WorkerConfig{
		Registry: cfg.Registry, ID: h.cfg.ID, Agents: cfg.Agents, Payload: defaultPayload, CacheBytes: 1, Grace: cfg.Grace, Now: time.Now, Logger: h.cfg.Logger,
	}
	h.crew = newCrew(values, worker, code)
	h.crew.attach(each(h.tell))
	return h, nil
}

// Close lets what runs end, within the grace, and gives the rest back. Requests that
// come later are refused.
func (h *PushHandler) Close() { h.crew.close() }

// errForgets is what code is told whose turn has ended: it is not kept.
var errForgets = errors.New("the worker keeps nothing between turns")

// tell hands a report to the request whose item it is about.
func (h *PushHandler) tell(r *report) {
	token := tokenOf(r)
	h.mu.Lock()
	a := h.open[token]
	h.mu.Unlock()
	switch {
	case r.heartbeat != nil:
		if a != nil {
			select {
			case a.parts <- r:
				return
			default:
			}
		}
		r.end(nil) // a newer one says the same
	case a == nil:
		r.end(errForgets)
	default:
		a.last <- r
		r.end(errForgets)
	}
}

// tokenOf names the item that a report is about.
func tokenOf(r *report) string {
	switch {
	case r.turn != nil:
		return r.turn.Token
	case r.activity != nil:
		return r.activity.Token
	case r.entity != nil:
		return r.entity.Token
	case r.abandon != nil:
		return r.abandon.Token
	}
	return r.heartbeat.token
}

// ServeHTTP implements http.Handler.
func (h *PushHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "this is a worker of a Perdure hub, which calls it by POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, "the body is too large, or has ended early", http.StatusRequestEntityTooLarge)
		return
	}
	if err := signing.Check(h.keys, r.Header, time.Now(), body); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if !h.first(r.Header.Get(signing.HeaderID), time.Now()) {
		http.Error(w, "this request was served before", http.StatusConflict)
		return
	}
	in := &wirepb.HubPush{}
	var work *hub.Work
	if err = proto.Unmarshal(body, in); err == nil && in.Item != nil {
		if work, err = codec.DecodeWork(in.Item); err == nil && work == nil {
			err = errors.New("it is of a kind that this version does not know")
		}
	}
	if err != nil {
		http.Error(w, "the item cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", pushType)
	if work == nil || work.Cancel != nil {
		_ = write(w, &wirepb.HubPushed{Hello: h.crew.hello()}) // the caller finds out
		return
	}
	h.do(w, r, work)
}

// first reports whether a request comes for the first time.
func (h *PushHandler) first(id string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, again := h.seen[id]; again {
		return false
	}
	if len(h.seen) >= mostRemembers {
		for old, at := range h.seen {
			if now.Sub(at) > remembered {
				delete(h.seen, old)
			}
		}
	}
	if len(h.seen) < mostRemembers {
		h.seen[id] = now
	}
	return true
}

// do carries an item out and answers what became of it. Until then it shows signs of
// life, so that nobody in between takes the connection for dead.
func (h *PushHandler) do(w http.ResponseWriter, r *http.Request, work *hub.Work) {
	a := &answer{parts: make(chan *report, 1), last: make(chan *report, 1)}
	h.mu.Lock()
	busy := h.open[work.Token] != nil
	if !busy {
		h.open[work.Token] = a
	}
	h.mu.Unlock()
	if busy {
		http.Error(w, "the item is being done", http.StatusConflict)
		return
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.open, work.Token)
	}()
	h.crew.take(work)
	timer := time.NewTimer(quick)
	defer timer.Stop()
	for {
		m := &wirepb.HubPushed{}
		var beat *report
		select {
		case last := <-a.last:
			m.Outcome, _ = outcomeOf(last)
		case beat = <-a.parts:
			m.Outcome, _ = outcomeOf(beat)
		case <-timer.C:
			m.Alive = true
		case <-r.Context().Done():
			h.crew.cancel(work.Token, errGone)
			return
		}
		err := write(w, m)
		if beat != nil {
			beat.end(nil)
		}
		if err != nil {
			h.crew.cancel(work.Token, errGone)
			return
		}
		if m.Outcome != nil && beat == nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // not all can; then it comes at the end
		timer.Reset(h.cfg.Alive)
	}
}

// errGone is the cause with which the context of an activity ends whose request does.
var errGone = &perdure.Error{Code: perdure.Canceled, Op: "run activity", Message: "the hub has ended the request"}

// write writes a part of an answer.
func write(w io.Writer, m *wirepb.HubPushed) error {
	_, err := protodelim.MarshalTo(w, m)
	return err
}
