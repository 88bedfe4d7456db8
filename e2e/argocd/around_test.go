//go:build e2e

package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// tenant is the API under a service account that may do with Applications
// whatever RBAC can say.
func (w *world) tenant() *controlplane.API {
	w.t.Helper()
	must(w.t, w.Apply(w.t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]s, namespace: argocd}
rules:
- {apiGroups: [argoproj.io], resources: [applications], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s, namespace: argocd}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}
subjects: [{kind: ServiceAccount, name: deployer, namespace: %[1]s}]
`, w.name)))
	token, err := w.Token(w.t.Context(), w.name, "deployer")
	must(w.t, err)
	api, err := w.As(token)
	must(w.t, err)
	return api
}

// as is the same Application in somebody else's hands.
func (a application) as(api *controlplane.API) application {
	cluster, plane, world := *a.Cluster, *a.plane, *a.world
	cluster.API, plane.Cluster, world.plane = api, &cluster, &plane
	a.world = &world
	return a
}

// refused fails unless an admission policy of ours said no, in its own words.
func refused(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "assay-argocd-") || !strings.Contains(err.Error(), words) {
		t.Errorf("the API server should have refused it with %q: %v", words, err)
	}
}

func TestTenant_CannotCreateAnApplicationThatIsNotGated(t *testing.T) {
	w := newWorld(t)
	tenant := w.tenant()
	good := w.app()
	for plugin, words := range map[string]string{"": "names no plugin", "{}": "names no plugin", "{name: other}": `names the plugin "other"`, "{name: assay-v1}": `names the plugin "assay-v1"`} {
		bad := good
		bad.plugin = plugin
		refused(t, tenant.Apply(t.Context(), bad.manifest()), words)
	}
	hydrated := good
	hydrated.plugin, hydrated.branch = "", "env" // the hydrator of Argo CD 2.14 knows no plugins
	refused(t, tenant.Apply(t.Context(), hydrated.manifest()), "sourceHydrator is not allowed")
	must(t, tenant.Apply(t.Context(), good.manifest()))
}

func TestTenant_CannotSyncWhatIsNotGated(t *testing.T) {
	w := newWorld(t)
	tenant := w.tenant()
	w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.policy = byHand
	must(t, tenant.Apply(t.Context(), a.manifest()))
	source := fmt.Sprintf(`"source":{"repoURL":%q,"path":"app","targetRevision":"main"}`, w.git.URL())
	for operation, words := range map[string]string{
		source: "operation.sync.source",
		`"revision":"` + w.git.Git("rev-parse", "HEAD") + `",` + source: "rollback",
		`"sources":[` + strings.TrimPrefix(source, `"source":`) + `]`:   "operation.sync.sources",
		`"manifests":["{}"]`: "manifests",
	} {
		refused(t, tenant.Merge(t.Context(), a.object(), `{"operation":{"sync":{`+operation+`}}}`), words)
	}
	refused(t, tenant.Merge(t.Context(), a.object(), `{"spec":{"source":{"plugin":null}}}`), "names no plugin")
	if s := a.as(tenant).sync(); s.phase != "Succeeded" {
		t.Errorf("the tenant's own sync ended as %s: %s", s.phase, s.message)
	}
}

// rendering is an Application that renders another one into the AppProject's
// own namespace, where Argo CD takes Applications too.
func (w *world) rendering(inner application) application {
	w.t.Helper()
	project := controlplane.Object{Kind: "AppProject.v1alpha1.argoproj.io", Namespace: controlplane.Namespace, Name: w.name}
	must(w.t, w.Merge(w.t.Context(), project, fmt.Sprintf(`{"spec":{"sourceNamespaces":[%q]}}`, w.name)))
	w.git.Commit(map[string]string{"app/application.yaml": inner.manifest()})
	a := w.app()
	a.policy = byHand
	return a
}

// inner is an Application for rendering.
func (w *world) inner() application {
	a := w.app()
	a.name, a.namespace, a.path = "inner", w.name, "inner" // Argo CD 2.14 makes a label of both, of at most 63 bytes
	return a
}

// TestRenderedApplication_ObeysTheSamePolicies is the way around by an
// application that Argo CD itself would create.
func TestRenderedApplication_ObeysTheSamePolicies(t *testing.T) {
	w := newWorld(t)
	inner := w.inner()
	inner.plugin = "{name: other}"
	a := w.rendering(inner)
	w.serve()
	a.create()
	s := a.refresh()
	line, _, _ := strings.Cut(s.said(), "\n")
	for _, want := range []string{"assay denied " + a.name + ": 1 problem: ", inner.name, `"other"`, "(self/gitops-kind)"} {
		if !strings.Contains(line, want) {
			t.Errorf("the first line about the rendered Application has no %q: %v", want, s.conditions)
		}
	}
}

// TestRenderedApplication_ThatNamesThePlugin_IsJudgedAtItsOwnSync is not denied,
// nor warned of for the images that it does not name.
func TestRenderedApplication_ThatNamesThePlugin_IsJudgedAtItsOwnSync(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"inner/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	inner := w.inner()
	a := w.rendering(inner)
	w.serve()
	a.create()
	if s := a.sync(); s.phase != "Succeeded" {
		t.Fatalf("the sync of a rendered Application ended as %s: %s", s.phase, s.message)
	}
	if log := w.sidecar.Tail(1000); !strings.Contains(log, `"application":"`+a.name+`"`) || strings.Contains(log, "image/implicit") {
		t.Error("the rendered Application is warned of")
	}
	inner.synced()
	w.runs("web", digest.DigestStr())
}
