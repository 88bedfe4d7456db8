//go:build e2e

package flux_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/previews"
	"github.com/assay-gitops/assay/plugin"
)

// previewed are the namespaces that examples/preview-flux deploys to. They are the
// platform's, as nothing in them is gated.
func previewed() []string { return []string{controlplane.FluxNamespace, "web", "worker"} }

const (
	cluster = "clusters/staging/"
	secrets = "Secret.v1."
)

// TestPreview_RendersWhatFluxApplies gives one commit of examples/preview-flux to
// assay diff and to a Flux that is set up as flux bootstrap does it, and compares
// every Kustomization and HelmRelease of one cluster.
func TestPreview_RendersWhatFluxApplies(t *testing.T) {
	w := newWorld(t)
	files := previews.Example(t, "preview-flux", w.url)
	commit := w.git.Commit(files)
	t.Cleanup(func() {
		for _, namespace := range previewed() {
			w.rest(namespace)
		}
	})
	var all []previews.Application
	for _, application := range (previews.Repository{Dir: strings.TrimPrefix(w.git.URL(), "file://"), URL: w.url}).All(t) {
		if strings.Contains(strings.Join(append(application.Parents, application.AsParent()), "\n"), cluster) {
			all = append(all, application)
		}
	}
	w.apply(files[cluster+"flux-system/gotk-sync.yaml"])
	w.settled(all, "main@sha1:"+commit)

	theirs := w.reconciled()
	var ours []string
	for _, application := range all {
		ours = append(ours, application.Kind+" "+application.Namespace+"/"+application.Name)
	}
	slices.Sort(ours)
	if !slices.Equal(ours, theirs) || len(ours) != 6 {
		t.Errorf("assay diff finds %q, and Flux reconciles %q", ours, theirs)
	}
	for _, application := range all {
		t.Run(application.Kind+" "+application.Name, func(t *testing.T) {
			if application.Kind == "HelmRelease" {
				w.installsTheSame(t, application, commit)
				return
			}
			w.appliesTheSame(t, application)
		})
	}
}

// reconciled are the Kustomizations and HelmReleases of the cluster.
func (w *world) reconciled() []string {
	w.t.Helper()
	var found []string
	for _, kind := range []string{kustomizations, helmReleases} {
		for _, namespace := range previewed() {
			list, err := w.List(w.t.Context(), kind, namespace)
			must(w.t, err)
			for _, each := range list {
				found = append(found, each.GetKind()+" "+namespace+"/"+each.GetName())
			}
		}
	}
	slices.Sort(found)
	return found
}

// settled waits until Flux has applied the revision. Nothing runs Pods, so the
// Deployments that it waits for are told to be ready.
func (w *world) settled(all []previews.Application, revision string) {
	w.t.Helper()
	must(w.t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		var waiting []error
		for _, namespace := range previewed() {
			waiting = append(waiting, w.run(ctx, namespace))
		}
		for _, application := range all {
			kind := map[string]string{"Kustomization": kustomizations, "HelmRelease": helmReleases}[application.Kind]
			object, err := w.Get(ctx, controlplane.Object{Kind: kind, Namespace: application.Namespace, Name: application.Name})
			if err != nil {
				waiting = append(waiting, err)
				continue
			}
			ready := slices.ContainsFunc(entries(object, "status", "conditions"), func(c map[string]any) bool {
				return c["type"] == "Ready" && c["status"] == "True"
			})
			if last := field(object, "status", "lastAppliedRevision"); !ready || kind == kustomizations && last != revision {
				waiting = append(waiting, fmt.Errorf("%s has applied %q: %v", application.AsParent(), last, entries(object, "status", "conditions")))
			}
		}
		return errors.Join(waiting...)
	}))
}

// run says of every Deployment of a namespace that its Pods are ready.
func (w *world) run(ctx context.Context, namespace string) error {
	list, err := w.List(ctx, deployments, namespace)
	for _, each := range list {
		replicas, _, _ := unstructured.NestedInt64(each.Object, "spec", "replicas")
		status := fmt.Sprintf(`{"status":{"observedGeneration":%d,"replicas":%[2]d,"updatedReplicas":%[2]d,"readyReplicas":%[2]d,"availableReplicas":%[2]d,"conditions":[
			{"type":"Available","status":"True","reason":"MinimumReplicasAvailable"},{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}}`, each.GetGeneration(), replicas)
		err = errors.Join(err, w.Merge(ctx, controlplane.Object{Kind: deployments, Namespace: namespace, Name: each.GetName()}, status, "status"))
	}
	return err
}

// appliesTheSame compares what a Kustomization applied with what the preview
// renders: the same objects, and to apply the preview's in the name of Flux would
// change no field, add none and give none up. Flux's own labels say whose an
// object is; they are not in the rendering.
func (w *world) appliesTheSame(t *testing.T, application previews.Application) {
	own, err := w.Get(t.Context(), controlplane.Object{Kind: kustomizations, Namespace: application.Namespace, Name: application.Name})
	must(t, err)
	var ours, theirs []string
	for _, entry := range entries(own, "status", "inventory", "entries") {
		theirs = append(theirs, fmt.Sprint(entry["id"]))
	}
	for _, object := range application.Objects {
		rendered := unstructuredOf(t, object)
		kind := rendered.GroupVersionKind()
		ours = append(ours, strings.Join([]string{rendered.GetNamespace(), rendered.GetName(), kind.Group, kind.Kind}, "_"))
		labels := rendered.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels["kustomize.toolkit.fluxcd.io/name"], labels["kustomize.toolkit.fluxcd.io/namespace"] = application.Name, application.Namespace
		rendered.SetLabels(labels)
		w.wouldChangeNothing(t, rendered)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) || len(ours) == 0 {
		t.Errorf("the preview renders %q, and Flux has applied %q", ours, theirs)
	}
}

