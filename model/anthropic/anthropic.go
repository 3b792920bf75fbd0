// Package anthropic serves chat models over Anthropic's Messages API.
//
// Each call is one attempt: the SDK's retries are off and the only time limit is
// the caller's context. Request bodies are written by this package, field by
// field, so that equal requests are equal bytes from build to build and the
// provider's prompt cache keeps hitting.
//
// Thinking blocks are kept with their signatures as [model.Reasoning], marked as
// Anthropic's, and are sent back unchanged to Anthropic and to nobody else.
package anthropic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/perdure/perdure/model"
)

// Provider is the provider name of models of this package.
const Provider = "anthropic"

// DefaultBaseURL is the base URL of Anthropic itself.
const DefaultBaseURL = "https://api.anthropic.com/"

// DefaultMaxOutputTokens bounds answers when neither the request nor the
// configuration does; the API demands a bound. A thinking budget comes on top.
const DefaultMaxOutputTokens = 8192

// Thinking values for [Config.ThinkingBudget].
const (
	// ThinkingAdaptive lets the model decide how much it thinks.
	ThinkingAdaptive = -1
	// MinThinkingBudget is the smallest budget that the API accepts.
	MinThinkingBudget = 1024
)

// Config configures a [Model].
type Config struct {
	// Model is the model to ask, such as "claude-sonnet-5-5". Required.
	Model string
	// APIKey authenticates. It is required at Anthropic itself.
	APIKey string
	// BaseURL is where v1/messages is found; empty means DefaultBaseURL.
	BaseURL string
	// MaxOutputTokens bounds answers, thinking included, when the request does
	// not; 0 means DefaultMaxOutputTokens.
	MaxOutputTokens int
	// ThinkingBudget is the number of tokens that the model may think for,
	// at least MinThinkingBudget and below MaxOutputTokens; 0 means no
	// thinking, ThinkingAdaptive leaves it to the model. A request with a lower
	// bound of its own gets a lower budget, or none. Thinking excludes
	// temperature and forced tools, which are then left out.
	ThinkingBudget int
	// NoCache turns off the caching of the prompt's prefix.
	NoCache bool
	// Limiter keeps calls within the provider's rate limits; it is shared by
	// the models of one account. nil means that calls do not wait.
	Limiter *model.Limiter
	// HTTPClient sends the requests; nil means a client over
	// http.DefaultTransport without a time limit.
	HTTPClient *http.Client
}

// Model is a chat model behind the Messages API. It may be used concurrently.
type Model struct {
	cfg      Config
	messages sdk.MessageService
}

// New returns a model. It makes no call; the error lists every bad field.
func New(cfg Config) (*Model, error) {
	official := cfg.BaseURL == "" || cfg.BaseURL == DefaultBaseURL || cfg.BaseURL+"/" == DefaultBaseURL
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if cfg.MaxOutputTokens == 0 {
		cfg.MaxOutputTokens = DefaultMaxOutputTokens + max(cfg.ThinkingBudget, 0)
	}
	if err := cfg.check(official); err != nil {
		return nil, err
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{}
	}
	options := []option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(cfg.BaseURL),
		option.WithHTTPClient(cfg.HTTPClient),
		option.WithMaxRetries(0),
	}
	if cfg.APIKey != "" {
		options = append(options, option.WithAPIKey(cfg.APIKey))
	}
	return &Model{cfg: cfg, messages: sdk.NewClient(options...).Messages}, nil
}

func (cfg *Config) check(official bool) error {
	var bad []error
	if cfg.Model == "" {
		bad = append(bad, errors.New("anthropic: Model is empty"))
	}
	if official && cfg.APIKey == "" {
		bad = append(bad, errors.New("anthropic: APIKey is empty"))
	}
	if u, err := url.Parse(cfg.BaseURL); err != nil {
		bad = append(bad, fmt.Errorf("anthropic: BaseURL: %w", err))
	} else if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		bad = append(bad, fmt.Errorf("anthropic: BaseURL: %q is no http or https URL", cfg.BaseURL))
	}
	if cfg.MaxOutputTokens < 0 {
		bad = append(bad, fmt.Errorf("anthropic: MaxOutputTokens is negative: %d", cfg.MaxOutputTokens))
	}
	if b := cfg.ThinkingBudget; b != 0 && b != ThinkingAdaptive && b < MinThinkingBudget {
		bad = append(bad, fmt.Errorf("anthropic: ThinkingBudget is below %d: %d", MinThinkingBudget, b))
	} else if b >= cfg.MaxOutputTokens && cfg.MaxOutputTokens > 0 {
		bad = append(bad, fmt.Errorf("anthropic: ThinkingBudget is %d, which leaves nothing of MaxOutputTokens, %d", b, cfg.MaxOutputTokens))
	}
	return errors.Join(bad...)
}

// Describe names the provider and the model.
func (m *Model) Describe() model.Info {
	return model.Info{Provider: Provider, Model: m.cfg.Model, Endpoint: m.cfg.BaseURL,
		MaxOutputTokens: m.cfg.MaxOutputTokens}
}

// Generate makes one attempt to answer req. The parts of req that the API has no
// form for, such as another provider's reasoning, are left out.
func (m *Model) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		body, err := m.cfg.encode(req)
		if err != nil {
			yield(nil, &model.Error{Provider: Provider, Code: model.CodeBadRequest, Err: err})
			return
		}
		permit, err := m.cfg.Limiter.Wait(ctx, cmp.Or(req.Model, m.cfg.Model), m.cfg.limitTokens(req))
		if err != nil {
			yield(nil, err)
			return
		}
		defer permit.Release()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var answer *http.Response
		stream := m.messages.NewStreaming(ctx, sdk.MessageNewParams{},
			option.WithRequestBody("application/json", body), option.WithResponseInto(&answer))
		defer stream.Close()
		if answer != nil {
			permit.Answered(answer.StatusCode, answer.Header.Get, time.Now())
		}
		var r reader
		for stream.Next() {
			if u := r.update(stream.Current()); u != nil && !yield(u, nil) {
				return
			}
		}
		if err := stream.Err(); err != nil {
			yield(nil, convertError(ctx, answer, err))
			return
		}
		u, err := r.end()
		if err != nil {
			yield(nil, err)
			return
		}
		yield(u, nil)
	}
}

// limitTokens is about what a call counts in the provider's rate limit. What the
// cache serves is not counted; that is about all before the newest answer.
func (cfg *Config) limitTokens(req *model.Request) int64 {
	if cfg.NoCache {
		return model.Estimate(req)
	}
	for i := len(req.Messages) - 1; i >= 0; i-- {
		if req.Messages[i].Role == model.RoleAssistant {
			return model.Estimate(&model.Request{Messages: req.Messages[i:]})
		}
	}
	return model.Estimate(req)
}
