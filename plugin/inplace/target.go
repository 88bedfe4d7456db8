package inplace

import (
	"context"
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// transformers are the fields by which a kustomization changes what its
// resources and components brought.
func transformers() []string {
	return []string{
		"namePrefix", "nameSuffix", "namespace", "commonLabels", "labels", "commonAnnotations", "patches", "patchesStrategicMerge", "patchesJson6902",
		"images", "replicas", "replacements", "vars", "transformers", "validators", "sortOptions",
	}
}

// nameTargets finds what each object is called when components see it: they run
// before the kustomization's own prefixes, namespace and patches. The
// kustomization is rendered with and without those, in the order of reading.
func (m *maker) nameTargets(ctx context.Context, k *kustomization, todo []task) ([]task, error) {
	inOrder := map[string]any{"order": "fifo"}
	whole := k.without(componentFolder)
	bare := maps.Clone(whole)
	for _, field := range transformers() {
		delete(bare, field)
	}
	whole["sortOptions"], bare["sortOptions"] = inOrder, inOrder
	named, err := m.render(ctx, k, whole)
	if err != nil {
		return nil, err
	}
	seen, err := m.render(ctx, k, bare)
	if err != nil || len(seen) != len(named) {
		for _, each := range todo {
			m.leave(each, "it is not clear what the object is called when a component sees it", hintByHand)
		}
		return nil, nil
	}
	numbers := map[plugin.ObjectID][]int{}
	for i, object := range named {
		numbers[object.ID()] = append(numbers[object.ID()], i)
	}
	targets := make([]*plugin.Object, len(m.filled.Before))
	for i, object := range m.filled.Before {
		if same := numbers[object.ID()]; len(same) > 0 {
			targets[i] = &seen[same[0]]
			numbers[object.ID()] = same[1:]
		}
	}
	var found []task
	for _, each := range todo {
		if each.index < len(targets) {
			if targets[each.index] == nil {
				m.leave(each, "it is not clear what the object is called when a component sees it", hintByHand)
				continue
			}
			each.target = *targets[each.index]
		}
		found = append(found, each)
	}
	return slices.Clip(found), nil
}

func (m *maker) render(ctx context.Context, k *kustomization, fields map[string]any) ([]plugin.Object, error) {
	source, err := k.overlay(m.source, fields)
	if err != nil {
		return nil, err
	}
	rendering, err := m.hardening.Render(ctx, source)
	return rendering.Objects, err
}
