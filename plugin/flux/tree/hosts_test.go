package tree

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestHosts_AdmitsThoseThatAreListedAlone in every way of writing one host.
func TestHosts_AdmitsThoseThatAreListedAlone(t *testing.T) {
	for _, test := range []struct {
		listed string
		yes    []string
		no     []string
	}{
		{
			"*.flux-system.svc.cluster.local",
			[]string{
				"source-controller.flux-system.svc.cluster.local.", "source-controller.flux-system.svc.cluster.local", "SOURCE-watcher.Flux-System.svc.cluster.local.",
				"source-controller-shard1.flux-system.svc.cluster.local.",
			},
			[]string{
				"flux-system.svc.cluster.local", ".flux-system.svc.cluster.local", "evil-flux-system.svc.cluster.local", "source-controller.team-a.svc.cluster.local",
				"source-controller.flux-system.svc.cluster.local.evil.example.com", "source-controller.flux-system.svc.cluster.local..", "source-controller.flux-system", "10.0.0.1", "",
			},
		},
		{"source-controller.flux-system.svc.cluster.local.", []string{"source-controller.flux-system.svc.cluster.local"}, []string{"a.source-controller.flux-system.svc.cluster.local", "source-watcher.flux-system.svc.cluster.local"}},
		{"127.0.0.1", []string{"127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1."}, []string{"127.0.0.2", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "::1"}},
		{"[::1]", []string{"::1", "0:0:0:0:0:0:0:1"}, []string{"127.0.0.1", "::2"}},
		{"*.0.0.1", nil, []string{"127.0.0.1", "10.0.0.1"}},
	} {
		hosts, err := ParseHosts([]string{test.listed})
		check(t, err)
		for _, host := range test.yes {
			if !hosts.admits(host) {
				t.Errorf("%s does not admit %q", test.listed, host)
			}
		}
		for _, host := range test.no {
			if hosts.admits(host) || (Hosts{}).admits(host) {
				t.Errorf("%s admits %q", test.listed, host)
			}
		}
	}
}

func TestParseHosts_WhatIsNoHostIsRefused(t *testing.T) {
	for _, text := range []string{"", "*", "*.", "*.local", "a*.flux-system.svc", "*.*.svc.cluster.local", "http://source-controller", "source-controller:80", "source controller", "10.0.0.0/8", "a/b"} {
		if hosts, err := ParseHosts([]string{"localhost", text}); err == nil || hosts.admits("localhost") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := ParseHosts(nil); err == nil {
		t.Error("no host is a list")
	}
	if hosts, err := ParseHosts(DefaultHosts()); err != nil || hosts.String() != "*.flux-system.svc.cluster.local" {
		t.Errorf("%s %v", hosts, err)
	}
}

// TestOpen_HostThatIsNotListedIsNotAsked, whoever wrote it into the status; a
// store that names no host asks none.
func TestOpen_HostThatIsNotListedIsNotAsked(t *testing.T) {
	server := newFileServer(t)
	artifact := server.add(pack(t, aFile("a", "")))
	for name, listed := range map[string][]string{"others": {"*.flux-system.svc.cluster.local", "localhost"}, "none": nil} {
		store := newStore(t, func(o *Options) {
			o.Hosts = Hosts{}
			if listed != nil {
				hosts, err := ParseHosts(listed)
				check(t, err)
				o.Hosts = hosts
			}
		})
		var host *HostError
		if err := fails(t, store, artifact); !errors.As(err, &host) || host.Host != "127.0.0.1" || !strings.Contains(err.Error(), "--source-hosts") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if server.requests.Load() != 0 {
		t.Error("the host was asked")
	}
	open(t, newStore(t, nil), artifact).Close()
}

// TestOpen_HostIsNotReplacedBeforeItIsLookedAt: what stands in for Flux's file
// server answers for nobody else.
func TestOpen_HostIsNotReplacedBeforeItIsLookedAt(t *testing.T) {
	server := newFileServer(t)
	store := newStore(t, func(o *Options) { o.Host = strings.TrimPrefix(server.URL, "http://") })
	artifact := server.add(pack(t, aFile("a", "")))
	path := strings.TrimPrefix(artifact.URL, server.URL)
	artifact.URL = "http://evil.example.com" + path
	var host *HostError
	if err := fails(t, store, artifact); !errors.As(err, &host) || server.requests.Load() != 0 {
		t.Error(err)
	}
	artifact.URL = "http://source-controller.flux-system.svc.cluster.local." + path
	open(t, store, artifact).Close()
}

// TestOpen_RedirectIsNotFollowedToAHostThatIsListed either: the status names the
// address of the file.
func TestOpen_RedirectIsNotFollowedToAHostThatIsListed(t *testing.T) {
	elsewhere, server := newFileServer(t), newFileServer(t)
	store := newStore(t, nil)
	artifact := server.add(pack(t, aFile("a", "")))
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	refused(t, fails(t, store, artifact), ruleArtifact, "sends to another host")
	if elsewhere.requests.Load() != 0 {
		t.Error("the other host was asked")
	}
}

func TestDocs_SayTheHosts(t *testing.T) {
	page, err := os.ReadFile("../../../docs/flux.md")
	check(t, err)
	if !strings.Contains(string(page), "`"+strings.Join(DefaultHosts(), ",")+"`") {
		t.Errorf("docs/flux.md should say %s", DefaultHosts())
	}
}
