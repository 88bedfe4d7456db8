//go:build e2e

package argocd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
	"github.com/assay-gitops/assay/plugin/render"
)

// examplesPage lists what became of each example; the test writes it when it is
// asked to, and compares otherwise.
const examplesPage = "../../docs/argocd-migrate-examples.md"

var updateExamples = flag.Bool("update-examples", false, "rewrite docs/argocd-migrate-examples.md")

// example is an Application or ApplicationSet as somebody wrote it.
type example struct {
	// name is the file and, in a page, the number of the example in it.
	name, text string
}

// outcome is what became of an example.
type outcome struct {
	example

	// same counts Applications that render to the same objects, and reasons say why
	// others are not compared.
	same    int
	reasons []string
}

func (o *outcome) because(reason string) {
	if reason != "" && !slices.Contains(o.reasons, reason) {
		o.reasons = append(o.reasons, reason)
	}
}

// pair is one Application before and after.
type pair struct {
	outcome         *outcome
	before, after   map[string]any
	theirs, through answered
	// reason is why assay does not render it; empty when it does.
	reason string
	// varies is set where the source renders to something else each time.
	varies bool
}

// TestMigrate_ArgoCDsOwnExamples takes every Application and ApplicationSet that
// stands in argo-cd's module, in files and in its documentation, and one for every
// folder of its examples and test data, as its own tests use them. Each is moved by
// assay migrate. The running repo-server renders what was written by itself, and
// what was moved through the plugin: the objects must be the same.
func TestMigrate_ArgoCDsOwnExamples(t *testing.T) {
	w := newWorld(t)
	w.since3("is not what is moved")
	w.tools()
	w.permit()
	module := argoCDModule(t)
	w.git.Commit(treeOf(t, module))
	for _, branch := range []string{"master", "stable"} {
		w.git.Git("branch", branch)
	}
	written := slices.Concat(writtenExamples(t, module), folderExamples(t, module), testExamples(t))
	outcomes := make([]outcome, len(written))
	var pairs []pair
	for i, each := range written {
		outcomes[i].example = each
		each.text = w.here(each.text)
		pairs = append(pairs, w.move(each, &outcomes[i])...)
	}
	w.gates["all"] = fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: all}
spec:
  base: true
  platform: true
  selector: {projects: [%s]}
  switches: {pin: Off, harden: Off, deny: Off}
  lock: {mode: Resolve}
  limits: {retries: 1}
`, strings.Join(projectsOf(pairs), ", "))
	w.serve()
	w.render(pairs)
	for i := range pairs {
		pairs[i].judge(t)
	}
	w.report(outcomes, len(pairs))
}

// projectsOf are the AppProjects of Applications.
func projectsOf(pairs []pair) []string {
	projects := map[string]bool{}
	for _, each := range pairs {
		if spec, has := each.before["spec"].(map[string]any); has {
			projects[fmt.Sprintf("%q", spec["project"])] = true
		}
	}
	return slices.Sorted(maps.Keys(projects))
}

// here has what means argo-cd's repository mean the test's.
func (w *world) here(text string) string {
	return regexp.MustCompile(`https://github\.com/(argoproj|argoproj-labs)/(argo-cd|applicationset)(\.git)?\b`).ReplaceAllString(text, w.git.URL())
}

// move moves an example, and gives the Applications before and after. What is
// not to be compared is told in the outcome.
func (w *world) move(each example, out *outcome) []pair {
	w.t.Helper()
	root, err := os.OpenRoot(strings.TrimPrefix(w.git.URL(), "file://"))
	must(w.t, err)
	defer func() { _ = root.Close() }()
	options := migrate.Options{
		Root: root, Limits: plugin.DefaultLimits(), Clusters: someClusters(w.t),
		Own: func(url string) bool { return url == w.git.URL() },
		Tracks: func(revision string) bool {
			return slices.Contains([]string{"", "HEAD", "main", "master", "stable"}, revision)
		},
	}
	result, err := migrate.Documents(w.t.Context(), options, []migrate.File{{Path: each.name, Old: []byte(each.text)}})
	must(w.t, err)
	if len(result.Files) == 0 {
		out.because("nothing to move: the plugin renders it already, or nothing does")
		return nil
	}
	file := result.Files[0]
	for _, different := range file.Different {
		w.t.Errorf("%s differs: %s: %s", each.name, different.Field, different.Reason)
	}
	unproven := map[string]string{}
	for _, problem := range slices.Concat(file.Refused, file.Unproven) {
		reason, name := w.elsewhere(problem.Reason), strings.Split(problem.Field, ":")[0]
		if unproven[name] = reason; !strings.HasPrefix(reason, notRendered) {
			out.because(reason)
		}
	}
	before, after := w.applicationsOf(root, file.Old), w.applicationsOf(root, file.New)
	if len(file.Refused) > 0 {
		return nil
	}
	if len(before) != len(after) {
		w.t.Fatalf("%s has %d Applications, and %d when it is moved", each.name, len(before), len(after))
	}
	var pairs []pair
	for i := range before {
		one := pair{outcome: out, before: before[i], after: after[i]}
		one.reason = unproven[fmt.Sprint(before[i]["metadata"].(map[string]any)["name"])]
		for _, problem := range file.Varies {
			one.varies = one.varies || problem.Field == fmt.Sprint(before[i]["metadata"].(map[string]any)["name"])
		}
		if one.reason == "" || strings.HasPrefix(one.reason, notRendered) {
			pairs = append(pairs, one)
		}
	}
	return pairs
}

