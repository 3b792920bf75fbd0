package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// world is all that is outside of the process that gets killed.
type world struct {
	server *httptest.Server
	client *http.Client
	env    []string // of the process

	mu       sync.Mutex          // guards the fields below
	process  map[string]*process // the newest of each name
	cuts     map[string]*cut     // by order
	calls    []*toolCall         // of tools, in the order in which they came
	answers  map[string][]string // nonces of the model's answers by order and step
	swarm    bool                // the model is that of the swarm
	bill     agent.Spending      // of the swarm's model
	unknown  map[string]bool     // effects whose outcome somebody was asked for
	patience time.Duration
	done     struct{ kills, cut, asked, nonce int }
}

// cut is where the process is to be killed while it serves an order.
type cut struct {
	tool  string // in a call of this tool,
	after bool   // after the effect, before its answer; else before it
	step  int    // in the answer of the model's step, from 1
}

// toolCall is a call that has reached the world.
type toolCall struct {
	order, tool, effect string
	committed, replied  bool
	cut                 bool // the process died before it had the answer
}

func newWorld(t *testing.T) *world {
	w := &world{
		client: &http.Client{Transport: &http.Transport{}}, process: map[string]*process{}, cuts: map[string]*cut{},
		answers: map[string][]string{}, unknown: map[string]bool{},
		patience: 2 * time.Minute,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tools/{tool}", w.act)
	mux.HandleFunc("GET /effects/{id}", w.effect)
	mux.Handle("/v1/", modeltest.NewServer(model.Func(w.generate)))
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/by/"), "/")
		r = r.Clone(context.WithValue(r.Context(), callerKey{}, name))
		r.URL.Path = "/" + path
		mux.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		for _, p := range w.process {
			p.kill()
		}
		w.client.CloseIdleConnections()
		w.server.Close()
	})
	return w
}

type callerKey struct{}

// running notes a process that is to be killed, with the name by which it calls.
func (w *world) running(name string, p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process[name] = p
}

// plan chooses where the process is killed while it serves orders.
func (w *world) plan(chance *rand.Rand, orders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts = map[string]*cut{}
	for _, o := range orders {
		switch n := chance.IntN(4); n {
		case 0: // at a random moment
			names := slices.Sorted(maps.Keys(w.process))
			p, wait := w.process[names[chance.IntN(len(names))]], time.Duration(1+chance.IntN(400))*time.Millisecond
			time.AfterFunc(wait, func() { w.killNow(p) })
		case 1:
			w.cuts[o] = &cut{step: 1 + chance.IntN(4)}
		default:
			w.cuts[o] = &cut{tool: orderTools[chance.IntN(len(orderTools))], after: n == 2}
		}
	}
}

func (w *world) killNow(p *process) {
	w.mu.Lock()
	w.done.kills++
	for _, c := range w.calls { // those in flight are cut, too
		if c.committed && !c.replied && !c.cut {
			c.cut = true
			w.done.cut++
		}
	}
	w.mu.Unlock()
	_ = p.cmd.Process.Kill()
}

// kills kills the process that calls, if the plan says so, and reports whether it did.
func (w *world) kills(ctx context.Context, o string, hit func(*cut) bool) bool {
	w.mu.Lock()
	c := w.cuts[o]
	if c == nil || !hit(c) {
		w.mu.Unlock()
		return false
	}
	delete(w.cuts, o) // once
	name, _ := ctx.Value(callerKey{}).(string)
	p := w.process[name]
	w.mu.Unlock()
	w.killNow(p)
	<-p.end
	return true
}

// act carries out a tool. Repeatable tools have their effect once for an effect id.
func (w *world) act(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c := &toolCall{order: string(body), tool: r.PathValue("tool"), effect: r.Header.Get(egress.Header)}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	w.mu.Unlock()
	if w.kills(r.Context(), c.order, func(k *cut) bool { return k.tool == c.tool && !k.after }) {
		return
	}
	w.mu.Lock()
	c.committed = true
	w.mu.Unlock()
	if w.kills(r.Context(), c.order, func(k *cut) bool { return k.tool == c.tool && k.after }) {
		return
	}
	w.mu.Lock()
	c.replied = true
	w.mu.Unlock()
	_, _ = io.WriteString(rw, result(c))
}

func result(c *toolCall) string { return c.tool + " of " + c.order + " done" }

// effect tells whether a call was carried out.
func (w *world) effect(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.effect == r.PathValue("id") && c.committed {
			_, _ = io.WriteString(rw, result(c))
			return
		}
	}
	http.NotFound(rw, r)
}

// committed returns the effects of a tool for an order.
func (w *world) committed(o, tool string) (effects []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.order == o && c.tool == tool && c.committed {
			effects = append(effects, c.effect)
		}
	}
	return effects
}

