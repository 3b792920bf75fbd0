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
// took, and who ran a step last. What a rewind delivers anew was counted when it was
// taken in first: it was paid once.
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
				sum.Usage.Add(u)
			}
		}
	}
}
