//go:build e2e

package argocd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// hydratorProjects lists which AppProject may use the Source Hydrator for which
// branch, as the platform does, until the test ends.
func (w *world) hydratorProjects(lines ...string) {
	w.t.Helper()
	list := controlplane.Object{Kind: configMaps, Namespace: controlplane.Namespace, Name: "assay-hydrator-projects"}
	set := func(ctx context.Context, projects string) error {
		return w.Merge(ctx, list, fmt.Sprintf(`{"data":{"projects":%q}}`, projects))
	}
	must(w.t, set(w.t.Context(), strings.Join(lines, "\n")))
	w.t.Cleanup(func() {
		if err := set(context.WithoutCancel(w.t.Context()), ""); err != nil {
			w.t.Error(err)
		}
	})
}

// listed is the platform's line about an Application's branch.
func (w *world) listed(a application) string {
	return strings.Join([]string{a.project, w.git.URL(), a.branch}, " ")
}

// hydration is what Argo CD says of the last hydration: of which commit it was,
// and which commit it made.
// Started is when it began, to the second.
type hydration struct{ phase, message, dry, commit, started string }

// hydration is read at once, as the next one may begin at any time.
func (a application) hydration() hydration {
	a.t.Helper()
	object, err := a.Get(a.t.Context(), a.object())
	must(a.t, err)
	text := func(field string) string {
		value, _, _ := unstructured.NestedString(object.Object, "status", "sourceHydrator", "currentOperation", field)
		return value
	}
	return hydration{text("phase"), text("message"), text("drySHA"), text("hydratedSHA"), text("startedAt")}
}

// hydrate asks for a hydration of a commit and waits until it has ended. One
// that was denied names no commit, so it is told by the phase of the one before.
func (a application) hydrate(commit string) hydration {
	a.t.Helper()
	before := a.hydration()
	must(a.t, controlplane.Until(a.slowly(), func(context.Context) error { // so that the next one is told by its time
		if time.Now().UTC().Format(time.RFC3339) == before.started {
			return errors.New("the one before began in this second")
		}
		return nil
	}))
	must(a.t, a.Merge(a.t.Context(), a.object(), `{"metadata":{"annotations":{"argocd.argoproj.io/hydrate":"hard","argocd.argoproj.io/refresh":"normal"}}}`))
	var now hydration
	must(a.t, controlplane.Until(a.slowly(), func(context.Context) error {
		now = a.hydration()
		if now.phase == "Hydrating" || now.started == before.started || now.phase == before.phase && now.dry != commit {
			return fmt.Errorf("the hydration is %q: %s", now.phase, now.message)
		}
		return nil
	}))
	return now
}

// TestSourceHydrator_CommitsWhatPassed_AndADenialKeepsTheCommitFromBeingMade is
// an application of an AppProject that the platform lists.
func TestSourceHydrator_CommitsWhatPassed_AndADenialKeepsTheCommitFromBeingMade(t *testing.T) {
	w := newWorld(t)
	w.since3("has no plugin in drySource")
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.Push("team-a/app:2", "second")
	dry := w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.branch = "environments/test"
	refused(t, a.Apply(t.Context(), a.manifest()), "sourceHydrator is not allowed")
	w.hydratorProjects("another "+w.git.URL()+" live", w.listed(a))
	must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error { return a.Apply(ctx, a.manifest()) }))
	a.synced()
	if got := a.hydration().dry; got != dry {
		t.Errorf("the hydrated commit is of %s; the change is %s", got, dry)
	}
	w.committed(a, "web", first.DigestStr())
	w.runs("web", first.DigestStr())
	w.proven(a)

	tip := w.git.Git("rev-parse", a.branch)
	dry = w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:2"))})
	denied := a.hydrate(dry)
	if denied.phase != "Failed" || !strings.Contains(denied.message, "desc = assay denied "+a.name+": 1 problem: ") || !strings.Contains(denied.message, "image/not-signed") {
		t.Errorf("the hydration of an image that nobody signed ended as %q: %s", denied.phase, denied.message)
	}
	if now := w.git.Git("rev-parse", a.branch); now != tip {
		t.Errorf("a denial moved the branch from %s to %s: %s", tip, now, w.git.Git("show", now))
	}
	w.runs("web", first.DigestStr())

	w.registry.Sign(second)
	allowed := a.hydrate(dry)
	if allowed.phase != "Hydrated" || allowed.commit != w.git.Git("rev-parse", a.branch) {
		t.Errorf("once signed, the hydration ended as %q, %s: %s", allowed.phase, allowed.commit, allowed.message)
	}
	w.committed(a, "web", second.DigestStr())
	w.proven(a)
	a.until("the sync of "+allowed.commit, func(s status) error {
		if s.sync != "Synced" || s.revision != allowed.commit {
			return fmt.Errorf("it is %s at %s", s.sync, s.revision)
		}
		return nil
	})
	w.runs("web", second.DigestStr())
}

// TestSourceHydrator_WithoutThePluginIsRefusedWhereItIsListed is all that Argo
// CD 2.14 can say: a drySource there has no plugin.
func TestSourceHydrator_WithoutThePluginIsRefusedWhereItIsListed(t *testing.T) {
	w := newWorld(t)
	a := w.app()
	a.plugin, a.branch = "", "environments/test"
	w.hydratorProjects(w.listed(a))
	must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		err := a.Apply(ctx, a.manifest())
		if err == nil || !strings.Contains(err.Error(), "drySource does not name the plugin") {
			return fmt.Errorf("the API server should refuse a drySource without the plugin: %w", err)
		}
		return nil
	}))
}

// committed fails unless the hydrated branch has the Deployment with that digest.
func (w *world) committed(a application, deployment, digest string) {
	w.t.Helper()
	text := w.git.Git("show", a.branch+":"+a.path+"/manifest.yaml")
	if !strings.Contains(text, "name: "+deployment+"\n") || !strings.Contains(text, "@"+digest+"\n") {
		w.t.Errorf("the branch %s has no Deployment %s with the digest %s: %s", a.branch, deployment, digest, text)
	}
}
