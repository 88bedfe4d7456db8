// Package applicationsets compares what assay makes of ApplicationSets with
// what Argo CD's own generators and renderer make of them, field for field.
package applicationsets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
)

// testdata is that of the package, whose own test holds assay's answers to it.
const testdata = "../../plugin/preview/discover/appset/testdata"

// TestTraps asks both about the sets in traps, each of which is about
// one thing that is easily made otherwise.
func TestTraps(t *testing.T) {
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS(testdata+"/tree")); err != nil {
		t.Fatal(err)
	}
	compare := newComparison(t, tree, testdata+"/clusters.yaml")
	for _, path := range found(t, testdata+"/traps", ".yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents(text) {
			compare.one(t, filepath.Base(path), document)
		}
	}
	compare.report(t, 70)
}

// TestArgoCDsOwn asks both about the ApplicationSets among Argo CD's examples
// and in its documentation, over its own tree.
func TestArgoCDsOwn(t *testing.T) {
	module := moduleOf(t, "github.com/argoproj/argo-cd/v3")
	tree := t.TempDir()
	for _, folder := range []string{"applicationset/examples", "docs/operator-manual", "docs/user-guide"} {
		if err := os.CopyFS(filepath.Join(tree, folder), os.DirFS(filepath.Join(module, folder))); err != nil {
			t.Fatal(err)
		}
	}
	compare := newComparison(t, tree, testdata+"/clusters.yaml")
	for _, path := range append(found(t, tree, ".yaml"), found(t, tree, ".md")...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(tree, path)
		if strings.HasSuffix(path, ".md") {
			text = fenced(text)
		}
		for _, document := range documents(text) {
			compare.one(t, name, document)
		}
	}
	compare.report(t, 60)
}

// TestExample asks both about the ApplicationSet of examples/preview-argocd, over
// that example's tree. The end-to-end test of previews stands on it.
func TestExample(t *testing.T) {
	const example = "../../examples/preview-argocd"
	text, err := os.ReadFile(example + "/environments.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	compare := newComparison(t, tree, testdata+"/clusters.yaml")
	for _, document := range documents(text) {
		compare.one(t, "environments.yaml", document)
	}
	compare.report(t, 1)
	if compare.applications != 2 {
		t.Errorf("it makes %d Applications, expected one for each environment", compare.applications)
	}
}

// TestVersion: what is compared here is what the end-to-end tests run.
func TestVersion(t *testing.T) {
	const wanted = "github.com/argoproj/argo-cd/v3 v"
	version := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), wanted)
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	if here, there := version("go.mod"), version("../servers/argocd/go.mod"); here != there || here == "" {
		t.Errorf("Argo CD %q here, %q among the servers", here, there)
	}
}

type comparison struct {
	argocd   *argocd
	clusters []plugin.Object
	root     *os.Root

	sets, same, applications, refused, unseen, apart int
}

func newComparison(t *testing.T, tree, clusters string) *comparison {
	t.Helper()
	secrets := readSecrets(t, clusters)
	root, err := os.OpenRoot(tree)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	made := &comparison{root: root, argocd: newArgoCD(t, tree, secrets)}
	text, err := os.ReadFile(clusters)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range documents(text) {
		made.clusters = append(made.clusters, object(t, document))
	}
	return made
}

// one asks both about one document, if it is an ApplicationSet that can be read.
func (c *comparison) one(t *testing.T, from string, document []byte) {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal(document, &fields); err != nil || !appset.Is(plugin.Object{Fields: fields}.ID()) {
		return
	}
	set := object(t, document)
	name := from + " " + set.ID().Name
	c.sets++
	expanded := appset.Expand(t.Context(), set, appset.Input{
		Tree: func(context.Context, string, string) (*os.Root, error) { return c.root, nil }, Clusters: c.clusters, Limits: plugin.DefaultLimits(),
	})
	ours := map[string]any{}
	for _, one := range expanded.Applications {
		text, err := json.Marshal(one.Fields)
		if err != nil {
			t.Fatal(err)
		}
		ours[one.ID().Name] = comparable(t, text)
	}
	if reason, is := asksElsewhere(expanded); is {
		c.unseen++
		t.Logf("%s: not seen: %s", name, reason)
		return
	}
	theirs, err := c.argocd.expand(t, document)
	if reason, listed := differences()[set.ID().Name]; listed {
		c.apart++
		if err == nil && equal(ours, theirs) {
			t.Errorf("%s: listed as a difference, and there is none", name)
		}
		t.Logf("%s: differs: %s", name, reason)
		return
	}
	c.judge(t, name, expanded, ours, theirs, err)
}

