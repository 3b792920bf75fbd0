package auto

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/anthropic"
	"github.com/perdure/perdure/model/openai"
)

// The models that are asked when the environment names none.
const (
	DefaultOpenAIModel    = "gpt-4o-mini"
	DefaultAnthropicModel = "claude-haiku-5-5"
	DefaultOllamaModel    = "llama3.2"
)

// ProviderOllama is the provider name of models at a local Ollama.
const ProviderOllama = "ollama"

// FromEnv returns the model that the environment asks for, and what it is. It
// makes no call. getenv is os.Getenv or a stand-in for it: an empty value is the
// same as none. The error names the variable to correct.
func FromEnv(getenv func(string) string) (model.Model, model.Info, error) {
	e := env{get: func(name string) string { return strings.TrimSpace(getenv(name)) }}
	m, err := e.pick()
	if err != nil {
		return nil, model.Info{}, err
	}
	return m, model.Describe(m), nil
}

type env struct {
	get func(string) string
}

func (e env) pick() (model.Model, error) {
	switch {
	case e.get("PERDURE_MODEL") != "":
		return e.named(e.get("PERDURE_MODEL"))
	case e.get("PERDURE_MODEL_URL") != "":
		return e.compatible("PERDURE_MODEL_URL", "")
	case e.get("AZURE_OPENAI_ENDPOINT") != "":
		return e.azure("")
	case e.azureKey() != "":
		return nil, fmt.Errorf("AZURE_OPENAI_ENDPOINT is not set, although a key for Azure OpenAI is")
	case e.get("OPENAI_API_KEY") != "":
		return e.openAI("")
	case e.get("ANTHROPIC_API_KEY") != "":
		return e.anthropic("")
	case e.get("ANTHROPIC_BASE_URL") != "":
		return nil, fmt.Errorf("ANTHROPIC_API_KEY is not set, although ANTHROPIC_BASE_URL is")
	case e.get("OPENAI_BASE_URL") != "":
		return e.compatible("OPENAI_BASE_URL", "")
	case e.get("OLLAMA_HOST") != "":
		return e.ollama("")
	}
	return e.demo()
}

// named serves PERDURE_MODEL.
func (e env) named(value string) (model.Model, error) {
	provider, name, _ := strings.Cut(value, "/")
	switch strings.ToLower(provider) {
	case "openai":
		if e.get("OPENAI_API_KEY") == "" {
			return nil, fmt.Errorf("OPENAI_API_KEY is not set, although PERDURE_MODEL is %q", value)
		}
		return e.openAI(name)
	case "azure":
		if e.get("AZURE_OPENAI_ENDPOINT") == "" {
			return nil, fmt.Errorf("AZURE_OPENAI_ENDPOINT is not set, although PERDURE_MODEL is %q", value)
		}
		return e.azure(name)
	case "anthropic":
		if e.get("ANTHROPIC_API_KEY") == "" {
			return nil, fmt.Errorf("ANTHROPIC_API_KEY is not set, although PERDURE_MODEL is %q", value)
		}
		return e.anthropic(name)
	case "compatible":
		for _, variable := range []string{"PERDURE_MODEL_URL", "OPENAI_BASE_URL"} {
			if e.get(variable) != "" {
				return e.compatible(variable, name)
			}
		}
		return nil, fmt.Errorf("PERDURE_MODEL_URL is not set, although PERDURE_MODEL is %q", value)
	case "ollama":
		return e.ollama(name)
	case "demo":
		return e.demo()
	}
	return nil, fmt.Errorf("PERDURE_MODEL is %q: want openai/MODEL, azure/DEPLOYMENT, anthropic/MODEL, "+
		"ollama/MODEL, compatible/MODEL or demo", value)
}

func (e env) azureKey() string {
	return cmp.Or(e.get("AZURE_OPENAI_API_KEY"), e.get("AZURE_OPENAI_KEY"))
}

func (e env) azure(deployment string) (model.Model, error) {
	long, short := e.get("AZURE_OPENAI_DEPLOYMENT_NAME"), e.get("AZURE_OPENAI_DEPLOYMENT")
	if deployment == "" && long != "" && short != "" && long != short {
		return nil, fmt.Errorf("AZURE_OPENAI_DEPLOYMENT is %q, but AZURE_OPENAI_DEPLOYMENT_NAME is %q: unset one", short, long)
	}
	return checked("AZURE_OPENAI_ENDPOINT")(openai.NewAzure(openai.AzureConfig{
		Endpoint:   e.get("AZURE_OPENAI_ENDPOINT"),
		Deployment: cmp.Or(deployment, long, short, DefaultOpenAIModel),
		APIKey:     e.azureKey(),
		APIVersion: e.get("AZURE_OPENAI_API_VERSION"),
		Limiter:    limiter(openai.ProviderAzure),
	}))
}

