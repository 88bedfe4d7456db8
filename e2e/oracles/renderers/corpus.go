package renderers

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Every case is rendered under these names.
const (
	releaseName = "release-name"
	namespace   = "default"
)

// Case is one thing to render.
type Case struct {
	// Name is "set:path", with value files after a "+".
	Name string
	// Root is the source tree, Path the folder in it, slash-separated.
	Root, Path string
	// Kind is "kustomize" or "helm".
	Kind string
	// ValueFiles are relative to Path.
	ValueFiles []string
}

// modules are Go modules that carry charts and kustomizations: test data,
// examples, and what the projects install themselves with.
func modules() []string {
	return []string{
		"helm.sh/helm/v4@v4.3.1",
		"sigs.k8s.io/kustomize/api@v0.21.2",
		"sigs.k8s.io/kustomize/kustomize/v5@v5.8.2",
		"github.com/argoproj/argo-cd/v3@v3.5.7",
		"github.com/open-policy-agent/gatekeeper/v3@v3.23.1",
		"github.com/kyverno/kyverno@v1.19.1",
		"github.com/sigstore/policy-controller@v0.13.1",
		"k8s.io/pod-security-admission@v0.37.2",
	}
}

// moduleCases are all charts and kustomizations in the modules.
func moduleCases(ctx context.Context) ([]Case, error) {
	var all []Case
	for _, module := range modules() {
		dir, err := moduleDir(ctx, module)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(module, "@")
		found, err := folderCases(name, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// folderCases are all charts and kustomizations below a folder. A chart's own
// values files beside values.yaml make a case each.
func folderCases(set, root string) ([]Case, error) {
	var cases []Case
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		folder := path.Dir(file)
		one := Case{Name: set + ":" + folder, Root: root, Path: folder}
		switch path.Base(file) {
		case "Chart.yaml":
			one.Kind = "helm"
			cases = append(cases, one)
			cases = append(cases, valueCases(one)...)
		case "kustomization.yaml", "kustomization.yml", "Kustomization":
			one.Kind = "kustomize"
			cases = append(cases, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for charts and kustomizations in %s: %w", set, err)
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return cases, nil
}

func valueCases(chart Case) []Case {
	files, err := filepath.Glob(filepath.Join(chart.Root, filepath.FromSlash(chart.Path), "values-*.yaml"))
	if err != nil {
		return nil // the pattern is constant
	}
	var cases []Case
	for _, file := range files {
		one := chart
		one.ValueFiles = []string{filepath.Base(file)}
		one.Name += "+" + one.ValueFiles[0]
		cases = append(cases, one)
	}
	return cases
}