func (w *world) wouldChangeNothing(t *testing.T, object *unstructured.Unstructured) {
	kind := object.GroupVersionKind()
	is := controlplane.Object{Kind: strings.Join([]string{kind.Kind, kind.Version, kind.Group}, "."), Namespace: object.GetNamespace(), Name: object.GetName()}
	// Controllers write its status in between.
	err := controlplane.Until(w.slowly(), func(ctx context.Context) error {
		before, err := w.Get(ctx, is)
		if err != nil {
			return controlplane.Final(err)
		}
		would, err := w.Would(ctx, object, "kustomize-controller")
		if err != nil {
			return controlplane.Final(err)
		}
		after, err := w.Get(ctx, is)
		switch {
		case err != nil:
			return controlplane.Final(err)
		case before.GetResourceVersion() != after.GetResourceVersion():
			return errors.New("it is being changed")
		case !reflect.DeepEqual(withoutTimes(before), withoutTimes(would)):
			return controlplane.Final(fmt.Errorf("it is\n%s\nand would be\n%s", shown(before), shown(would)))
		}
		return nil
	})
	if err != nil {
		t.Errorf("applying what the preview renders of %s %s: %v", is.Kind, is.Name, err)
	}
}

// withoutTimes is an object without the times at which managers wrote their
// fields, and without the empty spec that kustomize-controller writes into a
// Namespace by reading it into a Go type.
func withoutTimes(object *unstructured.Unstructured) map[string]any {
	managers := entries(object, "metadata", "managedFields")
	written := make([]any, 0, len(managers))
	for _, manager := range managers {
		delete(manager, "time")
		if spec, _, _ := unstructured.NestedMap(manager, "fieldsV1", "f:spec"); object.GetKind() == "Namespace" && len(spec) == 0 {
			unstructured.RemoveNestedField(manager, "fieldsV1", "f:spec")
		}
		written = append(written, manager)
	}
	out := object.DeepCopy()
	_ = unstructured.SetNestedSlice(out.Object, written, "metadata", "managedFields") // metadata is a mapping
	return out.Object
}

// installsTheSame compares what Helm has stored of a release with what the
// preview renders.
func (w *world) installsTheSame(t *testing.T, application previews.Application, commit string) {
	ours, theirs := map[string]any{}, map[string]any{}
	for _, object := range application.Objects {
		rendered := unstructuredOf(t, object)
		ours[rendered.GetKind()+" "+rendered.GetName()] = rendered.Object
	}
	for document := range strings.SplitSeq(w.manifest(t, application), "\n---\n") {
		object := &unstructured.Unstructured{}
		must(t, yaml.Unmarshal([]byte(document), &object.Object))
		if len(object.Object) == 0 {
			continue
		}
		asRendered(t, object, application, commit)
		theirs[object.GetKind()+" "+object.GetName()] = object.Object
	}
	if !reflect.DeepEqual(ours, theirs) || len(ours) == 0 {
		t.Errorf("the preview renders\n%s\nand Helm has installed\n%s", shown(ours), shown(theirs))
	}
}

// asRendered takes away what docs/parity.md lists: the labels that helm-controller
// writes, and the commit in the version of a chart that is packed anew for each.
func asRendered(t *testing.T, object *unstructured.Unstructured, release previews.Application, commit string) {
	t.Helper()
	labels := object.GetLabels()
	if labels["helm.toolkit.fluxcd.io/name"] != release.Name || labels["helm.toolkit.fluxcd.io/namespace"] != release.Namespace {
		t.Errorf("%s has the labels %q, and none of helm-controller's", object.GetKind(), labels)
	}
	delete(labels, "helm.toolkit.fluxcd.io/name")
	delete(labels, "helm.toolkit.fluxcd.io/namespace")
	if chart, has := labels["helm.sh/chart"]; has {
		version, packed := strings.CutSuffix(chart, "_"+commit[:12])
		if !packed {
			t.Errorf("%s is of chart %s, without the commit %s", object.GetKind(), chart, commit)
		}
		labels["helm.sh/chart"] = version
	}
	if len(labels) == 0 {
		labels = nil
	}
	object.SetLabels(labels)
}

// manifest is what Helm installed as the first revision of a release.
func (w *world) manifest(t *testing.T, application previews.Application) string {
	t.Helper()
	stored, err := w.Get(t.Context(), controlplane.Object{Kind: secrets, Namespace: application.Namespace, Name: "sh.helm.release.v1." + application.Name + ".v1"})
	must(t, err)
	outer, err := base64.StdEncoding.DecodeString(field(stored, "data", "release"))
	must(t, err)
	inner, err := base64.StdEncoding.DecodeString(string(outer))
	must(t, err)
	packed, err := gzip.NewReader(bytes.NewReader(inner))
	must(t, err)
	var release struct {
		Manifest string
		Hooks    []any
	}
	must(t, json.NewDecoder(packed).Decode(&release))
	if release.Manifest == "" || len(release.Hooks) > 0 {
		t.Fatalf("the release has %d hooks and the manifest %q", len(release.Hooks), release.Manifest)
	}
	return release.Manifest
}

func unstructuredOf(t *testing.T, object plugin.Object) *unstructured.Unstructured {
	t.Helper()
	text, err := json.Marshal(object.Fields)
	must(t, err)
	made := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal(text, &made.Object))
	return made
}

func shown(value any) string {
	text, _ := yaml.Marshal(value)
	return string(text)
}
