package render

import (
	"strings"
	"testing"
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
			name: "a chart that is not in the tree", rule: ruleDependency, part: "charts/redis", origin: "kustomization.yaml",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\nhelmCharts:\n- name: redis\n  repo: https://charts.example.com\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "an unknown field", rule: ruleInvalid, part: "resorces", origin: "kustomization.yaml",
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
			name: "a built-in plugin that fetches", rule: ruleRemote, part: "example.com", origin: "kustomization.yaml:4",
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
			name: "a plugin's literal", rule: ruleInvalid, part: "generator is not of the form key=value", origin: "kustomization.yaml", without: "hunter2",
			files:  map[string]string{"kustomization.yaml": "generators:\n- g.yaml\n", "g.yaml": "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: x}\nliterals: [hunter2]\n"},
			repair: map[string]string{"g.yaml": "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: x}\nliterals: [a=hunter2]\n"},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}
