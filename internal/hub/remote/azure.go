package remote

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"google.golang.org/grpc/credentials"
)

// Azure says how tokens of Entra ID are got, with the words of connection strings.
type Azure struct {
	Authentication string // one of azureKinds
	ClientID       string
	TenantID       string
	Tenants        []string // further tenants that may be asked
	TokenFile      string
}

// azureScope is what the tokens of the Durable Task Scheduler are for.
const azureScope = "https://durabletask.io/.default"

const (
	azureDefault     = "DefaultAzure"
	azureManaged     = "ManagedIdentity"
	azureWorkload    = "WorkloadIdentity"
	azureEnvironment = "Environment"
	azureCLI         = "AzureCLI"
	azureNone        = "None"
)

// parseAzure reads how a connection string authenticates, nil for not at all.
func parseAzure(values map[string]string) (*Azure, error) {
	kinds := []string{azureNone, azureDefault, azureManaged, azureWorkload, azureEnvironment, azureCLI}
	given := values[keyAuthentication]
	i := slices.IndexFunc(kinds, func(k string) bool { return strings.EqualFold(k, given) })
	if i < 0 {
		return nil, invalid("%s is %q: there are %s", keyAuthentication, given, strings.Join(kinds, ", "))
	}
	if kinds[i] == azureNone {
		return nil, nil
	}
	a := &Azure{Authentication: kinds[i], ClientID: values[keyClientID], TenantID: values[keyTenantID], TokenFile: values[keyTokenFile]}
	for tenant := range strings.SplitSeq(values[keyTenants], ",") {
		if tenant = strings.TrimSpace(tenant); tenant != "" {
			a.Tenants = append(a.Tenants, tenant)
		}
	}
	return a, nil
}

// credential returns who gets the tokens.
func (a *Azure) credential() (azcore.TokenCredential, error) {
	switch a.Authentication {
	case azureManaged:
		var o azidentity.ManagedIdentityCredentialOptions
		if a.ClientID != "" {
			o.ID = azidentity.ClientID(a.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(&o)
	case azureWorkload:
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientID: a.ClientID, TenantID: a.TenantID, TokenFilePath: a.TokenFile, AdditionallyAllowedTenants: a.Tenants,
		})
	case azureEnvironment:
		return azidentity.NewEnvironmentCredential(nil)
	case azureCLI:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: a.TenantID, AdditionallyAllowedTenants: a.Tenants})
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		TenantID: a.TenantID, AdditionallyAllowedTenants: a.Tenants,
	})
}

// credentials returns what is sent with each call.
func (t Target) credentials() (credentials.PerRPCCredentials, error) {
	if t.Azure == nil {
		return &bearer{token: t.Token}, nil
	}
	source, err := t.Azure.credential()
	if err != nil {
		return nil, invalid("%s=%s: %v", keyAuthentication, t.Azure.Authentication, err)
	}
	return &azureBearer{source: source}, nil
}

// bearer sends a fixed token; whether it may travel without TLS was checked.
type bearer struct{ token string }

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b *bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if b.token == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (b *bearer) RequireTransportSecurity() bool { return false }

// azureBearer sends a token of Entra ID, which it renews in time.
type azureBearer struct {
	source azcore.TokenCredential

	mu    sync.Mutex // guards token
	token azcore.AccessToken
}

// renewBefore is how long before its end a token is no longer used.
const renewBefore = 5 * time.Minute

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b *azureBearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	b.mu.Lock()
	token := b.token
	b.mu.Unlock()
	if time.Until(token.ExpiresOn) < renewBefore {
		fresh, err := b.source.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{azureScope}})
		switch {
		case err == nil:
			token = fresh
			b.mu.Lock()
			b.token = token
			b.mu.Unlock()
		case time.Until(token.ExpiresOn) <= 0:
			return nil, err
		}
	}
	return map[string]string{"authorization": "Bearer " + token.Token}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (b *azureBearer) RequireTransportSecurity() bool { return true }
