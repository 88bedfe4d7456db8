package registry

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

func TestReachOf_SpecialAddresses(t *testing.T) {
	for address, want := range map[string]reach{
		"8.8.8.8": reachPublic, "2606:4700::1111": reachPublic, "64:ff9b::808:808": reachPublic, "::ffff:8.8.8.8": reachPublic, "2002:808:808::1": reachPublic,
		"127.0.0.1": reachPrivate, "::1": reachPrivate, "10.0.0.1": reachPrivate, "172.16.0.1": reachPrivate, "192.168.1.1": reachPrivate,
		"fd00::1": reachPrivate, "100.64.0.1": reachPrivate, "0.1.2.3": reachPrivate, "240.0.0.1": reachPrivate, "::ffff:10.0.0.1": reachPrivate,
		"64:ff9b::a00:1": reachPrivate, "2002:a00:1::1": reachPrivate, "::10.0.0.1": reachPrivate, "2001:db8::1": reachPrivate, "fec0::1": reachPrivate,
		"169.254.169.254": reachNever, "fe80::1": reachNever, "fe80::1%eth0": reachNever, "fd00:ec2::254": reachNever, "100.100.100.200": reachNever,
		"0.0.0.0": reachNever, "::": reachNever, "224.0.0.1": reachNever, "ff02::1": reachNever, "255.255.255.255": reachNever,
		"::ffff:169.254.169.254": reachNever, "64:ff9b::a9fe:a9fe": reachNever, "2002:a9fe:a9fe::1": reachNever,
	} {
		if got := reachOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
	}
	if reachOf(netip.Addr{}) != reachNever {
		t.Error("the zero address may be reached")
	}
}

func TestSameSite_RegistrableDomain(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"auth.docker.io", "index.docker.io"}:            true,
		{"gitlab.example.com", "registry.example.com"}:   true,
		{"REGISTRY.example.com:5000", "x.example.com"}:   true,
		{"10.0.0.1:80", "10.0.0.1:5000"}:                 true,
		{"10.0.0.1", "10.0.0.2"}:                         false,
		{"evil.example.net", "registry.example.com"}:     false,
		{"evil.co.uk", "registry.co.uk"}:                 false,
		{"evil.github.io", "registry.github.io"}:         false,
		{"example.com.evil.net", "registry.example.com"}: false,
		{"localhost", "127.0.0.1"}:                       false,
	} {
		if got := sameSite(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v", pair, got)
		}
	}
}

func TestParseChallenges(t *testing.T) {
	for header, want := range map[string]challenge{
		`Bearer realm="https://a/token",service="s",scope="repository:x:pull,push"`: {scheme: "bearer", realm: "https://a/token", service: "s"},
		`Basic realm="x", Bearer realm=https://a/token , service=s`:                 {scheme: "bearer", realm: "https://a/token", service: "s"},
		`Negotiate, Basic realm="a \"quoted\" one"`:                                 {scheme: "basic", realm: `a "quoted" one`},
		`Bearer service="s"`: {}, `Negotiate abc==`: {}, ``: {}, `="`: {}, `Bearer realm="open`: {scheme: "bearer", realm: "open"},
	} {
		if got := parseChallenges([]string{header}); got != want {
			t.Errorf("%s: %+v, want %+v", header, got, want)
		}
	}
}

func TestGoogleKeychain_GivesTheMetadataServersToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"t","expires_in":120}`))
	}))
	defer server.Close()
	got, validity, err := googleKeychain{address: server.URL}.Credential(context.Background(), "gcr.io")
	if err != nil || got != (Credential{Username: "oauth2accesstoken", Password: "t"}) || validity != 2*time.Minute {
		t.Errorf("got %#v for %s, %v", got, validity, err)
	}
	server.Close()
	if _, _, err := (googleKeychain{address: server.URL}).Credential(context.Background(), "gcr.io"); err == nil {
		t.Error("no error without a metadata server")
	}
	for host, want := range map[string]bool{"gcr.io": true, "eu.gcr.io": true, "x-docker.pkg.dev": true, "evilgcr.io": false, "pkg.dev.example.com": false} {
		if (googleKeychain{}).Covers(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
}

func FuzzParseReferrers(f *testing.F) {
	for _, seed := range []string{
		`{"schemaVersion":2,"manifests":[]}`, `{"schemaVersion":2,"manifests":[{"digest":"sha256:` + "0000000000000000000000000000000000000000000000000000000000000000" + `","size":3,"platform":{"os":"linux","architecture":"amd64"}}]}`,
		`{"schemaVersion":2,"manifests":null}`, `[]`, `null`, `{"schemaVersion":2,"manifests":[{"digest":"sha256:x","size":-1}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseReferrers(data, 3)
		if err != nil {
			return
		}
		if len(list) > 3 {
			t.Errorf("%d entries are over the limit", len(list))
		}
		for _, entry := range list {
			if !digestForm.MatchString(entry.Digest) || entry.Size < 0 {
				t.Errorf("entry %+v", entry)
			}
		}
	})
}

func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://a/token",service="s"`)
	f.Add(`Basic realm="\"`)
	f.Add(`a=b,c="d`)
	f.Fuzz(func(t *testing.T, header string) {
		switch got := parseChallenges([]string{header}); got.scheme {
		case "", "basic":
		case "bearer":
			if got.realm == "" {
				t.Errorf("bearer without a realm: %+v", got)
			}
		default:
			t.Errorf("scheme %q", got.scheme)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","architecture":"amd64","config":{"User":"1","ExposedPorts":{"80/tcp":{}}}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := parseConfig(data)
		if err != nil && (read.platform != "" || read.path != "") {
			t.Errorf("config %v and error %v", read, err)
		}
	})
}

func TestExplain_EveryErrorHasAForm(t *testing.T) {
	if explain("stage", "x", nil) != nil {
		t.Error("no error became one")
	}
	for _, err := range []error{ErrNotFound, context.Canceled, context.DeadlineExceeded, &noAnswer{cause: ErrThrottled}, http.ErrServerClosed} {
		got := explain("stage", "x", err)
		findings := plugin.FindingsFromError("stage", got)
		if len(findings) != 1 || findings[0].Rule == "stage/failed" {
			t.Errorf("%v: %+v", err, findings)
		}
	}
}
