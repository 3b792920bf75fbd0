package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// A hub that is no Perdure server, such as Azure's Durable Task Scheduler, keeps for
// agents nothing but the state of their entities. There a session's state is the state
// document of Microsoft's durable agents, and the operation run carries out the whole
// turn, as theirs do. The operation's outcome is all that is journaled: what ends in
// the middle of a turn is done again from its first step.

// levelPrefix begins the name of the activity that says whether an agent can work at
// turn level.
const levelPrefix = "perdure.level/"

// level is how agents work at turn level.
type level struct {
	working context.Context // ends when what runs is given up
	version string          // of documents that are begun
}

type levelKey struct{}

// TurnLevel returns a context with which a worker must run whose hub is no Perdure
// server: sessions of its agents then carry their turns out in one operation, which
// ends early when ctx does. Version is that of the state documents of sessions that
// begin, DocumentVersion12 or DocumentVersion11; "" = DocumentVersion12. Ask
// CheckTurnLevel before.
func TurnLevel(ctx context.Context, version string) context.Context {
	return context.WithValue(ctx, levelKey{}, &level{ctx, version})
}

// levelOf returns how agents work, nil unless at turn level.
func levelOf(value func(key any) any) *level {
	if value == nil {
		return nil
	}
	l, _ := value(levelKey{}).(*level)
	return l
}

// CheckTurnLevel returns why agents of a registry cannot work for a hub that is no
// Perdure server, for each what it has that is not kept there. See
// Agent.AllowTurnLevelDurability for what may be done without.
func CheckTurnLevel(reg *perdure.Registry) error {
	list, err := List(reg)
	if err != nil {
		return err
	}
	var errs []error
	for _, info := range list {
		if check, ok := reg.Activity(levelPrefix + fold(info.Name)); ok {
			_, err := check(context.Background(), history.Text{})
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agents at turn level",
			Message: "the hub is no Perdure server and keeps nothing of a turn until its end", Cause: err}
	}
	return nil
}

// checkLevel is the activity that says what the agent has that is not there at turn
// level.
func (c *code) checkLevel(context.Context, struct{}) (struct{}, error) {
	a := c.agent
	var errs []error
	lack := func(has bool, what string) {
		if has {
			errs = append(errs, fmt.Errorf("agent %q has %s: connect it to a Perdure server, or leave that out", a.Name, what))
		}
	}
	lack(len(a.Handoffs) > 0, "Handoffs")
	lack(len(a.Context) > 0, "Context providers")
	lack(a.History != nil, "a History")
	lack(a.Compaction != nil, "a Compaction")
	risk := func(has bool, what string) {
		if has && !a.AllowTurnLevelDurability {
			errs = append(errs, fmt.Errorf("agent %q has %s: connect it to a Perdure server, or set AllowTurnLevelDurability", a.Name, what))
		}
	}
	risk(!a.Budget.isZero(), "a Budget")
	for _, offer := range c.offer {
		b := c.tools[offer.Name]
		if b == nil {
			continue // a hand-off
		}
		if special := c.special[offer.Name]; special.Agent != "" {
			lack(true, fmt.Sprintf("the agent %s as a tool", special.Agent))
			continue
		}
		risk(b.effect.once(), fmt.Sprintf("the tool %q, which is %v (see WithEffect)", offer.Name, b.effect))
		risk(b.approval != nil, fmt.Sprintf("the tool %q, which needs approval", offer.Name))
	}
	return struct{}{}, errors.Join(errs...)
}

// hasTurns reports hubs that are no Perdure server: a turn is there nothing that could
// be waited for.
func hasTurns(ctx context.Context, h hub.Hub) error {
	far, ok := h.(interface {
		Own(ctx context.Context) (bool, error)
	})
	if !ok {
		return nil
	}
	own, err := far.Own(ctx)
	if err == nil && !own {
		err = &perdure.Error{Code: perdure.Unimplemented, Op: "run agent",
			Message: "the hub is no Perdure server: have an orchestration run the agent in a session, or signal run to the session's entity and read its state"}
	}
	return err
}
