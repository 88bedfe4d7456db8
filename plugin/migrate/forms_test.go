package migrate_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestMigrate_FormsOfFiles: what stands around a source stays as it was, byte for
// byte, in every form of file.
func TestMigrate_FormsOfFiles(t *testing.T) {
	t.Parallel()
	head := "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
	for name, c := range map[string]struct{ text, old, made string }{
		"block": {
			head + "# who\nmetadata: {name: shop}   # it\nspec:\n  source:\n    repoURL: " + own + "\n    # where\n    path: chart\n    helm: # how\n      releaseName: a # so\n    targetRevision: main # last\n  destination: {namespace: shop}\n",
			"    helm: # how\n      releaseName: a # so\n",
			"    plugin:\n      # how\n      name: assay\n      parameters:\n      - name: renderer\n        string: helm\n      - name: helm-release-name\n        string: a # so\n",
		},
		"line ends of Windows": {
			strings.ReplaceAll(head+"metadata: {name: shop}\nspec:\n  source:\n    repoURL: "+own+"\n    path: plain\n    directory:\n      recurse: true\n  destination: {namespace: shop}\n", "\n", "\r\n"),
			"    directory:\r\n      recurse: true\r\n",
			"    plugin:\r\n      name: assay\r\n      parameters:\r\n      - name: renderer\r\n        string: directory\r\n      - name: directory-recurse\r\n        string: \"true\"\r\n",
		},
		"brackets": {
			head + "metadata: {name: shop}\nspec: {source: {repoURL: '" + own + "', path: plain, directory: {recurse: true}, targetRevision: main}, destination: {namespace: shop}}\n",
			"directory: {recurse: true}",
			"plugin: {name: assay, parameters: [{name: renderer, string: directory}, {name: directory-recurse, string: \"true\"}]}",
		},
		"several documents": {
			"# first\nkind: ConfigMap\napiVersion: v1\nmetadata: {name:   odd}\n---\n# second\n" + head + "metadata: {name: shop}\nspec:\n  source:\n    repoURL: " + own + "\n    path: plain\n    directory: {recurse: true}\n  destination: {namespace: shop}\n--- # third\n# nothing\n...\n",
			"    directory: {recurse: true}\n",
			"    plugin:\n      name: assay\n      parameters:\n      - name: renderer\n        string: directory\n      - name: directory-recurse\n        string: \"true\"\n",
		},
		"a hydrator's source": {
			head + "metadata: {name: shop}\nspec:\n  sourceHydrator:\n    drySource:\n      repoURL: " + own + "\n      path: kustom\n      targetRevision: main\n      kustomize:\n        namePrefix: a-\n    syncSource: {targetBranch: env/prod, path: shop} # hydrated\n  destination: {namespace: shop}\n",
			"      kustomize:\n        namePrefix: a-\n",
			"      plugin:\n        name: assay\n        parameters:\n        - name: renderer\n          string: kustomize\n        - name: kustomize-name-prefix\n          string: a-\n",
		},
		"no block at all": {
			head + "metadata: {name: shop}\nspec:\n  source:\n    repoURL: " + own + "\n    path: plain # here\n  destination: {namespace: shop}\n",
			"    path: plain # here\n",
			"    path: plain # here\n    plugin:\n      name: assay\n",
		},
	} {
		file := one(t, c.text)
		if want := strings.Replace(c.text, c.old, c.made, 1); string(file.New) != want || !strings.Contains(c.text, c.old) || file.Proven != 1 || !file.MayWrite(false) {
			t.Errorf("%s: proven %d, refused %v, different %v, unproven %v\n%q\n%q", name, file.Proven, file.Refused, file.Different, file.Unproven, file.New, want)
		}
	}
}

func TestMigrate_JSONStaysJSON(t *testing.T) {
	t.Parallel()
	text := "{\n  \"apiVersion\": \"argoproj.io/v1alpha1\",\n  \"kind\": \"Application\",\n  \"metadata\": {\"name\": \"shop\"},\n  \"spec\": {\n    \"source\": {\n      \"repoURL\": \"" + own + "\",\n      \"path\": \"chart\",\n      \"helm\": {\"values\": \"color: pink\\n\"}\n    },\n    \"destination\": {\"namespace\": \"shop\"}\n  }\n}\n"
	files := run(t, tree(t, map[string]string{"apps/app.json": text}), "apps")
	if len(files) != 1 || files[0].Proven != 1 || !json.Valid(files[0].New) || !strings.Contains(string(files[0].New), "color: pink\\n") || strings.Contains(string(files[0].New), `"helm":`) {
		t.Fatalf("%+v\n%s", files, files[0].New)
	}
	if before, _, _ := strings.Cut(text, `"helm":`); !strings.HasPrefix(string(files[0].New), before) {
		t.Errorf("what stands before it is another text:\n%s", files[0].New)
	}
}

// TestMigrate_PatchesOfApplicationsStay: a file that names no source has nothing to
// be moved.
func TestMigrate_PatchesOfApplicationsStay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, labels: {a: b}}\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {project: shop}\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shop}\nspec: {generators: []}\n",
	} {
		if files := run(t, tree(t, map[string]string{"apps/app.yaml": text}), "apps"); len(files) != 0 {
			t.Errorf("%s: %+v", text, files)
		}
	}
}
