package push

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// ContentType is that of requests and answers.
const ContentType = "application/x-protobuf"

const (
	// maxBody is the largest request, and the largest part of an answer, in bytes.
	maxBody = 64 << 20
	// longestAfter is how long a worker can ask to be left alone.
	longestAfter = time.Hour
)

// failure is what became of a request that was not answered as it should.
type failure struct {
	cause error
	// innocent says that the item has nothing to do with it: it was not sent, or the
	// worker takes nothing now.
	innocent bool
	after    time.Duration // before which the worker wants no request
}

// Error implements error.
func (f *failure) Error() string { return f.cause.Error() }

// Unwrap is for package errors.
func (f *failure) Unwrap() error { return f.cause }

func clientOf(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Ask asks a worker what it does.
func Ask(ctx context.Context, transport http.RoundTripper, w Worker) (*wirepb.HubHello, error) {
	return New(Config{Worker: w, Transport: transport}).ping(ctx)
}

// ping asks the worker whether it is there, and what it does.
func (c *Caller) ping(ctx context.Context) (hello *wirepb.HubHello, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pingTime, fmt.Errorf("it has not answered within %v", pingTime))
	defer cancel()
	err = c.post(ctx, &wirepb.HubPush{}, func(m *wirepb.HubPushed) bool {
		hello = m.Hello
		return hello != nil
	})
	return hello, err
}

// errAccepted is the answer that an activity will be completed by its token later.
var errAccepted = errors.New("it was accepted, and is not done")

// exchange has the worker do an item and tells the hub what it says of it.
func (c *Caller) exchange(ctx context.Context, work *hub.Work) error {
	in := &wirepb.HubPush{Item: codec.EncodeWork(work, true)}
	if n := proto.Size(in); n > maxBody {
		return c.tooBig(ctx, work, n)
	}
	var last *wirepb.HubOutcome
	err := c.post(ctx, in, func(m *wirepb.HubPushed) bool {
		if h := m.GetOutcome().GetHeartbeat(); h != nil {
			c.beat(ctx, work, h)
			return false
		}
		last = m.Outcome
		return last != nil
	})
	if errors.Is(err, errAccepted) && work.Activity != nil {
		last = &wirepb.HubOutcome{What: &wirepb.HubOutcome_Activity{Activity: &wirepb.ActivityResponse{Pending: true}}}
	} else if err != nil {
		return err
	}
	return c.settle(ctx, work, last)
}

// beat tells the hub that an activity is alive. If nobody wants it any more the hub says
// so by a notice of its own.
func (c *Caller) beat(ctx context.Context, work *hub.Work, h *wirepb.HubHeartbeat) {
	if err := c.cfg.Hub.Heartbeat(ctx, work.Token, codec.TextOf(h.Progress)); err != nil {
		c.cfg.Logger.Debug("a heartbeat was not taken", "item", nameOf(work), "err", err)
	}
}

// settle tells the hub what became of an item. Whatever the worker calls it, it is the
// item that it was sent. What the hub does not take is others' by now, or will be.
func (c *Caller) settle(ctx context.Context, work *hub.Work, o *wirepb.HubOutcome) error {
	at, all := hub.Delivery{Token: work.Token}, context.WithoutCancel(ctx)
	var err error
	switch m := o.What.(type) {
	case *wirepb.HubOutcome_Orchestration:
		done, _, bad := codec.DecodeTurn(m.Orchestration, true)
		if bad != nil || work.Orchestration == nil {
			return &failure{cause: fmt.Errorf("its answer is not one to a turn of an orchestration: %w", bad)}
		}
		done.Delivery = at
		err = c.cfg.Hub.CompleteOrchestration(all, done)
	case *wirepb.HubOutcome_Activity:
		if work.Activity == nil {
			return &failure{cause: errors.New("its answer is one to an activity, which it was not sent")}
		}
		done := codec.DecodeActivityDone(m.Activity, true)
		done.Delivery = at
		err = c.cfg.Hub.CompleteActivity(all, done)
	case *wirepb.HubOutcome_Entity:
		done, _, bad := codec.DecodeEntityDone(m.Entity, true)
		if bad != nil || work.Entity == nil {
			return &failure{cause: fmt.Errorf("its answer is not one to operations on an entity: %w", bad)}
		}
		done.Delivery = at
		err = c.cfg.Hub.CompleteEntity(all, done)
	case *wirepb.HubOutcome_Abandoned:
		c.abandon(all, work.Token, false)
		return nil
	default:
		return &failure{cause: errors.New("its answer is of a kind that this version does not know")}
	}
	switch perdure.CodeOf(err) {
	case perdure.NotFound, perdure.Unavailable:
		return nil
	}
	if err != nil {
		c.cfg.Logger.Warn("an outcome was not taken", "worker", c.cfg.Worker.Name, "item", nameOf(work), "err", err)
		c.abandon(all, work.Token, false)
	}
	return nil
}

