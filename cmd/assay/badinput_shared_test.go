package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

// judgeAll judges applications of one set-up at the same time, as a door does.
func judgeAll(t *testing.T, set *setup.Setup, sources []plugin.Source) []*plugin.Verdict {
	t.Helper()
	verdicts := make([]*plugin.Verdict, len(sources))
	var group sync.WaitGroup
	for i, source := range sources {
		group.Go(func() { verdicts[i] = set.Judge(context.Background(), source) })
	}
	group.Wait()
	return verdicts
}

func (w *world) setup(isolated bool) *setup.Setup {
	w.t.Helper()
	config, err := gate.Load(filepath.Join(w.dir, "gate"))
	must(w.t, err)
	set, err := setup.New(setup.Options{Config: config, AllowLoopback: true, Isolated: isolated})
	must(w.t, err)
	w.t.Cleanup(set.Close)
	return set
}

func (w *world) source(path, project string) plugin.Source {
	w.t.Helper()
	root, err := os.OpenRoot(w.dir)
	must(w.t, err)
	w.t.Cleanup(func() { _ = root.Close() })
	return plugin.Source{Root: root, Path: path, Application: plugin.Application{Name: filepath.Base(path), Project: project}}
}

// The application of team-b names the digest that the one of team-a, whose gate
// has the credential, was allowed to read a moment ago.
func TestBadInput_TwoApplicationsTwoCredentialsOneDigest(t *testing.T) {
	for name, test := range map[string]struct {
		password string
		want     plugin.Outcome
	}{"bad": {"guess", plugin.Unanswered}, "twin": {"open sesame", plugin.Allowed}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team", Password: "open sesame"}})
			w.sign(trusted())
			for team, password := range map[string]string{"team-a": "open sesame", "team-b": test.password} {
				w.write("gate/"+team+".yaml", fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: %s}
spec:
  base: true
  selector: {projects: [%s]}
  registries:
  - {host: %q, private: true, plainHTTP: true, credentials: {usernameFile: user, passwordFile: %s.password}}
  limits: {retries: 1}
`, team, team, w.server.Host(), team))
				w.write("gate/"+team+".password", password)
				w.write(team+"/web.yaml", deploymentOf(w.image))
			}
			w.write("gate/user", "team")
			w.write("gate/gate.yaml", w.secondGate("nobody", ""))
			w.settle()
			set := w.setup(false)
			first := set.Judge(t.Context(), w.source("team-a", "team-a"))
			second := set.Judge(t.Context(), w.source("team-b", "team-b"))
			if first.Outcome() != plugin.Allowed {
				t.Errorf("team-a, with the credential: %s, %+v", first.Outcome(), first.Findings)
			}
			if second.Outcome() != test.want {
				t.Errorf("team-b: %s, want %s; %+v", second.Outcome(), test.want, second.Findings)
			}
			if manifests, err := second.Manifests(); test.want != plugin.Allowed && (err == nil || len(manifests) > 0) {
				t.Errorf("team-b gets manifests: %s", manifests)
			}
		})
	}
}

// One chart never stops another's: the good ones finish while the endless one
// holds a worker until its limit.
func TestBadInput_TwentyGoodRendersFinishBesideAnEndlessOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.limits["renderSeconds"] = 4
	w.settle()
	const good = 20
	var sources []plugin.Source
	for i := range good + 1 {
		steps := 10
		if i == 0 {
			steps = 100_000
		}
		path := fmt.Sprintf("charts/app%02d", i)
		w.write(path+"/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
		w.write(path+"/templates/web.yaml", endless(steps)+"\n"+deploymentOf(w.image))
		sources = append(sources, w.source(path, "team-a"))
	}
	for i, verdict := range judgeAll(t, w.setup(true), sources) {
		switch {
		case i > 0 && verdict.Outcome() != plugin.Allowed:
			t.Errorf("good chart %d: %s, %+v", i, verdict.Outcome(), verdict.Findings)
		case i == 0 && (verdict.Outcome() != plugin.Denied || verdict.Findings[0].Rule != "render/limit"):
			t.Errorf("endless chart: %s, %+v", verdict.Outcome(), verdict.Findings)
		}
	}
}

// remoteOptions are how the tests write to the world's registry.
func (w *world) remoteOptions() []remote.Option {
	return []remote.Option{remote.WithContext(w.t.Context()), remote.WithAuth(w.server.Authenticator())}
}
