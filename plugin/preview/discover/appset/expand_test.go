package appset_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
	"github.com/assay-gitops/assay/plugin/render"
)

var update = flag.Bool("update", false, "write what the sets in testdata/traps give")

// TestExpand_Traps holds the answers to the sets in testdata/traps. That they
// are Argo CD's own is what e2e/applicationsets shows.
func TestExpand_Traps(t *testing.T) {
	input := newInput(t, "testdata/tree")
	for _, secret := range read(t, "testdata/clusters.yaml") {
		input.Clusters = append(input.Clusters, object(t, secret))
	}
	paths, err := filepath.Glob("testdata/traps/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no traps: %v", err)
	}
	var answers strings.Builder
	for _, path := range paths {
		for _, text := range read(t, path) {
			set := object(t, text)
			fmt.Fprintf(&answers, "== %s\n%s", set.ID().Name, describe(t, appset.Expand(t.Context(), set, input)))
		}
	}
	golden(t, "testdata/answers.txt", answers.String())
}

// TestExpand_IsTheSameEachTime: Argo CD's order is that of Go maps.
func TestExpand_IsTheSameEachTime(t *testing.T) {
	input := newInput(t, "testdata/tree")
	for _, secret := range read(t, "testdata/clusters.yaml") {
		input.Clusters = append(input.Clusters, object(t, secret))
	}
	for _, text := range append(read(t, "testdata/traps/merge.yaml"), read(t, "testdata/traps/matrix.yaml")...) {
		set := object(t, text)
		first := describe(t, appset.Expand(t.Context(), set, input))
		for range 5 {
			if again := describe(t, appset.Expand(t.Context(), set, input)); again != first {
				t.Fatalf("%s: one time\n%s\nanother time\n%s", set.ID().Name, first, again)
			}
		}
	}
}

func newInput(t *testing.T, tree string) appset.Input {
	t.Helper()
	root, err := os.OpenRoot(tree)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return appset.Input{
		Limits: plugin.DefaultLimits(),
		Tree: func(_ context.Context, repository, _ string) (*os.Root, error) {
			if !strings.Contains(repository, "git.example.com/team-a/deploy") {
				return nil, errors.New("its source is in another repository")
			}
			return root, nil
		},
		Replaced: func(note func(string)) map[string]any { return render.RandomFunctions(note) },
	}
}

// written is a tree of the given files, in pairs of path and content.
func written(t *testing.T, files ...string) appset.Input {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(folder, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return newInput(t, folder)
}

func read(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^---$`).Split(string(text), -1)
}

func object(t *testing.T, text string) plugin.Object {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return plugin.Object{Fields: fields, Origin: plugin.Origin{File: "sets/shop.yaml", Line: 3}}
}

// describe is an expansion as text: a line for each Application and problem.
func describe(t *testing.T, expansion appset.Expansion) string {
	t.Helper()
	var out strings.Builder
	for _, one := range expansion.Applications {
		text, err := json.Marshal(one.Fields)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", text)
	}
	for _, problem := range expansion.Problems {
		fmt.Fprintf(&out, "%s: %s: %s\n\tfix: %s\n", problem.Origin, problem.What, problem.Reason, problem.Hint)
	}
	return out.String()
}

func golden(t *testing.T, path, is string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(is), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was, now := strings.Split(string(want), "\n"), strings.Split(is, "\n")
	for i := range max(len(was), len(now)) {
		if i >= len(was) || i >= len(now) || was[i] != now[i] {
			t.Fatalf("%s:%d differs (go test -update writes it anew)\nwas %s\nis  %s", path, i+1, at(was, i), at(now, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}

// set writes an ApplicationSet with the given generators and name, with Go
// templates.
func set(generators, name string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators: %s
  template:
    metadata: {name: %q}
    spec:
      project: default
      source: {repoURL: https://git.example.com/team-a/deploy.git, path: apps, targetRevision: HEAD}
      destination: {server: https://kubernetes.default.svc, namespace: default}
`, generators, name)
}

func names(expansion appset.Expansion) []string {
	var names []string
	for _, one := range expansion.Applications {
		names = append(names, one.ID().Name)
	}
	return names
}

// expand expands a set, which has to give these Applications and problems; a
// problem is a part of a reason.
func expand(t *testing.T, input appset.Input, text string, wantNames []string, wantProblems ...string) appset.Expansion {
	t.Helper()
	expansion := appset.Expand(t.Context(), object(t, text), input)
	if is := names(expansion); !slices.Equal(is, wantNames) {
		t.Errorf("Applications %q, expected %q\n%s", is, wantNames, describe(t, expansion))
	}
	if len(expansion.Problems) != len(wantProblems) {
		t.Fatalf("%d problems, expected %d:\n%s", len(expansion.Problems), len(wantProblems), describe(t, expansion))
	}
	for i, problem := range expansion.Problems {
		if !strings.Contains(problem.Reason, wantProblems[i]) {
			t.Errorf("problem %q, expected %q", problem.Reason, wantProblems[i])
		}
		if problem.Hint == "" || problem.What != "ApplicationSet argocd/shop" || problem.Origin.String() != "sets/shop.yaml:3" {
			t.Errorf("a problem without a place or a hint: %+v", problem)
		}
	}
	return expansion
}

func TestExpand_CancelledGivesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	text := set("[{list: {elements: [{name: a}]}}]", "{{.name}}")
	if is := appset.Expand(ctx, object(t, text), written(t)); len(is.Applications) != 1 {
		t.Fatalf("before it is cancelled: %s", describe(t, is))
	}
	cancel()
	is := appset.Expand(ctx, object(t, text), written(t))
	if len(is.Applications) != 0 || len(is.Problems) == 0 {
		t.Errorf("cancelled: %s", describe(t, is))
	}
}
