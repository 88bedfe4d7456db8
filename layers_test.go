// Package assay_test holds the tests of the repository as a whole.
package assay_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/assay-gitops/assay"

// layers are the floors of the repository, from the ground up. A package may
// import what lies below it; packages of one floor do not know each other.
// Folders below a named one belong to it.
func layers() [][]string {
	return [][]string{
		{"policies", "manifests"},
		{"plugin"},
		{"plugin/gate", "plugin/registry", "plugin/keyservice", "plugin/confined"},
		{"plugin/apiserver"},
		{"plugin/render", "plugin/mutate", "plugin/verify", "plugin/harden", "plugin/policy", "plugin/report", "plugin/attest"},
		{"plugin/setup", "plugin/audit"},
		{"plugin/argocd", "plugin/flux", "plugin/preview", "plugin/inplace", "plugin/refresh"},
		{"plugin/migrate", "plugin/hydrated"},
		{"cmd/assay", "cmd/assay-source"},
	}
}

// support are packages that stand beside the layers: tests and the demo use
// them, nothing else does. They import nothing of the repository but what is
// listed.
func support() map[string][]string {
	return map[string][]string{
		"plugin/registry/ociserver":      nil,
		"plugin/report/jsonschema":       nil,
		"plugin/verify/throwaway":        {"plugin", "plugin/gate"},
		"plugin/verify/throwaway/notary": nil,
		"examples":                       nil,
		"e2e/controlplane":               nil,
		"examples/showcase":              {"examples", "plugin", "plugin/gate", "plugin/registry/ociserver", "plugin/verify/throwaway"},
	}
}

// onlyFor lists packages that not everything above them may import.
func onlyFor() map[string][]string {
	return map[string][]string{"policies": {"plugin/policy", "plugin/gate"}, "manifests": {"plugin/policy"}}
}

// heavy are the dependencies that the light packages must not grow.
func heavy() []string {
	return []string{
		"k8s.io/", "sigs.k8s.io/kustomize", "sigs.k8s.io/controller-runtime", "helm.sh/", "github.com/sigstore/", "github.com/notaryproject/", "oras.land/", "github.com/docker/",
		"github.com/google/cel-go", "github.com/open-policy-agent/", "google.golang.org/grpc", "github.com/spf13/", "github.com/google/go-containerregistry/pkg/v1",
	}
}

// source is one Go file of the module that is no test.
type source struct {
	folder string // slash-separated, relative to the module
	name   string
	file   *ast.File
}

func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		if text, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, text)
		}
	}
	return paths
}

func TestLayers_ImportsPointDown(t *testing.T) {
	for _, file := range sources(t) {
		for _, imported := range file.imports() {
			if problem := judgeImport(file.folder, imported); problem != "" {
				t.Errorf("%s/%s: %s", file.folder, file.name, problem)
			}
		}
		if _, known := floorOf(file.folder); !known && strings.HasPrefix(file.folder, "plugin/") {
			t.Errorf("%s: this folder is on no floor; add it to layers() or support()", file.folder)
		}
	}
}

func TestLayers_LightPackagesStayLight(t *testing.T) {
	for _, folder := range []string{"plugin", "plugin/gate"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./"+folder).Output()
		if err != nil {
			t.Fatalf("listing what %s imports: %v", folder, err)
		}
		for _, imported := range strings.Fields(string(out)) {
			if isHeavy(imported) {
				t.Errorf("%s grew the heavy dependency %s", folder, imported)
			}
		}
	}
	for _, file := range sources(t) {
		if light := file.folder == "plugin" || file.folder == "plugin/gate"; light && slices.Contains(file.imports(), "net/http") {
			t.Errorf("%s/%s imports net/http: the vocabulary talks to nobody", file.folder, file.name)
		}
	}
}

func TestLayers_OnlyVerifyMakesEvidence(t *testing.T) {
	for _, file := range sources(t) {
		if !within(file.folder, "plugin/verify") && makesEvidence(file) {
			t.Errorf("%s/%s calls NewEvidence; only plugin/verify may", file.folder, file.name)
		}
	}
}

