package registry_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestReach_PrivateAddressIsDeniedUnlessItsHostIsListed(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	for name, change := range map[string]func(*registry.Options){
		"not listed":           func(o *registry.Options) { o.Hosts = nil },
		"listed as public":     func(o *registry.Options) { o.Hosts[0].Private = false },
		"public beats the CLI": func(o *registry.Options) { o.Hosts[0].Private, o.AllowLoopback = false, true },
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, server, change)
			refused(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "registry/private-address")
		})
	}
	if server.Count() != 0 {
		t.Errorf("requests: %+v", server.Requests())
	}
	for name, change := range map[string]func(*registry.Options){
		"listed":       nil,
		"command line": func(o *registry.Options) { o.Hosts, o.AllowLoopback = nil, true },
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, server, change)
			if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// The name is checked after it was looked up: localhost is not an address.
func TestReach_NameThatLooksUpToAPrivateAddressIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts = nil })
	_, port, _ := strings.Cut(server.Host(), ":")
	refused(t, resolveOne(t, client, "localhost:"+port+"/app:v1").Err, "registry/private-address")
}

func TestReach_LinkLocalIsDeniedEvenWhereListed(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts = []registry.Host{{Host: "169.254.169.254", Private: true, PlainHTTP: true}}
		o.AllowLoopback = true
	})
	err := resolveOne(t, client, "169.254.169.254/latest/meta-data:v1").Err
	refused(t, err, "registry/private-address")
	if !strings.Contains(err.Error(), "ever asked") {
		t.Errorf("got %v", err)
	}
}

func TestRedirect_AnotherHostGetsNoCredentialAndMustBeAllowed(t *testing.T) {
	storage := startServer(t, ociserver.Options{})
	blob := pushBlob(t, storage, "app", []byte("evidence"))
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: secret}})
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return &ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://user:pw@" + storage.Host() + r.URL.Path + "?signature=hidden"}}}
		}
		return nil
	})
	allowed, _ := newClient(t, server, func(o *registry.Options) {
		withCredential(o)
		o.Hosts = append(o.Hosts, registry.Host{Host: storage.Host(), Private: true, PlainHTTP: true})
	})
	storage.ResetRequests()
	if data, err := allowed.Blob(t.Context(), server.Host()+"/app", blob, 100); err != nil || string(data) != "evidence" {
		t.Errorf("twin: %q, %v", data, err)
	}
	for _, request := range storage.Requests() {
		if request.Authorized {
			t.Errorf("the storage saw a credential: %+v", request)
		}
	}
	storage.ResetRequests()
	for name, private := range map[string]bool{"not listed": false, "plain HTTP not allowed": true} {
		client, _ := newClient(t, server, func(o *registry.Options) {
			withCredential(o)
			if private {
				o.Hosts = append(o.Hosts, registry.Host{Host: storage.Host(), Private: true})
			}
		})
		_, err := client.Blob(t.Context(), server.Host()+"/app", blob, 100)
		refused(t, err, "registry/redirect")
		if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "pw@") {
			t.Errorf("%s: the error shows the query: %v", name, err)
		}
	}
	if storage.Count() != 0 {
		t.Errorf("the storage was asked: %+v", storage.Requests())
	}
}

func TestRedirect_ToAPrivateOrMetadataAddressIsDenied(t *testing.T) {
	hidden := startServer(t, ociserver.Options{TLS: true})
	for location, rule := range map[string]string{
		"https://" + hidden.Host() + "/secrets":   "registry/private-address",
		"https://169.254.169.254/latest":          "registry/private-address",
		"http://169.254.169.254/latest":           "registry/redirect",
		"file:///etc/passwd":                      "registry/redirect",
		"https://[::ffff:127.0.0.1]/":             "registry/private-address",
		"https://[fd00:ec2::254]/latest":          "registry/private-address",
		"https://0.0.0.0/":                        "registry/private-address",
		"":                                        "registry/redirect",
		"https://[64:ff9b::a9fe:a9fe]/from-nat64": "registry/private-address",
	} {
		server := startServer(t, ociserver.Options{})
		server.SetFault(always(ociserver.Fault{Status: 302, Header: http.Header{"Location": {location}}}))
		client, _ := newClient(t, server, nil)
		_, err := client.Manifest(t.Context(), server.Host()+"/app", "v1")
		t.Run(location, func(t *testing.T) { refused(t, err, rule) })
	}
	if hidden.Count() != 0 {
		t.Errorf("requests: %+v", hidden.Requests())
	}
}

