package hydrated_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/hydrated"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/setup"
)

const branch, at = "environments/prod", "apps/shop"

const written = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: team-a
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  sourceHydrator:
    drySource: {repoURL: "https://git.example.com/shop.git", path: deploy, targetRevision: main, plugin: {name: assay}}
    syncSource: {targetBranch: environments/prod, path: apps/shop}
`

// hydratedFile is what Argo CD 3.5's commit server makes of the dry commit.
const hydratedFile = `apiVersion: v1
data:
  color: red
  size: "1"
kind: ConfigMap
metadata:
  name: colors
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: 80
  selector:
    app: web
`

func dryFiles(color string) map[string]string {
	return map[string]string{
		"deploy/map.yaml":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colors}\ndata: {color: " + color + ", size: '1'}\n",
		"deploy/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
	}
}

// scene is a repository with a dry commit on main and its hydrated branch.
type scene struct {
	t        *testing.T
	dir, dry string
	setup    *setup.Setup
	options  hydrated.Options
	// application is the Application's text.
	application string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	made, err := setup.New(setup.Options{Config: gate.Default(), LockRequired: true, Encoding: plugin.JSONEncoding{}})
	check(t, err)
	t.Cleanup(made.Close)
	s := &scene{t: t, dir: t.TempDir(), setup: made, application: written}
	s.options = hydrated.Options{Judge: made.Judge, Limits: plugin.DefaultLimits(), Repository: func(string) *revision.Commits { return s.open(s.dir) }}
	s.git("init", "-q", "-b", "main")
	s.dry = s.commit(dryFiles("red"))
	s.git("checkout", "-q", "--orphan", branch)
	s.git("rm", "-rfq", ".")
	s.hydrate(s.dry, hydratedFile)
	return s
}

func (s *scene) open(dir string) *revision.Commits {
	s.t.Helper()
	commits, err := revision.OpenCommits(s.t.Context(), dir, plugin.DefaultLimits())
	check(s.t, err)
	return commits
}

// hydrate writes what the commit server writes, on the branch that is checked out.
func (s *scene) hydrate(dry, manifests string) string {
	s.t.Helper()
	metadata := fmt.Sprintf("{\n  \"drySha\": %q\n}\n", dry)
	return s.commit(map[string]string{
		".gitattributes":        "**/README.md linguist-generated=true\n**/hydrator.metadata linguist-generated=true",
		"hydrator.metadata":     metadata,
		at + "/manifest.yaml":   manifests,
		at + "/README.md":       "# Manifest Hydration\n",
		at + hydratorMetadata(): metadata,
	})
}

func hydratorMetadata() string { return "/hydrator.metadata" }

// commit writes files, of which an empty text removes one, and gives the commit.
func (s *scene) commit(files map[string]string) string {
	s.t.Helper()
	for name, text := range files {
		file := filepath.Join(s.dir, name)
		check(s.t, os.RemoveAll(file))
		if text == "" {
			continue
		}
		check(s.t, os.MkdirAll(filepath.Dir(file), 0o755))
		if target, is := strings.CutPrefix(text, "link:"); is {
			check(s.t, os.Symlink(target, file))
			continue
		}
		check(s.t, os.WriteFile(file, []byte(text), 0o644))
	}
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", "change")
	return s.git("rev-parse", "HEAD")
}

func (s *scene) git(args ...string) string {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), "git", args...)
	command.Dir = s.dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=team-a", "GIT_AUTHOR_EMAIL=team-a@example.com", "GIT_COMMITTER_NAME=team-a", "GIT_COMMITTER_EMAIL=team-a@example.com")
	out, err := command.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// prove answers about the Application.
func (s *scene) prove() hydrated.Result {
	s.t.Helper()
	rendering, err := render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(s.t.Context(), plugin.Source{Rendered: []byte(s.application)})
	check(s.t, err)
	applications := hydrated.Applications(rendering.Objects, "argocd", plugin.DefaultLimits())
	if len(applications) != 1 {
		s.t.Fatalf("%d Applications are hydrated", len(applications))
	}
	prover := hydrated.Prover{Options: s.options}
	defer prover.Close()
	return prover.Prove(context.WithoutCancel(s.t.Context()), applications[0])
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// said are the problems of a result, one a line.
func said(result hydrated.Result) string {
	text, _ := yaml.Marshal(result.Problems)
	return string(text)
}
