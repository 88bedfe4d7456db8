package manifests_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// action is a composite action, as far as these tests run it.
type action struct {
	Name, Description string
	Inputs            map[string]struct {
		Description, Default string
		Required             bool
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	Name, ID, Shell, If, Uses, Run string
	Env, With                      map[string]string
}

func readAction(t *testing.T) action {
	t.Helper()
	var made action
	if err := yaml.UnmarshalStrict([]byte(read(t, "ci/github/action.yml")), &made); err != nil {
		t.Fatal(err)
	}
	return made
}

// expression is what a runner replaces.
var expression = regexp.MustCompile(`\$\{\{\s*([^}]+?)\s*\}\}`)

// runAction runs the steps of the action with these inputs. Result is the
// job's exit code and log.
func (s *scene) runAction(inputs, context map[string]string) (int, string) {
	s.t.Helper()
	made := readAction(s.t)
	known := map[string]string{
		"github.base_ref": "main", "github.token": "token-1", "github.server_url": "https://github.com", "github.repository": "team-a/shop", "github.run_id": "42",
		"github.event.pull_request.head.repo.full_name": "team-a/shop",
	}
	maps.Copy(known, context)
	expand := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(found string) string {
			value, is := known[expression.FindStringSubmatch(found)[1]]
			if !is {
				s.t.Fatalf("nobody says what %s is", found)
			}
			return value
		})
	}
	for name, input := range made.Inputs {
		known["inputs."+name] = expand(input.Default)
	}
	for name, value := range inputs {
		if _, is := made.Inputs[name]; !is {
			s.t.Fatalf("there is no input %s", name)
		}
		known["inputs."+name] = value
	}
	known["steps.compare.outputs.exit-code"], known["steps.compare.outputs.reports"] = "", ""
	log := ""
	for _, step := range made.Runs.Steps {
		if step.Run == "" {
			continue // an action that keeps files
		}
		env := map[string]string{}
		for name, value := range step.Env {
			env[name] = expand(value)
		}
		code, printed := s.runStep(step, env)
		log += printed
		if code != 0 {
			return code, log
		}
		for line := range strings.Lines(read(s.t, filepath.Join(s.dir, "output"))) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			known["steps."+step.ID+".outputs."+name] = value
		}
	}
	return 0, log
}

