package appset_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
)

const one = "[{list: {elements: [{name: a}]}}]"

// Each of these has a twin with one thing changed that gives an Application.
func TestExpand_WhatIsWrongIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		wrong, right string
		told         string
	}{
		"missing key":           {set(one, "{{.nme}}"), set(one, "{{.name}}"), "spec.template.metadata.name: filling the template: line 1"},
		"unparsable template":   {set(one, "{{.name"), set(one, "{{.name}}"), "line 1"},
		"unknown function":      {set(one, "{{nothing .name}}"), set(one, "{{trim .name}}"), `function "nothing" not defined`},
		"environment":           {set(one, `{{env "HOME"}}`), set(one, `{{.name}}`), `function "env" not defined`},
		"invalid name":          {set(one, "{{.name}}_x"), set(one, "{{.name}}-x"), `"a_x", which the API server refuses`},
		"empty name":            {set(one, "{{.name | trimAll \"a\"}}"), set(one, "{{.name}}"), "without a name"},
		"no spec":               {strings.Split(set(one, "a"), "spec:")[0], set(one, "a"), "reading spec"},
		"wrong type":            {set(`[{list: {elements: {a: b}}}]`, "a"), set(one, "a"), "elements is a object, and must be a list"},
		"element of text":       {set(`[{list: {elements: [text]}}]`, "a"), set(one, "a"), "elements[0]"},
		"unknown option":        {strings.Replace(set(one, "a"), "missingkey=error", "missingkey=never", 1), set(one, "a"), `spec.goTemplateOptions[0]: "missingkey=never"`},
		"git without a path":    {set(`[{git: {repoURL: https://git.example.com/team-a/deploy, revision: HEAD}}]`, "a"), set(`[{git: {repoURL: https://git.example.com/team-a/deploy, revision: HEAD, directories: [{path: x}]}}]`, "a"), "neither directories nor files"},
		"pathspec magic":        {set(`[{git: {repoURL: https://git.example.com/team-a/deploy, revision: HEAD, files: [{path: ":(glob)x/**"}]}}]`, "a"), set(`[{git: {repoURL: https://git.example.com/team-a/deploy, revision: HEAD, files: [{path: "x/**"}]}}]`, "a"), "pathspec magic"},
		"matrix of one":         {set(`[{matrix: {generators: [{list: {elements: [{name: a}]}}]}}]`, "a"), set(`[{matrix: {generators: [{list: {elements: [{name: a}]}}, {list: {elements: [{b: c}]}}]}}]`, "a"), "a matrix has two"},
		"two kinds in a child":  {set(`[{matrix: {generators: [{list: {elements: [{name: a}]}}, {clusters: {}, list: {elements: [{b: c}]}}]}}]`, "a"), set(`[{matrix: {generators: [{list: {elements: [{name: a}]}}, {list: {elements: [{b: c}]}}]}}]`, "a"), "more than one generator in one entry"},
		"patch of a wrong type": {set(one, "a") + "  templatePatch: 'spec: {project: [x]}'\n", set(one, "a") + "  templatePatch: 'spec: {project: x}'\n", "spec.templatePatch"},
	} {
		t.Run(name, func(t *testing.T) {
			input := written(t, "x/config.yaml", "a: b")
			input.Clusters = append(input.Clusters, object(t, "kind: Secret"))
			expansion := appset.Expand(t.Context(), object(t, test.wrong), input)
			said := describe(t, expansion)
			if len(expansion.Applications) > 0 || !strings.Contains(said, test.told) || !strings.Contains(said, "sets/shop.yaml:3") {
				t.Errorf("expected no Application and %q:\n%s", test.told, said)
			}
			for _, problem := range expansion.Problems {
				if problem.Hint == "" {
					t.Errorf("no hint: %+v", problem)
				}
			}
			if twin := appset.Expand(t.Context(), object(t, test.right), input); len(twin.Applications) != 1 || len(twin.Problems) > 0 {
				t.Errorf("the twin gives\n%s", describe(t, twin))
			}
		})
	}
}

func TestExpand_ErrorNamesTheFieldAndTheLineInIt(t *testing.T) {
	text := strings.Replace(set(one, "{{.name}}"), "path: apps", `path: "apps/\n\n{{.gone}}"`, 1)
	expand(t, written(t), text, nil, `spec.template.spec.source.path: filling the template: line 3: at <.gone>: map has no entry for key "gone"`)
}

