package renderers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const repository = "../../.."

func TestRenderings_EqualTheCommandLines(t *testing.T) {
	ctx := context.Background()
	tools, err := NewTools(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	list := exclusions()
	total := map[string]int{}
	for _, set := range caseSets(t) {
		counts := map[string]int{}
		for _, one := range set.cases {
			answer := compareCase(ctx, t, tools, one)
			counts[answer.kind]++
			counts["objects"] += answer.objects
			if answer.kind != "different" {
				continue
			}
			if reason := find(list, one, answer); reason == nil {
				t.Errorf("%s (%s)\n\t%s", one.Name, answer.rule, strings.Join(answer.problems, "\n\t"))
			} else {
				counts["excluded"]++
			}
		}
		t.Logf("renderers: %s: %d cases: %d equal (%d objects), %d refused by both, %d empty, %d excluded with a reason",
			set.name, len(set.cases), counts["equal"], counts["objects"], counts["refused by both"], counts["empty"], counts["excluded"])
		total["cases"] += len(set.cases)
		total["equal"] += counts["equal"]
		total["objects"] += counts["objects"]
	}
	t.Logf("renderers: %d cases compared, %d equal with %d objects", total["cases"], total["equal"], total["objects"])
	for _, reason := range list {
		if reason.seen != len(reason.cases) {
			t.Errorf("%d of the %d cases need the exclusion %q: keep its list and docs/parity.md exact", reason.seen, len(reason.cases), reason.reason)
		}
		if err := answers.Listed(reason.reason); err != nil {
			t.Error(err)
		}
	}
}

type caseSet struct {
	name  string
	cases []Case
}

func caseSets(t *testing.T) []caseSet {
	t.Helper()
	examples, err := folderCases("examples", filepath.Join(repository, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	inModules, err := moduleCases(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	krusty, err := krustyCases(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, cases := range map[string][]Case{"examples": examples, "modules": inModules, "kustomize's tests": krusty} {
		if len(cases) == 0 {
			t.Fatalf("no cases in %s", name)
		}
	}
	return []caseSet{{"examples", examples}, {"Go modules", inModules}, {"kustomize's own tests", krusty}}
}

type answer struct {
	kind     string // "equal", "refused by both", "empty" or "different"
	objects  int
	rule     string
	findings []string // rules of assay's findings
	problems []string
}

func compareCase(ctx context.Context, t *testing.T, tools *Tools, one Case) answer {
	t.Helper()
	printed, theirErr := tools.Run(ctx, one)
	theirs, decodeErr := decodeStream(printed)
	theirErr = errors.Join(theirErr, decodeErr)
	ours, findings, ourErr := renderCase(ctx, one)
	var refusal *plugin.Refusal
	rule := ""
	if errors.As(ourErr, &refusal) {
		rule = refusal.Rule
	}
	switch {
	case theirErr != nil && ourErr != nil:
		return answer{kind: "refused by both"}
	case theirErr != nil:
		return answer{kind: "different", problems: []string{"theirs fails: " + theirErr.Error(), "ours renders"}}
	case ourErr != nil && len(theirs) == 0:
		return answer{kind: "empty"} // which is an error here
	case ourErr != nil:
		return answer{kind: "different", rule: rule, problems: []string{"theirs renders", "ours fails: " + ourErr.Error()}}
	}
	if problems := differencesOf(theirs, ours); len(problems) > 0 {
		return answer{kind: "different", findings: findings, problems: problems}
	}
	return answer{kind: "equal", objects: len(ours)}
}

func renderCase(ctx context.Context, one Case) (objects []any, findings []string, err error) {
	root, err := os.OpenRoot(one.Root)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(ctx, plugin.Source{
		Root: root, Path: one.Path,
		Parameters: plugin.Parameters{
			Kind: one.Kind, Helm: plugin.HelmParameters{ReleaseName: releaseName, Namespace: namespace, ValueFiles: one.ValueFiles},
		},
	})
	if err != nil {
		return nil, nil, err
	}
	for _, finding := range rendering.Findings {
		findings = append(findings, finding.Rule)
	}
	objects, err = decodeObjects(rendering.Objects)
	return objects, findings, err
}

func find(list []*exclusion, one Case, answer answer) *exclusion {
	for _, entry := range list {
		found := entry.finding == "" || slices.Contains(answer.findings, entry.finding)
		if entry.rule == answer.rule && found && slices.Contains(entry.cases, one.Name) {
			entry.seen++
			return entry
		}
	}
	return nil
}
