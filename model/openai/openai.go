// Package openai serves chat models over the Chat Completions API: those of
// OpenAI, of Azure OpenAI, and of every server that speaks the same protocol,
// such as Ollama or vLLM; and over the Responses API, which alone gives back the
// reasoning of OpenAI's models, encrypted, between calls of tools.
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
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

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
	// BaseURL is where chat/completions or responses is found; empty means
	// DefaultBaseURL.
	BaseURL string
	// Responses asks over the Responses API in place of Chat Completions.
	// Requests with [model.Request.Stop], for which it has no form, still go
	// over Chat Completions.
	Responses bool
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

// Model is a chat model behind one of OpenAI's APIs. It may be used concurrently.
type Model struct {
	info      model.Info
	chat      sdk.ChatCompletionService
	responses *responses.ResponseService // nil = Chat Completions
	dialect   dialect
	limiter   *model.Limiter
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
	m := newModel(info, cfg.HTTPClient, cfg.Limiter, dialect{legacyMaxTokens: !official, store: cfg.Store}, &options)
	if cfg.Responses {
		service := responses.NewResponseService(options...)
		m.responses = &service
	}
	return m, nil
}

// newModel builds the service from options alone: no setting of the process
// environment takes part.
func newModel(info model.Info, client *http.Client, l *model.Limiter, d dialect, options *[]option.RequestOption) *Model {
	if client == nil {
		client = &http.Client{}
	}
	d.provider = info.Provider
	*options = append(*options, option.WithHTTPClient(client), option.WithMaxRetries(0))
	return &Model{info: info, chat: sdk.NewChatCompletionService(*options...), dialect: d, limiter: l}
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
		encode := m.dialect.encode
		overResponses := m.responses != nil && len(req.Stop) == 0
		if overResponses {
			encode = m.dialect.encodeResponses
		}
		body, err := encode(m.info.Model, req)
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
		c := call{provider: m.info.Provider, permit: permit}
		options := []option.RequestOption{option.WithRequestBody("application/json", body), option.WithResponseInto(&c.answer)}
		if overResponses {
			stream := m.responses.NewStreaming(ctx, responses.ResponseNewParams{}, options...)
			play(ctx, &c, stream, &responsesReader{provider: m.info.Provider}, yield)
			return
		}
		stream := m.chat.NewStreaming(ctx, sdk.ChatCompletionNewParams{}, options...)
		play(ctx, &c, stream, &reader{provider: m.info.Provider}, yield)
	}
}

// call is what is known about a call beside its events.
type call struct {
	provider string
	permit   *model.Permit
	answer   *http.Response // nil as long as none has arrived
}

// eventReader turns the events of one answer into updates.
type eventReader[E any] interface {
	// update returns what the event adds, nil if there is nothing to show.
	update(E) *model.Update
	// end returns the last update, or what is wrong with the answer.
	end() (*model.Update, error)
}

// play reads the stream to its end and closes it.
func play[E any](ctx context.Context, c *call, stream *ssestream.Stream[E], r eventReader[E], yield func(*model.Update, error) bool) {
	defer stream.Close()
	if c.answer != nil {
		c.permit.Answered(c.answer.StatusCode, c.answer.Header.Get, time.Now())
	}
	for stream.Next() {
		if u := r.update(stream.Current()); u != nil && !yield(u, nil) {
			return
		}
	}
	if err := stream.Err(); err != nil {
		yield(nil, convertError(ctx, c.provider, c.answer, err))
		return
	}
	u, err := r.end()
	if err != nil {
		yield(nil, err)
		return
	}
	yield(u, nil)
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