// notRendered is how migrate says that assay does not render a source.
const notRendered = "its source is not rendered: "

// elsewhere is a reason without what is another text each time.
func (w *world) elsewhere(reason string) string {
	return strings.ReplaceAll(reason, w.git.URL(), "https://github.com/argoproj/argo-cd.git")
}

// applicationsOf are the Applications that come of a text.
func (w *world) applicationsOf(root *os.Root, text []byte) []map[string]any {
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(w.t.Context(), plugin.Source{Rendered: text})
	if err != nil {
		return nil // it was told as refused
	}
	var all []map[string]any
	for _, object := range rendering.Objects {
		switch id := object.ID(); {
		case id.Group() == "argoproj.io" && id.Kind == "Application":
			all = append(all, object.Fields)
		case appset.Is(id):
			made := appset.Expand(w.t.Context(), object, appset.Input{
				Tree: func(_ context.Context, repository, _ string) (*os.Root, error) {
					if repository != w.git.URL() {
						return nil, errors.New("it is elsewhere")
					}
					return root, nil
				}, Clusters: someClusters(w.t), Limits: plugin.DefaultLimits(),
			})
			for _, application := range made.Applications {
				all = append(all, application.Fields)
			}
		}
	}
	return all
}

// someClusters are those that argo-cd's examples speak of.
func someClusters(t *testing.T) []plugin.Object {
	t.Helper()
	data, err := os.ReadFile("testdata/migrate/clusters.yaml")
	must(t, err)
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{Rendered: data})
	must(t, err)
	return rendering.Objects
}

// answered is what the repo-server made of an Application.
type answered struct {
	Manifests []json.RawMessage
	Error     string
}

// render asks the running repo-server for all of them, a few in one question.
func (w *world) render(pairs []pair) {
	w.t.Helper()
	const together = 20
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(pairs, together) {
		group.Go(func() error { return w.ask(some) })
	}
	must(w.t, group.Wait())
}

func (w *world) ask(some []pair) error {
	var questions []map[string]any
	for _, each := range some {
		questions = append(questions, map[string]any{"application": each.before, "kubeVersion": kubeVersion}, map[string]any{"application": each.after, "kubeVersion": kubeVersion})
	}
	input, err := json.Marshal(questions)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*controlplane.Slowly)
	defer cancel()
	output, err := w.argocd.Manifests(ctx, input)
	if err != nil {
		return err
	}
	var answers []answered
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(questions) {
		return fmt.Errorf("%d answers to %d questions: %w", len(answers), len(questions), err)
	}
	for i := range some {
		some[i].theirs, some[i].through = answers[2*i], answers[2*i+1]
	}
	return nil
}

// judge compares one Application.
func (p *pair) judge(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("%s (%v)", p.outcome.name, p.before["metadata"].(map[string]any)["name"])
	reason := strings.TrimPrefix(p.reason, notRendered)
	want, have := applied(t, p.theirs.Manifests), applied(t, p.through.Manifests)
	switch {
	case reason != "" && p.theirs.Error != "":
		p.outcome.because("neither renders it: " + reason)
	case reason != "" && len(want) == 0:
		p.outcome.because("there are no objects in it that Argo CD would apply, which assay refuses: Argo CD would delete what is there")
	case reason != "":
		p.outcome.because("Argo CD alone renders it: " + p.onlyArgoCD(t, name, reason))
	case strings.Contains(p.theirs.Error, "--enable-helm"):
		p.outcome.because("assay alone renders it: it is a kustomization with a chart, for which Argo CD asks for kustomize.buildOptions --enable-helm")
	case p.theirs.Error != "":
		t.Errorf("%s: assay renders it, and Argo CD does not: %s", name, p.theirs.Error)
	case p.through.Error != "":
		t.Errorf("%s: the plugin does not render what was moved: %s", name, p.through.Error)
	case p.varies:
		p.outcome.because("its chart renders to something else each time, as it was written: " + p.sameButRandom(t, name, want, have))
	case !reflect.DeepEqual(want, have) || len(want) == 0:
		t.Errorf("%s: the repo-server renders\n%s\nand the plugin\n%s", name, short(inYAML(want)), short(inYAML(have)))
	default:
		p.outcome.same++
	}
}

