package preview

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/setup"
)

// tree is a side's files.
type tree map[string]string

// with is the tree with some files more, or others; empty ones are removed.
func (t tree) with(more tree) tree {
	out := maps.Clone(t)
	for name, text := range more {
		if out[name] = text; text == "" {
			delete(out, name)
		}
	}
	return out
}

func (t tree) open(test *testing.T) *os.Root {
	test.Helper()
	dir := test.TempDir()
	for name, text := range t {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			test.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			test.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		test.Fatal(err)
	}
	test.Cleanup(func() { _ = root.Close() })
	return root
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\ndata: {value: %q}\n", name, value)
}

// application is an Argo CD Application of this repository.
func application(name, folder string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd}
spec:
  project: default
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  source: {repoURL: https://git.example.com/team-a/apps.git, path: %s, targetRevision: HEAD}
`, name, folder)
}

const own = "https://git.example.com/team-a/apps.git"

func options(t *testing.T, base, head tree) Options {
	t.Helper()
	s, err := setup.New(setup.Options{Config: gate.Default(), KeepObjects: true, ReleasesApart: true, Lenient: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	side := func(name string, files tree) Side {
		return Side{Name: name, Root: files.open(t), Own: func(url string) bool { return url == own }}
	}
	return Options{
		Setup: s, Base: side("main", base), Head: side("change", head), At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func run(t *testing.T, o Options) change.Report {
	t.Helper()
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// listed are "kind name status" of the applications in a report.
func listed(report change.Report) []string {
	var all []string
	for _, each := range report.Applications {
		all = append(all, each.Kind+" "+each.Name+" "+string(each.Status))
	}
	slices.Sort(all)
	return all
}

func expect(t *testing.T, report change.Report, unaffected int, want ...string) {
	t.Helper()
	if got := listed(report); !slices.Equal(got, want) {
		t.Errorf("the report has %q, want %q", got, want)
	}
	if report.Summary.Unaffected != unaffected {
		t.Errorf("%d are unaffected, want %d", report.Summary.Unaffected, unaffected)
	}
}

// three are Applications on two overlays of one base, and on a folder.
func three() tree {
	kustomization := "resources: [../../base]\nnamePrefix: %s-\n"
	return tree{
		"argocd/a.yaml": application("a", "apps/a"), "argocd/b.yaml": application("b", "apps/b"), "argocd/c.yaml": application("c", "apps/c"),
		"apps/a/kustomization.yaml": fmt.Sprintf(kustomization, "a"), "apps/b/kustomization.yaml": fmt.Sprintf(kustomization, "b"),
		"base/kustomization.yaml": "resources: [map.yaml]\n", "base/map.yaml": configMap("base", "1"), "apps/c/map.yaml": configMap("c", "1"),
	}
}

func TestRun_OnlyWhatTheChangeAffectsIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		change     tree
		unaffected int
		want       []string
	}{
		"nothing":                    {unaffected: 3},
		"a file that nothing reads":  {change: tree{"README.md": "hello"}, unaffected: 3},
		"one overlay":                {change: tree{"apps/a/kustomization.yaml": "resources: [../../base]\nnamePrefix: x-\n"}, unaffected: 2, want: []string{"Application a changed"}},
		"the base of two":            {change: tree{"base/map.yaml": configMap("base", "2")}, unaffected: 1, want: []string{"Application a changed", "Application b changed"}},
		"a file more in a folder":    {change: tree{"apps/c/more.yaml": configMap("more", "1")}, unaffected: 2, want: []string{"Application c changed"}},
		"a definition alone":         {change: tree{"argocd/c.yaml": application("c", "base")}, unaffected: 2, want: []string{"Application c changed"}},
		"a comment in a definition":  {change: tree{"argocd/c.yaml": application("c", "apps/c") + "# hello\n"}, unaffected: 3},
		"a new application":          {change: tree{"argocd/d.yaml": application("d", "apps/d"), "apps/d/map.yaml": configMap("d", "1")}, unaffected: 3, want: []string{"Application d added"}},
		"an application less":        {change: tree{"argocd/c.yaml": ""}, unaffected: 2, want: []string{"Application c removed"}},
		"another name":               {change: tree{"argocd/c.yaml": application("new", "apps/c")}, unaffected: 2, want: []string{"Application new renamed"}},
		"another name and folder":    {change: tree{"argocd/c.yaml": application("new", "apps/new"), "apps/c/map.yaml": "", "apps/new/map.yaml": configMap("c", "2")}, unaffected: 2, want: []string{"Application new renamed"}},
		"another one":                {change: tree{"argocd/c.yaml": application("new", "apps/new"), "apps/c/map.yaml": "", "apps/new/map.yaml": configMap("new", "1")}, unaffected: 2, want: []string{"Application c removed", "Application new added"}},
		"another file":               {change: tree{"argocd/c.yaml": "", "argocd/moved.yaml": application("c", "apps/c")}, unaffected: 3},
		"a lock beside an overlay":   {change: tree{"apps/a/images.lock.yaml": "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages: []\n"}, unaffected: 2},
		"a kustomization that fails": {change: tree{"apps/a/kustomization.yaml": "resources: [missing.yaml]\n"}, unaffected: 2, want: []string{"Application a changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			report := run(t, options(t, three(), three().with(c.change)))
			expect(t, report, c.unaffected, c.want...)
		})
	}
}

func TestRun_ABaseThatDoesNotRenderIsFixedAndTheReverseIsNew(t *testing.T) {
	broken := three().with(tree{"apps/a/kustomization.yaml": "resources: [missing.yaml]\n"})
	mended := run(t, options(t, broken, three()))
	if mended.Summary.NewDenials != 0 || mended.Summary.Fixed == 0 {
		t.Errorf("a base that does not render: %+v", mended.Summary)
	}
	breaks := run(t, options(t, three(), broken))
	if breaks.Summary.NewDenials == 0 {
		t.Errorf("a head that does not render: %+v", breaks.Summary)
	}
	still := run(t, options(t, broken, broken.with(tree{"apps/c/map.yaml": configMap("c", "2")})))
	expect(t, still, 2, "Application c changed")
}

func TestRun_ApplicationsThatApplicationsRenderAreFound(t *testing.T) {
	base := tree{
		"root.yaml": application("root", "apps"), "apps/kustomization.yaml": "resources: [child.yaml]\nnameSuffix: -live\n",
		"apps/child.yaml": application("child", "child"), "child/map.yaml": configMap("c", "1"),
	}
	report := run(t, options(t, base, base.with(tree{"child/map.yaml": configMap("c", "2")})))
	expect(t, report, 1, "Application child-live changed")
	if parents := report.Applications[0].Parents; !slices.Equal(parents, []string{"Application argocd/root in root.yaml"}) {
		t.Errorf("its parents are %q", parents)
	}
}

func TestRun_WhatNobodyDeploysIsRenderedForItsDefinitions(t *testing.T) {
	base := tree{
		"cluster/kustomization.yaml": "resources: [child.yaml]\nnameSuffix: -live\n", "cluster/child.yaml": application("child", "child"), "child/map.yaml": configMap("c", "1"),
	}
	report := run(t, options(t, base, base.with(tree{"child/map.yaml": configMap("c", "2")})))
	expect(t, report, 0, "Application child-live changed")
	broken := run(t, options(t, base, base.with(tree{"cluster/kustomization.yaml": "resources: [child.yaml, missing.yaml]\n"})))
	if !slices.ContainsFunc(broken.Unseen, func(u change.Unseen) bool { return u.Head && !u.Base && strings.Contains(u.What, "cluster") }) {
		t.Errorf("what does not render is not told: %+v", broken.Unseen)
	}
}

func TestRun_PlainRootsAreJudgedWhereNothingIsDefined(t *testing.T) {
	base := tree{"shop/kustomization.yaml": "resources: [map.yaml]\n", "shop/map.yaml": configMap("c", "1")}
	expect(t, run(t, options(t, base, base.with(tree{"shop/map.yaml": configMap("c", "2")}))), 0, "kustomize shop changed")

	defined := base.with(three())
	report := run(t, options(t, defined, defined.with(tree{"shop/map.yaml": configMap("c", "2")})))
	expect(t, report, 3)
	if !slices.ContainsFunc(report.Unseen, func(u change.Unseen) bool { return u.What == "shop" && strings.Contains(u.Hint, "--plain") }) {
		t.Errorf("a root that nothing deploys is not told: %+v", report.Unseen)
	}
	o := options(t, defined, defined.with(tree{"shop/map.yaml": configMap("c", "2")}))
	o.Undefined = true
	expect(t, run(t, o), 3, "kustomize shop changed")
}

func TestRun_SourcesElsewhereAreTold(t *testing.T) {
	foreign := strings.Replace(application("f", "deploy"), "team-a/apps.git", "team-b/other.git", 1)
	base := tree{"argocd/f.yaml": foreign}
	report := run(t, options(t, base, base.with(tree{"argocd/f.yaml": strings.Replace(foreign, "targetRevision: HEAD", "targetRevision: v2", 1)})))
	expect(t, report, 0)
	if len(report.Unseen) != 1 || !report.Unseen[0].Changed || report.Unseen[0].Application != "Application argocd/f" {
		t.Fatalf("the report says %+v", report.Unseen)
	}

	copied := tree{"deploy/map.yaml": configMap("f", "1")}.open(t)
	o := options(t, base, base)
	o.Sources, o.All = map[string]string{revision.NormalizeURL("https://git.example.com/team-b/other"): copied.Name()}, true
	report = run(t, o)
	if len(report.Unseen) != 0 || report.Summary.Same != 1 {
		t.Errorf("with a copy: %+v and %+v", report.Summary, report.Unseen)
	}
}

func TestRun_AnotherProjectIsAFinding(t *testing.T) {
	base := three()
	moved := base.with(tree{"argocd/c.yaml": strings.Replace(base["argocd/c.yaml"], "project: default", "project: relaxed", 1)})
	report := run(t, options(t, base, moved))
	expect(t, report, 2, "Application c changed")
	if !slices.ContainsFunc(report.Applications[0].Findings, func(f change.Finding) bool { return f.Rule == "diff/project" && f.State == change.New }) {
		t.Errorf("the findings are %+v", report.Applications[0].Findings)
	}
}

func TestRun_ASecondRunRendersOnlyWhatTheChangeAffects(t *testing.T) {
	dir, version := filepath.Join(t.TempDir(), "readings"), "1"
	rendered := func(head tree) int64 {
		o := options(t, three(), three().with(head))
		o.Readings = &Readings{Dir: dir, Version: version, Repository: "shop"}
		counted := newKnown(o.Readings)
		if _, err := runWith(t.Context(), o, counted); err != nil {
			t.Fatal(err)
		}
		return counted.rendered.Load()
	}
	if got := rendered(nil); got != 3 {
		t.Errorf("the first run renders %d applications, want 3: the second side is as the first", got)
	}
	if got := rendered(nil); got != 0 {
		t.Errorf("the second run renders %d applications, want none", got)
	}
	if got := rendered(tree{"apps/c/map.yaml": configMap("c", "2")}); got != 1 {
		t.Errorf("a change to one renders %d, want 1", got)
	}
	version = "2"
	if got := rendered(nil); got != 3 {
		t.Errorf("another program renders %d, want 3", got)
	}
}

func TestReadings_WhatIsBrokenIsRendered(t *testing.T) {
	dir := t.TempDir()
	o := options(t, three(), three())
	o.Readings = &Readings{Dir: dir}
	run(t, o)
	for _, text := range []string{"", "null", "{}", "[]", `{"` + strings.Repeat("x", 10)} {
		if err := os.WriteFile(o.Readings.file(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Readings = &Readings{Dir: dir}
		expect(t, run(t, o), 3)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are left: %v", len(entries), err)
	}
}

func TestReadings_OfManyRepositoriesTheOldestGo(t *testing.T) {
	dir := t.TempDir()
	for i := range mostReadings + 3 {
		readings := &Readings{Dir: dir, Repository: fmt.Sprint(i)}
		readings.load("")
		readings.used["a"], readings.changed = []byte(`{"a":{"2":""}}`), true
		if err := readings.save(); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != mostReadings {
		t.Errorf("%d files are left: %v", len(entries), err)
	}
}

func TestRun_AFolderThatCannotBeWrittenStopsNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(t, three(), three())
	o.Readings = &Readings{Dir: path.Join(file, "below")}
	var said []string
	o.Progress = func(doing string) { said = append(said, doing) }
	expect(t, run(t, o), 3)
	if !strings.Contains(strings.Join(said, "\n"), "keeping what renderings read") {
		t.Errorf("nobody is told: %q", said)
	}
}

func TestRun_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, options(t, three(), three())); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRun_TheReportIsTheSameEachTime(t *testing.T) {
	head := three().with(tree{"base/map.yaml": configMap("base", "2"), "argocd/c.yaml": "", "argocd/d.yaml": application("d", "base")})
	first := fmt.Sprintf("%+v", plugin.Compact(run(t, options(t, three(), head))))
	for range 5 {
		if again := fmt.Sprintf("%+v", plugin.Compact(run(t, options(t, three(), head)))); again != first {
			t.Fatalf("the report differs:\n%s\n%s", first, again)
		}
	}
}

func TestRun_OneFileInTwoClustersIsTwoApplications(t *testing.T) {
	overlay := "resources: [../base]\npatches:\n- target: {kind: Application}\n  patch: |-\n    - {op: replace, path: /spec/source/path, value: %s}\n"
	base := tree{
		"prod.yaml": application("prod", "clusters/prod"), "test.yaml": application("test", "clusters/test"),
		"clusters/base/kustomization.yaml": "resources: [child.yaml]\n", "clusters/base/child.yaml": application("child", "none"),
		"clusters/prod/kustomization.yaml": fmt.Sprintf(overlay, "apps/prod"), "clusters/test/kustomization.yaml": fmt.Sprintf(overlay, "apps/test"),
		"apps/prod/map.yaml": configMap("prod", "1"), "apps/test/map.yaml": configMap("test", "1"),
	}
	report := run(t, options(t, base, base.with(tree{"apps/test/map.yaml": configMap("test", "2")})))
	expect(t, report, 3, "Application child changed")
	if parents := report.Applications[0].Parents; !slices.Equal(parents, []string{"Application argocd/test in test.yaml"}) {
		t.Errorf("its parents are %q", parents)
	}
}

func TestRun_ValueFilesOfAnotherSourceCount(t *testing.T) {
	definition := func(file, repository string) string {
		return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  sources:
  - {repoURL: https://git.example.com/team-a/apps.git, path: chart, targetRevision: HEAD, helm: {valueFiles: [` + file + `]}}
  - {repoURL: ` + repository + `, targetRevision: HEAD, ref: values}
`
	}
	base := tree{
		"shop.yaml": definition("$values/env/prod.yaml", own), "env/prod.yaml": "value: one\n", "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: shop}\ndata: {value: {{ .Values.value }}}\n",
	}
	report := run(t, options(t, base, base.with(tree{"env/prod.yaml": "value: two\n"})))
	expect(t, report, 0, "Application shop changed")
	if report.Summary.NewDenials != 0 || report.Summary.Objects.Changed != 1 {
		t.Errorf("a value of another source: %+v", report.Summary)
	}

	const elsewhere = "https://git.example.com/team-b/values.git"
	base["shop.yaml"] = definition("$values/env/prod.yaml", elsewhere)
	o := options(t, base, base.with(tree{"chart/values.yaml": "value: three\n"}))
	copied := tree{"env/prod.yaml": "value: two\n"}.open(t)
	o.Sources = map[string]string{revision.NormalizeURL(elsewhere): copied.Name()}
	expect(t, run(t, o), 0) // judged, and the same: the value of the other repository wins
	report = run(t, options(t, base, base.with(tree{"chart/values.yaml": "value: three\n"})))
	if len(report.Unseen) != 1 || report.Unseen[0].What != elsewhere {
		t.Errorf("values in another repository: %+v", report.Unseen)
	}
}

func TestRun_WhoListensHearsBothSidesOfWhatIsJudged(t *testing.T) {
	o := options(t, three(), three().with(tree{"apps/a/kustomization.yaml": "resources: [../../base]\nnamePrefix: x-\n"}))
	var mu sync.Mutex
	var heard []string
	o.Judged = func(side Side, application discover.Application, verdicts []*plugin.Verdict) {
		mu.Lock()
		defer mu.Unlock()
		for _, verdict := range verdicts {
			heard = append(heard, side.Name+" "+application.Name+" "+verdict.Rendered()[0].ID().Name)
		}
	}
	run(t, o)
	slices.Sort(heard)
	if want := []string{"change a x-base", "main a a-base"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}
