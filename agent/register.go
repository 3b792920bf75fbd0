package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/model"
)

// Register makes agents known to a worker: for each the entity of its sessions,
// the orchestration of its turns and the activities of its steps. It returns all
// that is wrong with them, and then registers none.
func Register(reg *perdure.Registry, agents ...*Agent) error {
	var errs []error
	var all []*code
	seen := map[string]bool{}
	for _, a := range agents {
		c, err := newCode(a)
		if err == nil && seen[fold(a.Name)] {
			err = fmt.Errorf("agent %q: the name is there twice", a.Name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		seen[fold(a.Name)] = true
		all = append(all, c)
	}
	if err := errors.Join(errs...); err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "register agents", Message: "the agents are not valid", Cause: err}
	}
	if _, there := reg.Activity(decisionName); !there && len(all) > 0 {
		perdure.AddActivityNamed(reg, decisionName, decisionStep)
		RegisterShared(reg)
	}
	for _, c := range all {
		name := fold(c.agent.Name)
		perdure.AddEntityFunc(reg, entityPrefix+name, c.session)
		perdure.AddOrchestrationNamed(reg, turnPrefix+name, c.turn)
		perdure.AddActivityNamed(reg, modelPrefix+name, c.modelStep)
		perdure.AddActivityNamed(reg, toolPrefix+name, c.toolStep)
		perdure.AddActivityNamed(reg, contextPrefix+name, c.contextStep)
		perdure.AddActivityNamed(reg, headPrefix+name, c.headStep)
		perdure.AddActivityNamed(reg, begunPrefix+name, c.begunStep)
		perdure.AddActivityNamed(reg, framesPrefix+name, c.framesStep)
		perdure.AddActivityNamed(reg, turnPrefix+name, c.describe)
		perdure.AddActivityNamed(reg, levelPrefix+name, c.checkLevel)
		perdure.AddOrchestrationNamed(reg, cleanPrefix+name, c.cleanup)
		perdure.AddActivityNamed(reg, cleanPrefix+name, c.purge)
		perdure.AddOrchestrationNamed(reg, outcomePrefix+name, c.lookup)
		perdure.AddActivityNamed(reg, outcomePrefix+name, c.find)
		perdure.AddOrchestrationNamed(reg, rewindPrefix+name, c.rewinder)
		perdure.AddActivityNamed(reg, rewindPlanPrefix+name, c.planRewind)
		perdure.AddActivityNamed(reg, rewindPrefix+name, c.carryOut)
	}
	return nil
}

// code is a registered agent.
type code struct {
	agent   *Agent
	tools   map[string]*boundTool
	special map[string]route // tools whose calls are no tool steps
	offer   []model.Tool
	prices  model.Prices
	hash    string // of all that shapes a prompt beside the messages
}

func newCode(a *Agent) (*code, error) {
	if a == nil {
		return nil, errors.New("an agent is nil")
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	c := &code{agent: a, tools: map[string]*boundTool{}, special: map[string]route{}}
	if c.prices = a.Prices; c.prices == nil {
		c.prices = model.DefaultPrices()
	}
	errs := []error{c.checkPrices()}
	if errs[0] != nil {
		errs[0] = fmt.Errorf("agent %q: %w", a.Name, errs[0])
	}
	for _, t := range a.Tools {
		b, err := bind(t)
		if err != nil {
			errs = append(errs, fmt.Errorf("agent %q: %w", a.Name, err))
			continue
		}
		b.wrap = a.wrapTool
		c.tools[t.Name()] = b
		c.offer = append(c.offer, b.offer)
		if other, ok := t.(*AgentTool); ok {
			c.special[t.Name()] = route{Agent: fold(other.ref.name)}
		}
	}
	for _, r := range a.Handoffs {
		offer := handoffOffer(r)
		if !agentName.MatchString(r.name) || !toolName.MatchString(offer.Name) {
			errs = append(errs, fmt.Errorf("agent %q: no conversation can be handed over to %q", a.Name, r.name))
		} else if _, there := c.special[offer.Name]; there || c.tools[offer.Name] != nil {
			errs = append(errs, fmt.Errorf("agent %q: tool %q is there twice", a.Name, offer.Name))
		}
		c.offer = append(c.offer, offer)
		c.special[offer.Name] = route{Agent: fold(r.name), Handoff: true}
	}
	errs = append(errs, c.checkWrapped())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	text, err := json.Marshal(c.request(nil, nil, 1))
	if err != nil {
		return nil, fmt.Errorf("agent %q: %w", a.Name, err)
	}
	sum := sha256.Sum256(text)
	c.hash = hex.EncodeToString(sum[:8])
	return c, nil
}

// Info describes a registered agent.
type Info struct {
	Name         string `json:"name"`
	Description  string `json:"description,omitempty"`
	Instructions string `json:"instructions,omitempty"`
	Provider     string `json:"provider,omitempty"` // of the model
	Model        string `json:"model,omitempty"`
	// Price is what the model costs, as costs and budgets count it; nil = it is not known.
	Price *model.Price `json:"price,omitempty"`
	Tools []model.Tool `json:"tools"`
	// Formats are the types that callers may name as the format of an answer.
	Formats  map[string]json.RawMessage `json:"formats,omitempty"`
	MaxSteps int                        `json:"max_steps"`
	Hash     string                     `json:"hash"` // of instructions, tools and parameters
	// LastSeen is when a worker of another process was last known to have the agent;
	// zero = this process has it.
	LastSeen time.Time `json:"last_seen,omitzero"`
}

func (c *code) describe(context.Context, struct{}) (Info, error) {
	about := model.Describe(c.agent.Model)
	var price *model.Price
	if found, ok := c.prices.Find(about.Provider, about.Model); ok {
		price = &found
	}
	return Info{
		Name: c.agent.Name, Description: c.agent.Description, Instructions: c.agent.Instructions,
		Provider: about.Provider, Model: about.Model, Price: price, Tools: append([]model.Tool{}, c.offer...),
		Formats: c.agent.Formats, MaxSteps: c.agent.maxSteps(), Hash: c.hash,
	}, nil
}

// List describes the agents of a registry, by name.
func List(reg *perdure.Registry) ([]Info, error) {
	infos := []Info{}
	for _, name := range reg.Orchestrations() {
		if !strings.HasPrefix(name, turnPrefix) {
			continue
		}
		describe, ok := reg.Activity(name)
		if !ok {
			continue
		}
		text, err := describe(context.Background(), history.Text{})
		if err != nil {
			return nil, err
		}
		var info Info
		if err := perdure.Decode(text, &info); err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(fold(a.Name), fold(b.Name)) })
	return infos, nil
}
