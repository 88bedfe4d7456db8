package manifests_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// component is a CI component, as far as these tests run it.
type component struct {
	Spec struct {
		Inputs map[string]struct {
			Description, Type string
			Default           any
		}
	}
	job map[string]any
}

// input is what GitLab replaces.
var input = regexp.MustCompile(`\$\[\[\s*inputs\.([a-z-]+)\s*\]\]`)

func readComponent(t *testing.T) component {
	t.Helper()
	head, body, found := strings.Cut(read(t, "ci/gitlab/templates/preview.yml"), "\n---\n")
	var made component
	if err := yaml.UnmarshalStrict([]byte(head), &made); err != nil || !found {
		t.Fatalf("the inputs: %v", err)
	}
	jobs := map[string]map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(body), &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs: %v", len(jobs), err)
	}
	made.job = jobs["$[[ inputs.job ]]"]
	return made
}

// lines is the job's script.
func (c component) script() string {
	text := ""
	lines, _ := c.job["script"].([]any)
	for _, line := range lines {
		text += line.(string) + "\n"
	}
	return text
}

func TestComponent_NoScriptHoldsAnInputAndEachIsUsed(t *testing.T) {
	made := readComponent(t)
	checkShell(t, made.script(), "bash", "sh")
	for _, used := range input.FindAllStringSubmatch(read(t, "ci/gitlab/templates/preview.yml"), -1) {
		if _, known := made.Spec.Inputs[used[1]]; !known {
			t.Errorf("there is no input %s", used[1])
		}
	}
	if len(made.Spec.Inputs) < 5 || made.Spec.Inputs["gate"].Default != nil {
		t.Errorf("%+v", made.Spec.Inputs)
	}
	rules, _ := made.job["rules"].([]any)
	if len(rules) != 1 || at(rules[0].(map[string]any), "if") != `$CI_PIPELINE_SOURCE == "merge_request_event"` {
		t.Errorf("rules: %v", rules)
	}
	if at(made.job, "artifacts", "when") != "always" {
		t.Errorf("artifacts: %v", made.job["artifacts"])
	}
}

// runComponent runs the job's script in the checkout.
func (s *scene) runComponent(shell string, inputs, variables map[string]string) (int, string) {
	s.t.Helper()
	made := readComponent(s.t)
	env := map[string]string{
		"CI_PROJECT_DIR": s.change, "CI_PROJECT_ID": "12", "CI_MERGE_REQUEST_PROJECT_ID": "12", "CI_MERGE_REQUEST_IID": "3",
		"CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.example.com/team-a/shop", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
		"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": strangeBranch, "CI_API_V4_URL": s.api.URL + "/api/v4", "CI_JOB_URL": "https://gitlab.example.com/team-a/shop/-/jobs/5",
		"GITLAB_TOKEN": "token-2",
	}
	given := s.inputs(inputs)
	delete(given, "folder") // it is the project's
	written, _ := made.job["variables"].(map[string]any)
	for name, value := range written {
		env[name] = input.ReplaceAllStringFunc(value.(string), func(found string) string {
			name := input.FindStringSubmatch(found)[1]
			if value, is := given[name]; is {
				return value
			}
			switch value := made.Spec.Inputs[name].Default.(type) {
			case string:
				return value
			case bool:
				return map[bool]string{true: "true", false: "false"}[value]
			}
			s.t.Fatalf("nobody says what %s is", found)
			return ""
		})
	}
	maps.Copy(env, variables)
	return s.script([]string{shell}, made.script(), s.change, env)
}

// artifacts demands all reports.
func (s *scene) artifacts() {
	s.t.Helper()
	for _, name := range []string{"preview.html", "preview.md", "preview.json", "preview.sarif"} {
		if text := read(s.t, filepath.Join(s.change, "assay-preview", name)); text == "" {
			s.t.Errorf("%s is empty", name)
		}
	}
}

func TestComponent_AChangeThatBringsNoDenialEndsWell(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "sh"} {
		s := newScene(t, harmless)
		s.checkout()
		for range 2 { // the second takes the first one's place
			code, log := s.runComponent(shell, nil, nil)
			if code != 0 || len(s.api.bodies()) != 1 || strings.Contains(log, "token-2") {
				t.Fatalf("%s: exit code %d, comments %q: %s", shell, code, s.api.bodies(), log)
			}
		}
		if !s.api.tokens["token-2"] {
			t.Errorf("tokens: %v", s.api.tokens)
		}
		s.artifacts()
		s.unharmed()
	}
}

