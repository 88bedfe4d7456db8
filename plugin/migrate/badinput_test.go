package migrate_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
)

// said are the problems of a file, a line each.
func said(file migrate.File) string {
	var out []string
	for _, list := range [][]migrate.Problem{file.Refused, file.Different, file.Unproven} {
		for _, each := range list {
			out = append(out, each.Where.String()+": "+each.Field+": "+each.Reason+"; "+each.Hint)
		}
	}
	return strings.Join(out, "\n")
}

func sources(more ...string) string {
	text := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  destination: {namespace: shop}\n  sources:\n"
	for _, each := range more {
		text += "  - repoURL: " + own + "\n    " + strings.ReplaceAll(each, "\n", "\n    ") + "\n"
	}
	return text
}

func set(generators, name, source string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shops}\nspec:\n  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n  generators: " + generators +
		"\n  template:\n    metadata: {name: '" + name + "'}\n    spec:\n      project: default\n      destination: {namespace: shop}\n      source: {repoURL: " + own + ", " + source + "}\n"
}

// TestMigrate_BadInput: each is told with the place, the reason and what to do, and
// nothing of it is written without being asked for.
func TestMigrate_BadInput(t *testing.T) {
	t.Parallel()
	const colors = "[{list: {elements: [{color: red}]}}]"
	for name, c := range map[string]struct{ text, said string }{
		"several sources, one has another plugin":            {sources("path: plain", "path: chart\nplugin: {name: other}"), `apps/app.yaml:9: spec.sources[1].plugin.name: it is "other", and what another plugin renders is not known here`},
		"several sources, one is not there":                  {sources("path: plain", "path: gone"), "shop: there is no folder gone in its repository's tree"},
		"several sources and a source":                       {sources("path: plain") + "  source: {repoURL: " + own + ", path: plain}\n", "spec.source: there is sources too, and Argo CD passes over source"},
		"several sources, two of one ref":                    {sources("path: plain\nref: a", "path: chart\nref: a"), `two sources have the ref "a"`},
		"several sources, a ref that is none":                {sources("path: chart\nhelm: {valueFiles: [$gone/a.yaml]}"), `no source has the ref of "$gone/a.yaml"`},
		"a source without a repository":                      {"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {source: {path: plain}}\n", "it has no repoURL"},
		"a source without a path":                            {"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {source: {repoURL: " + own + "}}\n", "it has neither path nor chart"},
		"an unknown field of a source":                       {application("path: chart\nhelms: {}"), "spec.source.helms: there is no such field, and Argo CD passes over it; correct its name, or remove it"},
		"an unknown field of a block":                        {application("path: chart\nhelm: {releasename: a}"), "there is no such field, and Argo CD passes over it; correct its name, or remove it"},
		"an unknown field of a parameter":                    {application("path: chart\nhelm: {parameters: [{nam: a}]}"), "there is no such field"},
		"a field of the wrong form":                          {application("path: chart\nhelm: {parameters: {color: red}}"), "a field of its source has the wrong form"},
		"a path out of the tree":                             {application("path: ../../etc"), "there is no folder ../../etc in its repository's tree"},
		"a set whose Applications have no name":              {set(colors, "", "path: plain"), "it gives an Application without a name"},
		"a set whose names are none":                         {set(colors, "Shop_{{ .color }}", "path: plain"), "which the API server refuses"},
		"a set whose Applications have one name":             {set("[{list: {elements: [{color: red}, {color: blue}]}}]", "shop", "path: plain"), "duplicate name"},
		"a set whose template does not fill":                 {set(colors, "shop-{{ .gone }}", "path: plain"), "filling the template"},
		"a set whose template is none":                       {set(colors, "shop-{{ .color", "path: plain"), "parsing the template: line 1: unclosed action"},
		"a set whose source is only known when rendered":     {set(colors, "shop-{{ .color }}", "path: '{{ .color }}'"), "there is no folder red in its repository's tree"},
		"a set over clusters that nobody gave":               {set("[{clusters: {}}]", "shop-{{ .name }}", "path: plain"), "--clusters"},
		"a set over pull requests":                           {set("[{pullRequest: {github: {owner: a, repo: b}}}]", "shop-{{ .number }}", "path: plain"), "asks a Git host for its pull requests"},
		"a set of generators that are none":                  {set("[{lists: {elements: []}}]", "shop", "path: plain"), "spec.generators[0]"},
		"a chart whose version is a range":                   {application("chart: shop\ntargetRevision: 1.*"), "is a range"},
		"an Application that cannot be read":                 {strings.Replace(application("path: plain"), "destination: {namespace: shop}", "destination: 3", 1), "it cannot be read"},
		"an Application without a name":                      {strings.Replace(application("path: plain"), "name: shop", "namespace: shop", 1), "has no metadata.name"},
		"an Application in a file that no YAML parser likes": {application("path: plain") + "\tx: 1\n", "correct it"},
	} {
		file := one(t, c.text)
		if got := said(file); !strings.Contains(got, c.said) || !strings.Contains(got, "apps/app.yaml") {
			t.Errorf("%s: %q is not said:\n%s", name, c.said, got)
		}
		if file.MayWrite(false) {
			t.Errorf("%s may be written:\n%s", name, file.New)
		}
	}
	for name, text := range map[string]string{
		"the twin of several sources": sources("path: plain", "path: chart\nhelm: {}"), "the twin of sets": set(colors, "shop-{{ .color }}", "path: plain"),
	} {
		if file := one(t, text); !file.MayWrite(false) || file.Proven == 0 {
			t.Errorf("%s: %s", name, said(file))
		}
	}
}

