//go:build e2e

package argocd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/commandlines"
	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/previews"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
)

const (
	applications = "Application.v1alpha1.argoproj.io"
	bindings     = "ValidatingAdmissionPolicyBinding.v1.admissionregistration.k8s.io"
)

// TestPreview_RendersWhatTheRepoServerDoes gives one commit of
// examples/preview-argocd, and of what testdata/preview adds to it, to assay diff
// and to Argo CD. Argo CD's controller syncs the Application that is applied by
// hand, which makes others. Those of the
// ApplicationSet are made by assay, as the ApplicationSet controller is no part of
// these servers: e2e/applicationsets compares this very file with its code. Every
// Application is then rendered by the running repo-server.
func TestPreview_RendersWhatTheRepoServerDoes(t *testing.T) {
	w := newWorld(t)
	w.since3("is not what previews are compared with")
	w.tools()
	w.withoutPolicies()
	w.permit()
	files := previews.Example(t, "preview-argocd", "testdata/preview", w.git.URL())
	w.git.Commit(files)
	dir := strings.TrimPrefix(w.git.URL(), "file://")
	ours := previews.Repository{Dir: dir, URL: w.git.URL(), Helm: plugin.HelmParameters{KubeVersion: kubeVersion}}.All(t)

	t.Cleanup(w.forget)
	must(t, w.Apply(t.Context(), files["root.yaml"]+"\n---\n"+files["more.yaml"]))
	w.applyAll(w.expanded(dir, files["environments.yaml"]))
	root := application{world: w, name: "apps", namespace: controlplane.Namespace}
	if s := root.sync(); s.phase != "Succeeded" {
		t.Fatalf("Argo CD has not synced the Application of Applications: %s", s.message)
	}
	theirs := w.ofTheRepository()
	var found, deployed []string
	for _, each := range ours {
		found = append(found, each.Namespace+"/"+each.Name)
	}
	for _, each := range theirs {
		deployed = append(deployed, each.GetNamespace()+"/"+each.GetName())
	}
	slices.Sort(found)
	slices.Sort(deployed)
	if !slices.Equal(found, deployed) || len(found) != 9 {
		t.Fatalf("assay diff finds %q, and Argo CD has %q", found, deployed)
	}
	for i, manifests := range w.manifests(theirs) {
		name := theirs[i].GetName()
		each := ours[slices.IndexFunc(ours, func(a previews.Application) bool { return a.Name == name })]
		t.Run(name, func(t *testing.T) { sameObjects(t, each.Objects, manifests) })
	}
}

// kubeVersion is what charts are told, by both.
const kubeVersion = "1.34.0"