func TestExpand_TwoOfOneNameAreBothRefused(t *testing.T) {
	elements := `[{list: {elements: [{name: a, x: "1"}, {name: a, x: "2"}, {name: b, x: "3"}]}}]`
	expand(t, written(t), set(elements, "{{.name}}"), []string{"b"}, "duplicate name: a (2 of them)")
	expand(t, written(t), set(elements, "{{.name}}-{{.x}}"), []string{"a-1", "a-2", "b-3"})
}

func TestExpand_UnknownGeneratorIsToldAndTheOthersCount(t *testing.T) {
	expand(t, written(t), set("[{teapot: {}}, {list: {elements: [{name: a}]}}]", "{{.name}}"), []string{"a"},
		"Argo CD 3.5 has no field spec.generators[0].teapot", "spec.generators[0] names no generator")
}

func TestExpand_UnknownFieldIsTold(t *testing.T) {
	text := strings.Replace(set(one, "{{.name}}"), "project: default", "project: default\n      projct: x", 1)
	expand(t, written(t), text, []string{"a"}, "Argo CD 3.5 has no field spec.template.spec.projct")
}

func TestExpand_WhatAsksElsewhereIsNotSeenAndTheOthersCount(t *testing.T) {
	for kind, what := range map[string]string{
		"scmProvider": "a Git host for its repositories", "pullRequest": "a Git host for its pull requests",
		"clusterDecisionResource": "an object in the cluster", "plugin": "a service over the network",
	} {
		generators := fmt.Sprintf("[{%s: {x: y}}, {list: {elements: [{name: a}]}}]", kind)
		expand(t, written(t), set(generators, "{{.name}}"), []string{"a"}, "spec.generators[0]."+kind+" asks "+what)
		inside := fmt.Sprintf("[{matrix: {generators: [{list: {elements: [{name: a}]}}, {%s: {x: y}}]}}, {list: {elements: [{name: b}]}}]", kind)
		expand(t, written(t), set(inside, "{{.name}}"), []string{"b"}, "spec.generators[0].matrix.generators[1]."+kind)
	}
}

func TestExpand_AnotherRepositoryIsNotSeen(t *testing.T) {
	generators := "[{git: {repoURL: 'https://user:secret@git.example.com/team-b/other.git', revision: main, directories: [{path: '*'}]}}, {list: {elements: [{name: a}]}}]"
	expansion := expand(t, written(t), set(generators, "{{.name}}"), []string{"a"}, "git.example.com/team-b/other.git at main, which cannot be looked into, and its Applications are not seen: its source is in another repository")
	if strings.Contains(describe(t, expansion), "secret") {
		t.Error("the password is shown")
	}
}

func TestExpand_ClustersThatNobodyGaveAreTold(t *testing.T) {
	input := written(t)
	expand(t, input, set("[{clusters: {}}]", "{{.nameNormalized}}"), []string{"in-cluster"}, "their Secrets were not given")
	input.Clusters = append(input.Clusters, object(t, "{kind: Secret, metadata: {name: x, labels: {argocd.argoproj.io/secret-type: cluster}}, stringData: {name: prod, server: https://prod}}"))
	expand(t, input, set("[{clusters: {}}]", "{{.nameNormalized}}"), []string{"in-cluster", "prod"})
}

func TestExpand_NothingIsTold(t *testing.T) {
	expand(t, written(t), set("[{list: {elements: []}}]", "a"), nil, "give no Application")
}

func TestExpand_RandomFunctionsAreTold(t *testing.T) {
	expansion := appset.Expand(t.Context(), object(t, set(one, `{{.name}}-{{uuidv4}}`)), written(t))
	if len(expansion.Applications) != 1 || len(expansion.Problems) != 1 || !strings.Contains(expansion.Problems[0].Reason, "call uuidv4") {
		t.Errorf("%s", describe(t, expansion))
	}
	expand(t, written(t), set(one, `{{.name}}-{{sha256sum .name | trunc 4}}`), []string{"a-ca97"})
}

func TestExpand_FilesOutsideOfTheTreeAreRefused(t *testing.T) {
	input := written(t, "in/config.yaml", "name: a")
	root, err := input.Tree(t.Context(), "https://git.example.com/team-a/deploy", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Symlink("/etc/hostname", "out.yaml"); err != nil {
		t.Fatal(err)
	}
	files := `[{git: {repoURL: https://git.example.com/team-a/deploy.git, revision: HEAD, files: [{path: %q}]}}]`
	expand(t, input, set(fmt.Sprintf(files, "out.yaml"), "{{.name}}"), nil, `unable to process file "out.yaml"`)
	expand(t, input, set(fmt.Sprintf(files, "in/*"), "{{.name}}"), []string{"a"})
}
