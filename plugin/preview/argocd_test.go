package preview

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

const chartText = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata: {greeting: {{ .Values.greeting | quote }}, tag: {{ .Values.tag | quote }}}\n"

// multiSource is an Application with a chart in this repository and values in
// another source.
func multiSource(reference, files string) tree {
	return tree{
		"apps/web.yaml": `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  destination: {namespace: shop, server: https://kubernetes.default.svc}
  sources:
  - repoURL: ` + own + `
    path: chart
    helm: {valueFiles: ` + files + `, parameters: [{name: tag, value: "$ARGOCD_APP_REVISION_SHORT"}]}
  - {` + reference + `, ref: values}
`,
		"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/values.yaml": "greeting: hello\ntag: \"\"\n", "chart/templates/a.yaml": chartText,
		"values/prod.yaml": "greeting: mine\n",
	}
}

// greetings are what the web application's ConfigMap changes from and to.
func greetings(t *testing.T, report change.Report) string {
	t.Helper()
	var out []string
	for _, application := range report.Applications {
		for _, object := range application.Objects {
			for _, field := range object.Fields {
				out = append(out, field.Path+" "+field.Was+" "+field.Now)
			}
		}
	}
	for _, each := range report.Unseen {
		out = append(out, each.What+": "+each.Reason)
	}
	return strings.Join(out, "\n")
}

func commits(o Options) Options {
	o.Base.Commit, o.Head.Commit = strings.Repeat("a", 40), strings.Repeat("a", 40)
	return o
}

func TestRun_ValuesOfAReferenceAreReadWhereItLeads(t *testing.T) {
	other := tree{"values/prod.yaml": "greeting: theirs\n"}
	for name, test := range map[string]struct{ reference, files, changed, want string }{
		"this repository":         {"repoURL: " + own, "[$values/values/prod.yaml]", "values/prod.yaml", `data.greeting "mine" "new"`},
		"this repository, a glob": {"repoURL: " + own, "['$values/values/*.yaml']", "values/prod.yaml", `data.greeting "mine" "new"`},
		"a tag":                   {"repoURL: " + own + ", targetRevision: v1", "[$values/values/prod.yaml]", "chart/templates/a.yaml", `data.greeting "theirs" "new"`},
		"a tag, a glob":           {"repoURL: " + own + ", targetRevision: v1", "['$values/values/*.yaml']", "chart/templates/a.yaml", `data.greeting "theirs" "new"`},
		"a tag that is not here":  {"repoURL: " + own + ", targetRevision: v2", "[$values/values/prod.yaml]", "chart/templates/a.yaml", "this clone has no tag or commit v2"},
		"another repository":      {"repoURL: https://git.example.com/other.git", "[$values/values/prod.yaml]", "chart/templates/a.yaml", "https://git.example.com/other.git: its source is in another repository"},
	} {
		t.Run(name, func(t *testing.T) {
			base := multiSource(test.reference, test.files)
			head := base.with(tree{test.changed: strings.NewReplacer("mine", "new", "{{ .Values.greeting | quote }}", `"new"`).Replace(base[test.changed])})
			o := commits(options(t, base, head))
			tagged := other.open(t)
			at := func(_ context.Context, revision string) (*os.Root, error) {
				if revision == "v1" {
					return tagged, nil
				}
				return nil, nil
			}
			o.Base.At, o.Head.At = at, at
			if got := greetings(t, run(t, o)); !strings.Contains(got, test.want) {
				t.Errorf("%q lacks %q", got, test.want)
			}
		})
	}
}

func TestRun_TheCommitIsAVariableOfASource(t *testing.T) {
	files := multiSource("repoURL: "+own, "[]")
	o := options(t, files, files)
	o.Base.Commit, o.Head.Commit = strings.Repeat("a", 40), strings.Repeat("b", 40)
	if got := greetings(t, run(t, o)); got != `data.tag "aaaaaaa" "bbbbbbb"` {
		t.Errorf("%q", got)
	}
	if got := greetings(t, run(t, options(t, files, files))); !strings.Contains(got, "$ARGOCD_APP_REVISION_SHORT, and the source's commit is not known here") {
		t.Errorf("folders: %q", got)
	}
}

func TestRun_AFileBesideTheManifestsChangesTheSource(t *testing.T) {
	base := tree{"apps/one.yaml": application("one", "one"), "one/kustomization.yaml": "resources: [a.yaml]\n", "one/a.yaml": configMap("a", "1")}
	head := base.with(tree{"one/.argocd-source.yaml": "kustomize: {commonAnnotations: {a: b}}\n"})
	report := run(t, options(t, base, head))
	expect(t, report, 0, "Application one changed")
	if got := greetings(t, report); !strings.Contains(got, `metadata.annotations`) {
		t.Errorf("%q", got)
	}
	expect(t, run(t, options(t, base, base.with(tree{"one/.argocd-source-two.yaml": "kustomize: {commonAnnotations: {a: b}}\n"}))), 1)
}
