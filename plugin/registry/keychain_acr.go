//go:build cloud

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// acrKeychain exchanges an access token of Microsoft Entra, for whoever the
// process is to Azure, for a refresh token of one registry.
type acrKeychain struct {
	// login finds the process's identity in the cloud of a host.
	login func(host string) (azcore.TokenCredential, error)
	// transport carries the exchange; nil is one of its own.
	transport http.RoundTripper
}

// acrHost is a registry of Azure in one of its clouds. Hosts for data alone
// (*.data.azurecr.io) take no such token.
var acrHost = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*\.azurecr\.(io|cn|us)$`)

const (
	// acrScope is the audience of Azure's registries, in all of its clouds.
	acrScope = "https://containerregistry.azure.net/.default"
	// acrUser stands for "the password is a token" in Azure's registries.
	acrUser = "00000000-0000-0000-0000-000000000000"
	// acrLife is how long a refresh token is used. Azure gives it three hours
	// and says so only inside the token.
	acrLife = time.Hour
)

// Covers the registries of Azure Container Registry.
func (acrKeychain) Covers(host string) bool { return acrHost.MatchString(host) }

// Credential is a refresh token of the registry (Azure Container Registry,
// authentication by OAuth 2.0, POST /oauth2/exchange).
func (k acrKeychain) Credential(ctx context.Context, host string) (Credential, time.Duration, error) {
	if !k.Covers(host) {
		return Credential{}, 0, fmt.Errorf("asking Azure for a token for %s: it is no registry of Azure", host)
	}
	identity, err := k.login(host)
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking Azure for a token for %s: %w", host, err)
	}
	access, err := identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{acrScope}})
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking Azure for a token for %s: %w", host, err)
	}
	token, err := k.exchange(ctx, host, access.Token)
	if err != nil {
		return Credential{}, 0, fmt.Errorf("exchanging Azure's token at %s: %w", host, err)
	}
	return Credential{Username: acrUser, IdentityToken: token}, acrLife, nil
}

// exchange sends the access token to the registry itself. RoundTrip follows no
// redirect, so the token goes nowhere else.
func (k acrKeychain) exchange(ctx context.Context, host, access string) (string, error) {
	form := url.Values{"grant_type": {"access_token"}, "service": {host}, "access_token": {access}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/oauth2/exchange", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	transport := k.transport
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s; may this identity pull (role AcrPull)?", response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxTokenBytes+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxTokenBytes:
		return "", fmt.Errorf("the answer is larger than %d bytes", maxTokenBytes)
	}
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.RefreshToken == "" {
		return "", errors.New("the answer holds no refresh_token")
	}
	return answer.RefreshToken, nil
}

// azureLogin looks for the process's identity where the platform puts it:
// environment, workload identity, managed identity. The command lines that
// azidentity could ask as well are left out: they are programs to run.
func azureLogin(host string) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: azureCloud(host)}
	var sources []azcore.TokenCredential
	if found, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: options}); err == nil {
		sources = append(sources, found)
	}
	if found, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options}); err == nil {
		sources = append(sources, found)
	}
	managed := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if id := os.Getenv("AZURE_CLIENT_ID"); id != "" {
		managed.ID = azidentity.ClientID(id)
	}
	found, err := azidentity.NewManagedIdentityCredential(managed)
	if err != nil {
		return nil, err
	}
	return azidentity.NewChainedTokenCredential(append(sources, found), nil)
}

// azureCloud is the cloud of a host; the zero value leaves it to
// AZURE_AUTHORITY_HOST, else the public one.
func azureCloud(host string) cloud.Configuration {
	switch {
	case strings.HasSuffix(host, ".cn"):
		return cloud.AzureChina
	case strings.HasSuffix(host, ".us"):
		return cloud.AzureGovernment
	}
	return cloud.Configuration{}
}
