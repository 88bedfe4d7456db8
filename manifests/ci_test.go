package manifests_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// builtIn is where the command line is built, once.
var builtIn string

var theAssay = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builtIn, "assay")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/assay").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	var err error
	if builtIn, err = os.MkdirTemp("", "assay-ci-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(builtIn)
	os.Exit(code)
}

// The branch and a file that a stranger names. Both would leave a file "pwned"
// behind where a shell took them for more than names.
const (
	strangeBranch = "team-a/$(touch${IFS}pwned)`touch${IFS}pwned`"
	strangeFile   = "app/\n::error::pwned\n::add-mask::a\n$(touch pwned);<img src=x onerror=alert(1)>.yaml"
)

// scene is a repository with a change, a gate beside it, and a service to
// comment at.
type scene struct {
	t *testing.T
	// dir holds all of it; change is the checkout of the change, gate the gate.
	dir, change, gate, assay string
	// commit is what is checked out, as refs/pull/7/merge.
	commit string
	api    *service
	env    []string
}

// harmless and denied are two changes: an object of the application's own, and
// one in a namespace that belongs to the platform.
const (
	harmless = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n  namespace: shop\ndata:\n  a: two\n"
	denied   = harmless + "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: assay-gate\n  namespace: assay-system\n"
	gateText = "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata:\n  name: platform\nspec:\n  base: true\n"
)

// newScene makes a change to the application.
func newScene(t *testing.T, changed string) *scene {
	t.Helper()
	assay, err := theAssay()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, dir: dir, change: filepath.Join(dir, "work", "change"), gate: filepath.Join(dir, "gate"), assay: assay, api: newService(t)}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "ASSAY_CACHE_DIR=" + filepath.Join(dir, "cache"),
		"GIT_AUTHOR_NAME=team-a", "GIT_AUTHOR_EMAIL=team-a@example.com", "GIT_COMMITTER_NAME=team-a", "GIT_COMMITTER_EMAIL=team-a@example.com",
	}
	s.write("gate/gate.yaml", gateText)
	s.write("source/gates/gate.yaml", gateText)
	s.write("source/app/kustomization.yaml", "resources: [shop.yaml]\n")
	s.write("source/app/shop.yaml", strings.Replace(harmless, "two", "one", 1))
	s.git("source", "init", "-q", "-b", "main")
	s.commitAll("the application")
	s.git("source", "switch", "-q", "-c", strangeBranch)
	s.write("source/app/shop.yaml", changed)
	s.write("source/"+strangeFile, "a: b\n")
	s.write("source/gates/gate.yaml", "not a gate\n")
	s.commitAll("the change")
	s.git("source", "switch", "-q", "main")
	s.write("source/README.md", "what others did meanwhile\n")
	s.commitAll("another change")
	s.git("source", "merge", "-q", "--no-ff", "-m", "merged", strangeBranch)
	s.commit = strings.TrimSpace(s.git("source", "rev-parse", "HEAD"))
	s.git("source", "update-ref", "refs/pull/7/merge", "HEAD")
	s.git("source", "reset", "-q", "--hard", "HEAD^")
	return s
}

// checkout checks the change out as a job does, with so much history.
func (s *scene) checkout(options ...string) {
	s.t.Helper()
	s.write("work/change/.keep", "")
	s.git("work/change", "init", "-q")
	s.git("work/change", "remote", "add", "origin", "file://"+filepath.Join(s.dir, "source"))
	s.git("work/change", append(append([]string{"fetch", "-q", "--no-tags"}, options...), "origin", "+refs/pull/7/merge:refs/remotes/pull/7/merge")...)
	s.git("work/change", "checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
}

func (s *scene) commitAll(message string) {
	s.t.Helper()
	s.git("source", "add", "-A")
	s.git("source", "commit", "-q", "-m", message)
}

func (s *scene) write(path, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) git(folder string, args ...string) string {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), "git", args...)
	command.Dir, command.Env = filepath.Join(s.dir, folder), s.env
	out, err := command.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return string(out)
}

// script runs a script as a runner does; the result is its exit code and what
// it printed.
func (s *scene) script(shell []string, text, folder string, env map[string]string) (int, string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "script")
	s.write("script", text)
	command := exec.CommandContext(s.t.Context(), shell[0], append(shell[1:], file)...)
	command.Dir, command.Env = folder, s.env
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	if command.ProcessState == nil {
		s.t.Fatalf("running %v: %v", shell, err)
	}
	return command.ProcessState.ExitCode(), string(out)
}

// unharmed demands that no name was taken for a command.
func (s *scene) unharmed() {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) == "pwned" {
			s.t.Errorf("%s was made: a name was run", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// service stands for GitHub and GitLab: it keeps comments, or refuses them.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	refusal  int
	comments []map[string]any
	requests []string
	tokens   map[string]bool
}

func newService(t *testing.T) *service {
	s := &service{tokens: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.tokens[r.Header.Get("Authorization")+r.Header.Get("PRIVATE-TOKEN")] = true
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/user"):
		_, _ = io.WriteString(w, `{"login":"robot","username":"robot"}`)
	case s.refusal > 0:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(s.refusal)
		_, _ = io.WriteString(w, `{"message":"not today"}`)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(s.comments)
	default:
		var comment map[string]any
		_ = json.Unmarshal(body, &comment)
		comment["id"], comment["user"], comment["author"] = len(s.comments)+1, map[string]string{"login": "robot"}, map[string]string{"username": "robot"}
		if r.Method == http.MethodPost {
			s.comments = append(s.comments, comment)
		} else {
			s.comments[0] = comment
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "{}")
	}
}

// bodies are the comments that are there.
func (s *service) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, comment := range s.comments {
		all = append(all, fmt.Sprint(comment["body"]))
	}
	return all
}

// commandLine is a line that a runner takes for a command.
var commandLine = regexp.MustCompile(`(?m)^::[a-z-]+.*$`)

// checkShell demands that shells can read a script, and that no expression is
// put into its text.
func checkShell(t *testing.T, script string, shells ...string) {
	t.Helper()
	if strings.Contains(script, "${{") || strings.Contains(script, "$[[") {
		t.Errorf("an expression is put into a script:\n%s", script)
	}
	for _, shell := range shells {
		command := exec.CommandContext(t.Context(), shell, "-n")
		command.Stdin = strings.NewReader(script)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v: %s", shell, err, out)
		}
	}
}

// TestAction_ThePageNamesInputsThatThereAre reads the workflow of the page, and
// that of GitLab.
func TestAction_ThePageNamesInputsThatThereAre(t *testing.T) {
	inputs := map[string]bool{}
	for name := range readAction(t).Inputs {
		inputs["github "+name] = true
	}
	for name := range readComponent(t).Spec.Inputs {
		inputs["gitlab "+name] = true
	}
	page := read(t, "../docs/preview-ci.md")
	for name, block := range map[string]*regexp.Regexp{
		"github": regexp.MustCompile(`(?s)manifests/ci/github@[^\n]*\n +with:\n(.*?)\x60\x60\x60`), "gitlab": regexp.MustCompile(`(?s) inputs:\n(.*?)\x60\x60\x60`),
	} {
		found := block.FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("the page shows nothing for %s", name)
		}
		for line := range strings.Lines(found[1]) {
			if used, _, is := strings.Cut(strings.TrimSpace(line), ":"); !is || !inputs[name+" "+used] {
				t.Errorf("%s has no input %q", name, used)
			}
		}
	}
}
