package auto_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/model/modeltest"
)

// environment returns a getenv over "A=b" pairs.
func environment(pairs ...string) func(string) string {
	values := map[string]string{}
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

func TestFromEnv(t *testing.T) {
	tests := []struct {
		env  []string
		want model.Info
	}{
		{nil, model.Info{Provider: "demo", Model: "offline-demo"}},
		{[]string{"OPENAI_API_KEY= "}, model.Info{Provider: "demo", Model: "offline-demo"}},
		{[]string{"ANTHROPIC_MODEL=x", "OPENAI_MODEL=y"}, model.Info{Provider: "demo", Model: "offline-demo"}},
		{[]string{"OPENAI_API_KEY=k"},
			model.Info{Provider: "openai", Model: "gpt-4o-mini", Endpoint: "https://api.openai.com/v1/"}},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_MODEL=gpt-5", "OPENAI_BASE_URL=https://gateway.test/v1"},
			model.Info{Provider: "openai-compatible", Model: "gpt-5", Endpoint: "https://gateway.test/v1"}},
		{[]string{"OPENAI_API_KEY=k", "ANTHROPIC_API_KEY=k", "AZURE_OPENAI_ENDPOINT=https://n.openai.azure.test", "AZURE_OPENAI_DEPLOYMENT=d", "AZURE_OPENAI_KEY=k"},
			model.Info{Provider: "azure.ai.openai", Model: "d", Endpoint: "https://n.openai.azure.test"}},
		{[]string{"AZURE_OPENAI_ENDPOINT=https://n.openai.azure.test", "AZURE_OPENAI_DEPLOYMENT_NAME=d"},
			model.Info{Provider: "azure.ai.openai", Model: "d", Endpoint: "https://n.openai.azure.test"}},
		{[]string{"AZURE_OPENAI_ENDPOINT=https://n.openai.azure.test", "AZURE_OPENAI_API_KEY=k"},
			model.Info{Provider: "azure.ai.openai", Model: "gpt-4o-mini", Endpoint: "https://n.openai.azure.test"}},
		{[]string{"ANTHROPIC_API_KEY=k", "OLLAMA_HOST=localhost"},
			model.Info{Provider: "anthropic", Model: "claude-haiku-5-5", Endpoint: "https://api.anthropic.com/", MaxOutputTokens: 8192}},
		{[]string{"ANTHROPIC_API_KEY=k", "OPENAI_API_KEY=k", "ANTHROPIC_MODEL=c", "PERDURE_MODEL=anthropic"},
			model.Info{Provider: "anthropic", Model: "c", Endpoint: "https://api.anthropic.com/", MaxOutputTokens: 8192}},
		{[]string{"OPENAI_BASE_URL=http://localhost:8000/v1", "OPENAI_MODEL=qwen"},
			model.Info{Provider: "openai-compatible", Model: "qwen", Endpoint: "http://localhost:8000/v1"}},
		{[]string{"PERDURE_MODEL_URL=http://localhost:8000/v1", "OPENAI_MODEL=qwen", "OPENAI_API_KEY=k"},
			model.Info{Provider: "openai-compatible", Model: "qwen", Endpoint: "http://localhost:8000/v1"}},
		{[]string{"PERDURE_MODEL=compatible/org/model", "PERDURE_MODEL_URL=http://localhost:8000/v1"},
			model.Info{Provider: "openai-compatible", Model: "org/model", Endpoint: "http://localhost:8000/v1"}},
		{[]string{"OLLAMA_HOST=0.0.0.0"},
			model.Info{Provider: "ollama", Model: "llama3.2", Endpoint: "http://127.0.0.1:11434/v1"}},
		{[]string{"OLLAMA_HOST=:9999", "OLLAMA_MODEL=phi"},
			model.Info{Provider: "ollama", Model: "phi", Endpoint: "http://127.0.0.1:9999/v1"}},
		{[]string{"OLLAMA_HOST=https://ollama.test/"},
			model.Info{Provider: "ollama", Model: "llama3.2", Endpoint: "https://ollama.test/v1"}},
		{[]string{"PERDURE_MODEL=ollama/phi"},
			model.Info{Provider: "ollama", Model: "phi", Endpoint: "http://127.0.0.1:11434/v1"}},
		{[]string{"PERDURE_MODEL=azure/other", "AZURE_OPENAI_ENDPOINT=https://n.openai.azure.test", "AZURE_OPENAI_DEPLOYMENT=d"},
			model.Info{Provider: "azure.ai.openai", Model: "other", Endpoint: "https://n.openai.azure.test"}},
		{[]string{"PERDURE_MODEL=OpenAI/gpt-5", "OPENAI_API_KEY=k", "AZURE_OPENAI_ENDPOINT=https://n.openai.azure.test"},
			model.Info{Provider: "openai", Model: "gpt-5", Endpoint: "https://api.openai.com/v1/"}},
		{[]string{"PERDURE_MODEL=demo", "OPENAI_API_KEY=k"}, model.Info{Provider: "demo", Model: "offline-demo"}},
	}
	for _, tt := range tests {
		m, got, err := auto.FromEnv(environment(tt.env...))
		if err != nil || got != tt.want || m == nil {
			t.Errorf("FromEnv(%q) = %+v, %v, want %+v", tt.env, got, err, tt.want)
		}
	}
}

