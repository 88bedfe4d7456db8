package setup_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

func TestNew_WithoutAGateIsRefused(t *testing.T) {
	for name, config := range map[string]*gate.Config{"no configuration": nil, "no gate": {}} {
		if s, err := setup.New(setup.Options{Config: config}); err == nil || s != nil {
			t.Errorf("%s: got %v, %v", name, s, err)
		}
	}
	s, err := setup.New(setup.Options{Config: gate.Default()})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

const rule = `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few-replicas}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations: [{expression: "EXPRESSION"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few-replicas}
spec: {policyName: few-replicas, validationActions: [Deny]}
`

func TestNew_BrokenConfigurationIsRefusedBeforeAnyApplication(t *testing.T) {
	s := newScene(t, ociserver.Options{TLS: true})
	s.need(os.MkdirAll(filepath.Join(s.dir, "gate"), 0o755))
	for file, text := range map[string]string{
		"ca.pem": string(s.server.CA()), "not.pem": "no certificate\n", "user": "team-a\n", "password": "secret-a\n",
		"docker.config": `{"auths":{"` + s.server.Host() + `":{"auth":"dGVhbS1hOnNlY3JldC1h"}}}`, "other.config": `{"auths":{"registry.example.com":{"auth":"dGVhbS1hOnNlY3JldC1h"}}}`,
		"broken.config": `{"auths":{"secret-a`,
	} {
		s.need(os.WriteFile(filepath.Join(s.dir, "gate", file), []byte(text), 0o600))
	}
	entry := func(field string) string {
		return "  registries:\n  - {host: \"" + s.server.Host() + "\", private: true, " + field + "}\n"
	}
	profile := func(name string) string { return "  profile: " + name + "\n" }
	for name, c := range map[string]struct{ good, bad, says string }{
		"unknown profile":            {s.base("team-a", profile("profile/restricted@1")), s.base("team-a", profile("profile/strictest@1")), `there is no "profile/strictest@1"`},
		"profile of a later version": {s.base("team-a", profile("profile/openshift@1")), s.base("team-a", profile("profile/openshift@2")), `there is no "profile/openshift@2"`},
		"policy that does not compile": {
			s.base("team-a", "") + strings.Replace(rule, "EXPRESSION", "object.spec.replicas < 5", 1),
			s.base("team-a", "") + strings.Replace(rule, "EXPRESSION", "object.spec.replicas <", 1), "few-replicas",
		},
		"unknown pack":             {s.base("team-a", "  judge: {packs: [\"pack/workload@1\"]}\n"), s.base("team-a", "  judge: {packs: [\"pack/workload@99\"]}\n"), "pack/workload@99"},
		"certificates missing":     {s.base("team-a", entry("ca: ca.pem")), s.base("team-a", entry("ca: gone.pem")), "reading the certificates of registry " + s.server.Host()},
		"no certificate in them":   {s.base("team-a", entry("ca: ca.pem")), s.base("team-a", entry("ca: not.pem")), "no PEM certificate"},
		"user name missing":        {s.base("team-a", entry("credentials: {usernameFile: user, passwordFile: password}")), s.base("team-a", entry("credentials: {usernameFile: gone, passwordFile: password}")), "reading the user name of registry"},
		"password missing":         {s.base("team-a", entry("credentials: {usernameFile: user, passwordFile: password}")), s.base("team-a", entry("credentials: {usernameFile: user, passwordFile: gone}")), "reading the password of registry"},
		"docker configuration":     {s.base("team-a", entry("credentials: {dockerConfig: docker.config}")), s.base("team-a", entry("credentials: {dockerConfig: gone.json}")), "reading the docker configuration of registry"},
		"without the host in it":   {s.base("team-a", entry("credentials: {dockerConfig: docker.config}")), s.base("team-a", entry("credentials: {dockerConfig: other.config}")), "it has no entry for " + s.server.Host()},
		"that is not JSON":         {s.base("team-a", entry("credentials: {dockerConfig: docker.config}")), s.base("team-a", entry("credentials: {dockerConfig: broken.config}")), "not JSON"},
		"credentials over a limit": {s.base("team-a", entry("credentials: {usernameFile: user, passwordFile: password}")), strings.Replace(s.base("team-a", entry("credentials: {usernameFile: user, passwordFile: password}")), "retries: 1", "fileBytes: 3", 1), "limit fileBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			made, err := setup.New(setup.Options{Config: s.load(c.bad)})
			if err == nil || made != nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want an error with %q", err, c.says)
			}
			if strings.Contains(err.Error(), "secret-a") || strings.Contains(err.Error(), "dGVhbS1h") {
				t.Errorf("the error shows a credential: %v", err)
			}
			made, err = setup.New(setup.Options{Config: s.load(c.good)})
			if err != nil {
				t.Fatalf("the twin: %v", err)
			}
			made.Close()
		})
	}
}

