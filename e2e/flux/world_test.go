//go:build e2e

package flux_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// The kinds that the tests are about.
const (
	gitRepositories   = "GitRepository.v1.source.toolkit.fluxcd.io"
	externalArtifacts = "ExternalArtifact.v1.source.toolkit.fluxcd.io"
	kustomizations    = "Kustomization.v1.kustomize.toolkit.fluxcd.io"
	helmReleases      = "HelmRelease.v2.helm.toolkit.fluxcd.io"
	deployments       = "Deployment.v1.apps"
	configMaps        = "ConfigMap.v1."
)

// world is what one test has for itself: a namespace, a registry with a
// sigstore, and a Git repository.
type world struct {
	t *testing.T
	*plane
	dir      string
	registry *origin.Registry
	git      *origin.Repository
	// url is the repository's.
	url string
	// name is the namespace's.
	name string
	// files are the gate's, by name; see [world.gate].
	files map[string]string
	// controllers are the replicas of assay-source that were started, and told
	// is where they send events.
	controllers []*controller
	told        *sink
}

// newWorld also lets the test run beside others.
func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	name := strings.ToLower(strings.NewReplacer("_", "-", "/", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	return newWorldIn(t, strings.Trim(name[:min(len(name), 50)], "-"))
}

// newPlatform is a world in a namespace of the platform's, where the admission
// policies let pass what they refuse elsewhere.
func newPlatform(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newWorldIn(t, platformFor(t))
}

// platformFor is a namespace of the platform's that no other test has.
func platformFor(t *testing.T) string {
	t.Helper()
	number := int(shared.platforms.Add(1))
	if number >= mostPlatforms {
		t.Fatalf("there are %d tests in namespaces of the platform's; raise mostPlatforms", number)
	}
	return platform(number)
}

func newWorldIn(t *testing.T, namespace string) *world {
	t.Helper()
	w := &world{t: t, plane: shared, dir: t.TempDir(), name: namespace, files: map[string]string{}}
	if _, taken := w.names.LoadOrStore(w.name, true); taken {
		t.Fatalf("another test's namespace is %s; call this one otherwise", w.name)
	}
	w.registry = origin.NewRegistry(t, "example", ociserver.Options{})
	w.git = origin.NewRepository(t, filepath.Join(w.dir, "git"))
	w.url = w.git.ServeHTTP()
	w.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: $namespace}\n")
	t.Cleanup(func() {
		if t.Failed() {
			w.tell()
		}
		w.rest(w.name)
	})
	return w
}

// rest stops what Flux does in a namespace, whose artifacts nobody serves any
// more.
func (w *world) rest(namespace string) {
	ctx := context.WithoutCancel(w.t.Context())
	for _, kind := range []string{kustomizations, helmReleases, gitRepositories} {
		list, err := w.List(ctx, kind, namespace)
		for _, each := range list {
			err = errors.Join(err, w.Merge(ctx, controlplane.Object{Kind: kind, Namespace: namespace, Name: each.GetName()}, `{"spec":{"suspend":true}}`))
		}
		if err != nil {
			w.t.Logf("suspending what is left: %v", err)
		}
	}
}

