package render

import (
	"strings"
	"testing"
)

// TestRender_WhatKustomizeStopsAtIsToldAsForPlainManifests: by the resource's
// own line, rule and words.
func TestRender_WhatKustomizeStopsAtIsToldAsForPlainManifests(t *testing.T) {
	const one, both = "resources:\n- a.yaml\n", "resources:\n- a.yaml\n- sub\n"
	for _, bad := range []badSource{
		{
			name: "an object twice", rule: ruleDuplicate, part: "configmap/a is rendered twice, also from a.yaml:1", origin: "a.yaml:6", without: "accumulat",
			files: map[string]string{"kustomization.yaml": one, "a.yaml": goodConfigMap + "---\n" + goodConfigMap}, repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an object twice in two folders", rule: ruleDuplicate, part: "also from a.yaml:1", origin: "sub/a.yaml:2",
			files:  map[string]string{"kustomization.yaml": both, "a.yaml": goodConfigMap, "sub/kustomization.yaml": one, "sub/a.yaml": "\n" + goodConfigMap},
			repair: map[string]string{"sub/a.yaml": strings.Replace(goodConfigMap, "name: a", "name: b", 1)},
		},
		{
			name: "a file twice", rule: ruleDuplicate, part: "taken in on two ways", origin: "sub/a.yaml:1",
			files:  map[string]string{"kustomization.yaml": "resources:\n- more\n- sub\n", "more/kustomization.yaml": "resources:\n- ../sub\n", "sub/kustomization.yaml": one, "sub/a.yaml": goodConfigMap},
			repair: map[string]string{"more/kustomization.yaml": "resources:\n- ../sub\nnamePrefix: b-\n"},
		},
		{
			name: "an object and a generator's", rule: ruleDuplicate, part: "also from a.yaml:1", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": one + "configMapGenerator:\n- name: a\n  literals: [k=v]\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": one},
		},
		{
			name: "an object of a group twice", rule: ruleDuplicate, part: "deployment/shop/a is rendered twice", origin: "a.yaml:6",
			files:  map[string]string{"kustomization.yaml": one, "a.yaml": strings.Repeat("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop}\n", 2)},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an object without kind", rule: ruleNotAnObject, part: "has no kind", origin: "a.yaml:6",
			files: map[string]string{"kustomization.yaml": one, "a.yaml": goodConfigMap + "---\napiVersion: v1\nmetadata: {name: b}\n"}, repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an object without a name", rule: ruleNotAnObject, part: "has no metadata.name", origin: "a.yaml:1",
			files: map[string]string{"kustomization.yaml": one, "a.yaml": "apiVersion: v1\nkind: Pod\n"}, repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an item without kind", rule: ruleNotAnObject, part: "has no kind", origin: "a.yaml:1",
			files: map[string]string{"kustomization.yaml": one, "a.yaml": "kind: List\napiVersion: v1\nitems:\n- apiVersion: v1\n  metadata: {name: x}\n"}, repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "text", rule: ruleNotAnObject, part: "a document is a string", origin: "sub/a.yaml:6",
			files: map[string]string{"kustomization.yaml": both, "a.yaml": goodConfigMap, "sub/kustomization.yaml": one, "sub/a.yaml": goodConfigMap + "---\ntext\n"}, repair: map[string]string{"sub/a.yaml": strings.Replace(goodConfigMap, "name: a", "name: b", 1)},
		},
		{
			name: "broken YAML", rule: ruleInvalid, part: "not valid YAML", origin: "a.yaml:6",
			files: map[string]string{"kustomization.yaml": one, "a.yaml": goodConfigMap + "---\na: b: c\n"}, repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a broken kustomization", rule: ruleInvalid, part: "did not find expected", origin: "kustomization.yaml:3", without: "line",
			files: map[string]string{"kustomization.yaml": one + "patches: [\n", "a.yaml": goodConfigMap}, repair: map[string]string{"kustomization.yaml": one},
		},
		{
			name: "a patch of nothing", rule: ruleInvalid, part: "no resource matches", origin: "kustomization.yaml",
			files: map[string]string{"kustomization.yaml": one + "patches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}'\n", "a.yaml": goodConfigMap}, repair: map[string]string{"kustomization.yaml": one},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}
