package render

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

const quotedSecret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"

// TestRender_PatchThatFailsIsNotQuoted: kustomize writes the whole of a patch
// into its errors, and some of its values. They may be passwords.
func TestRender_PatchThatFailsIsNotQuoted(t *testing.T) {
	const noPatch = "unable to parse SM or JSON patch from"
	for patch, part := range map[string]string{
		"stringData: {password: hunter2":                "did not find expected ',' or '}'",
		"stringData: {password: `: hunter2 `":           noPatch,
		"stringData: {a: b\"] hunter2 [patch: \"":       noPatch,
		"stringData: {password: hunter2}":               noPatch,
		"stringData:\n  password: *hunter2":             "unknown anchor",
		"stringData:\n  a: b\n  password: x: hunter2\n": "line 3 of it: mapping values",
		"hunter2":               noPatch,
		"\thunter2":             noPatch,
		"- hunter2":             noPatch,
		"\xff hunter2":          noPatch,
		"%hunter2 x\n---\na: b": "unknown directive",
		"[{op: hunter2, path: /a, value: hunter2}]":                 noPatch,
		"- op: test\n  path: /stringData/x\n  value: hunter2\n":     "",
		quotedSecret + "stringData: hunter2\n":                      "wrong node kind",
		quotedSecret + "stringData: [hunter2, \"}\", hunter2]\n":    "wrong node kind",
		quotedSecret + "stringData: {$patch: \"' hunter2 ' x\"}\n":  "unknown patch strategy",
		"apiVersion: v1\nkind: {a: hunter2}\nmetadata: {name: a}\n": noPatch,
		"apiVersion: v1\nkind: Secret\nmetadata: hunter2\n":         noPatch,
		"kind: List\nitems: [{stringData: hunter2}]\n":              noPatch,
		quotedSecret + "---\nhunter2\n":                             noPatch,
	} {
		for _, target := range []string{"", "{kind: Secret}"} {
			const page, whole = "resources: [a.yaml]\n", quotedSecret + "stringData: {x: y}\n"
			files := map[string]string{"kustomization.yaml": page, "a.yaml": whole}
			parameters := plugin.Parameters{Kustomize: plugin.KustomizeParameters{Patches: []plugin.KustomizePatch{
				{Patch: quotedSecret + "stringData: {first: value}\n", Target: target}, {Patch: patch, Target: target},
			}}}
			source := plugin.Source{Root: writeTree(t, files), Path: ".", Parameters: parameters}
			_, err := newRenderer().Render(t.Context(), source)
			refusal := refused(t, err, ruleInvalid, part)
			if strings.Contains(refusal.Error(), "hunter2") || strings.Contains(refusal.Error(), "first: value") {
				t.Errorf("%q is quoted: %v", patch, refusal)
			}
			if strings.HasPrefix(part, "unable") && !strings.Contains(refusal.Error(), "patch 2 of the parameters") {
				t.Errorf("%q: nobody can tell which patch it is: %v", patch, refusal)
			}
			source.Parameters.Kustomize.Patches = parameters.Kustomize.Patches[:1]
			mustRender(t, source)
		}
	}
}

func TestRender_InlinePatchOfAKustomizationIsNamedByItsPlace(t *testing.T) {
	files := map[string]string{
		"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: [a.yaml]\npatches:\n- patch: 'stringData: {password: hunter2'\n",
		"base/a.yaml": goodConfigMap,
	}
	_, err := newRenderer().Render(t.Context(), plugin.Source{Root: writeTree(t, files), Path: "."})
	if refusal := refused(t, err, ruleInvalid, "patch 1 of base/kustomization.yaml: line 1 of it"); strings.Contains(refusal.Error(), "hunter2") {
		t.Errorf("it is quoted: %v", refusal)
	}
	files["base/kustomization.yaml"] = "resources: [a.yaml]\npatches:\n- patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {password: hunter2}}'\n"
	mustRender(t, plugin.Source{Root: writeTree(t, files), Path: "."})
}