// tell shows what the servers said last about this namespace.
func (w *world) tell() {
	for _, c := range w.controllers {
		w.t.Logf("the log of %s ends:", c.process.Name)
		for line := range strings.Lines(c.process.Tail(12)) {
			w.t.Log(strings.TrimSpace(line[:min(len(line), 600)]))
		}
	}
	for _, process := range w.flux.Processes() {
		for line := range strings.Lines(process.Tail(2000)) {
			if strings.Contains(line, w.name) && strings.Contains(line, "error") {
				w.t.Logf("%s: %s", process.Name, strings.TrimSpace(line[:min(len(line), 600)]))
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// slowly is a context for what depends on how busy the machine is.
func (w *world) slowly() context.Context {
	ctx, cancel := context.WithTimeoutCause(w.t.Context(), controlplane.Slowly, errors.New("it took too long"))
	w.t.Cleanup(cancel)
	return ctx
}

// text has $namespace replaced by the test's namespace.
func (w *world) text(yaml string) string { return strings.ReplaceAll(yaml, "$namespace", w.name) }

// apply applies YAML as the cluster's administrator.
func (w *world) apply(yaml string) {
	w.t.Helper()
	must(w.t, w.Apply(w.t.Context(), w.text(yaml)))
}

// object is one in the test's namespace.
func (w *world) object(kind, name string) controlplane.Object {
	return controlplane.Object{Kind: kind, Namespace: w.name, Name: name}
}

// read is an object of the test's namespace as the API server has it.
func (w *world) read(kind, name string) *unstructured.Unstructured {
	w.t.Helper()
	object, err := w.Get(w.t.Context(), w.object(kind, name))
	must(w.t, err)
	return object
}

// until waits until an object of the test's namespace is as the test says, and
// returns it.
func (w *world) until(kind, name string, test func(*unstructured.Unstructured) error) *unstructured.Unstructured {
	w.t.Helper()
	var last *unstructured.Unstructured
	err := controlplane.Until(w.slowly(), func(ctx context.Context) (err error) {
		if last, err = w.Get(ctx, w.object(kind, name)); err != nil {
			return err
		}
		return test(last)
	})
	if err != nil {
		w.t.Fatalf("waiting for %s %s: %v", strings.SplitN(kind, ".", 2)[0], name, err)
	}
	return last
}

// condition waits for one as "Ready=True", of the object as it is now, whose
// reason or message has the words.
func (w *world) condition(kind, name, want, words string) *unstructured.Unstructured {
	w.t.Helper()
	is, status, _ := strings.Cut(want, "=")
	return w.until(kind, name, func(object *unstructured.Unstructured) error {
		seen, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
		for _, c := range entries(object, "status", "conditions") {
			said := fmt.Sprintf("%s: %s", c["reason"], c["message"])
			if c["type"] == is && c["status"] == status && strings.Contains(said, words) && max(seen, generation(c)) == object.GetGeneration() {
				return nil
			}
		}
		return fmt.Errorf("it should have %s with %q; its generation is %d, its conditions are %v", want, words, object.GetGeneration(), entries(object, "status", "conditions"))
	})
}

// generation is the one that a condition is about.
func generation(condition map[string]any) int64 {
	value, _ := condition["observedGeneration"].(int64)
	return value
}

// entries are the entries of a list of objects.
func entries(object *unstructured.Unstructured, fields ...string) []map[string]any {
	list, _, _ := unstructured.NestedSlice(object.Object, fields...)
	var found []map[string]any
	for _, entry := range list {
		if entry, ok := entry.(map[string]any); ok {
			found = append(found, entry)
		}
	}
	return found
}

// field is a text in an object, or none.
func field(object *unstructured.Unstructured, fields ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, fields...)
	return value
}

// says is a test for [world.until]: a ConfigMap has the greeting.
func says(greeting string) func(*unstructured.Unstructured) error {
	return func(object *unstructured.Unstructured) error {
		if said := field(object, "data", "greeting"); said != greeting {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	}
}

// reconcile has an object's controller look at it now.
func (w *world) reconcile(kind, name string) {
	w.t.Helper()
	must(w.t, w.Merge(w.t.Context(), w.object(kind, name), fmt.Sprintf(`{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":%q}}}`, time.Now().Format(time.RFC3339Nano))))
}

// gitRepository makes the GitRepository app of the test's repository, which is
// looked at once an hour, and when [world.commit] says so.
func (w *world) gitRepository() {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: app, namespace: $namespace}
spec: {interval: 1h, url: %q, ref: {branch: main}}
`, w.url))
}

// commit writes files as [origin.Repository.Commit] does, and waits until the
// GitRepository app has them.
func (w *world) commit(files map[string]string) string {
	w.t.Helper()
	commit := w.git.Commit(files)
	w.gitRepository()
	w.reconcile(gitRepositories, "app")
	w.until(gitRepositories, "app", func(object *unstructured.Unstructured) error {
		if revision := field(object, "status", "artifact", "revision"); revision != "main@sha1:"+commit {
			return fmt.Errorf("its revision is %q, its conditions are %v", revision, entries(object, "status", "conditions"))
		}
		return nil
	})
	return commit
}

// kustomization makes a Kustomization that applies a folder of a source to the
// test's namespace. It looks for drift each second.
func (w *world) kustomization(name, sourceKind, source, path string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: $namespace}
spec:
  interval: 1s
  retryInterval: 1s
  prune: true
  targetNamespace: $namespace
  path: %q
  sourceRef: {kind: %s, name: %s}
`, name, path, sourceKind, source))
}

// applied waits until a Kustomization has applied a revision.
func (w *world) applied(name, revision string) *unstructured.Unstructured {
	w.t.Helper()
	return w.until(kustomizations, name, func(object *unstructured.Unstructured) error {
		if last := field(object, "status", "lastAppliedRevision"); last != revision {
			return fmt.Errorf("it has applied %q, not %q; its conditions are %v", last, revision, entries(object, "status", "conditions"))
		}
		return nil
	})
}

// container is the first container of a Deployment.
func (w *world) container(deployment string) map[string]any {
	w.t.Helper()
	return entries(w.read(deployments, deployment), "spec", "template", "spec", "containers")[0]
}