func TestNew_GatesThatDisagreeAreRefused(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	for profile, says := range map[string]string{"none": "", "profile/baseline@1": `gates "team-a" and "more" differ in spec.profile`} {
		config := s.load(s.base("team-a", "  profile: none\n"))
		config.Gates = append(config.Gates, s.load(s.gate("more", "  profile: "+profile+"\n")).Gates...)
		made, err := setup.New(setup.Options{Config: config})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", profile, err, says)
		}
		if err == nil {
			made.Close()
		}
	}
}

func TestNew_TellsEveryProblemAtOnce(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	_, err := setup.New(setup.Options{Config: s.load(s.base("team-a", "  profile: profile/one@1\n"), s.base("team-b", "  profile: profile/two@1\n"))})
	for _, says := range []string{"profile/one@1", "profile/two@1"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not name %s: %v", says, err)
		}
	}
}

func TestJudge_WithoutAGateForTheApplicationIsDenied(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual(""), nil)
	source := s.app("web", web("web", s.image))
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
	source.Application.Project = "team-b"
	v := made.Judge(t.Context(), source)
	s.want(v, plugin.Denied, "gate/none")
	if !v.Findings[0].Unwaivable || !v.At.Equal(s.now) || v.Application != source.Application || v.Revision != "r1" || v.Path != "web" {
		t.Errorf("the verdict is %+v", v)
	}
}

func TestJudge_GatesThatDisagreeWithoutAProjectAreDenied(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	config := s.load(s.base("team-a", s.reach("")+"  profile: profile/restricted@1\n"), s.base("team-b", s.reach("")+"  profile: profile/baseline@1\n"), s.trust("release", s.key))
	made := s.setup(config, nil)
	source := s.app("web", web("web", s.image))
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
	source.Application.Project = ""
	s.want(made.Judge(t.Context(), source), plugin.Denied, "gate/conflict")
}

func TestPipeline_OneForEachSetOfGates(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.load(s.base("team-a", s.reach("")), s.base("team-b", s.reach("")), strings.Replace(s.base("team-c", s.reach("")), "retries: 1", "retries: 2", 1),
		s.gate("apps-of-web", "  selector: {applications: [web]}\n  judge: {packs: [\"pack/workload@1\"]}\n"), s.trust("release", s.key)), nil)
	pipeline := func(name, project string) *plugin.Pipeline {
		p, err := made.Pipeline(plugin.Source{Path: name, Application: plugin.Application{Name: name, Project: project}})
		s.need(err)
		return p
	}
	one, two, other, more := pipeline("one", "team-a"), pipeline("two", "team-a"), pipeline("one", "team-b"), pipeline("web", "team-a")
	if one != two {
		t.Error("two applications with the same gates have two pipelines")
	}
	if one == other || one == more || len(more.Gates) != 2 {
		t.Error("different gates share a pipeline")
	}
	if one.Resolver != other.Resolver {
		t.Error("gates that allow the same have two registry clients")
	}
	if stricter := pipeline("one", "team-c"); stricter.Resolver == one.Resolver {
		t.Error("gates with different limits share a registry client")
	}
}

func TestJudge_GateOfAFolderInTheRepositoryHoldsForAPartOfTheRepository(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	prod := s.gate("prod", "  selector: {paths: [\"teams/prod/**\"]}\n  images: {platforms: [plan9/mips]}\n")
	made := s.setup(s.load(s.base("team-a", s.reach("")), prod, s.trust("release", s.key)), nil)
	source := s.app("web", web("web", s.image))
	source.RepositoryPath = "teams/dev/web"
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
	source.RepositoryPath = "teams/prod/web"
	if v := made.Judge(t.Context(), source); v.Outcome() == plugin.Allowed {
		t.Errorf("the gate of teams/prod does not hold: %+v", v)
	}
}

func TestJudge_CancelledIsNoAnswer(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual(""), nil)
	source := s.app("web", web("web", s.image))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.want(made.Judge(ctx, source), plugin.Unanswered)
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
}

func TestJudge_StoppedWhileTheRegistryIsSilentIsNoAnswer(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.setup(s.usual(""), nil)
	source := s.app("web", web("web", s.image))
	ctx, cancel := context.WithCancel(t.Context())
	hang := hangWith(cancel)
	s.server.SetFault(hang)
	s.want(made.Judge(ctx, source), plugin.Unanswered)
}

func TestClose_EndsIsolatedRendering(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made, err := setup.New(setup.Options{Config: s.usual(""), Isolated: true, Clock: func() time.Time { return s.now }})
	s.need(err)
	made.Close()
	made.Close()
	s.want(made.Judge(t.Context(), s.app("web", web("web", s.image))), plugin.Unanswered, "render/no-answer")
}