// A host's name at a registry's word is looked up, counted and written into
// messages: whatever is no name is refused before all that.
func TestRedirect_ToWhatIsNoHostNameIsDenied(t *testing.T) {
	label := strings.Repeat("a", 49) + "."
	for _, bad := range []string{
		strings.Repeat(label, 5) + "aaaa", strings.Repeat("a", 200_000), "%ff%fe.example.com", "b\u00fccher.example.com", "a%20b.example.com", "-.example.com",
		"[fe80::1%25eth0]", "registry.example.com:" + strings.Repeat("0", 1000) + "443",
	} {
		server := startServer(t, ociserver.Options{})
		client, _ := newClient(t, server, nil)
		server.SetFault(always(ociserver.Fault{Status: 302, Header: http.Header{"Location": {"https://" + bad + "/x"}}}))
		_, err := client.Manifest(t.Context(), server.Host()+"/app", "v1")
		refused(t, err, "registry/redirect")
		server.SetFault(func(*http.Request) *ociserver.Fault {
			return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Bearer realm="https://` + bad + `/token"`}}}
		})
		other, _ := newClient(t, server, nil)
		_, realm := other.Manifest(t.Context(), server.Host()+"/app", "v1")
		refused(t, realm, "registry/token-realm")
		for _, stats := range [][]registry.Stat{client.Stats(), other.Stats()} {
			for _, stat := range stats {
				if stat.Host != server.Host() {
					t.Errorf("%.40q was asked: %.200v", bad, stats)
				}
			}
		}
		if len(err.Error()) > 1000 || len(realm.Error()) > 1000 {
			t.Errorf("%.40q: messages of %d and %d bytes", bad, len(err.Error()), len(realm.Error()))
		}
	}
}

func TestRedirect_ToAHostNameIsDialledAndCountedAsAnother(t *testing.T) {
	storage := startServer(t, ociserver.Options{TLS: true})
	_, port, _ := strings.Cut(storage.Host(), ":")
	for _, good := range []string{"localhost", "127.0.0.1", "[::1]"} {
		server := startServer(t, ociserver.Options{})
		client, _ := newClient(t, server, nil)
		server.SetFault(always(ociserver.Fault{Status: 302, Header: http.Header{"Location": {"https://" + good + ":" + port + "/x"}}}))
		_, err := client.Manifest(t.Context(), server.Host()+"/app", "v1")
		refused(t, err, "registry/private-address")
		if stats := client.Stats(); stats[len(stats)-1] != (registry.Stat{Host: registry.OtherHosts, Count: 1}) {
			t.Errorf("%s: %+v", good, stats)
		}
	}
}

// A list that was redirected continues at the other host, without the token.
func TestRedirect_NextPageAtAnotherHostGetsNoCredential(t *testing.T) {
	other := startServer(t, ociserver.Options{PageSize: 1})
	digest := pushImage(t, other, "app:v1")
	pushReferrer(t, other, "app@"+digest, 1)
	pushReferrer(t, other, "app@"+digest, 2)
	server := startServer(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team-a", Password: secret}})
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/referrers/") {
			return &ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://" + other.Host() + r.URL.Path}}}
		}
		return nil
	})
	client, _ := newClient(t, server, func(o *registry.Options) {
		withCredential(o)
		o.Hosts = append(o.Hosts, registry.Host{Host: other.Host(), Private: true, PlainHTTP: true})
	})
	if list := referrersOf(t, client, server.Host()+"/app", digest); len(list) != 2 {
		t.Errorf("got %+v", list)
	}
	for _, request := range other.Requests() {
		if request.Authorized {
			t.Errorf("the other host saw a credential: %+v", request)
		}
	}
}

func TestRedirect_ChallengeOfTheOtherHostIsNotAnswered(t *testing.T) {
	storage, server := startServer(t, ociserver.Options{}), startServer(t, ociserver.Options{})
	storage.SetFault(func(r *http.Request) *ociserver.Fault {
		return &ociserver.Fault{Status: 401, Header: http.Header{"Www-Authenticate": {`Bearer realm="http://` + r.Host + `/token"`}}}
	})
	server.SetFault(always(ociserver.Fault{Status: 307, Header: http.Header{"Location": {"http://" + storage.Host() + "/x"}}}))
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts = append(o.Hosts, registry.Host{Host: storage.Host(), Private: true, PlainHTTP: true})
	})
	_, err := client.Manifest(t.Context(), server.Host()+"/app", "v1")
	unanswered(t, err)
	if storage.Count() != 1 {
		t.Errorf("the storage was asked: %+v", storage.Requests())
	}
}

func TestRedirect_LoopIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	server.SetFault(always(ociserver.Fault{Status: 307, Header: http.Header{"Location": {"/v2/app/manifests/v1"}}}))
	_, err := client.Manifest(t.Context(), server.Host()+"/app", "v1")
	refused(t, err, "registry/redirect")
	if server.Count(ociserver.ClassTag) != 6 {
		t.Errorf("%d requests", server.Count(ociserver.ClassTag))
	}
}

func TestTLS_UnknownAuthorityIsUndeterminedAndNotTriedAgain(t *testing.T) {
	server := startServer(t, ociserver.Options{TLS: true})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts[0].CA = nil })
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "certificate is not trusted")
	if stats := client.Stats(); len(stats) != 1 || stats[0].Count != 1 || stats[0].Status != 0 {
		t.Errorf("stats: %+v", stats)
	}
	twin, _ := newClient(t, server, nil)
	if got := resolveOne(t, twin, server.Host()+"/app:v1"); got.Digest != digest {
		t.Errorf("twin: %+v", got)
	}
}

func TestTLS_PlainServerIsNotFallenBackTo(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, func(o *registry.Options) { o.Hosts[0].PlainHTTP = false })
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err)
	if server.Count() != 0 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestProxy_IsUsedAndPrivateTargetsBehindItAreDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts = []registry.Host{{Host: "registry.example.com", Private: true, PlainHTTP: true}, {Host: "10.1.2.3"}}
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + server.Host()) }
	})
	digest := pushImage(t, server, "app:v1")
	if got := resolveOne(t, client, "registry.example.com/app:v1"); got.Digest != digest {
		t.Errorf("got %+v", got)
	}
	refused(t, resolveOne(t, client, "10.1.2.3/app:v1").Err, "registry/private-address")
}

func TestMirror_GivesBytesAndTheOriginsNameStays(t *testing.T) {
	mirror, origin := startServer(t, ociserver.Options{}), startServer(t, ociserver.Options{})
	digest := pushImage(t, mirror, "cache/app:v1")
	later := pushImage(t, origin, "app:v2")
	pushReferrer(t, origin, "app@"+digest, 1)
	client, _ := newClient(t, origin, func(o *registry.Options) {
		o.Hosts[0].Mirrors = []string{mirror.Host() + "/cache"}
		o.Hosts = append(o.Hosts, registry.Host{Host: mirror.Host(), Private: true, PlainHTTP: true})
	})
	if got := resolveOne(t, client, origin.Host()+"/app:v1"); got.Digest != digest || origin.Count() != 0 {
		t.Errorf("got %+v after %d requests to the origin", got, origin.Count())
	}
	if got := resolveOne(t, client, origin.Host()+"/app:v2"); got.Digest != later {
		t.Errorf("what the mirror does not have: %+v", got)
	}
	// The mirror has no referrers of the image: that decides nothing.
	if list := referrersOf(t, client, origin.Host()+"/app", digest); len(list) != 1 {
		t.Errorf("got %+v", list)
	}
	origin.SetFault(always(ociserver.Fault{Status: 401}))
	_, err := client.Referrers(t.Context(), origin.Host()+"/app", later)
	unanswered(t, err)
	mirror.SetFault(always(ociserver.Fault{Body: []byte(`{}`)}))
	_, err = client.Manifest(t.Context(), origin.Host()+"/app", digest)
	refused(t, err, "registry/wrong-digest")
}
