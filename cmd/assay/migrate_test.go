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
