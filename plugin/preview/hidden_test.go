package preview

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// changesC changes what the Application c renders.
func changesC(more tree) tree {
	return three().with(tree{"apps/c/map.yaml": configMap("c", "2")}).with(more)
}

func TestRun_ADecoyThatIncludesADefinitionDoesNotHideIt(t *testing.T) {
	for name, c := range map[string]struct {
		decoy tree
		want  []string
	}{
		"none":                      {want: []string{"Application c changed"}},
		"a component without end":   {decoy: tree{"decoy/kustomization.yaml": "kind: Component\npatches: [{path: ../argocd/c.yaml}]\n"}, want: []string{"Application c changed"}},
		"a kustomization that ends": {decoy: tree{"argocd/kustomization.yaml": "resources: [c.yaml, missing.yaml]\n"}, want: []string{"Application c changed"}},
		"a chart that ends":         {decoy: tree{"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "x/templates/c.yaml": application("n", "apps/c") + "---\n{{ fail \"no\" }}\n"}, want: []string{"Application c changed"}},
		"one that deletes it": {decoy: tree{"argocd/kustomization.yaml": `resources: [a.yaml, b.yaml, c.yaml]
patches:
- patch: |-
    {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: c, namespace: argocd}, $patch: delete}
`}, want: []string{"Application c changed"}},
		"one that patches it": {decoy: tree{"argocd/kustomization.yaml": `resources: [a.yaml, b.yaml, c.yaml]
patches:
- target: {name: c}
  patch: |-
    - {op: replace, path: /spec/source/path, value: apps/clean}
`, "apps/clean/map.yaml": configMap("c", "1")}, want: []string{"Application c added", "Application c changed"}},
		"one that leaves it": {decoy: tree{"argocd/kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml]\n"}, want: []string{"Application c changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			report := run(t, options(t, three(), changesC(c.decoy)))
			if got := listed(report); !slices.Equal(got, c.want) {
				t.Errorf("the report has %q, want %q", got, c.want)
			}
			if !strings.Contains(greetings(t, report), `data.value "1" "2"`) {
				t.Errorf("the change is not told: %s", greetings(t, report))
			}
			if fails := strings.Contains(name, "end"); fails != slices.ContainsFunc(report.Unseen, func(u change.Unseen) bool { return u.Head && !u.Base && strings.Contains(u.What, " ") }) {
				t.Errorf("the decoy should fail: %t; not seen is %+v", fails, report.Unseen)
			}
		})
	}
}

func TestRun_OneNameTwiceInAFileIsTwoApplications(t *testing.T) {
	twice := three().with(tree{"argocd/c.yaml": application("c", "apps/c") + "---\n" + application("c", "apps/d"), "apps/d/map.yaml": configMap("d", "1")})
	expect(t, run(t, options(t, three(), twice)), 3, "Application c added")
	again := three().with(tree{"argocd/c.yaml": application("c", "apps/c") + "---\n" + application("c", "apps/c")})
	expect(t, run(t, options(t, three(), again)), 3)
}

func TestRun_WhatCannotBeSeenAnyMoreHasNoAnswerAndIsNotRemoved(t *testing.T) {
	foreign := strings.Replace(application("c", "deploy"), "team-a/apps.git", "team-b/other.git", 1)
	set := func(name string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set, namespace: argocd}\nspec:\n  goTemplate: true\n  generators: [{list: {elements: [{n: c}]}}]\n  template:\n" +
			"    metadata: {name: '" + name + "'}\n    spec: {project: default, destination: {namespace: shop, server: https://kubernetes.default.svc}, source: {repoURL: " + own + ", path: apps/c, targetRevision: HEAD}}\n"
	}
	for name, c := range map[string]struct{ was, now, want string }{
		"a source elsewhere":                    {application("c", "apps/c"), foreign, "another repository"},
		"a conflict":                            {application("c", "apps/c"), "<<<<<<< HEAD\n" + application("c", "apps/c") + "=======\n>>>>>>> other\n", "merge conflict"},
		"a document that is broken":             {application("c", "apps/c"), application("c", "apps/c") + "---\n{{{\n", "not valid YAML"},
		"a set whose template calls itself":     {set("c"), set(`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`), "templates call each other"},
		"a set whose function is not there any": {set("c"), set(`{{ env "TOKEN" }}`), "not defined"},
	} {
		t.Run(name, func(t *testing.T) {
			report := run(t, options(t, three().with(tree{"argocd/c.yaml": c.was}), three().with(tree{"argocd/c.yaml": c.now})))
			if report.Summary.Removed != 0 || report.Summary.NewUndetermined != 1 || !strings.Contains(fmt.Sprintf("%+v", report.Applications), c.want) {
				t.Errorf("%+v\n%+v", report.Summary, report.Applications)
			}
		})
	}
	both := run(t, options(t, three().with(tree{"argocd/c.yaml": foreign}), three().with(tree{"argocd/c.yaml": foreign + "# more\n"})))
	if both.Summary.NewUndetermined != 0 {
		t.Errorf("what neither side sees is new: %+v", both.Summary)
	}
	expect(t, run(t, options(t, three(), three().with(tree{"argocd/c.yaml": ""}))), 2, "Application c removed")

	report := run(t, options(t, three().with(tree{"argocd/c.yaml": foreign}), three()))
	expect(t, report, 2, "Application c added")
	if notes := strings.Join(report.Applications[0].Notes, "\n"); !strings.Contains(notes, "base") {
		t.Errorf("nothing says that the base was not seen: %q", notes)
	}
}

func TestRun_MoreApplicationsThanAreLookedAtIsNoAnswer(t *testing.T) {
	child := strings.Replace(application("{{ $.Values.name }}-{{ $i }}", "fan"), "targetRevision: HEAD}", "targetRevision: HEAD, helm: {values: \"name: {{ $.Values.name }}-{{ $i }}\"}}", 1)
	fan := tree{
		"root.yaml": application("root", "fan"), "fan/Chart.yaml": "apiVersion: v2\nname: fan\nversion: 1.0.0\n", "fan/values.yaml": "name: fan\n",
		"fan/templates/a.yaml": "{{ range $i := until 120 }}\n---\n" + child + "{{ end }}",
	}
	_, err := Run(t.Context(), options(t, three(), fan))
	var none *plugin.StageError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "more than 10000 applications") {
		t.Errorf("got %v", err)
	}
}

