//go:build e2e

// Package argosources_test compares what assay makes of the sources of Argo
// CD's Applications with what Argo CD's repo-server makes of them, by its own
// code and with the command lines of Helm and kustomize. `make e2e-sources`
// runs it.
package argosources_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/commandlines"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// sample is a source of an Application.
type sample struct {
	Name       string         `json:"name"`
	Source     map[string]any `json:"source"`
	References []string       `json:"references,omitempty"`
	// Fails is set where both are to refuse.
	Fails bool `json:"fails,omitempty"`
	// NotCarried is why the source has no form with the plugin.
	NotCarried string `json:"notCarried,omitempty"`
}

const (
	appName   = "shop"
	project   = "team-a"
	namespace = "shop"
	commit    = "0123456789abcdef0123456789abcdef01234567"
	cluster   = "1.34.0"
)

func samples(t *testing.T) []sample {
	t.Helper()
	data, err := os.ReadFile("testdata/sources.yaml")
	must(t, err)
	var all []sample
	must(t, yaml.UnmarshalStrict(data, &all))
	for i := range all {
		all[i].Source["repoURL"], all[i].Source["targetRevision"] = "https://git.example.com/shop.git", "main"
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSources_RenderAsTheRepoServerDoes(t *testing.T) {
	all := samples(t)
	theirs := repoServer(t, all)
	rendered, refused := 0, 0
	for i, one := range all {
		t.Run(one.Name, func(t *testing.T) {
			mine, err := assay(t, one)
			switch {
			case one.Fails && (err == nil || theirs[i].Error == ""):
				t.Fatalf("assay: %v, Argo CD: %q, and both should refuse", err, theirs[i].Error)
			case one.Fails:
				refused++
				return
			case err != nil || theirs[i].Error != "":
				t.Fatalf("assay: %v, Argo CD: %q", err, theirs[i].Error)
			}
			want := applied(t, theirs[i].Manifests)
			if len(mine) != len(want) {
				t.Fatalf("%d objects, and Argo CD has %d\n%s\n%s", len(mine), len(want), show(mine), show(want))
			}
			for j := range want {
				if !reflect.DeepEqual(mine[j], want[j]) {
					t.Errorf("object %d is\n%s\nand Argo CD's\n%s", j, show(mine[j]), show(want[j]))
				}
			}
			rendered++
		})
	}
	t.Logf("%d sources: %d render to the same objects in the same order, %d are refused by both", len(all), rendered, refused)
	if rendered < 40 || refused < 15 {
		t.Errorf("%d and %d: the samples are not what they were", rendered, refused)
	}
}

func show(value any) string {
	data, _ := yaml.Marshal(value)
	return string(data)
}

// assay renders a source in a tree of its own.
func assay(t *testing.T, one sample) ([]any, error) {
	t.Helper()
	source, unknown, err := render.DecodeArgoSource(one.Source)
	if err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		t.Fatalf("fields %q are not known", unknown)
	}
	root, err := os.OpenRoot("testdata/tree")
	must(t, err)
	defer func() { _ = root.Close() }()
	limits := plugin.DefaultLimits()
	if source, err = source.Overridden(root, appName, limits); err != nil {
		return nil, err
	}
	parameters, err := source.Parameters(render.ArgoBuild{Name: appName, Project: project, Namespace: namespace, Revision: commit, References: one.References})
	if err != nil {
		return nil, err
	}
	if parameters.Helm.KubeVersion == "" {
		parameters.Helm.KubeVersion = cluster
	}
	for _, name := range one.References {
		if parameters.Helm.References == nil {
			parameters.Helm.References = map[string]string{}
		}
		parameters.Helm.References[name] = "."
	}
	rendering, err := render.New(render.Options{Limits: limits}).Render(t.Context(), plugin.Source{
		Root: root, Path: source.Path, Revision: commit, Parameters: parameters,
		Application: plugin.Application{Name: appName, Project: project, Namespace: namespace},
	})
	if err != nil {
		return nil, err
	}
	var all []json.RawMessage
	for _, object := range rendering.Objects {
		data, err := json.Marshal(object.Fields)
		must(t, err)
		all = append(all, data)
	}
	return applied(t, all), nil
}

// applied are the objects that Argo CD applies: test hooks of Helm it passes
// over, and assay leaves them out.
func applied(t *testing.T, manifests []json.RawMessage) []any {
	t.Helper()
	var all []any
	for _, manifest := range manifests {
		decoder := json.NewDecoder(bytes.NewReader(manifest))
		decoder.UseNumber()
		var object struct {
			Metadata struct{ Annotations map[string]string }
		}
		must(t, json.Unmarshal(manifest, &object))
		if strings.HasPrefix(object.Metadata.Annotations["helm.sh/hook"], "test") {
			continue
		}
		var value any
		must(t, decoder.Decode(&value))
		all = append(all, value)
	}
	return all
}

type answer struct {
	Manifests []json.RawMessage `json:"manifests"`
	Error     string            `json:"error"`
}

// request is what testdata/manifests reads.
type request struct {
	Root, Revision, Name, Namespace, Project, KubeVersion string
	Source                                                map[string]any
	References                                            map[string]string
}

// repoServer asks Argo CD's code for all sources. Each has a copy of the tree, as
// kustomizations are edited in it.
func repoServer(t *testing.T, all []sample) []answer {
	t.Helper()
	dir := t.TempDir()
	var requests []request
	for i, one := range all {
		tree := filepath.Join(dir, fmt.Sprint(i))
		must(t, os.CopyFS(tree, os.DirFS("testdata/tree")))
		ask := request{Root: tree, Revision: commit, Name: appName, Namespace: namespace, Project: project, KubeVersion: cluster, Source: one.Source, References: map[string]string{}}
		for _, name := range one.References {
			ask.References[name] = tree
		}
		requests = append(requests, ask)
	}
	input, err := json.Marshal(requests)
	must(t, err)
	path := strings.Join([]string{install(t, commandlines.Kustomize), install(t, commandlines.Helm), os.Getenv("PATH")}, ":")
	command := exec.CommandContext(t.Context(), build(t, dir))
	command.Env = []string{"PATH=" + path, "HOME=" + dir, "TMPDIR=" + dir, "http_proxy=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1"}
	command.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("asking Argo CD: %v: %s", err, stderr.String())
	}
	var answers []answer
	must(t, json.Unmarshal(output, &answers))
	if len(answers) != len(all) {
		t.Fatalf("%d answers for %d sources", len(answers), len(all))
	}
	return answers
}

// build makes the program in testdata/manifests with the modules of Argo CD's
// servers.
func build(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "manifests")
	source, err := filepath.Abs("testdata/manifests/main.go")
	must(t, err)
	run(t, t.Context(), "../servers/argocd", "build", "-buildvcs=false", "-o", program, source)
	return program
}

// install builds a command line once, and says in which folder it is.
func install(t *testing.T, program string) string {
	t.Helper()
	path, err := commandlines.Build(t.Context(), program)
	must(t, err)
	return filepath.Dir(path)
}

func run(t *testing.T, ctx context.Context, dir string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
}
