//go:build e2e

package flux_test

import (
	"fmt"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
)

// reader may read what a GatedSource names.
const reader = `[{apiGroups: [""], resources: [configmaps, secrets], verbs: [get]}]`

// substituted renders a Deployment whose image's tag is a variable, and a
// ConfigMap with two.
func (w *world) substituted() map[string]string {
	return map[string]string{
		"app/web.yaml":    origin.Deployment("web", w.registry.Image("team-a/app:${tag}")),
		"app/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {greeting: \"${greeting:=hi} ${who}\"}\n",
	}
}

// variables are a ConfigMap and a Secret; the Secret comes later.
func (w *world) variables(tag, who string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: v1
kind: ConfigMap
metadata: {name: variables, namespace: $namespace}
data: {tag: %q, who: nobody}
---
apiVersion: v1
kind: Secret
metadata: {name: variables, namespace: $namespace}
stringData: {who: %q}
`, tag, who))
}

// substituting is a GatedSource's rest with variables and a patch.
const substituting = `  paths: [app]
  serviceAccountName: reader
  kustomize:
    targetNamespace: $namespace
    patches:
    - target: {kind: Deployment}
      patch: |
        [{"op": "replace", "path": "/spec/replicas", "value": 5}]
    postBuild:
      substitute: {greeting: hello}
      substituteFrom: [{kind: ConfigMap, name: variables}, {kind: Secret, name: variables}]
`

func TestSubstitutionsAndPatches_AreInWhatIsJudged(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	w.account("reader", reader)
	w.variables("1", "world")
	w.gate(forgetful)
	w.serve()
	commit := w.commit(w.substituted())
	w.gatedSource("2s", substituting)
	w.deployed(commit)
	w.runs("web", first.DigestStr())
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "hello world" {
		t.Errorf("the ConfigMap says %q", said)
	}
	if replicas := w.read(deployments, "web").Object["spec"].(map[string]any)["replicas"]; replicas != int64(5) {
		t.Errorf("the patch is not there: %v replicas", replicas)
	}

	w.variables("2", "world")
	w.denied("team-a/app:2")
	w.runs("web", first.DigestStr())

	third := w.registry.PushSigned("team-a/app:3", "third")
	w.variables("3", "everybody")
	w.condition(gatedSources, "app", "Ready=True", "")
	w.deployed(commit)
	w.until(configMaps, "web", says("hello everybody"))
	w.runs("web", third.DigestStr())
}

// TestPatchThatBringsAnUnsignedImage_IsDenied has a twin in a patch that brings
// a signed one.
func TestPatchThatBringsAnUnsignedImage_IsDenied(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	third := w.registry.PushSigned("team-a/app:3", "third")
	w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	patched := func(tag string) string {
		return fmt.Sprintf(`  paths: [app]
  kustomize:
    targetNamespace: $namespace
    patches:
    - target: {kind: Deployment, name: web}
      patch: |
        [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]
`, w.registry.Image("team-a/app:"+tag))
	}
	w.gatedSource(hourly, patched("2"))
	w.condition(gatedSources, "app", "Ready=False", "team-a/app:2")
	w.gatedSource(hourly, patched("3"))
	w.deployed(commit)
	w.runs("web", third.DigestStr())
}

// TestVariableWithoutAValue_IsDenied: its image could be anything.
func TestVariableWithoutAValue_IsDenied(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	commit := w.commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:${tag}"))})
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "${tag}")
	w.gatedSource(hourly, inFolder[:len(inFolder)-2]+", postBuild: {substitute: {tag: \"1\"}}}\n")
	w.deployed(commit)
	w.runs("web", digest.DigestStr())
}

// TestSubstitutions_AreReadAsTheServiceAccount has one that may read nothing.
func TestSubstitutions_AreReadAsTheServiceAccount(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.variables("1", "world")
	w.account("reader", `[{apiGroups: [""], resources: [configmaps], verbs: [get]}]`)
	w.serve()
	commit := w.commit(w.substituted())
	w.gatedSource("2s", substituting)
	w.condition(gatedSources, "app", "Ready=False", "secrets \"variables\" is forbidden")
	w.account("reader", reader)
	w.deployed(commit)
}

// TestSubstitutions_WithoutTheRightToActAsTheAccount_SayWhatToInstall: what is
// refused then is assay-source, and no right of the account helps.
func TestSubstitutions_WithoutTheRightToActAsTheAccount_SayWhatToInstall(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.variables("1", "world")
	w.account("reader", reader)
	w.serve()
	must(t, w.Delete(t.Context(), w.object("RoleBinding.v1.rbac.authorization.k8s.io", "assay-source-accounts")))
	commit := w.commit(w.substituted())
	w.gatedSource("2s", substituting)
	w.condition(gatedSources, "app", "Ready=False", "build manifests/flux/accounts for it")
	w.readable()
	w.deployed(commit)
}
