package render

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func fluxWith(parameters plugin.FluxParameters) plugin.Parameters {
	return plugin.Parameters{Kind: KindFlux, Flux: parameters}
}

func substituting(values map[string]string) plugin.FluxParameters {
	return plugin.FluxParameters{PostBuild: &plugin.FluxPostBuild{Substitute: values}}
}

func strictly(values map[string]string) plugin.FluxParameters {
	return plugin.FluxParameters{PostBuild: &plugin.FluxPostBuild{Substitute: values, Strict: true}}
}

const (
	component    = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator: [{name: more, literals: [a=b]}]\n"
	variableText = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  v: x${VALUE}\n"
)

func TestFlux_WhatLeadsOutOfTheTreeIsRefusedWithTheLine(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	flux := fluxWith(plugin.FluxParameters{})
	for _, bad := range []badSource{
		{
			name: "remote base", rule: ruleRemote, part: "example.com/x.yaml", without: "password", origin: "kustomization.yaml:3", parameters: flux, repaired: flux,
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\n- https://user:password@example.com/x.yaml\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "climbs out of the tree", rule: ruleEscape, part: "out of the source tree", origin: "kustomization.yaml:2", parameters: flux, repaired: flux,
			files:  map[string]string{"kustomization.yaml": "resources:\n- ../../etc/passwd\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "absolute path", rule: ruleEscape, part: "absolute", origin: "kustomization.yaml:4", parameters: flux, repaired: flux,
			files:  map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd=/etc/passwd\n"},
			repair: map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd\n", "passwd": "x"},
		},
		{
			name: "symlink out of the tree, without a kustomization", rule: ruleEscape, part: "symlink", origin: "b.yaml", parameters: flux, repaired: flux,
			files: map[string]string{"a.yaml": goodConfigMap}, links: map[string]string{"b.yaml": "/etc/passwd"},
			repair: map[string]string{"b.yaml": strings.Replace(goodConfigMap, "name: a", "name: b", 1)},
		},
		{
			name: "symlink out of the tree that is no manifest", rule: ruleEscape, part: "symlink", origin: "sub/readme", parameters: flux, repaired: flux,
			files: map[string]string{"a.yaml": goodConfigMap}, links: map[string]string{"sub/readme": "/etc/passwd"},
			repair: map[string]string{"sub/readme": "x"},
		},
		{
			name: "symlink to a folder with a manifest's name", rule: ruleInvalid, part: "folder", origin: "b.yaml", parameters: flux, repaired: flux,
			files: map[string]string{"a.yaml": goodConfigMap, "sub/x": ""}, links: map[string]string{"b.yaml": "sub"},
			repair: map[string]string{"b.yaml": ""},
		},
		{
			name: "a chart in a kustomization", rule: ruleNotSupported, part: "charts", origin: "kustomization.yaml:4", parameters: flux, repaired: flux,
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\nhelmCharts:\n- name: c\n", "a.yaml": goodConfigMap, "charts/c/Chart.yaml": goodChart},
			repair: map[string]string{"kustomization.yaml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestFlux_FieldsThatCannotBeMetAreRefused(t *testing.T) {
	tree := map[string]string{"app/kustomization.yaml": "resources:\n- a.yaml\n", "app/a.yaml": goodConfigMap, "parts/more/kustomization.yaml": component}
	fine := plugin.FluxParameters{Components: []string{"../parts/more"}}
	for _, bad := range []badSource{
		{name: "a missing component", rule: ruleMissing, part: `"../parts/nore"`, parameters: fluxWith(plugin.FluxParameters{Components: []string{"../parts/nore"}}), repaired: fluxWith(fine)},
		{name: "a missing component is ignored", rule: ruleMissing, part: `"../parts/nore"`, parameters: fluxWith(plugin.FluxParameters{Components: []string{"../parts/nore"}}), repaired: fluxWith(plugin.FluxParameters{Components: []string{"../parts/nore"}, IgnoreMissingComponents: true})},
		{name: "a component out of the tree is not ignored", rule: ruleEscape, part: "out of the source tree", parameters: fluxWith(plugin.FluxParameters{Components: []string{"../../x"}, IgnoreMissingComponents: true}), repaired: fluxWith(fine)},
		{name: "a remote component", rule: ruleRemote, part: "github.com/a/b", parameters: fluxWith(plugin.FluxParameters{Components: []string{"github.com/a/b"}}), repaired: fluxWith(fine)},
		{name: "a patch without an object", rule: ruleInvalid, part: "patch 1 of the parameters", without: "hunter2", origin: "app/kustomization.yaml", parameters: fluxWith(plugin.FluxParameters{Patches: []plugin.FluxPatch{{Patch: "data: {p: hunter2}"}}}), repaired: fluxWith(plugin.FluxParameters{Patches: []plugin.FluxPatch{{Patch: goodConfigMap + "data: {p: hunter2}\n"}}})},
		{name: "another tool's parameters", rule: ruleNotSupported, part: "kustomize's parameters", parameters: plugin.Parameters{Kind: KindFlux, Kustomize: plugin.KustomizeParameters{NamePrefix: "x-"}}, repaired: fluxWith(plugin.FluxParameters{NamePrefix: "x-"})},
		{name: "a plain directory's", rule: ruleNotSupported, part: "plain directory", parameters: plugin.Parameters{Kind: KindFlux, Directory: plugin.DirectoryParameters{Recurse: true}}, repaired: fluxWith(fine)},
		{name: "Flux's for another tool", rule: ruleNotSupported, part: "Flux Kustomization", parameters: plugin.Parameters{Flux: plugin.FluxParameters{NamePrefix: "x-"}}, repaired: fluxWith(plugin.FluxParameters{NamePrefix: "x-"})},
		{name: "values", rule: ruleNotSupported, part: "no Helm chart", parameters: plugin.Parameters{Kind: KindFlux, Helm: plugin.HelmParameters{Values: "a: b"}}, repaired: fluxWith(fine)},
	} {
		bad.path, bad.files = "app", tree
		if bad.origin == "" {
			bad.origin = "app"
		}
		t.Run(bad.name, bad.run)
	}
}

func TestFlux_VariablesThatCannotBeFilledInAreRefused(t *testing.T) {
	good := fluxWith(strictly(map[string]string{"VALUE": "1"}))
	script := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  s: echo ${all[@]}\n"
	for _, bad := range []badSource{
		{name: "strict, and no value", rule: ruleUnresolved, part: "VALUE", origin: "a.yaml:6", parameters: fluxWith(strictly(map[string]string{"OTHER": "1"})), repaired: good, files: map[string]string{"a.yaml": variableText}},
		{name: "strict, no value, a default", rule: ruleUnresolved, part: "VALUE", origin: "a.yaml:6", parameters: fluxWith(strictly(map[string]string{"OTHER": "1"})), repaired: fluxWith(strictly(map[string]string{"OTHER": "1"})), files: map[string]string{"a.yaml": variableText}, repair: map[string]string{"a.yaml": strings.Replace(variableText, "VALUE", "VALUE:=1", 1)}},
		{name: "an image without its tag", rule: ruleUnresolved, part: "in the place of TAG, pod/web", origin: "a.yaml:8", parameters: fluxWith(substituting(map[string]string{"OTHER": "1"})), repaired: fluxWith(substituting(map[string]string{"TAG": "1"})), files: map[string]string{"a.yaml": strings.Replace(fluxPod, "${TAG}/web:1", "web:${TAG}", 1)}},
		{name: "a name that is none", rule: ruleInvalid, part: `"my.value"`, without: "hunter2", parameters: fluxWith(substituting(map[string]string{"my.value": "hunter2"})), repaired: fluxWith(substituting(map[string]string{"my_value": "hunter2"})), files: map[string]string{"a.yaml": variableText}},
		{name: "a value that breaks the YAML", rule: ruleInvalid, part: "variables filled in", without: "hunter2", origin: "a.yaml:1", parameters: fluxWith(substituting(map[string]string{"VALUE": ": *hunter2"})), repaired: fluxWith(substituting(map[string]string{"VALUE": "-hunter2"})), files: map[string]string{"a.yaml": variableText}},
		{name: "an alias of nothing", rule: ruleInvalid, part: "variables filled in", without: "hunter2", origin: "a.yaml:1", parameters: fluxWith(substituting(map[string]string{"VALUE": "*hunter2"})), repaired: good, files: map[string]string{"a.yaml": strings.Replace(variableText, "x$", "$", 1)}},
		{name: "a script", rule: ruleInvalid, part: "looking for variables in configmap/a", origin: "a.yaml:1", parameters: good, repaired: good, files: map[string]string{"a.yaml": script}, repair: map[string]string{"a.yaml": strings.Replace(script, "name: a", "name: a\n  annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}", 1)}},
		{name: "a script, escaped", rule: ruleInvalid, part: "looking for variables in configmap/a", origin: "a.yaml:1", parameters: good, repaired: good, files: map[string]string{"a.yaml": script}, repair: map[string]string{"a.yaml": strings.Replace(script, "${", "$${", 1)}},
		{name: "two objects of one name", rule: ruleDuplicate, part: "the name of another", origin: "b.yaml:1", parameters: fluxWith(substituting(map[string]string{"N": "a"})), repaired: fluxWith(substituting(map[string]string{"N": "b"})), files: map[string]string{"a.yaml": goodConfigMap, "b.yaml": strings.Replace(goodConfigMap, "name: a", "name: ${N}", 1)}},
		{name: "more than a rendering may be", rule: ruleLimit, part: "renderedBytes", without: "hunter2", origin: "a.yaml:1", parameters: fluxWith(substituting(map[string]string{"VALUE": strings.Repeat("hunter2", 1<<18)})), repaired: good, files: map[string]string{"a.yaml": variableText + strings.Repeat("# ${VALUE}\n", 1) + "  w: " + strings.Repeat("${VALUE}", 100) + "\n"}},
		{name: "more variables than are looked at", rule: ruleLimit, part: "dollar signs", origin: "a.yaml:1", parameters: good, repaired: good, files: map[string]string{"a.yaml": variableText + "  w: " + strings.Repeat("${VALUE}", mostVariables) + "\n"}, repair: map[string]string{"a.yaml": variableText + "  w: " + strings.Repeat("${VALUE}", 1000) + "\n"}},
		{name: "more escapes than are copied", rule: ruleLimit, part: "dollar signs", origin: "a.yaml:1", parameters: good, repaired: good, files: map[string]string{"a.yaml": variableText + "  w: " + strings.Repeat("$$", 1<<16) + "\n"}, repair: map[string]string{"a.yaml": variableText + "  w: " + strings.Repeat("$$", 1<<10) + "\n"}},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestFlux_APathThatIsNotThereIsRefusedWithThoseNearIt(t *testing.T) {
	root := writeTree(t, map[string]string{"apps/web/a.yaml": goodConfigMap, "apps/api/a.yaml": goodConfigMap, "infra/x": ""})
	for path, near := range map[string]string{"apps/wbe": "apps/api, apps/web", "aps/web/deep": "apps, infra"} {
		_, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: path, Parameters: fluxWith(plugin.FluxParameters{})})
		refusal := refused(t, err, ruleMissing, path)
		if !strings.HasSuffix(refusal.Hint, "there are "+near) {
			t.Errorf("the hint is %q, want %s", refusal.Hint, near)
		}
	}
	_, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: "apps/web/a.yaml", Parameters: fluxWith(plugin.FluxParameters{})})
	refused(t, err, ruleInvalid, "is no folder")
	mustRender(t, plugin.Source{Root: root, Path: "apps/web", Parameters: fluxWith(plugin.FluxParameters{})})
}

func TestFlux_AFieldThatNobodyKnowsIsWarnedAbout(t *testing.T) {
	for text, want := range map[string]int{"resources:\n- a.yaml\ncommonLabel: {a: b}\n": 1, "resources:\n- a.yaml\ncommonLabels: {a: b}\n": 0} {
		root := writeTree(t, map[string]string{"kustomization.yaml": text, "a.yaml": goodConfigMap})
		rendering := mustRender(t, plugin.Source{Root: root, Path: ".", Parameters: fluxWith(plugin.FluxParameters{})})
		if len(rendering.Findings) != want {
			t.Errorf("%q: findings %v", text, rendering.Findings)
		}
		if want > 0 && (rendering.Findings[0].Level != plugin.Warn || rendering.Findings[0].Origin.Line != 3) {
			t.Errorf("got %+v", rendering.Findings[0])
		}
	}
}

func TestFlux_OurOwnFileBesideTheManifestsIsLeftOut(t *testing.T) {
	root := writeTree(t, map[string]string{"a.yaml": goodConfigMap, plugin.LockFile: "version: 1\n"})
	if got := mustRender(t, plugin.Source{Root: root, Path: ".", Parameters: fluxWith(plugin.FluxParameters{})}).Objects; len(got) != 1 {
		t.Errorf("got %d objects", len(got))
	}
}

func TestFlux_AComponentAmongTheResourcesIsSaidToBeOne(t *testing.T) {
	files := map[string]string{"a.yaml": goodConfigMap, "parts/kustomization.yaml": component}
	flux := fluxWith(plugin.FluxParameters{})
	badSource{
		rule: ruleInvalid, part: "Component", origin: "kustomization.yaml", parameters: flux, repaired: flux, files: files,
		repair: map[string]string{"parts/kustomization.yaml": "resources: []\nconfigMapGenerator: [{name: b}]\n"},
	}.run(t)
}