// TestMigrate_ClustersGiveASetItsApplications: as they are given by --clusters.
func TestMigrate_ClustersGiveASetItsApplications(t *testing.T) {
	t.Parallel()
	o := options(tree(t, map[string]string{"apps/app.yaml": set("[{clusters: {}}]", "shop-{{ .name }}", "path: plain")}))
	o.Clusters = []plugin.Object{{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "prod", "namespace": "argocd", "labels": map[string]any{"argocd.argoproj.io/secret-type": "cluster"}},
		"stringData": map[string]any{"name": "prod", "server": "https://prod.example.com"},
	}}}
	result, err := migrate.Run(t.Context(), o, []string{"apps"})
	if err != nil || len(result.Files) != 1 || result.Files[0].Proven == 0 || !result.Files[0].MayWrite(false) {
		t.Errorf("%v %+v", err, result.Files)
	}
}

// TestMigrate_IsTheSameHoweverManyWorkAtOnce, and counts what is rendered.
func TestMigrate_IsTheSameHoweverManyWorkAtOnce(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i, source := range []string{"path: chart\nhelm: {}", "path: gone", "path: kustom\nkustomize: {namePrefix: a-}", "path: chart\nhelm: {version: v2}", "path: plain"} {
		for j := range 4 {
			files["apps/"+string(rune('a'+i))+string(rune('a'+j))+".yaml"] = application(source)
		}
	}
	root := tree(t, files)
	var first migrate.Result
	for _, workers := range []int{1, 3, 8} {
		o := options(root)
		o.Workers = workers
		result, err := migrate.Run(t.Context(), o, []string{"apps"})
		if err != nil {
			t.Fatal(err)
		}
		if first.Files == nil {
			first = result
		}
		if len(result.Files) != 20 || result.Renderings != 24 {
			t.Errorf("%d files by %d renderings", len(result.Files), result.Renderings)
		}
		for i, file := range result.Files {
			if file.Path != first.Files[i].Path || said(file) != said(first.Files[i]) || string(file.New) != string(first.Files[i].New) {
				t.Errorf("%d workers: %s is another", workers, file.Path)
			}
		}
	}
}
