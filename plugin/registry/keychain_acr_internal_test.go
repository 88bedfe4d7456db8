//go:build cloud

package registry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	acrTestHost = "teama.azurecr.io"
	entraToken  = "entra-token"
)

// fakeEntra stands in for the process's identity: Microsoft Entra cannot be
// had in a test, and its client talks to no plain loopback address.
type fakeEntra struct {
	err    error
	scopes []string
}

func (f *fakeEntra) GetToken(ctx context.Context, wanted policy.TokenRequestOptions) (azcore.AccessToken, error) {
	f.scopes = append(f.scopes, wanted.Scopes...)
	if f.err != nil {
		return azcore.AccessToken{}, f.err
	}
	return azcore.AccessToken{Token: entraToken, ExpiresOn: time.Unix(1_800_000_000, 0)}, ctx.Err()
}

// toLoopback carries requests for Azure's host to a registry on loopback, and
// notes the hosts that they were for.
type toLoopback struct {
	address string
	hosts   []string
}

func (l *toLoopback) RoundTrip(request *http.Request) (*http.Response, error) {
	l.hosts = append(l.hosts, request.URL.Scheme+"://"+request.URL.Host)
	target, err := url.Parse(l.address)
	if err != nil {
		return nil, err
	}
	moved := request.Clone(request.Context())
	moved.URL.Scheme, moved.URL.Host = target.Scheme, target.Host
	return http.DefaultTransport.RoundTrip(moved)
}

func acrUnderTest(t *testing.T, answer http.HandlerFunc) (acrKeychain, *fakeEntra, *toLoopback) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	entra, carrier := &fakeEntra{}, &toLoopback{address: server.URL}
	return acrKeychain{login: func(string) (azcore.TokenCredential, error) { return entra, nil }, transport: carrier}, entra, carrier
}

func acrExchange(w http.ResponseWriter, r *http.Request) {
	want := url.Values{"grant_type": {"access_token"}, "service": {acrTestHost}, "access_token": {entraToken}}
	if r.URL.Path != "/oauth2/exchange" || r.Method != http.MethodPost || r.ParseForm() != nil || r.PostForm.Encode() != want.Encode() {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte(`{"refresh_token":"refresh"}`))
}

func TestACR_RefreshTokenOfTheRegistryItself(t *testing.T) {
	keychain, entra, carrier := acrUnderTest(t, acrExchange)
	got, validity, err := keychain.Credential(t.Context(), acrTestHost)
	if err != nil || got != (Credential{Username: acrUser, IdentityToken: "refresh"}) || validity != time.Hour {
		t.Errorf("got %#v for %s, %v", got, validity, err)
	}
	if len(entra.scopes) != 1 || entra.scopes[0] != acrScope {
		t.Errorf("scopes %q", entra.scopes)
	}
	if len(carrier.hosts) != 1 || carrier.hosts[0] != "https://"+acrTestHost {
		t.Errorf("the token was sent to %q", carrier.hosts)
	}
}

func TestACR_AnswerWithoutATokenIsAnError(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"empty":    func(http.ResponseWriter, *http.Request) {},
		"no token": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) },
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			_, _ = w.Write([]byte(`{`))
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"refresh_token":"` + strings.Repeat("x", maxTokenBytes) + `"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			keychain, _, carrier := acrUnderTest(t, answer)
			got, _, err := keychain.Credential(t.Context(), acrTestHost)
			if err == nil || !got.IsZero() {
				t.Fatalf("got %#v, %v", got, err)
			}
			if !strings.Contains(err.Error(), acrTestHost) || strings.Contains(err.Error(), entraToken) {
				t.Errorf("error %q", err)
			}
			if len(carrier.hosts) != 1 {
				t.Errorf("the token was sent %d times, to %q", len(carrier.hosts), carrier.hosts)
			}
		})
	}
}

func TestACR_NoAnswerIsAnError(t *testing.T) {
	keychain, entra, carrier := acrUnderTest(t, acrExchange)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, _, err := keychain.Credential(ctx, acrTestHost); err == nil || !got.IsZero() {
		t.Errorf("cancelled: got %#v, %v", got, err)
	}
	entra.err = errors.New("no identity")
	if got, _, err := keychain.Credential(t.Context(), acrTestHost); err == nil || !got.IsZero() {
		t.Errorf("no identity: got %#v, %v", got, err)
	}
	entra.err, carrier.address = nil, "http://127.0.0.1:1"
	if got, _, err := keychain.Credential(t.Context(), acrTestHost); err == nil || !got.IsZero() {
		t.Errorf("down: got %#v, %v", got, err)
	}
}

func TestACR_AnotherHostIsRefusedWithoutALogin(t *testing.T) {
	keychain, entra, carrier := acrUnderTest(t, acrExchange)
	if got, _, err := keychain.Credential(t.Context(), "registry.example.com"); err == nil || !got.IsZero() {
		t.Errorf("got %#v, %v", got, err)
	}
	if len(entra.scopes) != 0 || len(carrier.hosts) != 0 {
		t.Errorf("asked for %q, sent to %q", entra.scopes, carrier.hosts)
	}
}

func TestACR_LoginIsOfTheHostsCloud(t *testing.T) {
	for host, want := range map[string]string{
		"teama.azurecr.io": "", "teama.azurecr.cn": cloud.AzureChina.ActiveDirectoryAuthorityHost, "teama.azurecr.us": cloud.AzureGovernment.ActiveDirectoryAuthorityHost,
	} {
		if got := azureCloud(host).ActiveDirectoryAuthorityHost; got != want {
			t.Errorf("%s logs in at %q, want %q", host, got, want)
		}
		if identity, err := azureLogin(host); err != nil || identity == nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
