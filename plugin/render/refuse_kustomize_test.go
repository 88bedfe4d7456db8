package render

import (
	"maps"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestRender_BadKustomizationsAreRefusedWithTheLine(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	for _, bad := range []badSource{
		{
			name: "reads /etc/passwd", rule: ruleEscape, part: "absolute", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd=/etc/passwd\n"},
			repair: map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd\n", "passwd": "x"},
		},
		{
			name: "climbs out of the tree", rule: ruleEscape, part: "out of the source tree", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- ../../etc/passwd\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "symlink out of the tree", rule: ruleEscape, part: "symlink", origin: "kustomization.yaml:2",
			files: map[string]string{"kustomization.yaml": good}, links: map[string]string{"a.yaml": "/etc/passwd"},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "relative symlink out of the tree", rule: ruleEscape, part: "out of the source tree", origin: "kustomization.yaml:2",
			files: map[string]string{"kustomization.yaml": good}, links: map[string]string{"a.yaml": "../../../../etc/passwd"},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an entry that does not exist", rule: ruleMissing, part: "owner/repo", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- owner/repo\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote patch", rule: ruleRemote, part: "example.com", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\npatches:\n- path: http://example.com/p.yaml\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "a file above the kustomization", rule: ruleEscape, part: "not in or below", origin: "app/kustomization.yaml:2", path: "app",
			files:  map[string]string{"app/kustomization.yaml": "resources:\n- ../a.yaml\n", "a.yaml": goodConfigMap, "app/a.yaml": goodConfigMap},
			repair: map[string]string{"app/kustomization.yaml": good},
		},
		{
			name: "a chart that is not in the tree", rule: ruleDependency, part: "charts/redis", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\nhelmCharts:\n- name: redis\n  repo: https://charts.example.com\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "an unknown field", rule: ruleInvalid, part: "resorces", origin: "kustomization.yaml:1",
			files:  map[string]string{"kustomization.yaml": "resorces: [a.yaml]\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestRender_PluginsThatExecuteOrFetchAreRefused(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	for _, bad := range []badSource{
		{
			name: "exec plugin", rule: ruleExec, part: "Exec", origin: "kustomization.yaml:4",
			files: map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ntransformers:\n- |\n  apiVersion: example.com/v1\n  kind: Exec\n  metadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./run.sh}'}}\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ntransformers:\n- |\n  apiVersion: builtin\n  kind: NamespaceTransformer\n  metadata: {name: x, namespace: team-a}\n" +
				"  fieldSpecs: [{path: metadata/namespace, create: true}]\n"},
		},
		{
			name: "container function in a file", rule: ruleExec, part: "Fn", origin: "gen.yaml:1",
			files: map[string]string{
				"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- gen.yaml\n", "a.yaml": goodConfigMap,
				"gen.yaml": "apiVersion: v1\nkind: Fn\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: 'container: {image: x}'\n",
			},
			repair: map[string]string{"gen.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata:\n  name: x\nliterals: [a=b]\n"},
		},
		{
			name: "a built-in plugin that fetches", rule: ruleRemote, part: "example.com", origin: "kustomization.yaml:8",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: x}\n  files: ['k=https://example.com/f']\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "the helm generator as a plugin", rule: ruleExec, part: "HelmChartInflationGenerator", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- |\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestRender_RemoteBasesAreRefusedWithTheLine(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	for _, bad := range []badSource{
		{
			name: "remote base over https", rule: ruleRemote, part: "example.com/x.yaml", origin: "kustomization.yaml:3",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\n- https://user:secret@example.com/x.yaml\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote base on GitHub, although a folder has that name", rule: ruleRemote, part: "GitHub.com/a/b", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- GitHub.com/a/b\n", "GitHub.com/a/b/kustomization.yaml": "resources: [a.yaml]\n", "GitHub.com/a/b/a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": "resources:\n- ./GitHub.com/a/b\n"},
		},
		{
			name: "remote base over ssh", rule: ruleRemote, part: "git@example.com", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "components:\n- git@example.com:a/b.git\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote base two folders down", rule: ruleRemote, part: "example.com/x", origin: "sub/kustomization.yml:2",
			files: map[string]string{
				"kustomization.yaml": "resources:\n- sub\n", "sub/kustomization.yml": "resources:\n- ssh://example.com/x\n", "sub/a.yaml": goodConfigMap,
			},
			repair: map[string]string{"sub/kustomization.yml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestRender_YAMLBombsInAKustomizationAreRefused(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	for _, bad := range []badSource{
		{
			name: "a YAML bomb", rule: ruleLimit, part: "yamlNodes", origin: "a.yaml",
			files:  map[string]string{"kustomization.yaml": good, "a.yaml": yamlBomb()},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a YAML bomb in an inline patch", rule: ruleLimit, part: "yamlNodes", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": good + "patches:\n- patch: |\n    " + strings.ReplaceAll(strings.TrimSpace(yamlBomb()), "\n", "\n    ") + "\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestRender_ARefusedGeneratorDoesNotShowItsLines(t *testing.T) {
	const secret = "secretGenerator:\n- name: x\n"
	for _, bad := range []badSource{
		{
			name: "a literal without a key", rule: ruleInvalid, part: `literal 2 of the secretGenerator "x"`, origin: "kustomization.yaml:5", without: "hunter2",
			files:  map[string]string{"kustomization.yaml": secret + "  literals:\n  - a=b\n  - hunter2\n"},
			repair: map[string]string{"kustomization.yaml": secret + "  literals:\n  - a=b\n  - c=hunter2\n"},
		},
		{
			name: "a literal with an empty key", rule: ruleInvalid, part: `literal 1 of the configMapGenerator "x"`, origin: "kustomization.yaml:4", without: "hunter2",
			files:  map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  literals:\n  - =hunter2\n"},
			repair: map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  literals:\n  - a=hunter2\n"},
		},
		{
			name: "an environment file that is not text", rule: ruleInvalid, part: `env, a source of the secretGenerator "x"`, origin: "kustomization.yaml:4", without: "hunter2",
			files:  map[string]string{"kustomization.yaml": secret + "  envs:\n  - env\n", "env": "hunter2\xff"},
			repair: map[string]string{"env": "a=hunter2"},
		},
		{
			name: "a plugin's literal", rule: ruleInvalid, part: `literal 1 of the SecretGenerator "x"`, origin: "g.yaml:4", without: "hunter2",
			files:  map[string]string{"kustomization.yaml": "generators:\n- g.yaml\n", "g.yaml": "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: x}\nliterals: [hunter2]\n"},
			repair: map[string]string{"g.yaml": "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: x}\nliterals: [a=hunter2]\n"},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

// TestRender_WhatAPluginsConfigurationReadsIsConfined as what the kustomization
// itself reads is, and told by the line of the configuration.
func TestRender_WhatAPluginsConfigurationReadsIsConfined(t *testing.T) {
	const resources = "resources:\n- a.yaml\n"
	inline := func(field, kind, rest string) string {
		return resources + field + ":\n- |\n  # built in\n  apiVersion: builtin\n  kind: " + kind + "\n  metadata: {name: x}\n" + rest
	}
	patch := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"
	for _, bad := range []struct{ name, field, kind, read string }{
		{name: "a patch", field: "transformers", kind: "PatchTransformer", read: "  path: %\n"},
		{name: "patches", field: "transformers", kind: "PatchStrategicMergeTransformer", read: "  paths: [%]\n"},
		{name: "a JSON patch", field: "transformers", kind: "PatchJson6902Transformer", read: "  path: %\n  target: {version: v1, kind: ConfigMap, name: a}\n"},
		{name: "a file of a ConfigMap", field: "generators", kind: "ConfigMapGenerator", read: "  files: [%]\n"},
		{name: "a file of a ConfigMap by its key", field: "generators", kind: "ConfigMapGenerator", read: "  files: [k=%]\n"},
		{name: "an environment of a Secret", field: "generators", kind: "SecretGenerator", read: "  env: %\n"},
		{name: "environments of a Secret", field: "generators", kind: "SecretGenerator", read: "  envs: [%]\n"},
		{name: "a replacement", field: "transformers", kind: "ReplacementTransformer", read: "  replacements: [{path: %}]\n"},
	} {
		for _, outside := range []string{"/etc/passwd", "../../etc/passwd"} {
			good := map[string]string{"a.yaml": goodConfigMap, "inside": patch}
			switch bad.kind {
			case "PatchJson6902Transformer":
				good["inside"] = `[{"op": "add", "path": "/data", "value": {"k": "v"}}]`
			case "SecretGenerator":
				good["inside"] = "k=v\n"
			case "ReplacementTransformer":
				good["inside"] = "[]"
			}
			kustomization := func(file string) string {
				return inline(bad.field, bad.kind, strings.Replace(bad.read, "%", file, 1))
			}
			files := map[string]string{"kustomization.yaml": kustomization(outside)}
			maps.Copy(files, good)
			t.Run(bad.name+" "+outside, badSource{
				rule: ruleEscape, part: outside, origin: "kustomization.yaml:9", files: files,
				repair: map[string]string{"kustomization.yaml": kustomization("inside")},
			}.run)
			inFile := map[string]string{"kustomization.yaml": resources + bad.field + ":\n- x.yaml\n", "x.yaml": "---\n" + strings.SplitAfterN(kustomization(outside), "|\n", 2)[1]}
			maps.Copy(inFile, good)
			t.Run(bad.name+" in a file "+outside, badSource{
				rule: ruleEscape, part: outside, origin: "x.yaml:6", files: inFile,
				repair: map[string]string{"x.yaml": strings.ReplaceAll(strings.SplitAfterN(kustomization("inside"), "|\n", 2)[1], "\n  ", "\n")[2:]},
			}.run)
		}
	}
}

func TestRender_AChartHomeOutOfTheTreeIsRefusedWithTheLine(t *testing.T) {
	const kustomization = "helmCharts:\n- name: x\n  releaseName: x\nhelmGlobals:\n  configHome: c\n  chartHome: "
	for _, home := range []string{"/etc", "../../etc"} {
		t.Run(home, badSource{
			rule: ruleEscape, part: home, origin: "kustomization.yaml:6",
			files: map[string]string{
				"kustomization.yaml": kustomization + home + "\n", "home/x/Chart.yaml": goodChart, "home/x/values.yaml": "", "home/x/templates/a.yaml": goodConfigMap,
			},
			repair: map[string]string{"kustomization.yaml": kustomization + "home\n"},
		}.run)
	}
}

// TestRender_TheLineIsTheAuthorsAlsoUnderParameters, which change the
// kustomization in memory.
func TestRender_TheLineIsTheAuthorsAlsoUnderParameters(t *testing.T) {
	parameters := plugin.Parameters{Kustomize: plugin.KustomizeParameters{NamePrefix: "p-", CommonLabels: map[string]string{"a": "b"}}}
	badSource{
		rule: ruleEscape, part: "/etc/passwd", origin: "kustomization.yaml:5", parameters: parameters, repaired: parameters,
		files:  map[string]string{"kustomization.yaml": "# first\n\nresources:\n- a.yaml\n- /etc/passwd\n", "a.yaml": goodConfigMap},
		repair: map[string]string{"kustomization.yaml": "resources:\n- a.yaml\n"},
	}.run(t)
}
