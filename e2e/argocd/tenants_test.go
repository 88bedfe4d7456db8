//go:build e2e

package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestSourceFile_ChangesParametersButNotThePlugin has the tenant's own
// .argocd-source.yaml set a parameter, and name another plugin.
func TestSourceFile_ChangesParametersButNotThePlugin(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{
		"app/kustomization.yaml":  "resources: [web.yaml]\n",
		"app/web.yaml":            origin.Deployment("web", w.registry.Image("team-a/app:1")),
		"app/.argocd-source.yaml": "plugin: {parameters: [{name: kustomize-name-prefix, string: blue-}]}\n",
	})
	w.serve()
	a := w.app()
	a.create()
	a.synced()
	w.runs("blue-web", digest.DigestStr())

	w.git.Commit(map[string]string{"app/.argocd-source.yaml": "plugin: {name: other}\n", "app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:none"))})
	if s := a.refresh(); s.sync != "Unknown" || !strings.Contains(strings.Join(s.conditions, "\n"), "other") {
		t.Errorf("another plugin's name does not stop the Application: it is %s, %v", s.sync, s.conditions)
	}
	w.runs("blue-web", digest.DigestStr())

	w.git.Commit(map[string]string{"app/.argocd-source.yaml": "plugin: {parameters: [{name: skip-verification, string: \"true\"}]}\n"})
	if s := a.refresh(); !strings.Contains(s.said(), "skip-verification") {
		t.Errorf("a parameter that does not exist is not refused: %v", s.conditions)
	}
}

// TestProject_ChoosesTheGate has the same application in two AppProjects, of
// which one has a gate with less to say. An Argo CD that does not tell the
// AppProject gets what all gates say together.
func TestProject_ChoosesTheGate(t *testing.T) {
	w := newWorld(t)
	image := w.registry.Image("team-a/app:1")
	w.registry.Push("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", image)})
	lenient, nobodys := w.name+"-audit", w.name+"-none"
	w.project(lenient)
	w.project(nobodys)
	w.gate(w.name, w.open())
	w.gate(lenient, w.open()+"  switches: {deny: \"Off\"}\n")
	w.serve()
	wants := map[string]string{w.name: "not signed", lenient: "", nobodys: "no base gate"}
	if !w.tellsProject() {
		wants = map[string]string{w.name: "not signed", lenient: "not signed", nobodys: "not signed"}
	}
	for project, want := range wants {
		a := w.app()
		a.name, a.project, a.policy = project, project, byHand
		a.create()
		s := a.refresh()
		if (want == "") != (s.said() == "") || !strings.Contains(s.said(), want) {
			t.Errorf("in the AppProject %s assay says %q; expected %q", project, s.said(), want)
		}
	}
}

// TestContradictingGates_AreADenialOnlyWhereTheProjectIsNotTold has two
// AppProjects with gates of which no application could obey both.
func TestContradictingGates_AreADenialOnlyWhereTheProjectIsNotTold(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	plain := w.name[:20] + "-plain"
	w.project(plain)
	w.gate(w.name, w.open())
	w.gate(plain, w.open()+"  profile: none\n  judge: {podSecurity: {level: privileged, version: latest}}\n")
	w.serve()
	for _, project := range []string{w.name, plain} {
		a := w.app()
		a.name, a.project, a.policy = project, project, byHand
		a.create()
		s := a.refresh()
		if w.tellsProject() {
			if len(s.conditions) > 0 {
				t.Errorf("the gate of another AppProject is in the way: %v", s.conditions)
			}
			continue
		}
		line, _, _ := strings.Cut(s.said(), "\n")
		for _, want := range []string{"assay denied " + a.name + ": 1 problem: ", "spec.profile", "; fix: ", "ARGOCD_APP_PROJECT_NAME", "(gate/conflict)"} {
			if !strings.Contains(line, want) {
				t.Errorf("the first line about the contradiction has no %q: %v", want, s.conditions)
			}
		}
		w.never(deployments, project, "web")
	}
}

// TestTenants_HaveTheirOwnCredentials has two AppProjects with a registry and a
// credential each: each reads its own images, and nobody the other's.
func TestTenants_HaveTheirOwnCredentials(t *testing.T) {
	w := newWorld(t)
	w.since3("does not tell the AppProject, whose gate has the credential")
	tenants := []string{w.name + "-a", w.name + "-b"}
	images := map[string]string{}
	for i, tenant := range tenants {
		account := ociserver.TokenAuth{User: tenant, Password: "of-" + tenant}
		registry := w.another(fmt.Sprintf("tenant-%d", i), ociserver.Options{Token: &account})
		registry.PushSigned("app:1", tenant)
		images[tenant] = registry.Image("app:1")
		w.project(tenant)
		w.files[tenant+".user"], w.files[tenant+".password"] = account.User, account.Password
	}
	for _, tenant := range tenants {
		entries := ""
		for _, registry := range w.registries[1:] {
			entries += fmt.Sprintf("  - {host: %q, private: true, plainHTTP: true", registry.Host())
			if strings.HasPrefix(images[tenant], registry.Host()) {
				entries += fmt.Sprintf(", credentials: {usernameFile: %[1]s.user, passwordFile: %[1]s.password}", tenant)
			}
			entries += "}\n"
		}
		w.gate(tenant, "  freshness: {freshFor: 1ms}\n  registries:\n"+entries)
	}
	for _, tenant := range tenants {
		w.git.Commit(map[string]string{tenant + "/web.yaml": origin.Deployment("web", images[tenant])})
	}
	w.git.Commit(map[string]string{"theft/web.yaml": origin.Deployment("web", images[tenants[0]])})
	w.serve()
	for i, tenant := range tenants {
		a := w.app()
		a.name, a.project, a.path, a.policy = tenant, tenant, tenant, byHand
		a.create()
		if s := a.refresh(); len(s.conditions) > 0 {
			t.Errorf("tenant %d cannot deploy an image of its own: %v", i, s.conditions)
		}
	}
	a := w.app()
	a.name, a.project, a.path, a.policy = w.name+"-theft", tenants[1], "theft", byHand
	a.create()
	s := a.refresh()
	if !strings.HasPrefix(s.said(), "assay has no answer about "+a.name+" (lasting: it stays so until somebody changes what is named here): ") ||
		!strings.Contains(s.said(), "not allowed with this credential") {
		t.Errorf("the theft of another's image is told as %v", s.conditions)
	}
	for _, tenant := range tenants {
		if password := w.files[tenant+".password"]; strings.Contains(fmt.Sprint(s.conditions)+w.sidecar.Tail(1000), password) {
			t.Errorf("the password of %s is told, in the log or in %v", tenant, s.conditions)
		}
	}
	if s := a.sync(); s.phase != "Error" {
		t.Errorf("a sync of another's image ended as %s: %s", s.phase, s.message)
	}
	w.never(deployments, tenants[1], "web")
}