func TestComponent_ANewDenialEndsWithOneAndIsCommented(t *testing.T) {
	t.Parallel()
	s := newScene(t, denied)
	s.checkout()
	code, log := s.runComponent("sh", nil, nil)
	if bodies := s.api.bodies(); code != 1 || len(bodies) != 1 || !strings.Contains(bodies[0], "assay-system") {
		t.Errorf("exit code %d, comments %q: %s", code, bodies, log)
	}
	s.artifacts()
	s.unharmed()
}

func TestComponent_ARefusedCommentIsToldAndTheVerdictStays(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 422, 502} {
		for change, want := range map[string]int{harmless: 0, denied: 1} {
			s := newScene(t, change)
			s.checkout()
			s.api.refusal = status
			if code, log := s.runComponent("sh", nil, nil); code != want || !strings.Contains(log, "not today") {
				t.Errorf("%d: exit code %d, want %d: %s", status, code, want, log)
			}
			s.artifacts()
		}
	}
}

func TestComponent_AForkOrNoTokenHasTheArtifactAndNoComment(t *testing.T) {
	t.Parallel()
	for name, variables := range map[string]map[string]string{
		"no token": {"GITLAB_TOKEN": ""},
		"a fork":   {"CI_PROJECT_ID": "77"},
	} {
		s := newScene(t, denied)
		s.checkout()
		variables["CI_MERGE_REQUEST_PROJECT_URL"] = "file://" + filepath.Join(s.dir, "shop")
		if err := os.Symlink(filepath.Join(s.dir, "source"), filepath.Join(s.dir, "shop.git")); err != nil {
			t.Fatal(err)
		}
		if code, log := s.runComponent("sh", nil, variables); code != 1 || !strings.Contains(log, "no comment is posted") || len(s.api.requests) != 0 {
			t.Errorf("%s: exit code %d, %q: %s", name, code, s.api.requests, log)
		}
		s.artifacts()
	}
}

// TestComponent_TheChangeCannotLeadTheReportsElsewhere has the change hold a
// link where the reports go.
func TestComponent_TheChangeCannotLeadTheReportsElsewhere(t *testing.T) {
	t.Parallel()
	s := newScene(t, harmless)
	s.checkout()
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(s.change, "assay-preview")); err != nil {
		t.Fatal(err)
	}
	code, log := s.runComponent("sh", nil, nil)
	if left, err := os.ReadDir(elsewhere); code != 0 || err != nil || len(left) != 0 {
		t.Errorf("exit code %d, %v, %v: %s", code, left, err, log)
	}
	s.artifacts()
}

func TestComponent_TheChangeSaysNothingAboutItsGateOrItsJudge(t *testing.T) {
	t.Parallel()
	s := newScene(t, harmless)
	s.checkout()
	for name, c := range map[string]struct {
		inputs map[string]string
		want   string
	}{
		"a gate in the change":            {map[string]string{"gate": "gates"}, "lies in the change"},
		"the change as gate":              {map[string]string{"gate": "."}, "lies in the change"},
		"no gate":                         {map[string]string{"gate": ""}, "no gate is named"},
		"a gate that is nowhere":          {map[string]string{"gate": "/nowhere"}, "there is no gate"},
		"a gate that the base has not":    {map[string]string{"gate": "base:nowhere"}, "has no gate"},
		"neither a program nor a version": {map[string]string{"assay": ""}, "set version"},
		"a version that is none":          {map[string]string{"assay": "", "version": "-x"}, "is no version"},
	} {
		if code, log := s.runComponent("sh", c.inputs, nil); code != 64 || !strings.Contains(log, c.want) {
			t.Errorf("%s: exit code %d: %s", name, code, log)
		}
	}
	if code, log := s.runComponent("sh", map[string]string{"gate": "base:gates"}, nil); code != 0 {
		t.Errorf("exit code %d: %s", code, log)
	}
	s.unharmed()
}