// TestLayers_TestCanFail feeds the rules with what they forbid, and with a
// twin that they allow.
func TestLayers_TestCanFail(t *testing.T) {
	for _, test := range []struct {
		from, to string
		allowed  bool
	}{
		{"plugin", "plugin/gate", false}, {"plugin/gate", "plugin", true}, {"plugin/gate", "plugin/registry", false}, {"plugin/registry", "plugin/gate", false},
		{"plugin/render", "plugin/verify", false}, {"plugin/render/helm", "plugin/render", true}, {"plugin/render", "plugin/render/helm", true},
		{"plugin/policy", "plugin/setup", false}, {"plugin/setup", "plugin/policy", true}, {"plugin/setup", "plugin/argocd", false}, {"plugin/argocd", "plugin/setup", true},
		{"plugin/argocd", "plugin/flux", false}, {"plugin/setup", "cmd/assay", false}, {"cmd/assay", "plugin/setup", true}, {"cmd/assay", "cmd/assay-source", false},
		{"plugin/policy", "policies", true}, {"plugin/gate", "policies", true}, {"plugin/render", "policies", false}, {"policies", "plugin", false},
		{"plugin/policy", "manifests", true}, {"plugin/gate", "manifests", false}, {"manifests", "plugin", false}, {"policies", "manifests", false},
		{"plugin/verify", "plugin/registry/ociserver", false}, {"plugin/registry", "plugin/registry/ociserver", false}, {"cmd/assay", "plugin/registry/ociserver", true},
		{"plugin/registry/ociserver", "plugin", false}, {"plugin/verify/throwaway", "plugin/registry/ociserver", false}, {"cmd/assay", "plugin/verify/throwaway", true},
		{"plugin/policy", "plugin/mutate", false}, {"plugin/mutate", "plugin/apiserver", true}, {"plugin/apiserver", "plugin/gate", true}, {"plugin/apiserver", "plugin/policy", false},
		{"plugin/render", "tools/x", false}, {"tools/x", "plugin/render", true},
	} {
		if problem := judgeImport(test.from, module+"/"+test.to); (problem == "") != test.allowed {
			t.Errorf("%s importing %s: %q, allowed should be %v", test.from, test.to, problem, test.allowed)
		}
	}
	if !isHeavy("k8s.io/api/core/v1") || !isHeavy("helm.sh/helm/v4/pkg/chart") || isHeavy("sigs.k8s.io/yaml") || isHeavy("github.com/google/go-containerregistry/pkg/name") {
		t.Error("the list of heavy dependencies does not bite")
	}
	for text, want := range map[string]bool{
		`import "` + module + `/plugin"; var _, _ = plugin.NewEvidence(plugin.Claims{}, nil)`: true,
		`import p "` + module + `/plugin"; var f = p.NewEvidence`:                             true,
		`import . "` + module + `/plugin"; var f = NewEvidence`:                               true,
		`import "` + module + `/plugin"; var _ = plugin.Evidence{}`:                           false,
		`import plugin "example.com/other"; var _ = plugin.NewEvidence`:                       false,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := makesEvidence(source{folder: "plugin/policy", file: parsed}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// judgeImport says why a package must not import another; empty when it may.
func judgeImport(from, imported string) string {
	to, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return ""
	}
	if allowed, isSupport := support()[from]; isSupport {
		if slices.Contains(allowed, to) {
			return ""
		}
		return "it is a support package and imports " + to
	}
	if _, isSupport := support()[to]; isSupport {
		if strings.HasPrefix(from, "cmd/") || !strings.HasPrefix(from, "plugin") {
			return ""
		}
		return "it imports " + to + ", which is for tests and the demo"
	}
	above, known := floorOf(from)
	below, reachable := floorOf(to)
	switch {
	case !reachable:
		return "it imports " + to + ", which is on no floor"
	case !known: // tools and benchmarks beside the layers
		return ""
	case homeOf(from) == homeOf(to):
		return ""
	case above == below:
		return fmt.Sprintf("it imports its sibling %s; what both need lies below them", to)
	case above < below:
		return fmt.Sprintf("it reaches up to %s", to)
	}
	if users, limited := onlyFor()[homeOf(to)]; limited && !slices.Contains(users, homeOf(from)) {
		return fmt.Sprintf("it imports %s, which is for %v", to, users)
	}
	return ""
}

// floorOf is the floor of a folder, counted from the ground.
func floorOf(folder string) (int, bool) {
	home := homeOf(folder)
	for floor, names := range layers() {
		if slices.Contains(names, home) {
			return floor, true
		}
	}
	_, isSupport := support()[folder]
	return 0, isSupport
}

// homeOf is the named folder that the folder is or lies in. Only "plugin"
// itself is plugin: what lies below it must be named.
func homeOf(folder string) string {
	for candidate := folder; candidate != "."; candidate = path.Dir(candidate) {
		for _, names := range layers() {
			if slices.Contains(names, candidate) && (candidate != "plugin" || folder == "plugin") {
				return candidate
			}
		}
	}
	return folder
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

func isHeavy(imported string) bool {
	return slices.ContainsFunc(heavy(), func(prefix string) bool { return strings.HasPrefix(imported, prefix) })
}

// makesEvidence reports whether the file uses plugin.NewEvidence, under
// whatever name it imports the package.
func makesEvidence(file source) bool {
	names := map[string]bool{}
	for _, spec := range file.file.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err != nil || imported != module+"/plugin" {
			continue
		}
		name := "plugin"
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = true
	}
	made := false
	ast.Inspect(file.file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			return node.Name.Name != "NewEvidence" // its own declaration
		case *ast.SelectorExpr:
			holder, isName := node.X.(*ast.Ident)
			made = made || isName && names[holder.Name] && node.Sel.Name == "NewEvidence"
		case *ast.Ident:
			made = made || node.Name == "NewEvidence" && (names["."] || file.folder == "plugin")
		}
		return true
	})
	return made
}

// sources parses every Go file of this module that is no test; modules of
// their own, hidden folders and test data are left out.
func sources(t *testing.T) []source {
	t.Helper()
	found := map[string]source{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || isModule(name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", name, err)
		}
		slashed := filepath.ToSlash(name)
		found[slashed] = source{folder: path.Dir(slashed), name: path.Base(slashed), file: parsed}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there is no source to look at")
	}
	return slices.Collect(maps.Values(found))
}

func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
