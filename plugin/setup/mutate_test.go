package setup_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

// sidecars is a policy that adds a container with an image to every Deployment.
func sidecars(image string) string {
	return `---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: sidecars}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >-
        Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [
          Object.spec.template.spec.containers{name: "mesh", image: "` + image + `", resources: Object.spec.template.spec.containers.resources{limits: {"memory": "64Mi"}}}]}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec: {policyName: sidecars}
`
}

func TestMutate_WhatAPolicyAddsIsVerifiedPinnedAndHardened(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	s.sign(s.push("team-a/mesh:1", "mesh", "amd64"))
	s.push("team-a/unsigned:1", "unsigned", "amd64")
	for repository, outcome := range map[string]plugin.Outcome{"/team-a/mesh:1": plugin.Allowed, "/team-a/unsigned:1": plugin.Denied, "/team-b/mesh:1": plugin.Denied} {
		config := s.load(s.base("team-a", s.reach("")), s.trust("release", s.key), sidecars(s.server.Host()+repository))
		v := s.setup(config, nil).Judge(t.Context(), s.app("web", web("web", s.image)))
		s.want(v, outcome)
		if !has(v, "mutate/sidecars", plugin.Info) {
			t.Errorf("%s: no finding says that the policy changed something", repository)
		}
		if outcome != plugin.Allowed {
			continue
		}
		manifests, err := v.Manifests()
		s.need(err)
		if len(v.Images) != 2 || strings.Count(string(manifests), "@sha256:") != 2 || strings.Count(string(manifests), `"allowPrivilegeEscalation":false`) != 2 {
			t.Errorf("the container of the policy is not pinned and hardened like the author's:\n%s", manifests)
		}
	}
}

func TestMutate_TheHardenSwitchTurnsItOn(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	source := s.app("web", web("web", s.image))
	policy := sidecars(s.server.Host() + "/team-a/web:1")
	judged := func(switches, more string) []byte {
		t.Helper()
		v := s.setup(s.load(s.base("team-a", s.reach("")+switches), s.trust("release", s.key), more), nil).Judge(t.Context(), source)
		s.want(v, plugin.Allowed)
		manifests, err := v.Manifests()
		s.need(err)
		return manifests
	}
	const off = "  switches: {pin: Off, harden: Off, deny: Off}\n"
	if !bytes.Equal(judged(off, policy), judged(off, "")) {
		t.Error("a policy changes the rendering of an audit")
	}
	if bytes.Equal(judged("", policy), judged("", "")) {
		t.Error("twin: with harden on, the policy changes nothing")
	}
}

func TestMutate_ABrokenPolicyIsToldAlsoWhereItIsOff(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	broken := strings.Replace(sidecars("x"), "Object{spec:", "Objekt{spec:", 1)
	for _, switches := range []string{"", "  switches: {harden: Off}\n"} {
		config := s.load(s.base("team-a", s.reach("")+switches), s.trust("release", s.key), broken)
		if _, err := setup.New(setup.Options{Config: config}); err == nil || !strings.Contains(err.Error(), "does not compile") || !strings.Contains(err.Error(), "gate.yaml:") {
			t.Errorf("%q: %v", switches, err)
		}
	}
	s.setup(s.load(s.base("team-a", s.reach("")), s.trust("release", s.key), sidecars("x")), nil)
}

func TestMutate_AGateThatIsNotBaseAddsWhatItNames(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	source := s.app("web", web("web", s.image))
	for names, changes := range map[string]bool{"": false, "  mutate: {policies: [sidecars]}\n": true} {
		base := s.base("team-a", s.reach("")+"  mutate: {policies: [other]}\n")
		config := s.load(base, s.gate("more", "  selector: {applications: [web]}\n"+names), s.trust("release", s.key),
			sidecars(s.server.Host()+"/team-a/web:1"), strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(sidecars("x"), "sidecars", "other"), "[deployments]", "[statefulsets]"), "everywhere", "all"))
		v := s.setup(config, nil).Judge(t.Context(), source)
		s.want(v, plugin.Allowed)
		if has(v, "mutate/sidecars", plugin.Info) != changes {
			t.Errorf("%q: changed %v", names, !changes)
		}
	}
}
