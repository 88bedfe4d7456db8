package migrate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
)

const own = "https://git.example.com/team-a/shop.git"

// tree is a repository with a chart, a kustomization and a folder.
func tree(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{
		"chart/Chart.yaml":  "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"chart/values.yaml": "color: red\nsize: 1\n",
		"chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}\n" +
			"data: {color: '{{ .Values.color }}', size: '{{ .Values.size }}', kube: '{{ .Capabilities.KubeVersion.Version }}'}\n",
		"envs/prod.yaml":            "color: blue\n",
		"chart/prod.yaml":           "color: green\n",
		"kustom/kustomization.yaml": "resources: [deployment.yaml]\n",
		"kustom/deployment.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'web:1'}]}}}\n",
		"kustom/patch.yaml":         "- {op: replace, path: /metadata/name, value: renamed}\n",
		"sonnet/main.jsonnet":       "local x = import 'x.libsonnet'; function(name, count=1) { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: x + { a: std.extVar('a'), b: '%d' % (count + std.extVar('b')) } }",
		"vendor/x.libsonnet":        "{ x: 'y' }",
		"plain/map.yaml":            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"plain/below/map.yaml":      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		"plain/below/left-out.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func options(root *os.Root) migrate.Options {
	return migrate.Options{
		Root: root, Limits: plugin.DefaultLimits(),
		Own:    func(url string) bool { return url == own },
		Tracks: func(name string) bool { return name == "" || name == "main" },
	}
}

func run(t *testing.T, root *os.Root, paths ...string) []migrate.File {
	t.Helper()
	result, err := migrate.Run(t.Context(), options(root), paths)
	if err != nil {
		t.Fatal(err)
	}
	return result.Files
}

// application is an Application with the lines of its source.
func application(source string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\nspec:\n  destination: {namespace: shop}\n  source:\n    repoURL: " + own + "\n    " +
		strings.ReplaceAll(strings.TrimSpace(source), "\n", "\n    ") + "\n"
}

func one(t *testing.T, text string) migrate.File {
	t.Helper()
	files := run(t, tree(t, map[string]string{"apps/app.yaml": text}), "apps")
	if len(files) != 1 {
		t.Fatalf("%d files are told", len(files))
	}
	return files[0]
}

func TestMigrate_EachFieldIsCarriedAndProven(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"path: plain":           "name: assay",
		"path: chart\nhelm: {}": "helm",
		"path: chart\nhelm:\n  valueFiles:\n  - prod.yaml # of production":                                                                                                                                                                          "- prod.yaml # of production",
		"path: chart\nhelm:\n  parameters:\n  - {name: color, value: 'a,b'}\n  - {name: size, value: '3', forceString: true}":                                                                                                                       "helm-string-parameters",
		"path: chart\nhelm:\n  values: |\n    color: pink\n":                                                                                                                                                                                        "color: pink",
		"path: chart\nhelm:\n  valuesObject:\n    # why\n    color: pink # yes\n    size: 7":                                                                                                                                                        "color: pink # yes",
		"path: chart\nhelm:\n  releaseName: other\n  namespace: else\n  kubeVersion: v1.34.1-gke.3\n  skipCrds: true\n  skipTests: true\n  version: v3":                                                                                             "helm-skip-crds",
		"path: chart\nhelm:\n  valueFiles: [gone.yaml]\n  ignoreMissingValueFiles: true":                                                                                                                                                            "helm-ignore-missing-value-files",
		"path: chart\nhelm:\n  fileParameters:\n  - name: color\n    path: /envs/prod.yaml":                                                                                                                                                         "helm-file-parameters",
		"path: kustom\nkustomize:\n  namePrefix: a-\n  nameSuffix: -b\n  namespace: c\n  images: ['web=other:2']":                                                                                                                                   "kustomize-images",
		"path: kustom\nkustomize:\n  replicas:\n  - name: web\n    count: 3\n  commonLabels: {team: a}\n  labelWithoutSelector: true":                                                                                                               "kustomize-replicas",
		"path: kustom\nkustomize:\n  commonAnnotations: {team: '$a'}":                                                                                                                                                                               "$a",
		"path: kustom\nkustomize:\n  patches:\n  - target: {kind: Deployment, name: web}\n    patch: |\n      - op: add\n        path: /spec/replicas\n        value: 4":                                                                            "kustomize-patches",
		"path: kustom\nkustomize:\n  commonAnnotations: {team: 'of-$ARGOCD_APP_NAME-$$'}\n  commonAnnotationsEnvsubst: true":                                                                                                                        "kustomize-common-annotations-envsubst",
		"path: kustom\nkustomize:\n  commonLabels: {team: 'of-$ARGOCD_APP_NAME'}\n  images: ['web=other:$ARGOCD_APP_NAMESPACE']":                                                                                                                    "of-$ARGOCD_APP_NAME",
		"path: chart\nhelm:\n  parameters:\n  - {name: color, value: '${ARGOCD_APP_SOURCE_PATH}'}\n  valueFiles: ['$ARGOCD_APP_NAME.yaml']\n  ignoreMissingValueFiles: true":                                                                        "${ARGOCD_APP_SOURCE_PATH}",
		"path: chart\nhelm:\n  values: 'color: $ARGOCD_APP_NAME'":                                                                                                                                                                                   "color: $ARGOCD_APP_NAME",
		"path: kustom\nkustomize:\n  patches:\n  - path: patch.yaml\n    options: {allowNameChange: true}\n    target: {kind: Deployment}":                                                                                                          "allowNameChange",
		"path: sonnet\ndirectory:\n  jsonnet:\n    extVars:\n    - {name: a, value: x}\n    # how many\n    - {name: b, value: 1 + 1, code: true}\n    tlas: [{name: name, value: web}, {name: count, value: '2', code: true}]\n    libs: [vendor]": "directory-jsonnet-tla-code",
		"path: plain\ndirectory:\n  recurse: true\n  exclude: '**/left-out.yaml'":                                                                                                                                                                   "directory-exclude",
	} {
		file := one(t, application(source))
		if len(file.Refused)+len(file.Different)+len(file.Unproven) > 0 || file.Proven != 1 || !file.MayWrite(false) {
			t.Errorf("%s: proven %d, refused %v, different %v, unproven %v\n%s", source, file.Proven, file.Refused, file.Different, file.Unproven, file.New)
		}
		if !strings.Contains(string(file.New), want) || !strings.Contains(string(file.New), "name: assay") {
			t.Errorf("%s becomes\n%s", source, file.New)
		}
	}
}

func TestMigrate_WhatCannotBeCarriedIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	for source, twin := range map[string]string{
		"path: chart\nhelm:\n  passCredentials: true":                                                          "path: chart\nhelm:\n  passCredentials: false",
		"path: chart\nhelm:\n  version: v2":                                                                    "path: chart\nhelm:\n  version: v3",
		"path: chart\nhelm:\n  valueFiles: [$values/envs/prod.yaml]":                                           "path: chart\nhelm:\n  valueFiles: [/envs/prod.yaml]",
		"path: chart\nhelm:\n  valueFile: [a.yaml]":                                                            "path: chart\nhelm:\n  valueFiles: [prod.yaml]",
		"path: chart\nhelm:\n  valueFiles: 3":                                                                  "path: chart\nhelm:\n  valueFiles: []",
		"path: chart\nhelm: {values: 'a: b', valuesObject: {a: b}}":                                            "path: chart\nhelm: {valuesObject: {a: b}}",
		"path: kustom\nkustomize:\n  version: v5.0.0":                                                          "path: kustom\nkustomize: {}",
		"path: plain\ndirectory:\n  jsonnet: {lib: [a]}":                                                       "path: plain\ndirectory:\n  jsonnet: {}",
		"path: plain\ndirectory:\n  jsonnet: {tlas: [{name: a, value: b}, {name: a, value: '1', code: true}]}": "path: plain\ndirectory:\n  jsonnet: {tlas: [{name: a, value: b}]}",
		"path: chart\nhelm: {}\nkustomize: {}":                                                                 "path: chart\nhelm: {}",
		"path: chart\nplugin: {name: other}":                                                                   "path: chart",
		"path: chart\nhelm: {}\nplugin: {name: assay}":                                                         "path: chart\nhelm: {}",
	} {
		file := one(t, application(source))
		if len(file.Refused) == 0 || file.MayWrite(true) || string(file.New) != string(file.Old) {
			t.Errorf("%s is not refused:\n%s", source, file.New)
			continue
		}
		if first := file.Refused[0]; first.Where.Line < 7 || first.Field == "" || first.Reason == "" || first.Hint == "" {
			t.Errorf("%s: %+v", source, first)
		}
		if file := one(t, application(twin)); !file.MayWrite(false) {
			t.Errorf("the twin %s: %v %v %v", twin, file.Refused, file.Different, file.Unproven)
		}
	}
}

func TestMigrate_EverythingElseOfTheFileStays(t *testing.T) {
	t.Parallel()
	before := "# the shop\nkind:   ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\n" + strings.Replace(application("path: chart # here\nhelm: # how\n  # of production\n  valueFiles: [prod.yaml]\ntargetRevision: 'main'"), "spec:", "# what\nspec:", 1)
	file := one(t, before)
	after := string(file.New)
	for _, kept := range []string{"# the shop\nkind:   ConfigMap\n", "# here", "# how", "# of production", "# what", "targetRevision: 'main'\n"} {
		if !strings.Contains(after, kept) {
			t.Errorf("%q is lost:\n%s", kept, after)
		}
	}
	if strings.Contains(after, "helm:") {
		t.Errorf("the block stays:\n%s", after)
	}
}

func TestMigrate_ASecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{"apps/app \n\x1b[31m.yaml": application("path: chart\nhelm: {releaseName: a}")})
	if err := migrate.Write(root, run(t, root, "apps"), false); err != nil {
		t.Fatal(err)
	}
	if again := run(t, root, "apps"); len(again) != 0 {
		t.Errorf("the second run: %+v", again)
	}
}

