//go:build e2e

package argocd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// prove runs assay prove about an Application, as a job beside the repository
// does, and returns its exit code and what it says.
func (w *world) prove(a application, flags ...string) (int, string) {
	w.t.Helper()
	file := filepath.Join(w.dir, a.name+".yaml")
	must(w.t, os.WriteFile(file, []byte(a.manifest()), 0o600))
	args := append([]string{"prove", file, "--gate", filepath.Join(w.dir, "gate")}, flags...)
	command := exec.CommandContext(w.t.Context(), w.assay, args...)
	command.Dir, command.Env = filepath.Join(w.dir, "git"), append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(w.dir, "cache"))
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		w.t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String()
}

func (w *world) proven(a application) {
	w.t.Helper()
	if code, said := w.prove(a); code != 0 || !strings.HasPrefix(said, "proven: ") {
		w.t.Errorf("the proof of %s ends with %d: %s", a.name, code, said)
	}
}

// refuted fails unless the proof finds this out.
func (w *world) refuted(a application, what string, flags ...string) {
	w.t.Helper()
	if code, said := w.prove(a, flags...); code != 1 || !strings.Contains(said, what) {
		w.t.Errorf("the proof of %s ends with %d and does not say %q: %s", a.name, code, what, said)
	}
}

// push is somebody who may write a branch: each file's new text is made of the
// old one.
func (w *world) push(branch string, files map[string]func(string) string) string {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "other")
	w.git.Git("worktree", "add", "-q", "--detach", dir, branch)
	for name, change := range files {
		file := filepath.Join(dir, name)
		old, err := os.ReadFile(file)
		if !errors.Is(err, os.ErrNotExist) {
			must(w.t, err)
		}
		must(w.t, os.WriteFile(file, []byte(change(string(old))), 0o644))
	}
	w.git.Git("-C", dir, "add", "-A")
	w.git.Git("-C", dir, "commit", "-q", "-m", "mine")
	commit := w.git.Git("-C", dir, "rev-parse", "HEAD")
	w.git.Git("update-ref", "refs/heads/"+branch, commit)
	w.git.Git("worktree", "remove", "--force", dir)
	return commit
}

// hydrated is an Application of a listed AppProject that is in the cluster.
func (w *world) hydrated() application {
	w.t.Helper()
	w.since3("has no plugin in drySource")
	w.serve()
	a := w.app()
	a.branch = "environments/" + w.name
	w.hydratorProjects(w.listed(a))
	must(w.t, controlplane.Until(w.slowly(), func(ctx context.Context) error { return a.Apply(ctx, a.manifest()) }))
	a.synced()
	w.proven(a)
	return a
}

// reaches waits until a commit of the hydrated branch is in the cluster.
func (a application) reaches(commit string) {
	a.t.Helper()
	must(a.t, a.Merge(a.t.Context(), a.object(), `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"normal"}}}`))
	a.until("the sync of "+commit, func(s status) error {
		if s.sync != "Synced" || s.revision != commit || s.phase != "Succeeded" {
			return fmt.Errorf("it is %s at %s, its operation %q", s.sync, s.revision, s.phase)
		}
		return nil
	})
}

// TestSourceHydrator_SomebodyElsesPushIsSyncedAndFoundOut is why the branch has
// to be protected: Argo CD syncs what is pushed there, and the proof finds it out.
func TestSourceHydrator_SomebodyElsesPushIsSyncedAndFoundOut(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	mine := w.registry.Push("team-a/app:2", "mine")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	a := w.hydrated()
	a.reaches(w.push(a.branch, map[string]func(string) string{
		"app/manifest.yaml": func(old string) string { return strings.ReplaceAll(old, first.DigestStr(), mine.DigestStr()) },
	}))
	w.runs("web", mine.DigestStr())
	w.refuted(a, "has the image "+w.registry.Image("team-a/app:1")+"@"+mine.DigestStr())

	dry := w.git.Commit(map[string]string{"app/more.yaml": origin.ConfigMap("more", "hello")})
	healed := a.hydrate(dry)
	if healed.phase != "Hydrated" {
		t.Fatalf("the hydration ended as %q: %s", healed.phase, healed.message)
	}
	w.proven(a)
	a.reaches(healed.commit)
	w.runs("web", first.DigestStr())

	// A file beside the manifests outlives hydrations.
	w.push(a.branch, map[string]func(string) string{"app/own.yaml": func(string) string { return origin.ConfigMap("own", "mine") }})
	a.hydrate(w.git.Commit(map[string]string{"app/more.yaml": origin.ConfigMap("more", "again")}))
	w.refuted(a, "app/own.yaml is not the hydrator's")
}