func (s *scene) runStep(step actionStep, env map[string]string) (int, string) {
	s.t.Helper()
	s.write("output", "")
	if err := os.MkdirAll(filepath.Join(s.dir, "runner"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(env, map[string]string{
		"GITHUB_OUTPUT": filepath.Join(s.dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(s.dir, "summary"), "RUNNER_TEMP": filepath.Join(s.dir, "runner"),
		"GITHUB_REPOSITORY": "team-a/shop", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": strangeBranch, "GITHUB_API_URL": s.api.URL,
	})
	return s.script([]string{"bash", "--noprofile", "--norc", "-eo", "pipefail"}, step.Run, filepath.Join(s.dir, "work"), env)
}

func (s *scene) inputs(more map[string]string) map[string]string {
	inputs := map[string]string{"gate": s.gate + "\n", "folder": "change", "assay": s.assay}
	maps.Copy(inputs, more)
	return inputs
}

func TestAction_NoScriptHoldsAnExpressionAndEverythingIsPinned(t *testing.T) {
	made := readAction(t)
	if made.Runs.Using != "composite" || len(made.Runs.Steps) < 4 {
		t.Fatalf("%+v", made)
	}
	for _, step := range made.Runs.Steps {
		if step.Uses != "" && !regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40}$`).MatchString(step.Uses) {
			t.Errorf("%s is not pinned to a commit", step.Uses)
		}
		if step.Run == "" {
			continue
		}
		if step.Shell != "bash" {
			t.Errorf("%s runs in %q", step.Name, step.Shell)
		}
		checkShell(t, step.Run, "bash")
	}
}

func TestAction_AChangeThatBringsNoDenialEndsWell(t *testing.T) {
	t.Parallel()
	s := newScene(t, harmless)
	s.checkout("--depth=1")
	code, log := s.runAction(s.inputs(nil), nil)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, log)
	}
	s.reported()
	if bodies := s.api.bodies(); len(bodies) != 1 || !strings.Contains(bodies[0], "shop") {
		t.Errorf("comments: %q", bodies)
	}
	// The next run takes the place of the first.
	if code, log = s.runAction(s.inputs(nil), nil); code != 0 || len(s.api.bodies()) != 1 {
		t.Errorf("exit code %d, %d comments: %s", code, len(s.api.bodies()), log)
	}
	if !s.api.tokens["Bearer token-1"] || strings.Contains(log, "token-1") {
		t.Errorf("tokens %v: %s", s.api.tokens, log)
	}
	s.unharmed()
}

// reported demands all reports, and the Markdown in the summary.
func (s *scene) reported() {
	s.t.Helper()
	for _, name := range []string{"preview.html", "preview.md", "preview.json", "preview.sarif"} {
		found, err := filepath.Glob(filepath.Join(s.dir, "runner", "assay-preview.*", name))
		if err != nil || len(found) == 0 {
			s.t.Errorf("there is no %s", name)
		}
	}
	if summary := read(s.t, filepath.Join(s.dir, "summary")); !strings.Contains(summary, "shop") {
		s.t.Errorf("summary: %s", summary)
	}
}

func TestAction_ANewDenialEndsWithOneAndIsCommented(t *testing.T) {
	t.Parallel()
	s := newScene(t, denied)
	s.checkout("--depth=1")
	code, log := s.runAction(s.inputs(nil), nil)
	if code != 1 {
		t.Fatalf("exit code %d: %s", code, log)
	}
	s.reported()
	if bodies := s.api.bodies(); len(bodies) != 1 || !strings.Contains(bodies[0], "assay-system") {
		t.Errorf("comments: %q", bodies)
	}
	// What the change names is between two lines that switch commands off.
	inside := strings.Split(log, "::stop-commands::")
	if len(inside) != 2 {
		t.Fatalf("log: %s", log)
	}
	token, rest, _ := strings.Cut(inside[1], "\n")
	_, after, ended := strings.Cut(rest, "\n::"+token+"::\n")
	if !ended || len(token) != 32 || slices.Contains(commandLine.FindAllString(after, -1), "::error::pwned") {
		t.Errorf("log: %s", log)
	}
	s.unharmed()
}

func TestAction_ARefusedCommentIsToldAndTheVerdictStays(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 422, 502} {
		for name, c := range map[string]struct {
			change string
			code   int
		}{"allowed": {harmless, 0}, "denied": {denied, 1}} {
			s := newScene(t, c.change)
			s.checkout("--depth=1")
			s.api.refusal = status
			code, log := s.runAction(s.inputs(nil), nil)
			if code != c.code || !strings.Contains(log, "not today") {
				t.Errorf("%d, %s: exit code %d: %s", status, name, code, log)
			}
			s.reported()
		}
	}
}

func TestAction_AForkHasTheSummaryAndNoComment(t *testing.T) {
	t.Parallel()
	s := newScene(t, denied)
	s.checkout("--depth=1")
	code, log := s.runAction(s.inputs(nil), map[string]string{"github.event.pull_request.head.repo.full_name": "team-b/shop"})
	if code != 1 || !strings.Contains(log, "from a fork") || len(s.api.requests) != 0 {
		t.Errorf("exit code %d, %q: %s", code, s.api.requests, log)
	}
	s.reported()
}

func TestAction_HistoryIsFetchedAsFarAsItIsNeeded(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{"one commit": {"--depth=1"}, "two": {"--depth=2"}, "all": nil} {
		s := newScene(t, harmless)
		s.checkout(options...)
		code, log := s.runAction(s.inputs(nil), nil)
		if code != 0 || strings.Contains(log, "README") {
			t.Errorf("%s: exit code %d: %s", name, code, log)
		}
	}
	s := newScene(t, harmless)
	s.checkout("--depth=1")
	s.git("work/change", "remote", "set-url", "origin", "file://"+s.dir+"/gone")
	if code, log := s.runAction(s.inputs(nil), nil); code != 64 || !strings.Contains(log, "fetch-depth: 0") {
		t.Errorf("exit code %d: %s", code, log)
	}
}

func TestAction_TheChangeSaysNothingAboutItsGateOrItsJudge(t *testing.T) {
	t.Parallel()
	s := newScene(t, harmless)
	s.checkout("--depth=1")
	s.git("work/change", "config", "core.symlinks", "true")
	if err := os.Symlink(filepath.Join(s.change, "gates"), filepath.Join(s.dir, "work", "gates")); err != nil {
		t.Fatal(err)
	}
	s.write("work/change/assay", "#!/bin/sh\nexit 0\n")
	if err := os.Chmod(filepath.Join(s.change, "assay"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		inputs map[string]string
		want   string
	}{
		"a gate in the change":            {map[string]string{"gate": "change/gates"}, "lies in the change"},
		"a link into the change":          {map[string]string{"gate": "gates"}, "lies in the change"},
		"the change as gate":              {map[string]string{"gate": "change"}, "lies in the change"},
		"a second gate in the change":     {map[string]string{"gate": s.gate + "\nchange/gates"}, "lies in the change"},
		"no gate":                         {map[string]string{"gate": "\n"}, "no gate is named"},
		"a gate that is nowhere":          {map[string]string{"gate": "nowhere"}, "there is no gate"},
		"a gate that the base has not":    {map[string]string{"gate": "base:nowhere"}, "has no gate"},
		"a program in the change":         {map[string]string{"assay": "change/assay"}, "lies in the change"},
		"no program":                      {map[string]string{"assay": "nowhere"}, "no program"},
		"neither a program nor a version": {map[string]string{"assay": ""}, "set version"},
		"a version that is none":          {map[string]string{"assay": "", "version": "v1;touch pwned"}, "is no version"},
		"no base":                         {map[string]string{"base": ""}, "set base"},
	} {
		if code, log := s.runAction(s.inputs(c.inputs), nil); code != 64 || !strings.Contains(log, c.want) {
			t.Errorf("%s: exit code %d: %s", name, code, log)
		}
	}
	// The base's own gate judges: the change made it no gate at all.
	if code, log := s.runAction(s.inputs(map[string]string{"gate": "base:gates"}), nil); code != 0 {
		t.Errorf("exit code %d: %s", code, log)
	}
	s.unharmed()
}
