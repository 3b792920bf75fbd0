package openai_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/model/openai"
)

// token is a credential that always has the same token, or an error.
type token struct{ err error }

func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "entra", ExpiresOn: time.Now().Add(time.Hour)}, t.err
}

func TestAzure(t *testing.T) {
	tests := []struct {
		name          string
		config        openai.AzureConfig
		header, value string
	}{
		{"key", openai.AzureConfig{APIKey: "azkey"}, "Api-Key", "azkey"},
		{"credential", openai.AzureConfig{Credential: token{}}, "Authorization", "Bearer entra"},
	}
	for _, tt := range tests {
		for _, suffix := range []string{"", "/", "/openai", "/openai/v1/"} {
			t.Run(tt.name+suffix, func(t *testing.T) {
				handler := modeltest.NewServer(modeltest.Script(t, modeltest.Say("hello")))
				server := httptest.NewServer(handler)
				t.Cleanup(server.Close)
				cfg := tt.config
				cfg.Endpoint, cfg.Deployment, cfg.AllowLoopbackHTTP = server.URL+suffix, "mini", true
				m, err := openai.NewAzure(cfg)
				if err != nil {
					t.Fatalf("NewAzure() = %v", err)
				}
				r, err := model.Collect(m.Generate(t.Context(), request("?")))
				if err != nil || r.Text() != "hello" {
					t.Fatalf("Generate() = %q, %v, want hello", r.Text(), err)
				}
				got := handler.Requests()[0]
				if want := "/openai/deployments/mini/chat/completions"; got.Path != want {
					t.Errorf("path = %q, want %q", got.Path, want)
				}
				if want := "api-version=" + openai.DefaultAzureAPIVersion; got.Query != want {
					t.Errorf("query = %q, want %q", got.Query, want)
				}
				if v := got.Header.Get(tt.header); v != tt.value {
					t.Errorf("%s = %q, want %q", tt.header, v, tt.value)
				}
			})
		}
	}
}

func TestAzureCredentialFails(t *testing.T) {
	login := errors.New("run az login")
	m, err := openai.NewAzure(openai.AzureConfig{Endpoint: "https://name.openai.azure.test", Deployment: "mini",
		Credential: token{err: login}})
	if err != nil {
		t.Fatalf("NewAzure() = %v", err)
	}
	_, err = model.Collect(m.Generate(t.Context(), request("?")))
	if _, retry := model.Retry(err); retry || !errors.Is(err, login) {
		t.Errorf("Generate() = %v, want the final error %v", err, login)
	}
}

func TestAzureConfig(t *testing.T) {
	_, err := openai.NewAzure(openai.AzureConfig{APIKey: "k", Credential: token{}})
	for _, want := range []string{"Endpoint", "Deployment", "both APIKey and Credential"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewAzure() = %v, want an error about %s", err, want)
		}
	}
}