// outcome answers what became of a call.
func (w *world) outcome(t *testing.T, d *agent.Decision) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unknown[d.EffectID] = true
	w.done.asked++
	if d.Tool == "lookup" || d.Tool == "reserve" || d.Tool == "ship" {
		t.Errorf("somebody was asked what became of %s, which can be repeated or looked up: %s", d.Tool, d.Reason)
	}
	for _, c := range w.calls {
		if c.effect == d.EffectID && c.committed {
			return fmt.Sprintf(`{"answer":"happened","result":%q}`, result(c))
		}
	}
	return `{"answer":"retry"}` // the process that has sent it is dead
}

// generate is the model: what it does next follows from the conversation, but it
// never words it the same way twice.
func (w *world) generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	if w.swarm {
		return w.scout(ctx, req)
	}
	return func(yield func(*model.Update, error) bool) {
		o, step := req.Messages[0].Text(), 1
		for _, m := range req.Messages {
			if m.Role == model.RoleAssistant {
				step++
			}
		}
		w.mu.Lock()
		w.done.nonce++
		nonce := fmt.Sprintf("n%d", w.done.nonce)
		key := fmt.Sprint(o, " ", step)
		w.answers[key] = append(w.answers[key], nonce)
		w.mu.Unlock()
		contents := []model.Content{&model.Text{Text: "Step " + nonce + ". "}}
		for i, tool := range [][]string{orderTools[:2], orderTools[2:3], orderTools[3:], nil}[min(step, 4)-1] {
			contents = append(contents, &model.FunctionCall{CallID: fmt.Sprintf("%s-%d", nonce, i), Name: tool, Arguments: fmt.Sprintf(`{"Order":%q}`, o)})
		}
		if step >= 4 {
			contents = append(contents, &model.Text{Text: o + " is served."})
		}
		for i, c := range contents {
			if i == 1 && w.kills(ctx, o, func(k *cut) bool { return k.tool == "" && k.step == step }) {
				return
			}
			if !yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{c}}, nil) || ctx.Err() != nil {
				return
			}
		}
		finish := model.FinishToolCalls
		if step >= 4 {
			finish = model.FinishStop
		}
		yield(&model.Update{FinishReason: finish}, nil)
	}
}

// describe returns a message without what differs from call to call. What the
// journal has of an answer of the model must be what the model said last.
func (w *world) describe(t *testing.T, o string, raw json.RawMessage) string {
	t.Helper()
	var m model.Message
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	text := string(m.Role) + ": " + m.Text()
	for _, c := range m.Contents {
		switch c := c.(type) {
		case *model.FunctionCall:
			text += " " + c.Name + c.Arguments
		case *model.FunctionResult:
			text += string(c.Result) + c.Error
		}
	}
	if m.Role == model.RoleAssistant {
		w.mu.Lock()
		defer w.mu.Unlock()
		recorded, newest := nonces.FindString(m.Text()), false
		for key, list := range w.answers {
			newest = newest || strings.HasPrefix(key, o+" ") && list[len(list)-1] == recorded
		}
		if !newest {
			t.Errorf("%s: the model was asked again after its answer %s was recorded", o, recorded)
		}
	}
	return nonces.ReplaceAllString(text, "n")
}

// judge compares what the world has seen with what was promised.
func (w *world) judge(t *testing.T, rounds int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	type key struct{ order, tool string }
	effects, commits := map[key]map[string]bool{}, map[key]int{}
	for _, c := range w.calls {
		k := key{c.order, c.tool}
		if effects[k] == nil {
			effects[k] = map[string]bool{}
		}
		effects[k][c.effect] = true
		if c.committed {
			commits[k]++
		}
		if c.committed && !c.replied && (c.tool == "pay" || c.tool == "notify") && !w.unknown[c.effect] {
			t.Errorf("%s of %s was carried out, its answer was lost, and nobody was asked", c.tool, c.order)
		}
		if c.effect == "" {
			t.Errorf("%s of %s came without an effect id", c.tool, c.order)
		}
	}
	for k, ids := range effects {
		if len(ids) != 1 {
			t.Errorf("%s of %s came with %d effect ids, want the same each time", k.tool, k.order, len(ids))
		}
		once := k.tool == "pay" || k.tool == "notify" || k.tool == "ship"
		if n := commits[k]; n == 0 || once && n > 1 {
			t.Errorf("%s of %s was carried out %d times, want once", k.tool, k.order, n)
		}
	}
	if len(effects) != 5*(4*rounds+1) || w.done.kills < rounds || w.done.cut < rounds/2 {
		t.Errorf("%d effects with %d kills, %d of them after an effect: too little to mean anything", len(effects), w.done.kills, w.done.cut)
	}
	t.Logf("%d orders, %d calls of tools and %d of the model; %d kills, %d calls cut after their effect, %d outcomes asked for",
		4*rounds+1, len(w.calls), w.done.nonce, w.done.kills, w.done.cut, w.done.asked)
}