func TestMigrate_SeveralSources(t *testing.T) {
	t.Parallel()
	of := func(repository string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  destination: {namespace: shop}\n  sources:\n" +
			"  - repoURL: " + own + "\n    path: chart\n    helm:\n      valueFiles:\n      - $values/envs/prod.yaml\n  - repoURL: " + repository + "\n    ref: values\n  - repoURL: " + own + "\n    path: plain\n"
	}
	file := one(t, of(own))
	if !file.MayWrite(false) || file.Proven != 2 || !strings.Contains(string(file.New), "- /envs/prod.yaml") {
		t.Errorf("proven %d, %v %v %v\n%s", file.Proven, file.Refused, file.Different, file.Unproven, file.New)
	}
	if other := one(t, of("https://git.example.com/team-a/values.git")); len(other.Refused) != 1 || other.Refused[0].Where.Line != 11 {
		t.Errorf("a file of another repository: %+v", other.Refused)
	}
	if both := one(t, of(own)+"  source: {repoURL: a, path: b}\n"); len(both.Refused) != 1 {
		t.Errorf("source and sources: %+v", both.Refused)
	}
}

func TestMigrate_WhatLiesElsewhereIsNotProven(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"repository": strings.ReplaceAll(application("path: chart"), own, "https://git.example.com/team-b/x.git"),
		"revision":   application("path: chart\ntargetRevision: v1"),
		"folder":     application("path: gone"),
		"chart":      application("chart: shop\ntargetRevision: 1.2.3"),
		"broken":     application("path: chart\nhelm: {valueFiles: [gone.yaml]}"),
	} {
		file := one(t, text)
		if len(file.Unproven) != 1 || file.MayWrite(false) || !file.MayWrite(true) || file.Proven != 0 {
			t.Errorf("%s: %+v", name, file)
		}
	}
}

// .argocd-source.yaml adds a block of its own, which a source with a plugin
// cannot have.
func TestMigrate_WhatIsRefusedIsNotWritten(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{"apps/app.yaml": application("path: chart\nhelm: {}"), "chart/.argocd-source.yaml": "helm: {releaseName: other}\n"})
	files := run(t, root, "apps")
	if len(files) != 1 || len(files[0].Refused) != 1 || files[0].MayWrite(true) {
		t.Fatalf("%+v", files)
	}
	if err := migrate.Write(root, files, true); err != nil {
		t.Fatal(err)
	}
	if data, err := root.ReadFile("apps/app.yaml"); err != nil || string(data) != string(files[0].Old) {
		t.Errorf("it was written: %v\n%s", err, data)
	}
}

func TestMigrate_ASetIsRewrittenAsATemplate(t *testing.T) {
	t.Parallel()
	set := func(generator, more string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shops}\nspec:\n  goTemplate: true\n  generators:\n  - " + generator + more + "\n  template:\n    metadata: {name: 'shop-{{ .color }}'}\n" +
			"    spec:\n      project: default\n      destination: {namespace: shop}\n      source:\n        repoURL: " + own + "\n        path: chart\n        helm:\n          parameters:\n          - name: color\n            value: '{{ .color }}'\n"
	}
	file := one(t, set("list: {elements: [{color: red}, {color: blue}]}", ""))
	if file.Proven != 2 || !file.MayWrite(false) || !strings.Contains(string(file.New), "color: '{{ .color }}'") {
		t.Errorf("proven %d, %v %v %v\n%s", file.Proven, file.Refused, file.Different, file.Unproven, file.New)
	}
	if file := one(t, set("list: {elements: []}", "")+"---\n"+application("path: chart")); file.Proven != 1 || len(file.Unproven) != 1 || file.MayWrite(false) {
		t.Errorf("a set without Applications beside one that is proven: %+v", file)
	}
	if file := one(t, set("clusters: {}", "")); len(file.Unproven) == 0 || file.MayWrite(false) {
		t.Errorf("a set over clusters is proven: %+v", file)
	}
	if file := one(t, set("list: {elements: [{color: red}]}", "\n  templatePatch: |\n    spec: {source: {helm: {}}}")); len(file.Refused) != 1 {
		t.Errorf("a patch of the template: %+v", file.Refused)
	}
}

func TestMigrate_BrokenFilesAreTold(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"template": strings.Replace(application("path: chart"), "name: shop", "name: {{ .name }}", 1),
		"alias":    strings.Replace(application("path: chart\nhelm: &a {}"), "destination:", "info: [*a]\n  destination:", 1) + "  info: [*a]\n",
		"twice":    application("path: chart\nhelm: {}\nhelm: {}"),
	} {
		if file := one(t, text); len(file.Refused) == 0 || file.MayWrite(true) {
			t.Errorf("%s: %s", name, file.New)
		}
	}
	if files := run(t, tree(t, map[string]string{"apps/a.yaml": "kind: Application\napiVersion: app.k8s.io/v1\n"}), "apps"); len(files) != 0 {
		t.Errorf("another group's kind is told: %+v", files)
	}
}
