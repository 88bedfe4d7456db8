package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

const secret = "correct horse battery"

func tokenServer(t testing.TB, change func(*ociserver.Options)) *ociserver.Server {
	t.Helper()
	options := ociserver.Options{TLS: true, Token: &ociserver.TokenAuth{User: "team-a", Password: secret}}
	if change != nil {
		change(&options)
	}
	return startServer(t, options)
}

func withCredential(o *registry.Options) {
	o.Hosts[0].Credential = registry.Credential{Username: "team-a", Password: secret}
}

func TestAuth_WrongOrNoCredentialIsUndeterminedAndNotShown(t *testing.T) {
	server := tokenServer(t, nil)
	pushImage(t, server, "team-a/app:v1")
	for name, credential := range map[string]registry.Credential{"wrong": {Username: "team-a", Password: "hunter2hunter2"}, "none": {}} {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts[0].Credential = credential })
			err := resolveOne(t, client, server.Host()+"/team-a/app:v1").Err
			unanswered(t, err, "not allowed with this credential")
			if strings.Contains(fmt.Sprintf("%v %#v", err, credential), "hunter2") {
				t.Errorf("the error shows the credential: %v", err)
			}
		})
	}
	client, _ := newClient(t, server, withCredential)
	if twin := resolveOne(t, client, server.Host()+"/team-a/app:v1"); twin.Err != nil {
		t.Errorf("twin: %v", twin.Err)
	}
}

func TestAuth_TokenAtItsEndIsRenewedOnce(t *testing.T) {
	server := tokenServer(t, nil)
	digest := pushImage(t, server, "team-a/app:v1")
	client, clock := newClient(t, server, withCredential)
	resolveOne(t, client, server.Host()+"/team-a/app:v1")
	server.RevokeTokens() // the registry forgot it before its time
	if _, err := client.Manifest(context.Background(), server.Host()+"/team-a/app", digest); err != nil {
		t.Fatal(err)
	}
	if server.Count(ociserver.ClassToken) != 2 {
		t.Errorf("%d tokens, want 2", server.Count(ociserver.ClassToken))
	}
	clock.Pass(time.Hour) // it said so
	if got := resolveOne(t, client, server.Host()+"/team-a/app:v1"); got.Err != nil {
		t.Fatal(got.Err)
	}
	if server.Count(ociserver.ClassToken) != 3 || server.Count(ociserver.ClassPing) != 1 {
		t.Errorf("%d tokens, want 3: %+v", server.Count(ociserver.ClassToken), server.Requests())
	}
}

func TestAuth_OneForbiddenRepositoryTakesNothingFromTheOthers(t *testing.T) {
	server := tokenServer(t, nil)
	pushImage(t, server, "team-a/app:v1")
	pushImage(t, server, "team-b/app:v1")
	denying := &ociserver.TokenAuth{User: "team-a", Password: secret, Denied: []string{"team-b/app"}}
	second := tokenServer(t, func(o *ociserver.Options) { o.Token = denying })
	pushImage(t, second, "team-a/app:v1")
	client, _ := newClient(t, second, withCredential)
	second.SetDelay(20 * time.Millisecond)
	got := client.Resolve(context.Background(), []plugin.Reference{reference(t, second.Host()+"/team-a/app:v1"), reference(t, second.Host()+"/team-b/app:v1")})
	if got[0].Err != nil {
		t.Errorf("the allowed one: %v", got[0].Err)
	}
	unanswered(t, got[1].Err, "not allowed with this credential")
}

func TestAuth_TokenServiceOfAnotherSiteNeverSeesTheCredential(t *testing.T) {
	thief := startServer(t, ociserver.Options{})
	for name, realm := range map[string]string{
		"another host":       "https://tokens.example.com/token",
		"loopback by name":   "http://localhost:" + strings.Split(thief.Host(), ":")[1] + "/token",
		"another scheme":     "ftp://127.0.0.1/token",
		"no host":            "/token",
		"metadata service":   "http://169.254.169.254/token",
		"suffix of the host": "https://x127.0.0.1/token",
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: secret, Realm: realm}})
			client, _ := newClient(t, server, func(o *registry.Options) {
				withCredential(o)
				o.AllowLoopback = true
			})
			refused(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "registry/token-realm")
		})
	}
	if thief.Count() != 0 {
		t.Errorf("the thief heard: %+v", thief.Requests())
	}
}

