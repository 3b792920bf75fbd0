package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

const (
	// DefaultMaxSteps is the number of model steps that a turn may take.
	DefaultMaxSteps = 20
	// DefaultMaxToolErrors is how many calls of tools may fail in a row in a turn.
	DefaultMaxToolErrors = 10
)

// Agent is a model with instructions and tools. Name and Model are required. An
// agent is not changed after it was registered; it may be used concurrently.
type Agent struct {
	// Name is 1 to 64 letters, digits, '_' and '-', and begins with a letter. Its
	// case does not tell agents apart.
	Name string
	// Description says what the agent is for, to people and to other agents.
	Description string
	// Instructions is the system text of each call of the model.
	Instructions string
	// Model answers. It makes one attempt a call: repetitions are journaled.
	Model model.Model
	// Fallback are asked, in this order, when those before them cannot serve: when
	// the provider's errors do not end, or are about the account or the model.
	Fallback []model.Model
	// Context adds to what the model is given, in this order.
	Context []ContextProvider
	// History keeps the conversations of the agent elsewhere. nil = they are kept
	// here alone.
	History History
	// Compaction keeps what the model is given short. nil = it is given all, or
	// the Window.
	Compaction *Compaction
	// Middleware stands around the calls of models and tools, the first outermost.
	Middleware []Middleware
	// Tools are what the model may call, in the order in which it is told.
	Tools []Tool

	// Handoffs are agents to which the model may hand the conversation over, by
	// the tools handoff_to_<name>. Such an agent answers from then on, in later
	// turns of the session too, until it hands the conversation on or back.
	Handoffs []Ref

	// MaxSteps bounds the model steps of a turn, which fails beyond it. 0 =
	// DefaultMaxSteps.
	MaxSteps int
	// MaxToolErrors bounds the calls of tools in a turn that fail one after the
	// other, those that are denied included; the turn fails when it is reached. 0 =
	// DefaultMaxToolErrors.
	MaxToolErrors int
	// Window bounds how many of the newest messages of a session, from before
	// the turn, the model is given: the cost of a turn then does not grow with
	// the session. The window moves in leaps of half its size, so that the
	// prompt begins the same way for many turns. 0 = all messages.
	Window int
	// Retry says how a call of the model that failed is repeated, if the
	// provider's error allows it. nil = 10 attempts, from 1 s to 60 s apart, and
	// 3 of a model that another one follows.
	Retry *perdure.RetryPolicy
	// MaxRepairs bounds how often an answer that does not fit the format that was
	// asked for is asked for again. 0 = DefaultRepairs, negative = never.
	MaxRepairs int

	// Budget bounds what a turn may cost, with all agents that it calls. The zero
	// Budget is none.
	Budget Budget
	// Prices are what models cost. nil = model.DefaultPrices().
	Prices model.Prices
	// AllowTurnLevelDurability lets an agent that is durable only from turn to turn
	// have tools that are irreversible, reversible or need approval, and a Budget: one
	// that wraps another (see Wrap), or works for a hub that is no Perdure server (see
	// TurnLevel). What is lost: after a crash a turn is done again from its first step,
	// so that a tool that was called may be called twice, and nobody is asked how the
	// first call has ended. At turn level a call that needs approval is refused, as the
	// hub has nowhere to ask for it, and the Budget is not kept.
	AllowTurnLevelDurability bool

	// TTL is how long a session is kept after its newest operation; it is then
	// deleted, unless a turn runs or a message waits in it. 0 = DefaultTTL.
	TTL time.Duration

	// Formats are JSON schemas of types that callers in Python name as the format
	// of an answer, by "module.qualname". A format that is not here is refused,
	// unless the caller sends the schema itself.
	Formats map[string]json.RawMessage

	// Temperature steers sampling; nil leaves it to the provider.
	Temperature *float64
	// MaxOutputTokens bounds one answer of the model; nil leaves it to the
	// provider.
	MaxOutputTokens *int
}

var agentName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// check returns all that is wrong with the agent.
func (a *Agent) check() error {
	var errs []error
	if !agentName.MatchString(a.Name) {
		errs = append(errs, errors.New("the name is not 1 to 64 letters, digits, _ and -, beginning with a letter"))
	}
	if a.Model == nil {
		errs = append(errs, errors.New("the Model is missing"))
	}
	for i, m := range a.Fallback {
		if m == nil {
			errs = append(errs, fmt.Errorf("the Fallback %d is nil", i))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Formats)) {
		if schema, err := resolveSchema(a.Formats[name]); err != nil || schema == nil {
			errs = append(errs, fmt.Errorf("format %q: the schema is missing or wrong: %w", name, err))
		}
	}
	if a.MaxSteps < 0 {
		errs = append(errs, errors.New("the bound MaxSteps is negative"))
	}
	errs = append(errs, a.Budget.check(), a.Compaction.check())
	for i, p := range a.Context {
		if p == nil {
			errs = append(errs, fmt.Errorf("the context provider %d is nil", i))
		}
	}
	if a.Retry != nil {
		errs = append(errs, a.Retry.Validate())
	}
	if a.MaxToolErrors < 0 {
		errs = append(errs, errors.New("the bound MaxToolErrors is negative"))
	}
	if a.Window < 0 {
		errs = append(errs, errors.New("the Window is negative"))
	}
	if a.TTL < 0 && a.TTL != Forever {
		errs = append(errs, errors.New("the TTL is negative"))
	}
	seen := map[string]bool{}
	for i, t := range a.Tools {
		if t == nil {
			errs = append(errs, fmt.Errorf("tool %d is nil", i))
			continue
		}
		if seen[t.Name()] {
			errs = append(errs, fmt.Errorf("tool %q is there twice", t.Name()))
		}
		seen[t.Name()] = true
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	for i, err := range errs {
		errs[i] = fmt.Errorf("agent %q: %w", a.Name, err)
	}
	return errors.Join(errs...)
}

func (a *Agent) maxSteps() int {
	if a.MaxSteps == 0 {
		return DefaultMaxSteps
	}
	return a.MaxSteps
}

func (a *Agent) maxToolErrors() int {
	if a.MaxToolErrors == 0 {
		return DefaultMaxToolErrors
	}
	return a.MaxToolErrors
}

// Names under which the parts of an agent are registered.
const (
	turnPrefix  = "perdure.agent/" // orchestration of a turn; activity that describes the agent
	modelPrefix = "perdure.model/" // activity of a model step
	toolPrefix  = "perdure.tool/"  // activity of a tool step
)

// Tags of turns, by which lists know agent and session.
const (
	tagAgent   = "perdure.agent"
	tagSession = "perdure.session"
	// tagCorrelation is kept when the turn is folded, unlike its input.
	tagCorrelation = "perdure.correlation"
)

// fold is the form of an agent's name that tells agents apart.
func fold(name string) string { return strings.ToLower(name) }
