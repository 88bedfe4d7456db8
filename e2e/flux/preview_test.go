//go:build e2e

package flux_test

import (
	"context"
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

const cluster = "clusters/staging/"

// TestPreview_RendersWhatFluxApplies gives one commit of examples/preview-flux, and
// of what testdata/preview adds to it, to assay diff and to a Flux that is set up
// as flux bootstrap does it, and compares every Kustomization and HelmRelease of
// one cluster.
func TestPreview_RendersWhatFluxApplies(t *testing.T) {
	w := newWorld(t)
	files := previews.Example(t, "preview-flux", "testdata/preview", w.url)
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
	if !slices.Equal(ours, theirs) || len(ours) != 8 {
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
// fields, and without the empty mappings that kustomize-controller writes by
// reading an object into its Go type.
func withoutTimes(object *unstructured.Unstructured) map[string]any {
	managers := entries(object, "metadata", "managedFields")
	written := make([]any, 0, len(managers))
	for _, manager := range managers {
		delete(manager, "time")
		withoutEmpty(manager)
		written = append(written, manager)
	}
	out := object.DeepCopy()
	_ = unstructured.SetNestedSlice(out.Object, written, "metadata", "managedFields") // metadata is a mapping
	return out.Object
}

// withoutEmpty takes fields that hold mappings out of a set of managed fields
// where the manager owns nothing below them.
func withoutEmpty(fields map[string]any) {
	for name, below := range fields {
		inner, isMapping := below.(map[string]any)
		if !isMapping {
			continue
		}
		withoutEmpty(inner)
		if len(inner) == 0 && slices.Contains([]string{"f:creationTimestamp", "f:resources", "f:spec", "f:status", "f:strategy"}, name) {
			delete(fields, name)
		}
	}
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