// sameObjects compares field for field, and the order.
func sameObjects(t *testing.T, ours []plugin.Object, theirs []json.RawMessage) {
	var mine, want []any
	for _, object := range ours {
		text, err := json.Marshal(object.Fields)
		must(t, err)
		mine = append(mine, decoded(t, text))
	}
	for _, manifest := range theirs {
		want = append(want, decoded(t, manifest))
	}
	if !reflect.DeepEqual(mine, want) || len(mine) == 0 {
		t.Errorf("the preview renders\n%s\nand the repo-server\n%s", inYAML(mine), inYAML(want))
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	must(t, decoder.Decode(&value))
	return value
}

func inYAML(value any) string {
	text, _ := yaml.Marshal(value)
	return string(text)
}

// tools gives the repo-server the command lines that its image has.
func (w *world) tools() {
	w.t.Helper()
	for _, program := range []string{commandlines.Helm, commandlines.Kustomize} {
		path, err := commandlines.Build(w.t.Context(), program)
		must(w.t, err)
		link := filepath.Join(w.argocd.Tools, filepath.Base(path))
		must(w.t, os.Symlink(path, link))
		w.t.Cleanup(func() { _ = os.Remove(link) }) // the folder ends with the servers
	}
}

// withoutPolicies lets Applications that name no plugin pass, for this test: what
// is compared is what Argo CD renders by itself.
func (w *world) withoutPolicies() {
	w.t.Helper()
	ctx := w.slowly()
	w.t.Cleanup(func() { must(w.t, w.closeWaysAround(context.WithoutCancel(ctx))) })
	for _, name := range []string{"assay-argocd-applications", "assay-argocd-applicationsets"} {
		must(w.t, w.Delete(ctx, controlplane.Object{Kind: bindings, Name: name}))
	}
	must(w.t, controlplane.Until(ctx, func(ctx context.Context) error {
		if err := w.Apply(ctx, open); err != nil {
			return err
		}
		return w.Delete(ctx, controlplane.Object{Kind: applications, Namespace: controlplane.Namespace, Name: "open"})
	}))
}

// permit has the project of the examples let them deploy to where they say.
func (w *world) permit() {
	w.t.Helper()
	project := controlplane.Object{Kind: "AppProject.v1alpha1.argoproj.io", Namespace: controlplane.Namespace, Name: "default"}
	must(w.t, w.Merge(w.t.Context(), project, `{"spec":{"sourceRepos":["*"],"destinations":[{"server":"*","namespace":"*"}]}}`))
	w.t.Cleanup(func() {
		must(w.t, w.Merge(context.WithoutCancel(w.t.Context()), project, `{"spec":{"sourceRepos":null,"destinations":null}}`))
	})
}

// expanded are the Applications that assay makes of an ApplicationSet.
func (w *world) expanded(dir, text string) []plugin.Object {
	w.t.Helper()
	root, err := os.OpenRoot(dir)
	must(w.t, err)
	defer func() { _ = root.Close() }()
	var set plugin.Object
	must(w.t, yaml.Unmarshal([]byte(text), &set.Fields))
	made := appset.Expand(w.t.Context(), set, appset.Input{
		Tree: func(context.Context, string, string) (*os.Root, error) { return root, nil }, Limits: plugin.DefaultLimits(),
	})
	if len(made.Problems) > 0 || len(made.Applications) == 0 {
		w.t.Fatalf("the ApplicationSet has %d Applications and the problems %v", len(made.Applications), made.Problems)
	}
	return made.Applications
}

func (w *world) applyAll(objects []plugin.Object) {
	w.t.Helper()
	for _, object := range objects {
		must(w.t, w.Apply(w.t.Context(), inYAML(object.Fields)))
	}
}

// ofTheRepository are the Applications that render the test's repository.
func (w *world) ofTheRepository() []unstructured.Unstructured {
	w.t.Helper()
	all, err := w.List(context.WithoutCancel(w.t.Context()), applications, controlplane.Namespace)
	must(w.t, err)
	return slices.DeleteFunc(all, func(each unstructured.Unstructured) bool {
		url, _, _ := unstructured.NestedString(each.Object, "spec", "source", "repoURL")
		for _, source := range entries(&each, "spec", "sources") {
			url = fmt.Sprint(source["repoURL"])
		}
		return url != w.git.URL()
	})
}

// forget removes the test's Applications, of which nothing but other Applications
// was synced.
func (w *world) forget() {
	ctx := context.WithoutCancel(w.t.Context())
	var failed []error
	for _, each := range w.ofTheRepository() {
		is := controlplane.Object{Kind: applications, Namespace: each.GetNamespace(), Name: each.GetName()}
		failed = append(failed, w.Merge(ctx, is, `{"metadata":{"finalizers":null}}`), w.Delete(ctx, is))
	}
	must(w.t, errors.Join(failed...))
}

// manifests asks the running repo-server.
func (w *world) manifests(all []unstructured.Unstructured) [][]json.RawMessage {
	w.t.Helper()
	var questions []map[string]any
	for _, each := range all {
		questions = append(questions, map[string]any{"application": each.Object, "kubeVersion": kubeVersion})
	}
	input, err := json.Marshal(questions)
	must(w.t, err)
	output, err := w.argocd.Manifests(w.slowly(), input)
	must(w.t, err)
	var answers []struct {
		Manifests []json.RawMessage
		Error     string
	}
	must(w.t, json.Unmarshal(output, &answers))
	if len(answers) != len(all) {
		w.t.Fatalf("%d answers for %d Applications", len(answers), len(all))
	}
	var made [][]json.RawMessage
	for i, answer := range answers {
		if answer.Error != "" {
			w.t.Fatal(fmt.Errorf("asking the repo-server for %s: %s", all[i].GetName(), answer.Error))
		}
		made = append(made, answer.Manifests)
	}
	return made
}
