package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// keychainSource finds the named keychain and ties it to its hosts.
func (c *Client) keychainSource(keychain, host string) (source, error) {
	chain := c.options.Keychains[keychain]
	if chain == nil && keychain == "gar" {
		chain = googleKeychain{address: "http://169.254.169.254"}
	}
	if chain == nil {
		chain = c.cloudKeychain(keychain)
	}
	switch {
	case chain == nil && (keychain == "ecr" || keychain == "acr"):
		return source{}, fmt.Errorf("setting up %s: this program was built without keychain %q; build it with -tags cloud, or use a docker configuration or a user name and password", host, keychain)
	case chain == nil:
		return source{}, fmt.Errorf("setting up %s: there is no keychain %q; known are gar, ecr and acr", host, keychain)
	case !chain.Covers(host):
		return source{}, fmt.Errorf("setting up %s: keychain %q is for its own cloud's registries only", host, keychain)
	}
	return source{id: "keychain\x00" + keychain, hint: "check that this machine or workload has an identity in the cloud that may pull from " + host, read: func(ctx context.Context) (Credential, time.Duration, error) {
		return chain.Credential(ctx, host)
	}}, nil
}

// googleKeychain asks the metadata server of Google Cloud for the access token
// of the machine's or workload's service account. It is the only part of this
// package that reaches a link-local address.
type googleKeychain struct{ address string }

// Covers Artifact Registry and the older Container Registry.
func (googleKeychain) Covers(host string) bool {
	return host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, ".pkg.dev")
}

// Credential is an access token, with the fixed user name that Artifact
// Registry wants for one.
func (k googleKeychain) Credential(ctx context.Context, _ string) (Credential, time.Duration, error) {
	const path = "/computeMetadata/v1/instance/service-accounts/default/token"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address+path, nil)
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking the metadata server: %w", err)
	}
	request.Header.Set("Metadata-Flavor", "Google")
	transport := &http.Transport{DisableKeepAlives: true} // never through a proxy
	response, err := transport.RoundTrip(request)
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking the metadata server: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Credential{}, 0, fmt.Errorf("asking the metadata server: %s; is a service account attached?", response.Status)
	}
	var token struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxTokenBytes))
	if err != nil {
		return Credential{}, 0, fmt.Errorf("asking the metadata server: %w", err)
	}
	if err := json.Unmarshal(data, &token); err != nil || token.AccessToken == "" {
		return Credential{}, 0, fmt.Errorf("asking the metadata server: the answer holds no token")
	}
	return Credential{Username: "oauth2accesstoken", Password: token.AccessToken}, time.Duration(token.ExpiresIn) * time.Second, nil
}