// sameButRandom compares what the objects are.
func (p *pair) sameButRandom(t *testing.T, name string, want, have []any) string {
	t.Helper()
	named := func(all []any) (out []string) {
		for _, each := range all {
			object := plugin.Object{Fields: each.(map[string]any)}
			out = append(out, object.ID().String())
		}
		return out
	}
	if !slices.Equal(named(want), named(have)) || len(want) == 0 {
		t.Errorf("%s: the repo-server renders %q, and the plugin %q", name, named(want), named(have))
	}
	return "both render the same objects with other values"
}

// onlyArgoCD is why assay does not render what Argo CD does, on purpose.
func (p *pair) onlyArgoCD(t *testing.T, name, reason string) string {
	t.Helper()
	for part, why := range map[string]string{
		"has no metadata.name":               "an object in it has no name, which the API server refuses",
		"more follows behind the document's": "a JSON file in it is UTF-16, which assay does not read",
		"the source renders to no objects":   "the source renders to no objects, as what stands in its JSON is none of Kubernetes",
	} {
		if strings.Contains(reason, part) {
			return why
		}
	}
	t.Errorf("%s: Argo CD renders it, and assay does not: %s", name, reason)
	return reason
}

func short(text string) string { return text[:min(len(text), 4000)] }

// applied are the objects that Argo CD applies: it passes over test hooks of Helm,
// and assay leaves them out.
func applied(t *testing.T, manifests []json.RawMessage) []any {
	t.Helper()
	var all []any
	for _, manifest := range manifests {
		var object struct {
			Metadata struct{ Annotations map[string]any }
		}
		must(t, json.Unmarshal(manifest, &object))
		if !strings.HasPrefix(fmt.Sprint(object.Metadata.Annotations["helm.sh/hook"]), "test") {
			all = append(all, decoded(t, manifest))
		}
	}
	return all
}

// report says what became of each, and compares with the page.
func (w *world) report(outcomes []outcome, asked int) {
	w.t.Helper()
	var page bytes.Buffer
	whole, compared, reasons := 0, 0, map[string][]string{}
	for _, each := range outcomes {
		compared += each.same
		if len(each.reasons) == 0 && each.same > 0 {
			whole++
		}
		for _, reason := range each.reasons {
			reasons[reason] = append(reasons[reason], each.name)
		}
		if each.same == 0 && len(each.reasons) == 0 {
			w.t.Errorf("%s is neither compared, nor is it said why not", each.name)
		}
	}
	fmt.Fprintf(&page, examplesHead, len(outcomes), whole, compared, len(outcomes)-whole)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&page, "\n%s\n\n", escaped(reason))
		for _, name := range reasons[reason] {
			fmt.Fprintf(&page, "- `%s`\n", name)
		}
	}
	w.t.Logf("%d examples: %d are moved whole; %d Applications render to the same objects, of %d that were asked for; %d examples are listed with why not", len(outcomes), whole, compared, asked, len(outcomes)-whole)
	if *updateExamples {
		must(w.t, os.WriteFile(examplesPage, page.Bytes(), 0o644))
	}
	want, err := os.ReadFile(examplesPage)
	must(w.t, err)
	if !bytes.Equal(want, page.Bytes()) {
		w.t.Errorf("%s says something else; run the test with -update-examples and read the difference:\n%s", examplesPage, page.String())
	}
}

func escaped(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "[", "&#91;", "]", "&#93;", "*", `\*`, "_", `\_`, "\n", " ").Replace(text)
}

