package origin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repository is a Git repository with a branch main.
type Repository struct {
	t   *testing.T
	dir string
}

// NewRepository makes an empty one in a folder.
func NewRepository(t *testing.T, dir string) *Repository {
	t.Helper()
	r := &Repository{t: t, dir: dir}
	must(t, os.MkdirAll(dir, 0o755))
	r.Git("init", "-q", "-b", "main")
	return r
}

// URL is where those who share the file system find it.
func (r *Repository) URL() string { return "file://" + r.dir }

// Git runs git in it and returns what it printed.
func (r *Repository) Git(args ...string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "git", args...) //nolint:gosec // the arguments are the tests'
	command.Dir = r.dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=e2e", "GIT_AUTHOR_EMAIL=e2e@example.com", "GIT_COMMITTER_NAME=e2e", "GIT_COMMITTER_EMAIL=e2e@example.com")
	out, err := command.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Commit writes the files, of which an empty text removes one, and returns the
// commit.
func (r *Repository) Commit(files map[string]string) string {
	r.t.Helper()
	for path, text := range files {
		file := filepath.Join(r.dir, path)
		if text == "" {
			must(r.t, os.Remove(file))
			continue
		}
		must(r.t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(r.t, os.WriteFile(file, []byte(text), 0o644))
	}
	r.Git("add", "-A")
	r.Git("commit", "-q", "-m", "change")
	return r.Git("rev-parse", "HEAD")
}

// Deployment has nothing to object to but, perhaps, its image.
func Deployment(name, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: app
        image: %[2]s
        resources: {limits: {cpu: "1", memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}
`, name, image)
}

// ConfigMap says a greeting.
func ConfigMap(name, greeting string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {greeting: %q}\n", name, greeting)
}