// TestSourceHydrator_ATagThatMovesLaterChangesNothingUntilTheNextCommit has a
// gate that resolves tags: the digest of the hydration stays.
func TestSourceHydrator_ATagThatMovesLaterChangesNothingUntilTheNextCommit(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	a := w.hydrated()
	tip := w.git.Git("rev-parse", a.branch)
	moved := w.registry.PushSigned("team-a/app:1", "moved")
	a.hydrate(a.hydration().dry)
	if now := w.git.Git("rev-parse", a.branch); now != tip {
		t.Errorf("a tag that moved made the commit %s", now)
	}
	a.refresh()
	w.runs("web", first.DigestStr())
	w.refuted(a, "the tag moved since")

	next := a.hydrate(w.git.Commit(map[string]string{"README.md": "a commit that changes nothing else\n"}))
	a.reaches(next.commit)
	w.runs("web", moved.DigestStr())
	w.proven(a)
}

// TestSourceHydrator_OneDenialHoldsUpItsBranchAndSaysWhose has two Applications
// of one dry branch in one hydrated branch: they are committed together.
func TestSourceHydrator_OneDenialHoldsUpItsBranchAndSaysWhose(t *testing.T) {
	w := newWorld(t)
	w.git.Commit(map[string]string{"app/map.yaml": origin.ConfigMap("colors", "red"), "other/map.yaml": origin.ConfigMap("others", "red")})
	a := w.hydrated()
	b := a
	b.name, b.path = a.name+"-b", "other"
	must(t, b.Apply(t.Context(), b.manifest()))
	tip := w.git.Git("rev-parse", a.branch)
	w.registry.Push("team-a/app:2", "second")
	dry := w.git.Commit(map[string]string{"app/map.yaml": origin.ConfigMap("colors", "blue"), "other/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:2"))})
	a.hydrate(dry)
	must(t, controlplane.Until(w.slowly(), func(context.Context) error {
		own, others := a.hydration(), b.hydration()
		if own.phase != "Failed" || others.phase != "Failed" {
			return fmt.Errorf("the hydrations are %q and %q", own.phase, others.phase)
		}
		if !strings.Contains(own.message, "cannot hydrate because application argocd/"+b.name+" has an error") || !strings.Contains(others.message, "image/not-signed") {
			return fmt.Errorf("they say %q and %q", own.message, others.message)
		}
		return nil
	}))
	if now := w.git.Git("rev-parse", a.branch); now != tip {
		t.Errorf("a denial moved the branch to %s", now)
	}
}

// TestSourceHydrator_OnlyListedBranchesAndComparedCommits is what the API server
// refuses to an AppProject that is listed.
func TestSourceHydrator_OnlyListedBranchesAndComparedCommits(t *testing.T) {
	w := newWorld(t)
	w.git.Commit(map[string]string{"app/map.yaml": origin.ConfigMap("colors", "red")})
	a := w.hydrated()
	good := a.branch
	for branch, said := range map[string]string{"main": "which the platform does not list", "mine": "which the platform does not list", good: ""} {
		a.branch = branch
		if err := a.Apply(t.Context(), a.manifest()); said == "" && err != nil || said != "" && (err == nil || !strings.Contains(err.Error(), said)) {
			t.Errorf("the branch %s: %v", branch, err)
		}
	}
	pushed := w.push(good, map[string]func(string) string{"app/own.yaml": func(string) string { return origin.ConfigMap("own", "mine") }})
	w.git.Git("update-ref", "refs/heads/"+good, pushed+"~1")
	sync := func(revision string) error {
		return a.Merge(t.Context(), a.object(), fmt.Sprintf(`{"operation":{"initiatedBy":{"username":"e2e"},"sync":{"revision":%q}}}`, revision))
	}
	refused(t, sync(pushed), "operation.sync.revision is not what Argo CD compared last")
	must(t, sync(w.git.Git("rev-parse", good)))
	w.never(configMaps, w.name, "own")
}