func TestAuth_TwoCredentialsShareNoFacts(t *testing.T) {
	server := tokenServer(t, nil)
	digest := pushImage(t, server, "shared/app:v1")
	open, _ := newClient(t, server, withCredential)
	repository := server.Host() + "/shared/app"
	if _, err := open.Manifest(context.Background(), repository, digest); err != nil {
		t.Fatal(err)
	}
	// The same repository and digest under another credential: what the first
	// one read is not known.
	closed, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts[0].Credential = registry.Credential{Username: "team-b", Password: "wrong"}
	})
	_, err := closed.Manifest(context.Background(), repository, digest)
	unanswered(t, err, "not allowed with this credential")
	// One client, two credentials: one prefix has the right one.
	client, _ := newClient(t, server, func(o *registry.Options) {
		withCredential(o)
		other := o.Hosts[0]
		other.Prefix, other.Credential = "other", registry.Credential{Username: "team-b", Password: "wrong"}
		o.Hosts = append(o.Hosts, other)
	})
	if _, err := client.Manifest(context.Background(), repository, digest); err != nil {
		t.Fatal(err)
	}
	_, err = client.Manifest(context.Background(), server.Host()+"/other/app", digest)
	unanswered(t, err, "not allowed with this credential")
	mine, err := client.Partition(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := client.Partition(t.Context(), server.Host()+"/other/app")
	if err != nil || mine == theirs || strings.Contains(mine+theirs, secret) {
		t.Errorf("partitions %q and %q, %v", mine, theirs, err)
	}
}

func TestAuth_CredentialOfAPrefixIsNotUsedBesideIt(t *testing.T) {
	server := tokenServer(t, nil)
	pushImage(t, server, "team-a/app:v1")
	pushImage(t, server, "team-abc/app:v1")
	client, _ := newClient(t, server, func(o *registry.Options) {
		withCredential(o)
		o.Hosts[0].Prefix = "team-a/"
	})
	if got := resolveOne(t, client, server.Host()+"/team-a/app:v1"); got.Err != nil {
		t.Errorf("twin: %v", got.Err)
	}
	unanswered(t, resolveOne(t, client, server.Host()+"/team-abc/app:v1").Err, "not allowed with this credential")
}

func TestAuth_BasicChallengeIsAnswered(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if user, password, _ := r.BasicAuth(); user == "team-a" && password == secret {
			return nil
		}
		return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Negotiate, Basic realm="registry"`}}}
	})
	client, _ := newClient(t, server, withCredential)
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("got %+v", got)
	}
	anonymous, _ := newClient(t, server, nil)
	unanswered(t, resolveOne(t, anonymous, server.Host()+"/app:v1").Err)
}

func TestAuth_RegistryThatAsksOnlyLaterIsAnswered(t *testing.T) {
	server := tokenServer(t, nil)
	digest := pushImage(t, server, "app:v1")
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.URL.Path == "/v2/" {
			return &ociserver.Fault{Body: []byte("{}")}
		}
		return nil
	})
	client, _ := newClient(t, server, withCredential)
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("got %+v", got)
	}
}

// oauth answers as a registry whose token service wants a refresh token.
func oauth(tokenAnswer ociserver.Fault) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		switch {
		case r.URL.Path == "/token" && r.Method == http.MethodPost && r.FormValue("refresh_token") == secret && r.FormValue("grant_type") == "refresh_token":
			return &tokenAnswer
		case r.Header.Get("Authorization") == "Bearer access":
			return nil
		}
		challenge := `Bearer realm="http://` + r.Host + `/token",service="s"`
		return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {challenge}}}
	}
}

func TestAuth_IdentityTokenIsExchangedAndNeverRedirected(t *testing.T) {
	server, thief := startServer(t, ociserver.Options{}), startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	change := func(o *registry.Options) {
		o.Hosts[0].Credential = registry.Credential{IdentityToken: secret}
		o.Hosts = append(o.Hosts, registry.Host{Host: thief.Host(), Private: true, PlainHTTP: true})
	}
	server.SetFault(oauth(ociserver.Fault{Body: []byte(`{"access_token":"access"}`)}))
	client, _ := newClient(t, server, change)
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("twin: %+v", got)
	}
	server.SetFault(oauth(ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://" + thief.Host() + "/token"}}}))
	client, _ = newClient(t, server, change)
	refused(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "registry/redirect")
	if thief.Count() != 0 {
		t.Errorf("the thief heard: %+v", thief.Requests())
	}
}

func TestAuth_TokenServiceWithoutATokenIsUndetermined(t *testing.T) {
	for _, answer := range []ociserver.Fault{{Body: []byte(`{}`)}, {Body: []byte(`<html>`)}, {Status: 404}, {Status: 500}, {Status: 429}} {
		server := startServer(t, ociserver.Options{})
		server.SetFault(oauth(answer))
		client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts[0].Credential = registry.Credential{IdentityToken: secret} })
		unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err)
	}
}

// Another host's challenge asks for that host's credential, not for this one's.
func TestAuth_ChallengeBehindARedirectIsNotAnswered(t *testing.T) {
	server, other := startServer(t, ociserver.Options{}), startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.URL.Path == "/v2/" {
			return &ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://" + other.Host() + "/v2/"}}}
		}
		return nil
	})
	other.SetFault(func(*http.Request) *ociserver.Fault {
		return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="other"`}}}
	})
	client, _ := newClient(t, server, func(o *registry.Options) {
		withCredential(o)
		o.Hosts = append(o.Hosts, registry.Host{Host: other.Host(), Private: true, PlainHTTP: true})
	})
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("got %+v", got)
	}
	for _, request := range append(server.Requests(), other.Requests()...) {
		if request.Authorized {
			t.Errorf("a credential was sent: %+v", request)
		}
	}
}
