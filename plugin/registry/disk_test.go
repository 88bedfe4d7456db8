package registry_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// kept is a registry with an image and its evidence, and a folder of facts.
type kept struct {
	t      *testing.T
	server *ociserver.Server
	time   *clock
	digest string
	dir    string
	key    string
}

func newKept(t *testing.T) *kept {
	t.Helper()
	k := &kept{t: t, server: startServer(t, ociserver.Options{}), time: newClock(), dir: t.TempDir(), key: filepath.Join(t.TempDir(), "key")}
	k.digest = pushImage(t, k.server, "team-a/app:v1")
	for i := range 3 {
		pushReferrer(t, k.server, "team-a/app@"+k.digest, i)
	}
	k.server.ResetRequests()
	return k
}

// process is a client in a process of its own.
func (k *kept) process(change func(*registry.Options)) *registry.Client {
	k.t.Helper()
	store, err := facts.Open(facts.Options{Dir: k.dir, KeyFile: k.key, Bytes: 64 << 20, Clock: k.time.Now})
	if err != nil {
		k.t.Fatal(err)
	}
	client, _ := newClient(k.t, k.server, func(o *registry.Options) {
		o.Facts, o.Clock, o.Sleep = store, k.time.Now, k.time.Sleep
		if change != nil {
			change(o)
		}
	})
	return client
}

// read reads everything about the image and counts the requests that it took.
func (k *kept) read(client *registry.Client) int {
	k.t.Helper()
	k.server.ResetRequests()
	repository := k.server.Host() + "/team-a/app"
	if got := resolveOne(k.t, client, repository+":v1"); got.Err != nil || got.Digest != k.digest || got.Stale {
		k.t.Fatalf("%+v", got)
	}
	readEvidence(k.t, client, repository)
	return len(k.server.Requests())
}

func TestFacts_TheNextProcessAsksNothingWhileTheyAreFresh(t *testing.T) {
	k := newKept(t)
	if first := k.read(k.process(nil)); first == 0 {
		t.Fatal("the first process asked nothing")
	}
	if again := k.read(k.process(nil)); again != 0 {
		t.Errorf("the next process sent %d requests", again)
	}
	k.time.Pass(registry.DefaultFreshFor)
	client := k.process(nil)
	if later := k.read(client); later == 0 || k.server.Count("manifest", "blob") > later {
		t.Errorf("what is no longer fresh took %d requests", later)
	}
}

func TestFacts_OnlyWhatChangesIsAskedAgain(t *testing.T) {
	k := newKept(t)
	first := k.read(k.process(nil))
	k.time.Pass(registry.DefaultFreshFor)
	if later := k.read(k.process(nil)); later >= first-5 {
		t.Errorf("%d requests first, %d later: content by digest was read again", first, later)
	}
}

func TestFacts_AreNotKnownToAnotherCredentialOrWayOfAsking(t *testing.T) {
	for name, change := range map[string]func(*registry.Options){
		"the same (twin)": nil,
		"a credential": func(o *registry.Options) {
			o.Hosts[0].Credential = registry.Credential{Username: "u", Password: "p"}
		},
		"a prefix of its own": func(o *registry.Options) {
			entry := o.Hosts[0]
			entry.Prefix, entry.Credential = "team-a", registry.Credential{Username: "u", Password: "p"}
			o.Hosts = append(o.Hosts, entry)
		},
		"a mirror": func(o *registry.Options) { o.Hosts[0].Mirrors = []string{o.Hosts[0].Host + "/mirror"} },
	} {
		k := newKept(t)
		k.read(k.process(nil))
		if again := k.read(k.process(change)); (again == 0) != (name == "the same (twin)") {
			t.Errorf("%s: %d requests", name, again)
		}
	}
}

// keychain gives one credential, or none.
type keychain struct {
	config authn.AuthConfig
	err    error
}

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k.config), k.err
}

func TestFacts_OfTheDockerConfigurationBelongToItsCredential(t *testing.T) {
	as := func(config authn.AuthConfig) func(*registry.Options) {
		return func(o *registry.Options) { o.Keychain = keychain{config: config} }
	}
	one := authn.AuthConfig{Username: "one", Password: "p"}
	for name, test := range map[string]struct {
		second func(*registry.Options)
		free   bool
	}{
		"the same (twin)":     {as(one), true},
		"another password":    {as(authn.AuthConfig{Username: "one", Password: "q"}), false},
		"nobody":              {as(authn.AuthConfig{}), false},
		"a helper that fails": {func(o *registry.Options) { o.Keychain = keychain{err: errors.New("locked")} }, false},
	} {
		k := newKept(t)
		k.read(k.process(as(one)))
		k.server.ResetRequests()
		got := resolveOne(t, k.process(test.second), k.server.Host()+"/team-a/app:v1")
		if free := len(k.server.Requests()) == 0 && got.Err == nil; free != test.free {
			t.Errorf("%s: %d requests, %v", name, len(k.server.Requests()), got.Err)
		}
	}
}

func TestFacts_OfACloudsKeychainStayInMemory(t *testing.T) {
	k := newKept(t)
	cloudy := func(o *registry.Options) {
		o.Hosts[0].Keychain = "own"
		o.Keychains = map[string]registry.Keychain{"own": cloud{}}
	}
	k.read(k.process(cloudy))
	if again := k.read(k.process(cloudy)); again == 0 {
		t.Error("what a cloud's identity read was taken for another process's")
	}
}

type cloud struct{}

func (cloud) Covers(string) bool { return true }

func (cloud) Credential(context.Context, string) (registry.Credential, time.Duration, error) {
	return registry.Credential{Username: "u", Password: "p"}, time.Hour, nil
}

func TestFacts_ATagThatIsMissingIsNotKept(t *testing.T) {
	k := newKept(t)
	name := k.server.Host() + "/team-a/app:v2"
	if got := resolveOne(t, k.process(nil), name); got.Err == nil {
		t.Fatal("there is such a tag")
	}
	pushImage(t, k.server, "team-a/app:v2")
	if got := resolveOne(t, k.process(nil), name); got.Err != nil {
		t.Errorf("the tag that was pushed since: %v", got.Err)
	}
}

func TestFacts_WhatLackedSomethingIsAskedAgain(t *testing.T) {
	k := newKept(t)
	client := k.process(nil)
	k.read(client)
	client.Doubt(t.Context(), k.server.Host()+"/team-a/app", k.digest)
	k.read(k.process(nil))
	if k.server.Count("referrers") != 1 {
		t.Errorf("the referrers were asked for %d times", k.server.Count("referrers"))
	}
}

// What was tampered with costs requests, and changes no answer.
func TestFacts_WhatWasTamperedWithIsAskedAgain(t *testing.T) {
	k := newKept(t)
	first := k.read(k.process(nil))
	err := filepath.WalkDir(k.dir, func(path string, item fs.DirEntry, err error) error {
		if err != nil || item.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data = slices.Clone(data)
		data[len(data)/2] ^= 1
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := k.read(k.process(nil)); again != first {
		t.Errorf("%d requests first, %d after all was tampered with", first, again)
	}
	if third := k.read(k.process(nil)); third != 0 {
		t.Errorf("twin: what was read since is good: %d requests", third)
	}
}

func TestFacts_AClockThatWasPutBackBelievesNothingOfATimeToCome(t *testing.T) {
	k := newKept(t)
	k.read(k.process(nil))
	k.time.Pass(-time.Hour)
	if again := k.read(k.process(nil)); again == 0 {
		t.Error("facts of a time to come were believed")
	}
}
