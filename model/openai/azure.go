package openai

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"

	"github.com/perdure/perdure/model"
)

// ProviderAzure is the provider name of models at Azure OpenAI.
const ProviderAzure = "azure.ai.openai"

// DefaultAzureAPIVersion is the API version used when the configuration names none.
const DefaultAzureAPIVersion = "2024-10-21"

// AzureConfig configures a [Model] at Azure OpenAI.
type AzureConfig struct {
	// Endpoint is the resource's URL, such as https://NAME.openai.azure.com.
	// Required. A path that ends in /openai or /openai/v1 is accepted.
	Endpoint string
	// Deployment is the name of the model's deployment. Required. A request's
	// model override names another deployment.
	Deployment string
	// APIKey authenticates. If it is empty, Credential does.
	APIKey string
	// Credential authenticates by Entra ID. If both are empty, the default
	// chain is used: environment, workload identity, managed identity, Azure
	// CLI, Azure Developer CLI.
	Credential azcore.TokenCredential
	// APIVersion is the version of Azure's API; empty means
	// DefaultAzureAPIVersion.
	APIVersion string
	// Limiter keeps calls within the resource's rate limits; it is shared by
	// the models of one resource. nil means that calls do not wait.
	Limiter *model.Limiter
	// HTTPClient sends the requests; nil means a client over
	// http.DefaultTransport without a time limit.
	HTTPClient *http.Client
	// AllowLoopbackHTTP permits http:// endpoints on this machine, for tests.
	AllowLoopbackHTTP bool
}

// NewAzure returns a model at Azure OpenAI. It makes no call; the error lists
// every bad field.
func NewAzure(cfg AzureConfig) (*Model, error) {
	var bad []error
	if err := checkURL(cfg.Endpoint); err != nil {
		bad = append(bad, fmt.Errorf("azure openai: Endpoint: %w", err))
	}
	if cfg.Deployment == "" {
		bad = append(bad, errors.New("azure openai: Deployment is empty"))
	}
	if cfg.APIKey != "" && cfg.Credential != nil {
		bad = append(bad, errors.New("azure openai: both APIKey and Credential are set"))
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if cfg.APIVersion == "" {
		cfg.APIVersion = DefaultAzureAPIVersion
	}
	options := []option.RequestOption{azure.WithEndpoint(resourceURL(cfg.Endpoint), cfg.APIVersion)}
	if cfg.AllowLoopbackHTTP {
		options = append(options, azure.WithUnsafeAllowHTTP())
	}
	auth, err := azureAuth(cfg)
	if err != nil {
		return nil, err
	}
	options = append(options, auth)
	info := model.Info{Provider: ProviderAzure, Model: cfg.Deployment, Endpoint: cfg.Endpoint}
	return newModel(info, cfg.HTTPClient, cfg.Limiter, dialect{}, &options), nil
}

func azureAuth(cfg AzureConfig) (option.RequestOption, error) {
	if cfg.APIKey != "" {
		return azure.WithAPIKey(cfg.APIKey), nil
	}
	if cfg.Credential != nil {
		return azure.WithTokenCredential(cfg.Credential), nil
	}
	chain, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("azure openai: default credential: %w", err)
	}
	return azure.WithTokenCredential(chain), nil
}

// resourceURL strips the parts of the path that the SDK adds by itself.
func resourceURL(endpoint string) string {
	endpoint = strings.TrimRight(endpoint, "/")
	endpoint = strings.TrimSuffix(endpoint, "/v1")
	return strings.TrimSuffix(endpoint, "/openai")
}
