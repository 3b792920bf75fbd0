package perdure

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"
)

// Context is what an orchestration sees of the world. It belongs to the
// orchestration's code and its branches, and must not be used by goroutines,
// activities or after the orchestration returned. It is no context.Context:
// nothing that an orchestration does is cancelled under its feet.
type Context struct {
	rt     Runtime
	info   *Info
	reg    *Registry
	logger *slog.Logger
	rand   *rand.Rand
	seed   string // of rand
	ids    uint64
}

// NewContext returns the context of an orchestration that runs on rt. It is part
// of the seam to the runtime.
func NewContext(rt Runtime, reg *Registry) *Context {
	return &Context{rt: rt, info: rt.Info(), reg: reg}
}

// RuntimeOf returns what ctx stands on. It is part of the seam to the runtime.
func RuntimeOf(ctx *Context) Runtime { return ctx.rt }

// Parent names the orchestration that called this one.
type Parent struct {
	InstanceID  string
	ExecutionID string
	Name        string
}

// InstanceID returns the id of the running instance.
func (c *Context) InstanceID() string { return c.info.InstanceID }

// ExecutionID returns the id of this execution: each continue-as-new, restart
// and rewind begins another.
func (c *Context) ExecutionID() string { return c.info.ExecutionID }

// Name returns the name of the running orchestration.
func (c *Context) Name() string { return c.info.Name }

// Version returns the version with which the run was started, "" if none.
func (c *Context) Version() string { return c.info.Version }

// Tags returns the tags of the run. The map must not be changed.
func (c *Context) Tags() map[string]string { return c.info.Tags }

// Parent returns the orchestration that called this one, nil if none did.
func (c *Context) Parent() *Parent { return c.info.Parent }

// IsReplaying reports whether the code runs over recorded history. What an
// orchestration does must not depend on it.
func (c *Context) IsReplaying() bool { return c.info.Replaying }

// Now returns the time of the current turn, in UTC. It stands still between two
// waits.
func (c *Context) Now() time.Time { return c.info.Now }

// NewID returns a UUID that is the same in each replay and differs from all
// others.
func (c *Context) NewID() string {
	c.ids++
	b := make([]byte, 0, 80)
	b = append(b, c.info.Seed...)
	b = append(b, '/')
	b = strconv.AppendUint(b, c.ids, 10)
	return uuid5(b)
}

// uuid5 formats the SHA-1 of name as a UUID of version 5.
func uuid5(name []byte) string {
	sum := sha1.Sum(name)
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], sum[:4])
	hex.Encode(out[9:13], sum[4:6])
	hex.Encode(out[14:18], sum[6:8])
	hex.Encode(out[19:23], sum[8:10])
	hex.Encode(out[24:], sum[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// Rand returns a source of chance that gives the same numbers in each replay.
func (c *Context) Rand() *rand.Rand {
	if c.rand == nil || c.seed != c.info.Seed { // a fork has a chance of its own
		c.seed = c.info.Seed
		sum := sha1.Sum([]byte(c.info.Seed + "/rand"))
		c.rand = rand.New(rand.NewPCG(
			binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
	}
	return c.rand
}

// Logger returns a logger that writes each line once: it is silent while the
// code is replayed. What it writes stands in the log of the run too, see the
// function Logger.
func (c *Context) Logger() *slog.Logger {
	if c.logger == nil {
		c.logger = loggerOf(c.info)
	}
	return c.logger
}

// SetCustomStatus sets the status that lists and the dashboard show beside the
// run, as JSON of v. A value that has no JSON panics.
func (c *Context) SetCustomStatus(v any) {
	text, err := encodeAny(v)
	if err != nil {
		panic(invalidf("set custom status", err))
	}
	c.rt.Begin(&Step{Kind: StepStatus, Input: text})
}

// Patch reports whether the run takes the path that was added under this id. Runs
// that passed here before the patch was deployed keep the old path, all others
// take the new one, for good: each run answers the same whenever it is asked.
func (c *Context) Patch(id string) bool {
	s := Step{Kind: StepPatch, Name: id}
	c.rt.Begin(&s)
	return s.Taken
}

// Go runs fn as a branch, concurrently with the code that called Go: it starts
// when that code waits, and runs when what it waits for is done. Branches never
// run at the same time. When the orchestration returns, branches that are not
// done are dropped.
func (c *Context) Go(fn func(ctx *Context)) *Branch {
	b := &Branch{ctx: c}
	b.s = Step{Kind: StepBranch, Run: func() { fn(c) }}
	c.rt.Begin(&b.s)
	return b
}

// Branch is a concurrent part of an orchestration.
type Branch struct {
	ctx *Context
	s   Step
}

// Await waits until the branch has returned.
func (b *Branch) Await() { b.ctx.wait(&b.s) }

func (b *Branch) step() *Step { return &b.s }

// Timer starts a timer that fires after d; at once if d is not positive.
func (c *Context) Timer(d time.Duration) *Timer { return c.TimerUntil(c.info.Now.Add(d)) }

// TimerUntil starts a timer that fires at t; at once if that is past.
func (c *Context) TimerUntil(t time.Time) *Timer {
	timer := &Timer{ctx: c}
	timer.s = Step{Kind: StepTimer, At: t.UTC()}
	c.rt.Begin(&timer.s)
	return timer
}

// Timer is a durable timer.
type Timer struct {
	ctx *Context
	s   Step
}

// Await waits until the timer fires. It returns an Error with the code Canceled
// if the timer was cancelled, else nil.
func (t *Timer) Await() error {
	t.ctx.wait(&t.s)
	_, err := t.s.Result()
	return err
}

// Fired reports whether the timer has fired.
func (t *Timer) Fired() bool { return t.s.done && t.s.err == nil }

// Cancel stops the timer. A timer that has fired is left alone.
func (t *Timer) Cancel() { t.ctx.rt.Cancel(&t.s) }

func (t *Timer) step() *Step { return &t.s }

func (c *Context) wait(s *Step) {
	if !s.done {
		c.rt.Wait(s)
	}
}
