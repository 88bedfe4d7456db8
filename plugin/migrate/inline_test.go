package migrate_test

import (
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/migrate"
)

const values = "https://git.example.com/platform/values.git"

// multi is an Application with a chart, value files, and a source of values.
func multi(files, more string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  destination: {namespace: shop}\n  sources:\n" +
		"  - repoURL: " + own + "\n    path: chart\n    helm:\n      valueFiles:\n" + files + more + "  - repoURL: " + values + "\n    ref: values\n"
}

func elsewhere(t *testing.T, text string, checkout map[string]string) migrate.File {
	t.Helper()
	o := options(tree(t, map[string]string{"apps/app.yaml": text}))
	other := tree(t, checkout)
	o.Elsewhere = func(url string) *os.Root {
		if url == values && checkout != nil {
			return other
		}
		return nil
	}
	result, err := migrate.Run(t.Context(), o, []string{"apps"})
	if err != nil || len(result.Files) != 1 {
		t.Fatalf("%d files, %v", len(result.Files), err)
	}
	return result.Files[0]
}

func TestMigrate_ValuesOfAnotherRepositoryAreWrittenIn(t *testing.T) {
	t.Parallel()
	checkout := map[string]string{
		"shop/prod.yaml": "# of production\ncolor: teal # dark\nsize: 3\n", "shop/more/a.yaml": "color: a\nnested: {a: 1, b: 2}\n", "shop/more/b.yaml": "color: b\nnested: {b: 3}\n", "shop/empty.yaml": "# nothing\n",
	}
	for name, c := range map[string]struct{ files, more, has string }{
		"one, as it is written":    {"      - $values/shop/prod.yaml\n", "", "# of production\n          color: teal # dark\n          size: 3\n"},
		"behind one of its own":    {"      - prod.yaml\n      - $values/shop/prod.yaml\n", "", "- prod.yaml\n"},
		"below helm.values":        {"      - $values/shop/prod.yaml\n", "      values: |\n        size: 9\n", "size: 9\n"},
		"below helm.valuesObject":  {"      - $values/shop/prod.yaml\n", "      valuesObject:\n        size: 9\n", "size: 9\n"},
		"below helm.parameters":    {"      - $values/shop/prod.yaml\n", "      parameters: [{name: color, value: red}]\n", "color: red\n"},
		"several, by a pattern":    {"      - $values/shop/more/*.yaml\n", "", "color: b\n"},
		"one that holds nothing":   {"      - $values/shop/empty.yaml\n", "", "helm-values"},
		"one that is not there":    {"      - $values/shop/gone.yaml\n", "      ignoreMissingValueFiles: true\n", "helm-ignore-missing-value-files"},
		"two, the second one wins": {"      - $values/shop/prod.yaml\n      - $values/shop/more/a.yaml\n", "", "color: a\n"},
	} {
		file := elsewhere(t, multi(c.files, c.more), checkout)
		if file.Proven != 1 || !file.MayWrite(false) || !strings.Contains(string(file.New), c.has) {
			t.Errorf("%s: proven %d, refused %v, different %v, unproven %v\n%s", name, file.Proven, file.Refused, file.Different, file.Unproven, file.New)
		}
	}
}

func TestMigrate_ValuesOfAnotherRepositoryAreRefusedWithTheWayToWriteThem(t *testing.T) {
	t.Parallel()
	checkout := map[string]string{"prod.yaml": "color: teal\n", "list.yaml": "- a\n", "alias.yaml": "a: &a {b: c}\nd: *a\n", "broken.yaml": "a: [\n"}
	for name, c := range map[string]struct {
		files, more, reason, hint string
		checkout                  map[string]string
	}{
		"nobody has a checkout":         {"      - $values/prod.yaml\n", "", "is a file of another source", "--source " + values + "=FOLDER", nil},
		"a file of its own behind it":   {"      - $values/prod.yaml\n      - prod.yaml\n", "", "stands behind a file of another source", "put it in front", checkout},
		"it is not there":               {"      - $values/gone.yaml\n", "", "there is no file gone.yaml in the checkout", "check out the revision", checkout},
		"a variable is in its path":     {"      - $values/${ARGOCD_APP_NAME}.yaml\n", "", "only known when it is rendered", "an Application for each", checkout},
		"it is a list":                  {"      - $values/list.yaml\n", "", "is not a mapping", "helm.valuesObject", checkout},
		"it is broken":                  {"      - $values/broken.yaml\n", "", "cannot be read", "helm.valuesObject", checkout},
		"it has anchors, beside others": {"      - $values/alias.yaml\n", "      values: 'a: b'\n", "has anchors", "helm.valuesObject", checkout},
	} {
		file := elsewhere(t, multi(c.files, c.more), c.checkout)
		if len(file.Refused) == 0 || file.MayWrite(true) || !strings.Contains(file.Refused[0].Reason, c.reason) || !strings.Contains(file.Refused[0].Hint, c.hint) || file.Refused[0].Where.Line < 10 {
			t.Errorf("%s: %+v\n%s", name, file.Refused, file.New)
		}
	}
}

// TestMigrate_ASourceElsewhereIsProvenInItsCheckout, and a Git generator looks
// there.
func TestMigrate_ASourceElsewhereIsProvenInItsCheckout(t *testing.T) {
	t.Parallel()
	text := strings.Replace(application("path: chart\ntargetRevision: v7\nhelm: {}"), own, values, 1)
	if file := elsewhere(t, text, map[string]string{}); file.Proven != 1 || !file.MayWrite(false) {
		t.Errorf("%+v", file)
	}
	if file := elsewhere(t, text, nil); file.Proven != 0 || len(file.Unproven) != 1 || !strings.Contains(file.Unproven[0].Hint, "--source "+values+"=FOLDER") {
		t.Errorf("without a checkout: %+v", file)
	}
	set := "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\nspec:\n  goTemplate: true\n  generators: [{git: {repoURL: " + values + ", revision: v7, directories: [{path: 'pla*'}]}}]\n" +
		"  template:\n    metadata: {name: 'a-{{ .path.basename }}'}\n    spec:\n      project: default\n      destination: {namespace: a}\n      source: {repoURL: " + values + ", targetRevision: v7, path: '{{ .path.path }}', directory: {recurse: true}}\n"
	if file := elsewhere(t, set, map[string]string{}); file.Proven != 1 {
		t.Errorf("%+v", file)
	}
}

func TestMigrate_AnOverrideInTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{".argocd-source.yaml", ".argocd-source-shop.yaml"} {
		files := run(t, tree(t, map[string]string{"apps/app.yaml": application("path: chart\nhelm: {}"), "chart/" + base: "helm: {releaseName: other}\n"}), "apps")
		if len(files) != 1 || len(files[0].Refused) != 1 || files[0].MayWrite(true) || !strings.Contains(files[0].Refused[0].Reason, "chart/"+base+" changes this source") {
			t.Errorf("%s: %+v", base, files)
		}
	}
	files := run(t, tree(t, map[string]string{"apps/app.yaml": application("path: chart\nhelm: {}"), "chart/.argocd-source-other.yaml": "helm: {releaseName: other}\n"}), "apps")
	if len(files) != 1 || files[0].Proven != 1 {
		t.Errorf("one of another Application: %+v", files)
	}
}
