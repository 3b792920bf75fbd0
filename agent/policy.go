package agent

import "github.com/perdure/perdure"

// policy is what of an agent steers the code of its turns: which steps they take.
// As that code is replayed, a turn of a session keeps the policy with which it has
// begun, whatever is deployed meanwhile. All else of an agent - model, instructions,
// tools, prices - is that of the worker which runs the step, and may change between
// two steps. A turn without a session goes by the agent as it is: one that takes
// other steps by then parks, as other orchestrations do.
type policy struct {
	Provides bool `json:"provides,omitempty"` // context is asked for
	History  bool `json:"history,omitempty"`  // the conversation is kept elsewhere
	// When the view is made shorter; the zero bounds mean never.
	MaxTokens   int64                `json:"maxTokens,omitempty"`
	MaxMessages int                  `json:"maxMessages,omitempty"`
	Keep        int64                `json:"keep,omitempty"`
	TrimResults int                  `json:"trimResults,omitempty"`
	Budget      Budget               `json:"budget,omitzero"`
	Models      int                  `json:"models"`
	Retry       *perdure.RetryPolicy `json:"retry,omitempty"`
	Repairs     int                  `json:"repairs,omitempty"`
	Unfit       *problem             `json:"unfit,omitempty"` // why the agent cannot serve the options of the turn
}

// policy returns the policy of a turn with options that begins now.
func (c *code) policy(o *TurnOptions) *policy {
	a := c.agent
	p := &policy{
		Provides: a.provides(), History: a.History != nil, Budget: a.Budget, Models: len(c.models()), Retry: a.Retry, Repairs: a.repairs(),
	}
	if how := a.Compaction; how != nil {
		p.MaxTokens, p.MaxMessages, p.Keep, p.TrimResults = how.MaxTokens, how.MaxMessages, how.keep(), how.TrimResults
	}
	if err := c.fits(o); err != nil {
		p.Unfit = failureOf(err)
	}
	return p
}

// retry says how the calls of a model are repeated.
func (p *policy) retry(index int) perdure.RetryPolicy {
	switch {
	case p.Retry != nil:
		return *p.Retry
	case index+1 < p.Models:
		return fallbackRetry
	}
	return defaultRetry
}