func TestFromEnvErrors(t *testing.T) {
	tests := []struct {
		env  []string
		want string // the variable to correct, at the head of the error
	}{
		{[]string{"PERDURE_MODEL=gpt-4o"}, "PERDURE_MODEL is "},
		{[]string{"PERDURE_MODEL=openai/gpt-5"}, "OPENAI_API_KEY is not set"},
		{[]string{"PERDURE_MODEL=anthropic/c"}, "ANTHROPIC_API_KEY is not set"},
		{[]string{"PERDURE_MODEL=azure/d"}, "AZURE_OPENAI_ENDPOINT is not set"},
		{[]string{"PERDURE_MODEL=compatible/m"}, "PERDURE_MODEL_URL is not set"},
		{[]string{"PERDURE_MODEL_URL=http://localhost:8000/v1"}, "OPENAI_MODEL is not set"},
		{[]string{"PERDURE_MODEL_URL=localhost", "OPENAI_MODEL=m"}, "PERDURE_MODEL_URL: "},
		{[]string{"OPENAI_BASE_URL=http://localhost:8000/v1"}, "OPENAI_MODEL is not set"},
		{[]string{"OPENAI_API_KEY=k", "OPENAI_BASE_URL=localhost"}, "OPENAI_BASE_URL: "},
		{[]string{"AZURE_OPENAI_API_KEY=k"}, "AZURE_OPENAI_ENDPOINT is not set"},
		{[]string{"AZURE_OPENAI_ENDPOINT=n.openai.azure.test"}, "AZURE_OPENAI_ENDPOINT: "},
		{[]string{"AZURE_OPENAI_ENDPOINT=https://n.test", "AZURE_OPENAI_DEPLOYMENT=a", "AZURE_OPENAI_DEPLOYMENT_NAME=b"}, "AZURE_OPENAI_DEPLOYMENT is "},
		{[]string{"ANTHROPIC_BASE_URL=https://n.test"}, "ANTHROPIC_API_KEY is not set"},
		{[]string{"ANTHROPIC_API_KEY=k", "ANTHROPIC_BASE_URL=n.test"}, "ANTHROPIC_BASE_URL: "},
		{[]string{"OLLAMA_HOST=http://a b"}, "OLLAMA_HOST: "},
		{[]string{"PERDURE_DEMO_PACE=fast"}, "PERDURE_DEMO_PACE is "},
		{[]string{"PERDURE_DEMO_PACE=-1s"}, "PERDURE_DEMO_PACE is "},
	}
	for _, tt := range tests {
		m, _, err := auto.FromEnv(environment(tt.env...))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || m != nil {
			t.Errorf("FromEnv(%q) = %v, %v, want an error that begins %q", tt.env, m, err, tt.want)
		}
	}
}

func TestFromEnvDemoPace(t *testing.T) {
	m, _, err := auto.FromEnv(environment("PERDURE_DEMO_PACE=0"))
	if err != nil {
		t.Fatalf("FromEnv() = %v", err)
	}
	start := time.Now()
	r, err := model.Collect(m.Generate(t.Context(), &model.Request{
		Messages: []*model.Message{model.UserText("Write an article about rain")}}))
	if err != nil || len(strings.Fields(r.Text())) < 50 {
		t.Fatalf("Generate() = %q, %v, want an article", r.Text(), err)
	}
	if took := time.Since(start); took > auto.DefaultPace*10 {
		t.Errorf("an article without pace took %v", took)
	}
}

// TestKeysStayHome: the key for OpenAI does not go to another URL, and nothing is
// read past getenv.
func TestKeysStayHome(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "from the process")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/")
	handler := modeltest.NewServer(modeltest.Script(t, modeltest.Say("hi")))
	server := httptest.NewServer(handler)
	defer server.Close()
	m, _, err := auto.FromEnv(environment("PERDURE_MODEL_URL="+server.URL, "OPENAI_MODEL=m", "OPENAI_API_KEY=secret"))
	if err != nil {
		t.Fatalf("FromEnv() = %v", err)
	}
	r, err := model.Collect(m.Generate(t.Context(), &model.Request{Messages: []*model.Message{model.UserText("?")}}))
	if err != nil || r.Text() != "hi" {
		t.Fatalf("Generate() = %q, %v, want hi", r.Text(), err)
	}
	if got := handler.Requests()[0].Header.Get("Authorization"); got != "" {
		t.Errorf("Authorization = %q, want none", got)
	}
}
