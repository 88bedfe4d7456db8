package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	release "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/assay-gitops/assay/plugin"
)

// postRender does to the templates' objects what helm-controller v1.6.3 does
// (internal/postrender): one build by kustomize for each step, then the common
// metadata. Objects of crds folders never come here.
func (r *helmRelease) postRender(objects []plugin.Object, lock *schemaLock) ([]plugin.Object, error) {
	wanted := r.parameters.PostRender
	if reflect.ValueOf(wanted).IsZero() {
		return objects, nil
	}
	var hooks, others []plugin.Object
	for _, object := range objects {
		if isHook(object) {
			hooks = append(hooks, object)
		} else {
			others = append(others, object)
		}
	}
	var err error
	switch wanted.Strategy {
	case "", "combined":
		if objects, err = r.postRenderAll(objects, lock); err != nil {
			return nil, err
		}
	case "separate", "nohooks":
		if others, err = r.postRenderAll(others, lock); err != nil {
			return nil, err
		}
		if wanted.Strategy == "separate" {
			if hooks, err = r.postRenderAll(hooks, lock); err != nil {
				return nil, err
			}
		}
		objects = append(others, hooks...)
	default:
		return nil, invalid(r.at("."), fmt.Sprintf("postRenderStrategy is %q and must be combined, separate or nohooks", wanted.Strategy), nil)
	}
	for _, object := range objects {
		if wanted.Strategy != "nohooks" || !isHook(object) {
			setCommonMetadata(object.Fields, wanted.CommonMetadata)
		}
	}
	return objects, nil
}

func isHook(object plugin.Object) bool {
	metadata, _ := object.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	events, _ := annotations[release.HookAnnotation].(string)
	return classifyHook(events) != hookNone
}

func (r *helmRelease) postRenderAll(objects []plugin.Object, lock *schemaLock) ([]plugin.Object, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	for i, step := range r.parameters.PostRender.Steps {
		built, err := r.postRenderStep(objects, step, lock)
		if err != nil {
			return nil, invalid(r.at("."), fmt.Sprintf("applying post-renderer %d", i+1), err)
		}
		objects = built
	}
	return objects, nil
}

// whichAnnotation tells, through one build, where an object came from.
const whichAnnotation = "assay.dev/rendered"

func (r *helmRelease) postRenderStep(objects []plugin.Object, step plugin.HelmPostRenderer, lock *schemaLock) ([]plugin.Object, error) {
	const input = "helm-output.yaml"
	var text bytes.Buffer
	for i, object := range objects {
		marked := object.DeepCopy()
		if metadata, is := marked.Fields["metadata"].(map[string]any); is {
			setAll(metadata, "annotations", map[string]string{whichAnnotation: strconv.Itoa(i)})
		}
		data, err := json.Marshal(marked.Fields)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", object.ID(), err)
		}
		fmt.Fprintf(&text, "---\n%s\n", data)
	}
	kustomization, err := json.Marshal(postRenderKustomization(step, input))
	if err != nil {
		return nil, fmt.Errorf("writing the kustomization: %w", err)
	}
	files := filesys.MakeFsInMemory()
	for name, data := range map[string][]byte{input: text.Bytes(), "kustomization.yaml": kustomization} {
		if err := files.WriteFile(name, data); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	defer lock.hold(false)()
	options := &krusty.Options{LoadRestrictions: types.LoadRestrictionsRootOnly, PluginConfig: types.DisabledPluginConfig()}
	built, err := krusty.MakeKustomizer(options).Run(files, ".")
	if err != nil {
		return nil, fmt.Errorf("building with kustomize: %w", err)
	}
	return r.unmark(built, objects)
}

func postRenderKustomization(step plugin.HelmPostRenderer, input string) types.Kustomization {
	k := types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{input},
	}
	for _, image := range step.Images {
		k.Images = append(k.Images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	for _, patch := range step.Patches {
		added := types.Patch{Patch: patch.Patch}
		if target := patch.Target; target != nil {
			added.Target = &types.Selector{
				ResId: resid.ResId{
					Gvk:  resid.Gvk{Group: target.Group, Version: target.Version, Kind: target.Kind},
					Name: target.Name, Namespace: target.Namespace,
				},
				AnnotationSelector: target.AnnotationSelector, LabelSelector: target.LabelSelector,
			}
		}
		k.Patches = append(k.Patches, added)
	}
	return k
}

// unmark reads what was built. A patch may have removed the mark: such an
// object comes from the chart, and no more is known.
func (r *helmRelease) unmark(built resmap.ResMap, before []plugin.Object) ([]plugin.Object, error) {
	reader := &nodeReader{folder: r.folder, limits: r.tree.limits}
	objects := make([]plugin.Object, 0, built.Size())
	for _, node := range built.Resources() {
		fields, err := reader.fields(node)
		if err != nil {
			return nil, err
		}
		objects = append(objects, plugin.Object{Fields: fields, Origin: r.at(".")})
	}
	for i := range objects {
		metadata, _ := objects[i].Fields["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		mark, _ := annotations[whichAnnotation].(string)
		delete(annotations, whichAnnotation)
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
		if which, err := strconv.Atoi(mark); err == nil && which >= 0 && which < len(before) {
			objects[i].Origin = before[which].Origin
		}
	}
	return objects, nil
}
