package shard

import (
	"encoding/json"
	"strings"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// modelStep begins the names of the activities by which agents call models, whoever
// runs them. Their outcomes say what the call took, so that lists can show it.
const modelStep = "perdure.model/"

// usageOf returns what a model step took, as its event keeps it; nil = it does not say.
func usageOf(activity string, result history.Text) []byte {
	if !strings.HasPrefix(activity, modelStep) || !result.Set {
		return nil
	}
	var out struct {
		Model string
		Usage struct{ InputTokenCount, OutputTokenCount, CachedInputTokenCount int64 }
		Spent struct {
			USD int64 `json:"usd"` // * 10^9
		}
	}
	if json.Unmarshal([]byte(result.S), &out) != nil {
		return nil // it is the step's own affair
	}
	u := history.Usage{
		In: out.Usage.InputTokenCount, Out: out.Usage.OutputTokenCount, Cached: out.Usage.CachedInputTokenCount,
		Nano: out.Spent.USD, Model: out.Model,
	}
	if u.In == 0 && u.Out == 0 && u.Nano == 0 {
		return nil // no call was made
	}
	return u.Append(nil)
}

// projectOutcomes adds what the outcomes that a change takes in tell of: what models
// took, in steps and in children, and who ran a step last. What a rewind delivers anew was
// counted when it was taken in first: it was paid once.
func (ch *change) projectOutcomes(sum *summary) {
	for _, e := range ch.entries {
		meta := e.m.Event.Meta
		if meta == nil {
			continue
		}
		if meta.Worker != "" {
			sum.Worker = meta.Worker
		}
		if len(meta.Usage) > 0 && e.m.Class != engine.ClassCarry {
			if u, err := history.DecodeUsage(meta.Usage); err == nil {
				if endsChild(e.m.Event) {
					sum.Below.Add(u)
				} else {
					sum.Usage.Add(u)
				}
			}
		}
	}
}

// endsChild reports whether the event tells a parent of the end of a child.
func endsChild(e *history.Event) bool {
	switch e.Body.(type) {
	case *history.SubOrchestrationInstanceCompleted, *history.SubOrchestrationInstanceFailed:
		return true
	}
	return false
}

// tellUsage has the message that tells a parent of the end say what models took here and
// below, as far as it was not told with an earlier end, from which the run was rewound.
func (ch *change) tellUsage(sum *summary) {
	o := ch.in.orch
	if !ch.fx.Ended || o.Parent == nil || o.Parent.Instance == nil {
		return
	}
	total := sum.Usage
	total.Add(sum.Below)
	rest := total
	rest.Take(sum.Told)
	if rest.In == 0 && rest.Out == 0 && rest.Nano == 0 {
		return
	}
	for _, out := range ch.fx.Send {
		if out.Target == o.Parent.Instance.InstanceID && out.Message.Event.Meta == nil && endsChild(out.Message.Event) {
			out.Message.Event.Meta = &history.Meta{Usage: rest.Append(nil)}
			sum.Told = total
			return
		}
	}
}
