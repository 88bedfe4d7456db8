package cases

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// folderWith writes the files of an archive into a folder.
func folderWith(t *testing.T, archive string) string {
	t.Helper()
	folder := t.TempDir()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func runAll(t *testing.T, folder string) []Case {
	t.Helper()
	done, err := Run(context.Background(), folder, Options{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// outcomes are the cases by name: "passed", "skipped", or what was expected
// and said.
func outcomes(t *testing.T, archive string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, each := range runAll(t, folderWith(t, archive)) {
		switch each.Outcome {
		case Passed:
			out[each.Name] = "passed"
		case Skipped:
			out[each.Name] = "skipped"
		case Failed:
			out[each.Name] = each.Want + " | " + each.Got
		}
	}
	return out
}

func compareOutcomes(t *testing.T, archive string, want map[string]string) {
	t.Helper()
	got := outcomes(t, archive)
	for name, expected := range want {
		if expected == "passed" || expected == "skipped" {
			if got[name] != expected {
				t.Errorf("%s: %q, want %s", name, got[name], expected)
			}
		} else if !strings.Contains(got[name], expected) || got[name] == "passed" {
			t.Errorf("%s: %q, want a failure that says %q", name, got[name], expected)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d cases, want %d: %v", len(got), len(want), got)
	}
}

const replicasPolicy = `
-- policy.yaml --
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations: [{expression: "object.spec.replicas > 1", message: too few replicas}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
`

func deploymentOf(name string, replicas int) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec: {replicas: " + string(rune('0'+replicas)) +
		", selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}\n"
}

func TestFolder_CasesPassAndFailAsTheirFoldersSay(t *testing.T) {
	compareOutcomes(t, replicasPolicy+
		"-- pass/two.yaml --\n"+deploymentOf("a", 2)+
		"-- pass/one.yaml --\n"+deploymentOf("a", 1)+
		"-- fail/one.yaml --\n"+deploymentOf("a", 1)+
		"-- fail/two.yaml --\n"+deploymentOf("a", 2)+
		"-- fail/list.yaml --\napiVersion: v1\nkind: List\nitems:\n- "+strings.ReplaceAll(strings.TrimSpace(deploymentOf("a", 1)), "\n", "\n  ")+"\n"+
		"-- fail/several.yaml --\n"+deploymentOf("a", 2)+"---\n"+deploymentOf("b", 1)+
		"-- fail/empty.yaml --\n"+
		"-- fail/unreadable.yaml --\n"+strings.Replace(deploymentOf("a", 1), "replicas: 1", "replicas: one", 1),
		map[string]string{
			"pass/two.yaml": "passed", "fail/one.yaml": "passed", "fail/list.yaml": "passed", "fail/several.yaml": "passed",
			"pass/one.yaml": "to pass | policy/replicas: too few replicas", "fail/two.yaml": "to fail | no violation",
			"fail/empty.yaml": "it is empty", "fail/unreadable.yaml": "an object that cannot be read",
		})
}

func TestFolder_WhatCannotBeDecidedOfflineIsNeitherPassNorFail(t *testing.T) {
	policy := strings.Replace(replicasPolicy, "object.spec.replicas > 1", "request.userInfo.username != 'team-a'", 1)
	compareOutcomes(t, policy+"-- pass/a.yaml --\n"+deploymentOf("a", 2)+"-- fail/a.yaml --\n"+deploymentOf("a", 2),
		map[string]string{"pass/a.yaml": "cannot be decided offline", "fail/a.yaml": "cannot be decided offline"})
}

func TestFolder_APolicyThatCannotBeRunFailsItsSuite(t *testing.T) {
	one := "-- fail/one.yaml --\n" + deploymentOf("a", 1)
	for name, test := range map[string]struct{ archive, says string }{
		"does not compile":   {strings.Replace(replicasPolicy, "object.spec.replicas > 1", "object.", 1) + one, "Syntax error"},
		"has no binding":     {strings.Split(replicasPolicy, "\n---\n")[0] + "\n" + one, "has no binding"},
		"is of another kind": {"-- policy.yaml --\napiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}\n" + one, "ClusterPolicy"},
		"is not there":       {one, "holds no policy"},
		"has empty cases":    {replicasPolicy + "-- pass/README.md --\nnothing\n", "pass and fail are empty"},
	} {
		t.Run(name, func(t *testing.T) { compareOutcomes(t, test.archive, map[string]string{"-": test.says}) })
	}
}

func TestFolder_EveryShippedRulePassesItsOwnCases(t *testing.T) {
	for _, each := range runAll(t, "../../../policies") {
		if each.Outcome != Passed {
			t.Errorf("%s %s: expected %s, got %s", each.Suite, each.Name, each.Want, each.Got)
		}
	}
}

func TestFolder_AGateBesideThePoliciesSaysWhatTheyTakeFromIt(t *testing.T) {
	gateText := "-- gate.yaml --\napiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: cases}\nspec: {judge: {deployer: {username: deployer}}}\n"
	policy := strings.Replace(replicasPolicy, "object.spec.replicas > 1", "request.userInfo.username != 'deployer'", 1)
	one := "-- fail/one.yaml --\n" + deploymentOf("a", 1)
	compareOutcomes(t, policy+gateText+one, map[string]string{"fail/one.yaml": "passed"})
	compareOutcomes(t, policy+one, map[string]string{"fail/one.yaml": "cannot be decided offline"})
	two := "---\n" + strings.SplitN(strings.Replace(gateText, "name: cases", "name: others", 1), "\n", 2)[1]
	compareOutcomes(t, policy+gateText+two+one, map[string]string{"-": "here is a second"})
}

func TestRun_AFolderWithoutCasesIsAnError(t *testing.T) {
	for name, folder := range map[string]string{
		"empty": t.TempDir(), "a policy alone": folderWith(t, replicasPolicy), "not there": filepath.Join(t.TempDir(), "nowhere"),
	} {
		if done, err := Run(context.Background(), folder, Options{}); err == nil {
			t.Errorf("%s: %v", name, done)
		}
	}
}

func TestRun_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	cancel(enough)
	folder := folderWith(t, replicasPolicy+"-- fail/one.yaml --\n"+deploymentOf("a", 1))
	if done, err := Run(ctx, folder, Options{}); !errors.Is(err, enough) {
		t.Errorf("%v, %v", done, err)
	}
}
