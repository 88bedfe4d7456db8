package inplace

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

var notInFileNames = regexp.MustCompile(`[^a-z0-9.-]+`)

// fileName is made of the kind and the name alone, and stays in its folder.
func fileName(id plugin.ObjectID) string {
	const longest = 200
	name := notInFileNames.ReplaceAllString(strings.ToLower(id.Kind+"-"+id.Name), "-")
	return strings.Trim(name[:min(len(name), longest)], ".-") + ".yaml"
}

// fileName is that of the object as the component sees it, unless it is taken.
func (t task) fileName(taken map[string]bool) string {
	id := t.target.ID()
	if t.target.Fields == nil {
		id = t.object.ID()
	}
	name := fileName(id)
	for number := 2; taken[name]; number++ {
		name = fmt.Sprintf("%s-%d.yaml", strings.TrimSuffix(fileName(id), ".yaml"), number)
	}
	return name
}

// patch is the text of an object's file in the component, and its entry in the
// list of patches. An object that hardening adds is its own text.
func (t task) patch(file string) (text []byte, entry map[string]any, err error) {
	if t.target.Fields == nil {
		text, err := plugin.YAMLEncoding{}.Encode([]plugin.Object{t.object})
		return text, nil, err
	}
	if merges(t.target.ID().Group()) {
		text, err := t.merge()
		return text, map[string]any{"path": file}, err
	}
	id := t.target.ID()
	selector := map[string]any{"kind": id.Kind, "name": regexp.QuoteMeta(id.Name), "version": id.APIVersion[strings.LastIndexByte(id.APIVersion, '/')+1:]}
	if group := id.Group(); group != "" {
		selector["group"] = group
	}
	if id.Namespace != "" {
		selector["namespace"] = id.Namespace
	}
	text, err = t.operations()
	return text, map[string]any{"path": file, "target": selector}, err
}

// merges reports whether kustomize knows the merge keys of a group's lists;
// it replaces lists of other kinds as a whole.
func merges(group string) bool { return slices.Contains([]string{"", "apps", "batch"}, group) }

// merge is a strategic merge patch. A list in it names all items of the
// object's list, as those that a patch names come first otherwise.
func (t task) merge() ([]byte, error) {
	id := t.target.ID()
	metadata := map[string]any{"name": id.Name}
	if id.Namespace != "" {
		metadata["namespace"] = id.Namespace
	}
	patch := map[string]any{"apiVersion": id.APIVersion, "kind": id.Kind, "metadata": metadata}
	for _, change := range t.changes {
		path, err := t.inTarget(change.path)
		if err != nil {
			return nil, err
		}
		if _, err := mergeAt(patch, t.target.Fields, path, change.value); err != nil {
			return nil, err
		}
	}
	text, err := yaml.Marshal(patch)
	if err != nil {
		return nil, fmt.Errorf("writing a patch: %w", err)
	}
	return text, nil
}

// mergeKey is the field by which kustomize tells the items of a list apart.
func mergeKey(list string) string {
	switch list {
	case "containers", "initContainers", "ephemeralContainers", "volumes":
		return "name"
	case "volumeMounts":
		return "mountPath"
	}
	return ""
}

// mergeAt puts a value into a patch, beside what it holds, and returns the part
// of the patch at hand.
func mergeAt(patch, target any, path []any, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	name, isName := path[0].(string)
	members, _ := patch.(map[string]any)
	if !isName {
		return nil, errors.New("a list has no names for its items")
	}
	if members == nil {
		members = map[string]any{}
	}
	below, _ := target.(map[string]any)
	if len(path) == 1 || mergeKey(name) == "" {
		inner, err := mergeAt(members[name], below[name], path[1:], value)
		members[name] = inner
		return members, err
	}
	items, err := namedItems(members[name], below[name], mergeKey(name))
	if err != nil {
		return nil, err
	}
	switch step := path[1].(type) {
	case yamltext.End:
		items = append(items, value)
	case int:
		list, _ := below[name].([]any)
		if items[step], err = mergeAt(items[step], list[step], path[2:], value); err != nil {
			return nil, err
		}
	}
	members[name] = items
	return members, nil
}

// namedItems are a patch's items for every item of a list, in order.
func namedItems(patched, list any, key string) ([]any, error) {
	if items, made := patched.([]any); made {
		return items, nil
	}
	original, _ := list.([]any)
	items := make([]any, 0, len(original)+1)
	seen := map[any]bool{}
	for _, item := range original {
		members, _ := item.(map[string]any)
		name, isText := members[key].(string)
		if !isText || seen[name] {
			return nil, fmt.Errorf("an item of a list has no %s of its own", key)
		}
		seen[name] = true
		items = append(items, map[string]any{key: name})
	}
	return items, nil
}

// inTarget is a path in the object as the component sees it: list items are
// found by their names.
func (t task) inTarget(path []any) ([]any, error) {
	var have, want any = t.object.Fields, t.target.Fields
	out := make([]any, 0, len(path))
	for i, step := range path {
		switch step := step.(type) {
		case string:
			members, _ := have.(map[string]any)
			below, _ := want.(map[string]any)
			have, want = members[step], below[step]
			out = append(out, step)
		case int:
			items, _ := have.([]any)
			list, _ := want.([]any)
			item, _ := items[step].(map[string]any)
			parent, _ := path[i-1].(string)
			key := mergeKey(parent)
			if key == "" {
				key = "name"
			}
			at := slices.IndexFunc(list, func(other any) bool {
				members, _ := other.(map[string]any)
				return members[key] == item[key] && item[key] != nil
			})
			if at < 0 {
				return nil, fmt.Errorf("%s %v comes from a patch of the kustomization or from a mutation of the platform, which components do not see", strings.TrimSuffix(parent, "s"), item[key])
			}
			have, want = item, list[at]
			out = append(out, at)
		default:
			out = append(out, step)
		}
	}
	return out, nil
}

// operations is a JSON 6902 patch, for kinds whose lists kustomize cannot
// merge. A test of the name stands in front of what is written into an item.
func (t task) operations() ([]byte, error) {
	var operations []any
	for _, change := range t.changes {
		path, err := t.inTarget(change.path)
		if err != nil {
			return nil, err
		}
		var pointer strings.Builder
		var at any = t.target.Fields
		for _, step := range path {
			switch step := step.(type) {
			case string:
				pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
				members, _ := at.(map[string]any)
				at = members[step]
			case int:
				fmt.Fprintf(&pointer, "/%d", step)
				items, _ := at.([]any)
				members, _ := items[step].(map[string]any)
				at = members
				operations = append(operations, map[string]any{"op": "test", "path": pointer.String() + "/name", "value": members["name"]})
			case yamltext.End:
				pointer.WriteString("/-")
			}
		}
		operations = append(operations, map[string]any{"op": "add", "path": pointer.String(), "value": change.value})
	}
	text, err := yaml.Marshal(operations)
	if err != nil {
		return nil, fmt.Errorf("writing a patch: %w", err)
	}
	return text, nil
}
