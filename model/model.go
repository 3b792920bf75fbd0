// Package model is the contract between agents and chat models, and the
// messages that they exchange.
//
// A [Model] makes one attempt to answer a [Request] and streams the answer as
// [Update] values; [Collect] joins them into a [Response]. Retries belong to the
// caller, who journals them: a model reports what it knows about them in [Error].
//
// Messages, updates and responses are read and written as the JSON of Microsoft's
// Agent Framework for Go: PascalCase members and a Type member that tells the
// kinds of content apart. Content of an unknown type survives a round trip as
// [Raw]. Encoding is deterministic: equal values give equal bytes.
package model

import (
	"context"
	"iter"
)

// Model is a chat model.
type Model interface {
	// Generate makes one attempt to answer req and streams the answer. Nothing
	// is sent before the sequence is ranged over; it may be ranged over once.
	// The sequence ends after the last update, or with one error, which is an
	// [*Error], or the cause of ctx when ctx has ended. Leaving the loop early
	// cancels the call. Generate neither changes req nor keeps it after the
	// sequence has ended.
	//
	// Several calls may run at the same time.
	Generate(ctx context.Context, req *Request) iter.Seq2[*Update, error]
}

// Func is a function that serves as a [Model].
type Func func(ctx context.Context, req *Request) iter.Seq2[*Update, error]

// Generate calls f.
func (f Func) Generate(ctx context.Context, req *Request) iter.Seq2[*Update, error] {
	return f(ctx, req)
}

// Describer is implemented by models that can name themselves.
type Describer interface {
	// Describe names the provider and the model that serve requests without an
	// override.
	Describe() Info
}

// Info names a model.
type Info struct {
	// Provider is the name that telemetry and errors show: "openai",
	// "azure.ai.openai", "anthropic", "demo", ...
	Provider string
	// Model is the model or deployment that a request without override uses.
	Model string
	// Endpoint is the base URL that requests go to; empty for models that
	// call nothing.
	Endpoint string
	// MaxOutputTokens bounds the answers to requests that name no bound of
	// their own; 0 means that they have none.
	MaxOutputTokens int
}

// Describe returns what m says about itself, or the zero Info.
func Describe(m Model) Info {
	if d, ok := m.(Describer); ok {
		return d.Describe()
	}
	return Info{}
}