// TestSourceHydrator_RendersForNoClusterUnlessToldWhich: Argo CD does not tell a
// plugin the cluster's version when it hydrates.
func TestSourceHydrator_RendersForNoClusterUnlessToldWhich(t *testing.T) {
	w := newWorld(t)
	w.git.Commit(map[string]string{
		"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"app/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions}\n" +
			"data: {kube: '{{ .Capabilities.KubeVersion.Version }}', has: '{{ .Capabilities.APIVersions.Has \"example.com/v1/Color\" }}'}\n",
	})
	a := w.hydrated()
	if text := w.git.Git("show", a.branch+":app/manifest.yaml"); !strings.Contains(text, "has: \"false\"") || strings.Contains(text, "kube: v1.31.4") {
		t.Errorf("it was rendered for %s", text)
	}
	a.plugin = "{name: assay, parameters: [{name: helm-kube-version, string: 1.31.4}, {name: helm-api-versions, array: [example.com/v1/Color]}]}"
	dry := w.git.Commit(map[string]string{"README.md": "hydrate\n"})
	a.create() // Argo CD hydrates for it without being asked
	var told hydration
	must(t, controlplane.Until(w.slowly(), func(context.Context) error {
		if told = a.hydration(); told.dry != dry || told.phase == "Hydrating" {
			return fmt.Errorf("the hydration is %q, of %s", told.phase, told.dry)
		}
		return nil
	}))
	if text := w.git.Git("show", a.branch+":app/manifest.yaml"); told.phase != "Hydrated" || !strings.Contains(text, "kube: v1.31.4\n") || !strings.Contains(text, "has: \"true\"\n") {
		t.Errorf("the hydration ended as %q: %s: %s", told.phase, told.message, text)
	}
	w.proven(a)
}

// TestSourceHydrator_AForgedNoteHoldsItUpAndIsFoundOut: the commit server takes
// a dry commit for hydrated when a note at the branch's tip says so.
func TestSourceHydrator_AForgedNoteHoldsItUpAndIsFoundOut(t *testing.T) {
	w := newWorld(t)
	w.git.Commit(map[string]string{"app/map.yaml": origin.ConfigMap("colors", "red")})
	a := w.hydrated()
	tip := w.git.Git("rev-parse", a.branch)
	dry := w.git.Commit(map[string]string{"app/map.yaml": origin.ConfigMap("colors", "blue")})
	w.git.Git("notes", "--ref=hydrator.metadata", "add", "-f", "-m", fmt.Sprintf(`{"drySha":%q}`, dry), tip)
	if held := a.hydrate(dry); held.phase != "Hydrated" || held.commit != tip {
		t.Fatalf("the hydration ended as %q at %s: %s", held.phase, held.commit, held.message)
	}
	w.proven(a)
	w.refuted(a, "configmap/colors differs at data.greeting", "--current")

	next := a.hydrate(w.git.Commit(map[string]string{"README.md": "the next commit\n"}))
	if next.commit == tip {
		t.Errorf("it is still held up: %s", next.message)
	}
	if code, said := w.prove(a, "--current"); code != 0 {
		t.Errorf("the proof ends with %d: %s", code, said)
	}
}

// TestSourceHydrator_ANewGateIsToldByAHardHydration has a key that is no longer
// trusted after the hydration: what runs stays, and both the hydration and the
// proof say it.
func TestSourceHydrator_ANewGateIsToldByAHardHydration(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	a := w.hydrated()
	tip := w.git.Git("rev-parse", a.branch)
	trusted := w.registries
	w.registries = []*origin.Registry{w.another("elsewhere", ociserver.Options{})}
	w.gate(w.name, w.open()+"  switches: {pin: \"On\", harden: \"On\", deny: \"On\"}\n")
	w.serve()
	told := a.hydrate(a.hydration().dry)
	if told.phase != "Failed" || !strings.Contains(told.message, "image/no-trust-rule") {
		t.Errorf("the hydration ended as %q: %s", told.phase, told.message)
	}
	w.refuted(a, "the gate does not let the dry commit pass now")
	if now := w.git.Git("rev-parse", a.branch); now != tip {
		t.Errorf("the branch moved to %s", now)
	}
	w.runs("web", first.DigestStr())
	w.registries = trusted
}