func TestRun_WhatACheckoutHasAndASideHasNotIsTold(t *testing.T) {
	o := options(t, three(), three())
	o.Head.Unseen = []discover.Unseen{{What: "apps/c/sub", Reason: "a submodule"}}
	report := run(t, o)
	if len(report.Unseen) != 1 || report.Unseen[0].What != "apps/c/sub" || !report.Unseen[0].Head || report.Unseen[0].Base {
		t.Errorf("%+v", report.Unseen)
	}
}

func TestRun_ASecretOfAChildIsNoTextInWhatMadeIt(t *testing.T) {
	child := func(value string) string {
		return strings.Replace(application("child", "chart"), "targetRevision: HEAD}", "targetRevision: HEAD, helm: {parameters: [{name: password, value: "+value+"}], values: \"greeting: "+value+"\"}}", 1)
	}
	const was, now = "correct-horse", "battery-staple"
	base := tree{
		"root.yaml": application("root", "apps"), "apps/child.yaml": child(was), "chart/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
		"chart/templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {password: {{ .Values.password }}}\n",
	}
	report := run(t, options(t, base, base.with(tree{"apps/child.yaml": child(now)})))
	expect(t, report, 0, "Application child changed", "Application root changed")
	if text := fmt.Sprintf("%+v", report); strings.Contains(text, was) || strings.Contains(text, now) || !strings.Contains(text, plugin.Masked) {
		t.Errorf("a Secret is shown, or nothing is hidden:\n%s", greetings(t, report))
	}
	plain := strings.Replace(base["chart/templates/a.yaml"], "Secret", "ConfigMap", 1)
	plain = strings.Replace(plain, "stringData", "data", 1)
	open := base.with(tree{"chart/templates/a.yaml": plain})
	if text := greetings(t, run(t, options(t, open, open.with(tree{"apps/child.yaml": child(now)})))); strings.Count(text, now) != 3 {
		t.Errorf("what is no Secret is hidden: %s", text)
	}
}