func (e env) openAI(name string) (model.Model, error) {
	return checked("OPENAI_BASE_URL")(openai.New(openai.Config{
		Model:        cmp.Or(name, e.get("OPENAI_MODEL"), DefaultOpenAIModel),
		APIKey:       e.get("OPENAI_API_KEY"),
		BaseURL:      e.get("OPENAI_BASE_URL"),
		Responses:    e.get("OPENAI_BASE_URL") == "",
		Organization: e.get("OPENAI_ORG_ID"),
		Project:      e.get("OPENAI_PROJECT_ID"),
		Limiter:      limiter(openai.ProviderOpenAI),
	}))
}

func (e env) anthropic(name string) (model.Model, error) {
	m, err := anthropic.New(anthropic.Config{
		Model:   cmp.Or(name, e.get("ANTHROPIC_MODEL"), DefaultAnthropicModel),
		APIKey:  e.get("ANTHROPIC_API_KEY"),
		BaseURL: e.get("ANTHROPIC_BASE_URL"),
		Limiter: limiter(anthropic.Provider),
	})
	if err != nil {
		return nil, fmt.Errorf("ANTHROPIC_BASE_URL: %w", err)
	}
	return m, nil
}

// compatible serves a URL of the user's. OPENAI_API_KEY goes to OPENAI_BASE_URL
// only: a key is not sent where it was not meant to go.
func (e env) compatible(variable, name string) (model.Model, error) {
	name = cmp.Or(name, e.get("OPENAI_MODEL"))
	if name == "" {
		return nil, fmt.Errorf("OPENAI_MODEL is not set, although %s is: it names the model to ask there", variable)
	}
	cfg := openai.Config{Model: name, BaseURL: e.get(variable), Limiter: limiter(openai.ProviderCompatible)}
	if variable == "OPENAI_BASE_URL" {
		cfg.APIKey = e.get("OPENAI_API_KEY")
	}
	return checked(variable)(openai.New(cfg))
}

func (e env) ollama(name string) (model.Model, error) {
	base, err := ollamaURL(e.get("OLLAMA_HOST"))
	if err != nil {
		return nil, fmt.Errorf("OLLAMA_HOST: %w", err)
	}
	return checked("OLLAMA_HOST")(openai.New(openai.Config{
		Model:    cmp.Or(name, e.get("OLLAMA_MODEL"), DefaultOllamaModel),
		BaseURL:  base,
		Provider: ProviderOllama,
	}))
}

// ollamaURL reads the forms that Ollama takes: a host, host:port, :port or a URL.
// An address to listen on everywhere is reached on this machine.
func ollamaURL(host string) (string, error) {
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	if err != nil {
		return "", err
	}
	name, port := u.Hostname(), u.Port()
	if ip := net.ParseIP(name); name == "" || ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	if port == "" && u.Scheme == "http" {
		port = "11434"
	}
	u.Host = name
	if port != "" {
		u.Host = net.JoinHostPort(name, port)
	}
	return strings.TrimRight(u.String(), "/") + "/v1", nil
}

func (e env) demo() (model.Model, error) {
	value := e.get("PERDURE_DEMO_PACE")
	if value == "" {
		return NewDemo(DemoConfig{}), nil
	}
	pace, err := time.ParseDuration(value)
	if err != nil || pace < 0 {
		return nil, fmt.Errorf("PERDURE_DEMO_PACE is %q: want a duration such as 200ms, or 0", value)
	}
	if pace == 0 {
		pace = -1
	}
	return NewDemo(DemoConfig{Pace: pace}), nil
}

// limiter returns the limiter of the provider that is picked: all calls of the
// model share what its answers tell.
func limiter(provider string) *model.Limiter {
	return model.NewLimiter(model.LimiterConfig{Provider: provider})
}

// checked names the variable that a constructor's error is about: the others
// have been checked or cannot be wrong.
func checked(variable string) func(*openai.Model, error) (model.Model, error) {
	return func(m *openai.Model, err error) (model.Model, error) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		return m, nil
	}
}
