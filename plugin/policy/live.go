package policy

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// liveKey finds an object in the cluster; its version may differ.
type liveKey struct{ group, kind, namespace, name string }

// compareWith gives the subjects the objects as they are in the cluster, so that
// an update can be asked about. The Pods of workloads are made anew by their
// controllers, which is no update. A live object that cannot be read, or that is
// in another version, leaves its subject as it was: undecided.
func (v *view) compareWith(live []plugin.Object) {
	if len(live) == 0 {
		return
	}
	known := map[liveKey]plugin.Object{}
	for _, object := range live {
		id := object.ID()
		known[liveKey{id.Group(), id.Kind, id.Namespace, id.Name}] = object
	}
	for _, s := range v.subjects {
		current, found := known[liveKey{s.id.Group(), s.id.Kind, s.namespace, s.name}]
		if s.made || !found || current.ID().APIVersion != s.id.APIVersion {
			continue
		}
		old, updated, err := v.update(v.sealed.Objects[s.index], current)
		if err != nil {
			continue // it stays unknown, which is told with the policy that asks
		}
		for _, each := range append([]*subject{s}, s.others...) {
			each.old, each.updated = old, inNamespace(updated, each)
		}
	}
}

// update is the object before and after applying the rendered one, as
// `kubectl apply` merges it: what was applied before and is not rendered any
// more goes, what others wrote stays.
func (v *view) update(rendered, live plugin.Object) (old, updated runtime.Object, err error) {
	gvk := (&unstructured.Unstructured{Object: live.Fields}).GroupVersionKind()
	if old, err = apiserver.Decode(gvk, live.Fields); old == nil {
		return nil, nil, fmt.Errorf("reading the live object: %w", err)
	}
	v.defaults.Object(old)
	fields, err := merged(rendered.Fields, live.Fields, old)
	if err != nil {
		return nil, nil, fmt.Errorf("merging the rendered object into the live one: %w", err)
	}
	if updated, err = apiserver.Decode(gvk, fields); updated == nil {
		return nil, nil, fmt.Errorf("reading the merged object: %w", err)
	}
	v.defaults.Object(updated)
	return old, updated, nil
}

// merged is the live object with the rendered one applied.
func merged(rendered, live map[string]any, typed runtime.Object) (map[string]any, error) {
	before := rendered // without a note nothing is known to be gone
	if noted := lastApplied(live); noted != nil {
		before, rendered = noted, noting(rendered)
	}
	if _, custom := typed.(*unstructured.Unstructured); custom {
		return overlay(live, rendered, before), nil
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, err
	}
	var texts [3][]byte
	for i, fields := range []map[string]any{before, rendered, live} {
		if texts[i], err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(texts[0], texts[1], texts[2], schema, true)
	if err != nil {
		return nil, err
	}
	text, err := strategicpatch.StrategicMergePatchUsingLookupPatchMeta(texts[2], patch, schema)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(text, &fields)
}

// lastApplied is what client-side apply noted; nil without it.
func lastApplied(live map[string]any) map[string]any {
	var fields map[string]any
	noted := stringAt(mapAt(mapAt(live, "metadata"), "annotations"), corev1.LastAppliedConfigAnnotation)
	if json.Unmarshal([]byte(noted), &fields) != nil {
		return nil
	}
	return fields
}

// noting is what client-side apply sends: the rendered object with a note of
// its own, so that annotations are never gone as a whole. What it says does not
// matter here.
func noting(rendered map[string]any) map[string]any {
	out := maps.Clone(rendered)
	metadata := maps.Clone(mapAt(out, "metadata"))
	annotations := maps.Clone(mapAt(metadata, "annotations"))
	if annotations == nil {
		annotations = map[string]any{}
	}
	annotations[corev1.LastAppliedConfigAnnotation] = "{}"
	metadata["annotations"], out["metadata"] = annotations, metadata
	return out
}

// overlay lays the rendered fields over the live ones, lists as a whole
// (RFC 7396), and takes out what was there before and is not rendered.
func overlay(live, rendered, before map[string]any) map[string]any {
	out := maps.Clone(live)
	if out == nil {
		out = map[string]any{}
	}
	for name := range before {
		if _, stays := rendered[name]; !stays {
			delete(out, name)
		}
	}
	for name, value := range rendered {
		member, isMap := value.(map[string]any)
		if current, both := out[name].(map[string]any); isMap && both {
			value = overlay(current, member, mapAt(before, name))
		}
		out[name] = value
	}
	return out
}