func (c *comparison) judge(t *testing.T, name string, expanded appset.Expansion, ours, theirs map[string]any, err error) {
	t.Helper()
	switch {
	case err != nil && len(ours) == 0 && len(expanded.Problems) > 0:
		c.refused++
	case err != nil:
		t.Errorf("%s: Argo CD refuses it, assay gives %d Applications: %v", name, len(ours), err)
	case !equal(ours, theirs):
		t.Errorf("%s: %s\nproblems: %+v", name, difference(ours, theirs), expanded.Problems)
	default:
		c.same++
		c.applications += len(ours)
	}
}

func (c *comparison) report(t *testing.T, least int) {
	t.Helper()
	fmt.Printf("%s: %d ApplicationSets: %d the same with %d Applications, %d refused by both, %d listed differences, %d not seen (they ask a host or a cluster)\n",
		t.Name(), c.sets, c.same, c.applications, c.refused, c.apart, c.unseen)
	if c.same+c.refused < least {
		t.Errorf("%d sets were compared, expected %d and more: the corpus is not there", c.same+c.refused, least)
	}
}

func asksElsewhere(expanded appset.Expansion) (string, bool) {
	for _, problem := range expanded.Problems {
		if strings.Contains(problem.Reason, "not in the repository") {
			return problem.Reason, true
		}
	}
	return "", false
}

func equal(a, b map[string]any) bool {
	return bytes.Equal(indented(a), indented(b))
}

func indented(value any) []byte {
	text, _ := json.MarshalIndent(value, "", " ")
	return text
}

// difference names the Applications that differ, with both texts of the first.
func difference(ours, theirs map[string]any) string {
	names := slices.Sorted(maps.Keys(ours))
	for name := range theirs {
		if _, both := ours[name]; !both {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if a, b := indented(ours[name]), indented(theirs[name]); !bytes.Equal(a, b) {
			return fmt.Sprintf("%d Applications, Argo CD has %d; %q differs\nassay:\n%s\nArgo CD:\n%s", len(ours), len(theirs), name, a, b)
		}
	}
	return ""
}

func object(t *testing.T, document []byte) plugin.Object {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal(document, &fields); err != nil {
		t.Fatal(err)
	}
	return plugin.Object{Fields: fields, Origin: plugin.Origin{File: "set.yaml", Line: 1}}
}

var separator = regexp.MustCompile(`(?m)^---.*$`)

func documents(text []byte) [][]byte {
	var found [][]byte
	for _, document := range separator.Split(string(text), -1) {
		if strings.TrimSpace(document) != "" {
			found = append(found, []byte(document))
		}
	}
	return found
}

var fence = regexp.MustCompile("(?ms)^[ ]*```ya?ml\n(.*?)^[ ]*```")

// fenced are the YAML examples of a Markdown page, each moved to the margin.
func fenced(page []byte) []byte {
	var out bytes.Buffer
	for _, block := range fence.FindAllSubmatch(page, -1) {
		lines := strings.Split(string(block[1]), "\n")
		margin := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
		out.WriteString("---\n")
		for _, line := range lines {
			out.WriteString(line[min(margin, len(line)-len(strings.TrimLeft(line, " "))):] + "\n")
		}
	}
	return out.Bytes()
}

func found(t *testing.T, folder, suffix string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return paths
}

func moduleOf(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// differences are the traps in which assay answers otherwise than Argo CD, and
// why.
func differences() map[string]string {
	return map[string]string{}
}
