package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMigrate_WritesWhatIsProvenAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, wrote string
		args        []string
		code        int
	}{
		"a diff":                 {path: "shop", code: exitAllowed},
		"in place":               {path: "shop", args: []string{"--in-place"}, wrote: "name: assay", code: exitAllowed},
		"not proven":             {path: "gone", args: []string{"--in-place"}, code: exitUndetermined},
		"unproven, as asked for": {path: "gone", args: []string{"--in-place", "--unproven"}, wrote: "name: assay", code: exitAllowed},
		"refused":                {path: "shop\n    plugin: {name: other}", args: []string{"--in-place", "--unproven"}, code: exitDenied},
	} {
		dir := t.TempDir()
		must(t, os.CopyFS(filepath.Join(dir, "shop"), os.DirFS("../../examples/shop-plain")))
		file := filepath.Join(dir, "app.yaml")
		text := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  source:\n    repoURL: https://git.example.com/shop.git\n    path: " + c.path + "\n"
		must(t, os.WriteFile(file, []byte(text), 0o644))
		got := in(t, "", append([]string{"migrate", file, "--root", dir}, c.args...)...)
		data, err := os.ReadFile(file)
		must(t, err)
		if got.code != c.code || c.wrote == "" && string(data) != text || !strings.Contains(string(data), c.wrote) {
			t.Errorf("%s ends with %d: %s%s\n%s", name, got.code, got.out, got.err, data)
		}
	}
}

func TestMigrate_APathOutsideOfTheRepositoryIsWrongUsage(t *testing.T) {
	t.Parallel()
	if got := in(t, "", "migrate", t.TempDir(), "--root", t.TempDir()); got.code != exitUsage {
		t.Errorf("it ends with %d: %s", got.code, got.err)
	}
}

func TestMigrate_WrongUsageIsTold(t *testing.T) {
	t.Parallel()
	for said, args := range map[string][]string{
		"--from-cluster reads no files":                                  {"--from-cluster", "apps"},
		"--kubeconfig, --context and --namespace are for --from-cluster": {"apps", "--context", "prod"},
		"name the PATH of a file or folder":                              {},
		"write text or json":                                             {"apps", "--output", "xml"},
		"write URL=folder":                                               {".", "--source", "https://git.example.com/a.git"},
		"reading the kubeconfig":                                         {"--from-cluster", "--kubeconfig", "gone"},
	} {
		if got := in(t, "", append([]string{"migrate"}, args...)...); got.code != exitUsage || got.out != "" || !strings.Contains(got.err, said) {
			t.Errorf("%q ends with %d: %s%s", args, got.code, got.out, got.err)
		}
	}
}

// TestMigrate_AClusterThatDoesNotAnswerIsNoAnswer, and nothing is printed.
func TestMigrate_AClusterThatDoesNotAnswerIsNoAnswer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {token: t}}]\n"
	must(t, os.WriteFile(file, []byte(text), 0o600))
	got := in(t, "", "migrate", "--from-cluster", "--kubeconfig", file, "--namespace", "argocd", "--root", t.TempDir(), "--in-place")
	if got.code != exitUndetermined || got.out != "" || !strings.Contains(got.err, "applications in the namespace argocd") || !strings.Contains(got.err, "nothing was rewritten") {
		t.Errorf("it ends with %d: %s%s", got.code, got.out, got.err)
	}
}

func TestMigrate_TheReportForProgramsSaysWhatIsAddedApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "shop"), os.DirFS("../../examples/shop-plain")))
	must(t, os.WriteFile(filepath.Join(dir, "app.yaml"), []byte("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  source:\n    repoURL: https://git.example.com/shop.git\n    path: shop\n"), 0o644))
	got := in(t, "", "migrate", dir, "--root", dir, "--output", "json")
	for _, said := range []string{`"schema": "assay.dev/migrate/v1"`, `"proven": 1`, `"renderings": 2`, `"additions": [`, `"harden/`} {
		if got.code != exitAllowed || !strings.Contains(got.out, said) {
			t.Errorf("%s is not in it, which ends with %d: %.600s%s", said, got.code, got.out, got.err)
		}
	}
	text := in(t, "", "migrate", dir, "--root", dir)
	if text.code != exitAllowed || !strings.Contains(text.err, "what assay adds (1 source; apart from the proof)") || strings.Contains(text.out, "harden") || !strings.Contains(text.out, "+    plugin:") {
		t.Errorf("%s%s", text.out, text.err)
	}
}
