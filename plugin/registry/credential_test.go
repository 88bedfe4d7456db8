package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestAuth_DockerConfigurationIsUsedForHostsWithoutAnEntry(t *testing.T) {
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: secret}})
	digest := pushImage(t, server, "app:v1")
	keychain := authn.NewMultiKeychain(fixedKeychain{server.Host(), authn.AuthConfig{Username: "team-a", Password: secret}})
	client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts, o.AllowLoopback, o.Keychain = nil, true, keychain })
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("got %+v", got)
	}
	broken, _ := newClient(t, server, func(o *registry.Options) { o.Hosts, o.AllowLoopback, o.Keychain = nil, true, brokenKeychain{} })
	unanswered(t, resolveOne(t, broken, server.Host()+"/app:v1").Err, "docker configuration", "helper is gone")
}

type fixedKeychain struct {
	host   string
	config authn.AuthConfig
}

func (k fixedKeychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(k.config), nil
}

type brokenKeychain struct{}

func (brokenKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, fmt.Errorf("the helper is gone")
}

// silentKeychain is a helper that waits for somebody to unlock something.
type silentKeychain struct{ ended <-chan struct{} }

func (k silentKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	<-k.ended
	return authn.Anonymous, nil
}

func TestAuth_HelperThatNeverAnswersIsLeft(t *testing.T) {
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: secret}})
	pushImage(t, server, "app:v1")
	ended := make(chan struct{})
	defer close(ended)
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts, o.AllowLoopback, o.Keychain = nil, true, silentKeychain{ended}
		o.Limits = limitsWith(t, map[string]int64{"requestSeconds": 1, "retries": 1, "retryAfterSeconds": 1})
	})
	server.ResetRequests()
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, server.Host(), "waiting for the credential helper")
	if got := server.Count(ociserver.ClassToken, ociserver.ClassTag); got > 0 {
		t.Errorf("%d requests without the credential", got)
	}
}

func TestCredential_IsNeverShown(t *testing.T) {
	credential := registry.Credential{Username: "u-secret", Password: "p-secret", IdentityToken: "i-secret", RegistryToken: "r-secret"}
	asJSON, err := json.Marshal(struct{ C registry.Credential }{credential})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s %v %+v %#v %s %v", credential, credential, credential, credential, asJSON, registry.Host{Credential: credential})
	if strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestDockerConfigCredential(t *testing.T) {
	file := []byte(`{"auths":{"ghcr.io":{"auth":"dTpw"},"https://index.docker.io/v1/":{"username":"h","password":"q"},"empty.example.com":{}},"credsStore":"x"}`)
	for host, want := range map[string]registry.Credential{
		"ghcr.io":   {Username: "u", Password: "p"},
		"docker.io": {Username: "h", Password: "q"},
	} {
		if got, err := registry.DockerConfigCredential(file, host); err != nil || got != want {
			t.Errorf("%s: %#v, %v", host, got, err)
		}
	}
	for _, host := range []string{"empty.example.com", "quay.io"} {
		if _, err := registry.DockerConfigCredential(file, host); err == nil {
			t.Errorf("%s: no error", host)
		}
	}
	if _, err := registry.DockerConfigCredential([]byte(`{"auths":{"ghcr.io":{"auth":"p-secret!"}}}`), "ghcr.io"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