// argoCDModule is the folder of argo-cd's module.
func argoCDModule(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3")
	command.Dir, command.Env = "../servers/argocd", append(os.Environ(), "GOWORK=off")
	out, err := command.Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

// sourceFolders are where argo-cd keeps what Applications may deploy.
func sourceFolders() []string {
	return []string{"applicationset/examples", "cmpserver/plugin/testdata", "examples", "manifests", "reposerver/repository/testdata", "test/e2e/testdata", "util/helm/testdata"}
}

// treeOf is what of the module is put into the repository.
func treeOf(t *testing.T, module string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range sourceFolders() {
		must(t, filepath.WalkDir(filepath.Join(module, folder), func(at string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(at)
			name, _ := filepath.Rel(module, at)
			if files[filepath.ToSlash(name)] = string(data); len(data) == 0 {
				files[filepath.ToSlash(name)] = "\n" // an empty text would remove it
			}
			return err
		}))
	}
	return files
}

var (
	definesOne = regexp.MustCompile(`(?m)^\s*"?kind"?:\s*"?Application(Set)?"?,?\s*$`)
	ofArgo     = regexp.MustCompile(`apiVersion"?:\s*"?argoproj\.io/`)
	fence      = regexp.MustCompile("(?ms)^([ \t]*)```(?:yaml|yml|json)[^\n]*\n(.*?)^[ \t]*```")
)

// writtenExamples are the documents in files and pages that define something.
func writtenExamples(t *testing.T, module string) []example {
	t.Helper()
	var all []example
	must(t, filepath.WalkDir(module, func(at string, entry fs.DirEntry, err error) error {
		extension := filepath.Ext(at)
		if err != nil || !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json", ".md"}, extension) {
			return err
		}
		data, err := os.ReadFile(at)
		if err != nil || !definesOne.Match(data) || !ofArgo.Match(data) {
			return err
		}
		name, _ := filepath.Rel(module, at)
		texts := []string{string(data)}
		if extension == ".md" {
			texts = blocksOf(string(data))
		}
		for i, text := range texts {
			if !definesOne.MatchString(text) || !ofArgo.MatchString(text) || strings.Contains(text, "kind: CustomResourceDefinition") {
				continue
			}
			each := example{filepath.ToSlash(name), text}
			if extension == ".md" {
				each.name = fmt.Sprintf("%s#%d", each.name, i+1)
			}
			all = append(all, each)
		}
		return nil
	}))
	return all
}

// blocksOf are the blocks of code of a page, without their indentation.
func blocksOf(page string) []string {
	var all []string
	for _, match := range fence.FindAllStringSubmatch(page, -1) {
		var text strings.Builder
		for line := range strings.Lines(match[2]) {
			text.WriteString(strings.TrimPrefix(line, match[1]))
		}
		all = append(all, text.String())
	}
	return all
}

// folderExamples have an Application for each folder that may be a source: with a
// chart, a kustomization, or manifests.
func folderExamples(t *testing.T, module string) []example {
	t.Helper()
	folders := map[string]bool{}
	for name := range treeOf(t, module) {
		if slices.Contains([]string{".yaml", ".yml", ".json", ".jsonnet"}, path.Ext(name)) {
			folders[path.Dir(name)] = true
		}
	}
	var all []example
	for i, folder := range slices.Sorted(maps.Keys(folders)) {
		if strings.Contains(folder, "/templates") || strings.Contains(folder, "/crds/") {
			continue // a part of a chart
		}
		all = append(all, example{folder, fmt.Sprintf(applicationOf, fmt.Sprintf("folder-%d", i), "path: "+folder)})
	}
	return all
}

const applicationOf = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd}
spec:
  project: default
  destination: {server: https://kubernetes.default.svc, namespace: examples}
  source:
    repoURL: https://github.com/argoproj/argo-cd.git
    targetRevision: main
    %s
`

// testExamples are the sources that argo-cd's end-to-end tests and the tests of
// its repo-server make, by the names of the tests.
func testExamples(t *testing.T) []example {
	t.Helper()
	data, err := os.ReadFile("testdata/migrate/tests.yaml")
	must(t, err)
	var written []struct {
		Test   string         `json:"test"`
		Source map[string]any `json:"source"`
	}
	must(t, yaml.UnmarshalStrict(data, &written))
	var all []example
	for i, each := range written {
		text, err := yaml.Marshal(each.Source)
		must(t, err)
		indented := strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ")
		all = append(all, example{each.Test, fmt.Sprintf(applicationOf, fmt.Sprintf("test-%d", i), indented)})
	}
	return all
}

const examplesHead = `# Argo CD's own examples, moved

Written by ` + "`go test -tags e2e -run TestMigrate_ArgoCDsOwnExamples ./e2e/argocd -args -update-examples`" + `, which compares
it on every other run. The examples are every Application and ApplicationSet in the module of Argo CD 3.5, in files
and in its documentation, one Application for every folder of its examples and test data, and the sources that its
tests make.

Each is moved by [` + "`assay migrate`" + `](argocd-migrate.md). A running repo-server renders what was written by itself, and what
was moved through the plugin with every switch off. The objects must be the same, field for field and in their order.

| What | Count |
| --- | --- |
| examples | %d |
| moved whole, and rendered to the same objects | %d |
| Applications that render to the same objects, those of ApplicationSets one by one | %d |
| not moved or not compared, in whole or in part, listed below | %d |

## What was not compared, and why
`