// tooBig ends an item that does not fit into a request, as it never will.
func (c *Caller) tooBig(ctx context.Context, work *hub.Work, n int) error {
	why := fmt.Sprintf("it needs %d bytes in a request; a worker that is called by URL takes %d at most: use a connected worker", n, maxBody)
	failed := &history.Failure{Type: perdure.ResourceExhausted.String(), NonRetriable: true, Message: why}
	at := hub.Delivery{Token: work.Token}
	switch {
	case work.Orchestration != nil:
		return c.cfg.Hub.CompleteOrchestration(ctx, &hub.OrchestrationDone{Delivery: at, Result: engine.TurnResult{Blocked: why}})
	case work.Activity != nil:
		return c.cfg.Hub.CompleteActivity(ctx, &hub.ActivityDone{Delivery: at, Failure: failed})
	}
	return c.cfg.Hub.CompleteEntity(ctx, &hub.EntityDone{Delivery: at, Result: engine.EntityResult{State: work.Entity.State, Failure: failed}})
}

// post sends a request and reads the parts of its answer until take returns true. An
// error that is no errAccepted is a *failure.
func (c *Caller) post(ctx context.Context, in *wirepb.HubPush, take func(*wirepb.HubPushed) bool) error {
	body, err := proto.Marshal(in)
	if err != nil {
		return &failure{cause: err, innocent: true}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := c.cfg.Worker.Silence
	silence := time.AfterFunc(limit, func() { cancel(fmt.Errorf("it was silent for %v", limit)) })
	defer silence.Stop()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	r, err := http.NewRequestWithContext(traced, http.MethodPost, c.cfg.Worker.URL, bytes.NewReader(body))
	if err != nil {
		return &failure{cause: errors.New("its URL is none"), innocent: true}
	}
	r.Header.Set("Content-Type", ContentType)
	r.Header.Set("User-Agent", "perdure")
	c.cfg.Worker.Key.Sign(r.Header, "msg_"+rand.Text(), time.Now(), body)
	answer, err := c.client.Do(r)
	if err != nil {
		return &failure{cause: plain(ctx, err), innocent: !sent.Load()}
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return refusal(answer)
	}
	for from := bufio.NewReader(answer.Body); ; {
		m := &wirepb.HubPushed{}
		if err := (protodelim.UnmarshalOptions{MaxSize: maxBody}).UnmarshalFrom(from, m); err != nil {
			return &failure{cause: fmt.Errorf("its answer ends early, or is none: %w", plain(ctx, err))}
		}
		silence.Reset(limit)
		if take(m) {
			return nil
		}
	}
}

// plain is the cause of a failed request without its URL, which may hold a secret.
func plain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// refusal is what an answer means that is not of this protocol.
func refusal(answer *http.Response) error {
	if answer.StatusCode == http.StatusAccepted {
		return errAccepted
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // for people: what there is of it
	f := &failure{cause: fmt.Errorf("it answers %s: %q", answer.Status, bytes.TrimSpace(text)), after: retryAfter(answer.Header)}
	switch answer.StatusCode {
	case http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		f.innocent = true
	case http.StatusServiceUnavailable:
		f.innocent = f.after > 0
	}
	return f
}

// retryAfter is how long a worker wants to be left alone.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	d := time.Duration(0)
	if seconds, err := strconv.Atoi(text); err == nil {
		d = time.Duration(min(seconds, int(longestAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), longestAfter)
}
