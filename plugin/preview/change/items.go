package change

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// keysOf are the fields that tell the items of a list apart, the best first: the
// merge keys of the Kubernetes API (patchMergeKey, listMapKey in k8s.io/api), a
// name before them where an item has one that merging does not use, and for
// lists of other kinds what usually identifies.
func keysOf(list string) [][]string {
	switch list {
	case "ports":
		return [][]string{{"name"}, {"containerPort"}, {"containerPort", "protocol"}, {"port"}, {"port", "protocol"}}
	case "volumeMounts":
		return [][]string{{"mountPath"}}
	case "volumeDevices":
		return [][]string{{"devicePath"}}
	case "hostAliases":
		return [][]string{{"ip"}}
	case "topologySpreadConstraints":
		return [][]string{{"topologyKey"}, {"topologyKey", "whenUnsatisfiable"}}
	case "items":
		return [][]string{{"key"}, {"name"}, {"path"}}
	case "ownerReferences":
		return [][]string{{"uid"}, {"name"}}
	case "conditions", "rules", "metrics":
		return [][]string{{"type"}, {"host"}, {"name"}}
	case "matchExpressions", "tolerations":
		return [][]string{{"key"}, {"key", "operator"}, {"key", "operator", "effect"}}
	case "paths":
		return [][]string{{"path"}, {"path", "pathType"}}
	}
	return [][]string{{"name"}, {"id"}, {"key"}, {"host"}}
}

// names are what the items of a list are called on both sides.
type names struct{ was, now []string }

// namesOf calls items by the first fields that tell them apart on both sides;
// false when none do.
func namesOf(list string, was, now []any) (names, bool) {
	for _, keys := range keysOf(list) {
		wasNames, ok := namesBy(keys, was)
		if !ok {
			continue
		}
		if nowNames, ok := namesBy(keys, now); ok {
			return names{wasNames, nowNames}, true
		}
	}
	return names{}, false
}

func namesBy(keys []string, items []any) ([]string, bool) {
	out := make([]string, len(items))
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		fields, _ := item.(map[string]any)
		name, ok := nameBy(keys, fields)
		if !ok || seen[name] {
			return nil, false
		}
		seen[name], out[i] = true, name
	}
	return out, true
}

// nameBy is "name=web"; the first of the keys has to be there, and all have to be
// scalars.
func nameBy(keys []string, fields map[string]any) (string, bool) {
	var parts []string
	for i, key := range keys {
		text := ""
		switch value := fields[key].(type) {
		case string:
			text = quoted(value)
		case int64:
			text = strconv.FormatInt(value, 10)
		case int:
			text = strconv.Itoa(value)
		case nil:
			if i == 0 {
				return "", false
			}
			continue
		default:
			return "", false
		}
		parts = append(parts, key+"="+text)
	}
	return strings.Join(parts, ","), true
}

// quoted is a text as it stands within brackets: bare where no reader can take
// it for something else.
func quoted(text string) string {
	plain := func(char rune) bool { return char > ' ' && char < 0x7f && !strings.ContainsRune(`[]"=,\`, char) }
	if text != "" && strings.IndexFunc(text, func(char rune) bool { return !plain(char) }) < 0 {
		return text
	}
	return exact(text)
}

// isSet reports whether the order of the scalars in a list means nothing (the
// listType=set and atomic lists of k8s.io/api that are read as sets).
func isSet(path []step) bool {
	switch listName(path) {
	case "finalizers", "verbs", "resources", "apiGroups", "resourceNames", "nonResourceURLs", "accessModes", "add", "drop",
		"policyTypes", "operations", "apiVersions", "shortNames", "categories", "hosts", "sourceRanges", "loadBalancerSourceRanges", "externalIPs", "namespaces", "ipFamilies":
		return true
	}
	return false
}

// ordered reports whether the order of named items means something: what starts
// first, and what may refer to what stands before it.
func ordered(path []step) bool {
	return slices.Contains([]string{"initContainers", "containers", "env", "envFrom"}, listName(path))
}

func scalars(items []any) bool {
	return !slices.ContainsFunc(items, func(item any) bool {
		switch item.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

func sameItems(was, now []any) bool {
	return slices.Equal(sortedTexts(was), sortedTexts(now))
}

func sortedTexts(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = exact(item)
	}
	slices.Sort(out)
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// equal compares values of JSON's types; a number with a point is not equal to
// one without.
func equal(was, now any) bool {
	switch was := was.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		return ok && (was == nil) == (now == nil) && maps.EqualFunc(was, now, equal)
	case []any:
		now, ok := now.([]any)
		return ok && (was == nil) == (now == nil) && slices.EqualFunc(was, now, equal)
	}
	switch now.(type) {
	case map[string]any, []any:
		return false
	}
	return was == now
}

// fieldName writes a path of one side as the comparison does, by the names of
// items instead of their places.
func fieldName(fields map[string]any, path string) string {
	parts, err := plugin.SplitField(path)
	if err != nil {
		return path
	}
	var steps []step
	var value any = fields
	for _, part := range parts {
		place, isPlace := strings.CutPrefix(part, "[")
		if !isPlace {
			members, _ := value.(map[string]any)
			value = members[part]
			steps = append(steps, step{text: part})
			continue
		}
		place = strings.TrimSuffix(place, "]")
		items, _ := value.([]any)
		value = nil
		if i, err := strconv.Atoi(place); err == nil && i < len(items) {
			value = items[i]
			if called, ok := namesOf(listName(steps), items, nil); ok {
				place = called.was[i]
			}
		}
		steps = append(steps, step{place, true})
	}
	return pathOf(steps)
}
