//go:build e2e

package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// asRefresher is the API under the refresher's service account, which for these
// tests may do with Argo CD's resources whatever RBAC can say: what holds it back
// is the admission policy.
func asRefresher(t *testing.T) *controlplane.API {
	t.Helper()
	must(t, shared.Apply(t.Context(), `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: too-much}
rules: [{apiGroups: [argoproj.io], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: too-much}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
subjects: [{kind: ServiceAccount, name: assay-refresh, namespace: argocd}]
`))
	t.Cleanup(func() {
		_ = shared.Delete(context.WithoutCancel(t.Context()), controlplane.Object{Kind: "ClusterRoleBinding.v1.rbac.authorization.k8s.io", Name: "too-much"})
	})
	token, err := shared.Token(t.Context(), controlplane.Namespace, "assay-refresh")
	must(t, err)
	api, err := shared.As(token)
	must(t, err)
	must(t, shared.Apply(t.Context(), manifest("probe", "default")))
	ctx, cancel := context.WithTimeout(t.Context(), controlplane.Slowly)
	defer cancel()
	attempt := 0
	must(t, controlplane.Until(ctx, func(ctx context.Context) error {
		attempt++ // what changes nothing is no change
		err := api.Merge(ctx, named("probe"), fmt.Sprintf(`{"metadata":{"labels":{"attempt":"%d"}}}`, attempt))
		if err == nil {
			return errors.New("the admission policy is not in force yet")
		}
		if !strings.Contains(err.Error(), "assay-argocd-refresh") {
			return err
		}
		return nil
	}))
	return api
}

const refreshKey = "argocd.argoproj.io/refresh"

func annotate(key, value string) string {
	return fmt.Sprintf(`{"metadata":{"annotations":{%q:%s}}}`, key, value)
}

func TestAccount_ChangesOneAnnotationAndNothingElse(t *testing.T) {
	api := asRefresher(t)
	must(t, shared.Apply(t.Context(), manifest("shop", "default")))
	const body, metadata, others, value = "spec, status and operation stay", "labels, finalizers and owners stay", "changes no annotation but", "to hard, and to nothing else"
	for name, test := range map[string]struct{ patch, words string }{
		"the spec":                       {`{"spec":{"source":{"targetRevision":"evil"}}}`, body},
		"a field of the spec taken away": {`{"spec":{"source":{"plugin":null}}}`, body},
		"the spec beside the annotation": {`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard"}},"spec":{"project":"other"}}`, body},
		"the status":                     {`{"status":{"sync":{"status":"OutOfSync"}}}`, body},
		"the status taken away":          {`{"status":null}`, body},
		"an operation":                   {`{"operation":{"sync":{"revision":"HEAD"}}}`, body},
		"a label":                        {`{"metadata":{"labels":{"a":"b"}}}`, metadata},
		"labels taken away":              {`{"metadata":{"labels":null}}`, metadata},
		"a finalizer":                    {`{"metadata":{"finalizers":["example.com/more"]}}`, metadata},
		"finalizers taken away":          {`{"metadata":{"finalizers":null}}`, metadata},
		"an owner":                       {`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"b"}]}}`, metadata},
		"another annotation":             {annotate("argocd.argoproj.io/hydrate", `"normal"`), others},
		"one that is there":              {annotate("team", `"other"`), others},
		"one taken away":                 {annotate("team", "null"), others},
		"all taken away":                 {`{"metadata":{"annotations":null}}`, others},
		"another beside it":              {`{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard","a":"b"}}}`, others},
		"the value normal":               {annotate(refreshKey, `"normal"`), value},
		"an empty value":                 {annotate(refreshKey, `""`), value},
		"a value of its own":             {annotate(refreshKey, `"HARD"`), value},
	} {
		err := api.Merge(t.Context(), named("shop"), test.patch)
		if err == nil || !strings.Contains(words(err.Error()), test.words) || !strings.Contains(err.Error(), "assay-argocd-refresh") {
			t.Errorf("%s: the API server should have refused it with %q: %v", name, test.words, err)
		}
	}
	must(t, api.Merge(t.Context(), named("shop"), annotate(refreshKey, `"hard"`)))
	must(t, api.Merge(t.Context(), named("shop"), annotate(refreshKey, `"hard"`))) // again, which changes nothing
	got, err := shared.Get(t.Context(), named("shop"))
	must(t, err)
	if got.GetAnnotations()[refreshKey] != "hard" || got.GetAnnotations()["team"] != "default" {
		t.Errorf("the annotations are %v", got.GetAnnotations())
	}
	must(t, shared.Merge(t.Context(), named("shop"), annotate(refreshKey, `"normal"`))) // by somebody else
	must(t, api.Merge(t.Context(), named("shop"), annotate(refreshKey, `"hard"`)))
}

func TestAccount_SetsItWhereThereAreNoAnnotations(t *testing.T) {
	api := asRefresher(t)
	must(t, shared.Apply(t.Context(), "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: bare, namespace: argocd}\nspec: {project: default, source: {repoURL: r}, destination: {namespace: bare}}\n"))
	if err := api.Merge(t.Context(), named("bare"), annotate("a", `"b"`)); err == nil {
		t.Error("it sets another annotation")
	}
	must(t, api.Merge(t.Context(), named("bare"), annotate(refreshKey, `"hard"`)))
}

func TestAccount_MakesAndDeletesNothing(t *testing.T) {
	api := asRefresher(t)
	must(t, shared.Apply(t.Context(), manifest("shop", "default")))
	const said = "makes and deletes nothing"
	for name, err := range map[string]error{
		"an Application":     api.Apply(t.Context(), manifest("another", "default")),
		"an AppProject":      api.Merge(t.Context(), controlplane.Object{Kind: "AppProject.v1alpha1.argoproj.io", Namespace: "argocd", Name: "default"}, `{"spec":{"sourceRepos":["*"]}}`),
		"a deletion":         api.Delete(t.Context(), named("shop")),
		"another AppProject": api.Apply(t.Context(), "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: mine, namespace: argocd}\nspec: {}\n"),
	} {
		if err == nil || !strings.Contains(words(err.Error()), said) {
			t.Errorf("%s: the API server should have refused it: %v", name, err)
		}
	}
	if err := shared.Merge(t.Context(), named("shop"), `{"spec":{"source":{"targetRevision":"next"}}}`); err != nil {
		t.Errorf("twin: others are let alone: %v", err)
	}
}

// TestAccount_ByItsOwnRightsReachesApplicationsAlone is without the rights that the
// other tests add.
func TestAccount_ByItsOwnRightsReachesApplicationsAlone(t *testing.T) {
	token, err := shared.Token(t.Context(), controlplane.Namespace, "assay-refresh")
	must(t, err)
	api, err := shared.As(token)
	must(t, err)
	must(t, shared.Apply(t.Context(), manifest("shop", "default")))
	must(t, api.Merge(t.Context(), named("shop"), annotate(refreshKey, `"hard"`)))
	for _, kind := range []string{"Secret.v1.", "ConfigMap.v1.", "AppProject.v1alpha1.argoproj.io"} {
		if _, err := api.List(t.Context(), kind, controlplane.Namespace); err == nil {
			t.Errorf("it may list %s", kind)
		}
	}
	if err := api.Delete(t.Context(), named("shop")); err == nil || !strings.Contains(err.Error(), "cannot delete") {
		t.Errorf("it may delete: %v", err)
	}
}
