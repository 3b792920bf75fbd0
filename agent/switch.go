package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

// Switch names what is switched off: an agent, a tool of an agent, a tool of all
// agents, or, as the zero Switch, all agents of the hub.
type Switch struct {
	Agent string `json:"agent,omitempty"` // "" = all; its case does not count
	Tool  string `json:"tool,omitempty"`  // "" = all that the agent does
}

// SwitchedOff is a Switch that is off.
type SwitchedOff struct {
	Switch
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// meets reports whether the switch is about a step: a call of a tool, or, with no
// tool, of the model.
func (s Switch) meets(agent, tool string) bool {
	return (s.Agent == "" || strings.EqualFold(s.Agent, agent)) && (s.Tool == "" || s.Tool == tool)
}

// String says what the switch is about, as the beginning of a sentence: "agent x is".
func (s Switch) String() string {
	switch {
	case s.Agent == "" && s.Tool == "":
		return "all agents are"
	case s.Tool == "":
		return "agent " + s.Agent + " is"
	case s.Agent == "":
		return "tool " + s.Tool + " is"
	}
	return "tool " + s.Tool + " of agent " + s.Agent + " is"
}

// refusal is why a step is not carried out.
func (s *SwitchedOff) refusal() error {
	text := s.Switch.String() + " switched off"
	if s.By != "" {
		text += " by " + s.By
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Message: text}
}

// switchesName is the name of the entity that holds the switches of a hub, and of
// the one operation that it has beside reading.
const (
	switchesName = "perdure.switches"
	switchesKey  = "hub"
	opSwitch     = "switch"
)

func switchesID() perdure.EntityID { return perdure.NewEntityID(switchesName, switchesKey) }

// switchRequest is the input of opSwitch.
type switchRequest struct {
	SwitchedOff
	On bool `json:"on,omitempty"`
}

// switches is the entity.
func switches(ctx *perdure.EntityContext) (any, error) {
	if !strings.EqualFold(ctx.Operation(), opSwitch) {
		return nil, perdure.NonRetryable(fmt.Errorf("switches have no operation %q", ctx.Operation()))
	}
	var off []SwitchedOff
	var r switchRequest
	if err := errors.Join(ctx.State(&off), ctx.Input(&r)); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	off = slices.DeleteFunc(off, func(s SwitchedOff) bool {
		return strings.EqualFold(s.Agent, r.Agent) && s.Tool == r.Tool
	})
	if !r.On {
		r.At = ctx.Now()
		off = append(off, r.SwitchedOff)
	}
	if len(off) == 0 {
		ctx.DeleteState()
		return nil, nil
	}
	return nil, ctx.SetState(off)
}

// SwitchOff has what a switch is about do nothing more: calls of models and tools
// that run are cancelled within moments, and none begins any more, until it is
// switched on. Turns that need them fail with an error that names who has switched
// them off and why; a tool that is switched off is an error for the model. On return
// it is durable.
func (s *Service) SwitchOff(ctx context.Context, what Switch, by, reason string) error {
	err := s.flip(ctx, switchRequest{SwitchedOff: SwitchedOff{Switch: what, By: by, Reason: reason}})
	if err == nil {
		s.running.cancel(&SwitchedOff{Switch: what, By: by, Reason: reason})
	}
	return err
}

// SwitchOn undoes SwitchOff. To switch on what is not off changes nothing.
func (s *Service) SwitchOn(ctx context.Context, what Switch) error {
	return s.flip(ctx, switchRequest{SwitchedOff: SwitchedOff{Switch: what}, On: true})
}

func (s *Service) flip(ctx context.Context, r switchRequest) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	text, err := perdure.Encode(r)
	if err != nil {
		return err
	}
	_, err = h.Ask(ctx, &hub.Ask{InstanceID: switchesID().String(), Name: opSwitch, Input: text})
	return err
}

// SwitchesOff returns what is switched off, oldest first.
func (s *Service) SwitchesOff(ctx context.Context) ([]SwitchedOff, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	return readSwitches(ctx, h)
}

func readSwitches(ctx context.Context, h hub.Hub) ([]SwitchedOff, error) {
	off := []SwitchedOff{}
	e, err := h.Entity(ctx, switchesID().String())
	if perdure.CodeOf(err) == perdure.NotFound || err == nil && !e.State.Set {
		return off, nil
	}
	if err == nil {
		err = perdure.Decode(e.State, &off)
	}
	return off, err
}

// switchTime is how often a process that makes calls looks whether somebody elsewhere
// has switched them off.
const switchTime = 250 * time.Millisecond

// runningSteps are the calls of this process that a switch can cancel. The zero
// value is ready to use.
type runningSteps struct {
	mu    sync.Mutex // guards what follows
	steps map[*runningStep]bool
	stop  func() // ends the watch for switches that others flip; nil = no call runs
}

type runningStep struct {
	agent, tool string
	cancel      context.CancelCauseFunc
}

// enter adds a call; leave must be called once for it.
func (r *runningSteps) enter(ctx context.Context, h hub.Hub, step *runningStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.steps == nil {
		r.steps = map[*runningStep]bool{}
	}
	r.steps[step] = true
	if r.stop != nil {
		return
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it may outlive the first call
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.watch(watching, h)
	}()
	r.stop = func() { cancel(); <-done }
}

func (r *runningSteps) leave(step *runningStep) {
	r.mu.Lock()
	delete(r.steps, step)
	stop := func() {}
	if len(r.steps) == 0 && r.stop != nil {
		stop, r.stop = r.stop, nil
	}
	r.mu.Unlock()
	stop()
}

// watch cancels calls that somebody elsewhere has switched off, until ctx ends. While
// the hub does not answer, they go on.
func (r *runningSteps) watch(ctx context.Context, h hub.Hub) {
	tick := time.NewTicker(switchTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if list, err := readSwitches(ctx, h); err == nil {
			for i := range list {
				r.cancel(&list[i])
			}
		}
	}
}

func (r *runningSteps) cancel(off *SwitchedOff) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.steps {
		if off.meets(s.agent, s.tool) {
			s.cancel(perdure.NonRetryable(off.refusal()))
		}
	}
}

// begin returns a context for a call, which a switch cancels, and what is to be
// called when the call has ended; or why the call must not begin. A call of the
// model has no tool.
func (s *Service) begin(ctx context.Context, h hub.Hub, agent, tool string) (context.Context, func(), error) {
	inner, cancel := context.WithCancelCause(ctx)
	step := &runningStep{agent: agent, tool: tool, cancel: cancel}
	s.running.enter(ctx, h, step) // before it is looked whether it may begin
	end := func() {
		s.running.leave(step)
		cancel(nil)
	}
	list, err := readSwitches(inner, h)
	if err == nil {
		for _, off := range list {
			if off.meets(agent, tool) {
				err = perdure.NonRetryable(off.refusal())
				break
			}
		}
	}
	if err != nil {
		end()
		return nil, nil, err
	}
	return inner, end, nil
}
