// Package openai serves chat models over the Chat Completions API: those of
// OpenAI, of Azure OpenAI, and of every server that speaks the same protocol,
// such as Ollama or vLLM.
//
// Each call is one attempt: the SDK's retries are off and the only time limit is
// the caller's context. Request bodies are written by this package, field by
// field, so that equal requests are equal bytes from build to build and the
// provider's prompt cache keeps hitting.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/perdure/perdure/model"
)

// DefaultBaseURL is the base URL of OpenAI itself.
const DefaultBaseURL = "https://api.openai.com/v1/"

// ProviderOpenAI is the provider name of models at DefaultBaseURL.
const ProviderOpenAI = "openai"

// ProviderCompatible is the provider name of models at any other base URL.
const ProviderCompatible = "openai-compatible"

// Config configures a [Model] at OpenAI or at a compatible server.
type Config struct {
	// Model is the model to ask, such as "gpt-4o-mini". Required.
	Model string
	// APIKey is sent as bearer token. It is required at OpenAI itself and
	// optional at other servers.
	APIKey string
	// BaseURL is where chat/completions is found; empty means DefaultBaseURL.
	BaseURL string
	// Organization and Project select who is billed; empty means the key's
	// defaults.
	Organization string
	Project      string
	// Provider is the name in errors and telemetry; empty means ProviderOpenAI
	// or ProviderCompatible, by the base URL.
	Provider string
	// Store asks OpenAI to keep the call, together with the request's
	// metadata. Without it metadata is not sent.
	Store bool
	// Limiter keeps calls within the provider's rate limits; it is shared by
	// the models of one account. nil means that calls do not wait.
	Limiter *model.Limiter
	// HTTPClient sends the requests; nil means a client over
	// http.DefaultTransport without a time limit.
	HTTPClient *http.Client
}

// Model is a chat model behind the Chat Completions API. It may be used
// concurrently.
type Model struct {
	info    model.Info
	chat    sdk.ChatCompletionService
	dialect dialect
	limiter *model.Limiter
}

// New returns a model. It makes no call; the error lists every bad field.
func New(cfg Config) (*Model, error) {
	official := cfg.BaseURL == "" || cfg.BaseURL == DefaultBaseURL || cfg.BaseURL+"/" == DefaultBaseURL
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	var bad []error
	if cfg.Model == "" {
		bad = append(bad, errors.New("openai: Model is empty"))
	}
	if official && cfg.APIKey == "" {
		bad = append(bad, errors.New("openai: APIKey is empty"))
	}
	if err := checkURL(cfg.BaseURL); err != nil {
		bad = append(bad, fmt.Errorf("openai: BaseURL: %w", err))
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if cfg.Provider == "" {
		cfg.Provider = ProviderCompatible
		if official {
			cfg.Provider = ProviderOpenAI
		}
	}
	options := []option.RequestOption{option.WithBaseURL(cfg.BaseURL)}
	if cfg.APIKey != "" {
		options = append(options, option.WithAPIKey(cfg.APIKey))
	}
	if cfg.Organization != "" {
		options = append(options, option.WithOrganization(cfg.Organization))
	}
	if cfg.Project != "" {
		options = append(options, option.WithProject(cfg.Project))
	}
	info := model.Info{Provider: cfg.Provider, Model: cfg.Model, Endpoint: cfg.BaseURL}
	return newModel(info, cfg.HTTPClient, cfg.Limiter, dialect{legacyMaxTokens: !official, store: cfg.Store}, options), nil
}

// newModel builds the service from options alone: no setting of the process
// environment takes part.
func newModel(info model.Info, client *http.Client, l *model.Limiter, d dialect, options []option.RequestOption) *Model {
	if client == nil {
		client = &http.Client{}
	}
	d.provider = info.Provider
	options = append(options, option.WithHTTPClient(client), option.WithMaxRetries(0))
	return &Model{info: info, chat: sdk.NewChatCompletionService(options...), dialect: d, limiter: l}
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%q is no http or https URL", s)
	}
	return nil
}

// Describe names the provider and the model.
func (m *Model) Describe() model.Info { return m.info }

// Generate makes one attempt to answer req. The parts of req that the API has no
// form for, such as another provider's reasoning, are left out.
func (m *Model) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		body, err := m.dialect.encode(m.info.Model, req)
		if err != nil {
			yield(nil, &model.Error{Provider: m.info.Provider, Code: model.CodeBadRequest, Err: err})
			return
		}
		permit, err := m.limiter.Wait(ctx, cmp.Or(req.Model, m.info.Model), limitTokens(req))
		if err != nil {
			yield(nil, err)
			return
		}
		defer permit.Release()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var answer *http.Response
		stream := m.chat.NewStreaming(ctx, sdk.ChatCompletionNewParams{},
			option.WithRequestBody("application/json", body), option.WithResponseInto(&answer))
		defer stream.Close()
		if answer != nil {
			permit.Answered(answer.StatusCode, answer.Header.Get, time.Now())
		}
		r := reader{provider: m.info.Provider}
		for stream.Next() {
			if u := r.update(stream.Current()); u != nil && !yield(u, nil) {
				return
			}
		}
		if err := stream.Err(); err != nil {
			yield(nil, convertError(ctx, m.info.Provider, answer, err))
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

// limitTokens is what a call counts in the provider's rate limit: the longer of
// its input and the bound of its output.
func limitTokens(req *model.Request) int64 {
	n := model.Estimate(req)
	if req.MaxOutputTokens != nil {
		n = max(n, int64(*req.MaxOutputTokens))
	}
	return n
}
