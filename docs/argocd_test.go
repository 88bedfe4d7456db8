package docs_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/setup"
)

const argoPage = "argocd.md"

// blockOf is the only YAML block of a page that holds the text.
func blockOf(t *testing.T, page, holds string) string {
	t.Helper()
	found := slices.DeleteFunc(blocks(t, page), func(block string) bool { return !strings.Contains(block, holds) })
	if len(found) != 1 {
		t.Fatalf("%d blocks hold %q", len(found), holds)
	}
	return found[0]
}

// answer is what the door says about a folder of the examples.
func answer(t *testing.T, folder, parameters string) string {
	t.Helper()
	config, err := gate.Load("../examples/gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	judge, err := setup.New(setup.Options{Config: config, LockRequired: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { judge.Close() })
	dir, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	return argocd.Generate(t.Context(), argocd.GenerateOptions{
		Judge: judge, Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
		Dir: filepath.Join(dir, filepath.FromSlash(folder)), Environ: []string{
			"ARGOCD_APP_NAME=shop", "ARGOCD_APP_PROJECT_NAME=team-a", "ARGOCD_APP_NAMESPACE=shop",
			"ARGOCD_APP_SOURCE_PATH=" + folder, "ARGOCD_APP_PARAMETERS=" + parameters,
		},
	}).Message
}

func TestArgoCD_TheTableHasEveryParameter(t *testing.T) {
	_, known, found := strings.Cut(answer(t, "hostile/renders-application", `[{"name":"x","string":"y"}]`), "known are ")
	if !found {
		t.Fatal("the door does not list its parameters")
	}
	known, _, _ = strings.Cut(known, " (")
	page := readPage(t, argoPage)
	var listed []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (?:array|string|map) \\|").FindAllStringSubmatch(page, -1) {
		listed = append(listed, match[1])
	}
	slices.Sort(listed)
	if got := strings.Join(listed, ", "); got != known {
		t.Errorf("the table has\n%s, the door\n%s", got, known)
	}
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// reportID changes with every field that a verdict gets.
var reportID = regexp.MustCompile(`report=[0-9a-f]{12}\n$`)

func TestArgoCD_TheDenialIsWhatTheDoorSays(t *testing.T) {
	const begin, end = "<!-- denial -->\n```text\n", "```\n"
	page := readPage(t, argoPage)
	before, rest, found := strings.Cut(page, begin)
	shown, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the page shows no denial")
	}
	said := answer(t, "hostile/renders-application", "null") + "\n"
	if reportID.ReplaceAllString(said, "") == reportID.ReplaceAllString(shown, "") {
		return
	}
	if !*update {
		t.Fatalf("the page shows\n%s\nthe door says\n%s\nwrite it with: go test ./docs -update", shown, said)
	}
	if err := os.WriteFile(argoPage, []byte(before+begin+said+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The page's kustomizations build once what they take from elsewhere lies
// beside them.
func TestArgoCD_TheKustomizationsBuild(t *testing.T) {
	tree := t.TempDir()
	if err := os.CopyFS(tree, os.DirFS("../manifests")); err != nil {
		t.Fatal(err)
	}
	local := strings.NewReplacer(
		"https://github.com/assay-gitops/assay//manifests/", "../", "?ref=main", "",
		"https://raw.githubusercontent.com/argoproj/argo-cd/v3.5.7/manifests/install.yaml", "../testdata/repo-server",
	)
	write(t, filepath.Join(tree, "page", "gate", "gate.yaml"), "")
	write(t, filepath.Join(tree, "page", "gate", "trust.yaml"), "")
	for holds, wants := range map[string]string{"configMapGenerator": "assay-gate-", "ValidatingAdmissionPolicyBinding": "Audit"} {
		write(t, filepath.Join(tree, "page", "kustomization.yaml"), local.Replace(blockOf(t, argoPage, holds)))
		root, err := os.OpenRoot(tree)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = root.Close() }()
		rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), plugin.Source{Root: root, Path: "page"})
		if err != nil {
			t.Fatalf("%s: %v", holds, err)
		}
		text, err := yaml.Marshal(rendering.Objects)
		if err != nil || !strings.Contains(string(text), wants) {
			t.Errorf("%s: %v: no %q in what it builds", holds, err, wants)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestArgoCD_TheApplicationGoesThroughTheGate: the admission policies let the
// page's Application in, and the door knows its parameters.
func TestArgoCD_TheApplicationGoesThroughTheGate(t *testing.T) {
	block := blockOf(t, argoPage, "kind: Application")
	if found := ofRule(t, block, "self/gitops-kind"); found != 0 {
		t.Errorf("the Application is refused")
	}
	if ofRule(t, strings.ReplaceAll(block, "name: assay", "name: other"), "self/gitops-kind") == 0 {
		t.Error("twin: another plugin is let in")
	}
	var application struct {
		Spec struct {
			Source struct{ Plugin struct{ Parameters []any } }
		}
	}
	if err := yaml.Unmarshal([]byte(block), &application); err != nil {
		t.Fatal(err)
	}
	parameters, err := yaml.Marshal(application.Spec.Source.Plugin.Parameters)
	if err != nil {
		t.Fatal(err)
	}
	if encoded, err := yaml.YAMLToJSON(parameters); err != nil || strings.Contains(answer(t, "hostile/renders-application", string(encoded)), "argocd/parameter") {
		t.Errorf("its parameters are refused (%v)", err)
	}
}

// ofRule counts what self says of the object by one rule.
func ofRule(t *testing.T, text, rule string) int {
	t.Helper()
	var fields map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, finding := range policy.NewSelf(policy.SelfConfig{}).Judge(t.Context(), plugin.Sealed{Objects: []plugin.Object{{Fields: fields}}}) {
		if finding.Rule == rule {
			count++
		}
	}
	return count
}

func TestArgoCD_BreakGlassIsAGateThatLoads(t *testing.T) {
	config, err := gate.Parse(argoPage, []byte(blockOf(t, argoPage, "breakGlass")))
	if err != nil || len(config.Gates[0].Spec.BreakGlass) != 1 {
		t.Fatalf("%v: %+v", err, config)
	}
}

// TestArgoCD_TheStockPluginIsUsedByNameAlone: an Application that names "assay"
// finds it, and Argo CD never guesses.
func TestArgoCD_TheStockPluginIsUsedByNameAlone(t *testing.T) {
	var stock struct {
		Metadata struct{ Name string }
		Spec     struct {
			Version  string
			Discover map[string]any
			Generate struct{ Command []string }
		}
	}
	text, err := os.ReadFile("../manifests/argocd/cmp-server/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &stock); err != nil {
		t.Fatal(err)
	}
	if stock.Metadata.Name != "assay" || stock.Spec.Version != "" || stock.Spec.Discover != nil || strings.Join(stock.Spec.Generate.Command, " ") != "assay generate --gate=/etc/assay/gate" {
		t.Errorf("%+v", stock)
	}
}

func TestArgoCD_EveryBlockIsReadByATest(t *testing.T) {
	if found := len(blocks(t, argoPage)); found != 4 {
		t.Errorf("%d YAML blocks, 4 are tested", found)
	}
}
