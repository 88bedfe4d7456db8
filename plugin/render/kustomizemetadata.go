package render

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assay-gitops/assay/plugin"
)

// setReplicaCounts is `kustomize edit set replicas`: an entry of the same name
// is replaced, and the list is sorted by name.
func setReplicaCounts(k *types.Kustomization, wanted []plugin.KustomizeReplica) {
	if len(wanted) == 0 {
		return
	}
	counts := map[string]int64{}
	for _, present := range k.Replicas {
		counts[present.Name] = present.Count
	}
	for _, replica := range wanted {
		counts[replica.Name] = replica.Count
	}
	k.Replicas = nil
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		k.Replicas = append(k.Replicas, types.Replica{Name: name, Count: counts[name]})
	}
}

// metadataEdit is one `kustomize edit add label` or `add annotation`.
type metadataEdit struct {
	what   string
	values map[string]string
	force  bool
}

// addMetadata adds values to a mapping of the kustomization.
func addMetadata(into *map[string]string, edit metadataEdit) error {
	if len(edit.values) == 0 {
		return nil
	}
	added := maps.Clone(*into)
	if added == nil {
		added = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(edit.values)) {
		if _, has := added[name]; has && !edit.force {
			return &plugin.Refusal{
				Rule: ruleInvalid, Message: fmt.Sprintf("the %s %q of the parameters is in the kustomization already", edit.what, name),
				Hint: fmt.Sprintf("remove one of them, or let the parameters win: forceCommon%ss", strings.ToUpper(edit.what[:1])+edit.what[1:]),
			}
		}
		added[name] = unquoted(edit.values[name])
	}
	*into = added
	return nil
}

// unquoted is a value as the command line of kustomize reads it.
func unquoted(value string) string {
	if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		return value[1 : len(value)-1]
	}
	return value
}

// addLabels adds labels to everything, or leaves selectors alone. Labels with
// the same settings share an entry.
func addLabels(k *types.Kustomization, parameters plugin.KustomizeParameters) error {
	edit := metadataEdit{"label", parameters.CommonLabels, parameters.ForceCommonLabels}
	switch {
	case len(edit.values) == 0:
		return nil
	case !parameters.LabelWithoutSelector && parameters.LabelIncludeTemplates:
		return &plugin.Refusal{
			Rule: ruleInvalid, Message: "labelIncludeTemplates is set without labelWithoutSelector, which kustomize refuses",
			Hint: "set labelWithoutSelector too, or leave both out: labels are then set in templates and selectors",
		}
	case !parameters.LabelWithoutSelector:
		return addMetadata(&k.CommonLabels, edit)
	}
	for i := range k.Labels {
		if !k.Labels[i].IncludeSelectors && k.Labels[i].IncludeTemplates == parameters.LabelIncludeTemplates {
			return addMetadata(&k.Labels[i].Pairs, edit)
		}
	}
	label := types.Label{IncludeTemplates: parameters.LabelIncludeTemplates}
	k.Labels = append(k.Labels, label)
	return addMetadata(&k.Labels[len(k.Labels)-1].Pairs, edit)
}

// addComponents is `kustomize edit add component`: a pattern stands for what it
// matches, and one that the kustomization has is not added again.
func (b *kustomizeBuild) addComponents(k *types.Kustomization, parameters plugin.KustomizeParameters) error {
	for _, written := range parameters.Components {
		found := []string{written}
		name, err := within(b.folder, written)
		if err != nil {
			return refuseRead(err, plugin.Origin{})
		}
		switch {
		case strings.ContainsAny(written, `*?[\`):
			if found, err = b.matching(name); err != nil {
				return err
			}
		case parameters.IgnoreMissingComponents && !b.files.isFolder(name) && !b.files.isFile(name):
			continue
		}
		for _, component := range found {
			if !slices.Contains(k.Components, component) {
				k.Components = append(k.Components, component)
			}
		}
	}
	return nil
}

// matching lists what a pattern matches, relative to the build's folder.
func (b *kustomizeBuild) matching(pattern string) ([]string, error) {
	matches, err := fs.Glob(treeFiles{b.files.tree}, pattern)
	if err != nil {
		return nil, invalid(plugin.Origin{}, fmt.Sprintf("the component pattern %q is not a glob", pattern), err)
	}
	for i, match := range matches {
		matches[i] = relative(b.folder, path.Clean(match))
	}
	return matches, nil
}
