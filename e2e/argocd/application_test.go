//go:build e2e

package argocd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// slowly is a context for what depends on how busy the machine is.
func (w *world) slowly() context.Context {
	ctx, cancel := context.WithTimeoutCause(w.t.Context(), controlplane.Slowly, errors.New("it took too long"))
	w.t.Cleanup(cancel)
	return ctx
}

// ready says whether the sidecar would be asked and would answer.
func (w *world) ready(ctx context.Context) error {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(w.argocd.Plugins, "assay.sock"))
	if err != nil {
		return err
	}
	return errors.Join(connection.Close(), controlplane.Answers(http.DefaultClient, "http://"+sidecarHTTP+"/readyz")(ctx))
}

// application is an Application of Argo CD.
type application struct {
	*world
	name, project string
	// namespace is its own, not that of what it deploys.
	namespace string
	// path is the folder in the repository.
	path string
	// published is the source where it is none in Git, without the plugin.
	published string
	// reference is another source of the Application, which lends it files.
	reference string
	// plugin is the plugin's block, as YAML in flow style; empty is none.
	plugin string
	// policy is spec.syncPolicy in flow style.
	policy string
	// branch is where the Source Hydrator commits what it rendered; empty is no
	// hydrator.
	branch string
}

// byHand syncs when it is asked. Nobody collects garbage in this cluster, so
// what is pruned must not wait for that.
const byHand = "{syncOptions: [PrunePropagationPolicy=background]}"

// automated syncs whatever changes, and removes what is no longer rendered.
const automated = "{automated: {prune: true, selfHeal: true}, syncOptions: [PrunePropagationPolicy=background]}"

// app is the test's Application with what most tests want.
func (w *world) app() application {
	return application{world: w, name: w.name, project: w.name, namespace: controlplane.Namespace, path: "app", plugin: "{name: assay}", policy: automated}
}

// create makes it, or changes it.
func (a application) create() {
	a.t.Helper()
	must(a.t, a.Apply(a.t.Context(), a.manifest()))
}

func (a application) manifest() string {
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: %s}
spec:
  project: %s
  %s
  destination: {server: "https://kubernetes.default.svc", namespace: %s}
  syncPolicy: %s
`, a.name, a.namespace, a.project, a.source(), a.project, a.policy)
}

func (a application) source() string {
	plugin := ""
	if a.plugin != "" {
		plugin = ", plugin: " + a.plugin
	}
	if a.published != "" {
		if source := fmt.Sprintf("{%s%s}", a.published, plugin); a.reference != "" {
			return fmt.Sprintf("sources: [%s, %s]", source, a.reference)
		}
		return fmt.Sprintf("source: {%s%s}", a.published, plugin)
	}
	source := fmt.Sprintf("{repoURL: %q, path: %s, targetRevision: main%s}", a.git.URL(), a.path, plugin)
	if a.branch == "" {
		return "source: " + source
	}
	return fmt.Sprintf("sourceHydrator: {drySource: %s, syncSource: {targetBranch: %s, path: %s}}", source, a.branch, a.path)
}

func (a application) object() controlplane.Object {
	return controlplane.Object{Kind: applications, Namespace: a.namespace, Name: a.name}
}

// refresh has Argo CD render anew, and returns the Application when it has.
func (a application) refresh() status {
	a.t.Helper()
	a.ask()
	return a.refreshed()
}

// ask asks for a refresh and waits for nothing.
func (a application) ask() {
	a.t.Helper()
	must(a.t, a.Merge(a.t.Context(), a.object(), `{"metadata":{"annotations":{"argocd.argoproj.io/refresh":"hard"}}}`))
}

// refreshed waits for the refresh that was asked for.
func (a application) refreshed() status {
	a.t.Helper()
	return a.until("the refresh to end", func(s status) error {
		if s.refreshing {
			return errors.New("it is being refreshed")
		}
		return nil
	})
}

// sync asks for a sync of the last commit, as Argo CD's API server does when a
// user syncs, and returns the Application when the operation has ended, however
// it did.
func (a application) sync() status {
	a.t.Helper()
	mark := fmt.Sprint(time.Now().UnixNano())
	must(a.t, a.Merge(a.t.Context(), a.object(), fmt.Sprintf(`{"operation":{"initiatedBy":{"username":"e2e"},"info":[{"name":"mark","value":%q}],"sync":{"prune":true,"revision":%q}}}`, mark, a.git.Git("rev-parse", "HEAD"))))
	return a.until("the sync to end", func(s status) error {
		if s.mark != mark || s.phase == "Running" || s.phase == "" {
			return fmt.Errorf("the operation is %q", s.phase)
		}
		return nil
	})
}

// synced waits until what is in Git is in the cluster.
func (a application) synced() status {
	a.t.Helper()
	return a.until("the sync", func(s status) error {
		if s.sync != "Synced" || s.phase != "Succeeded" {
			return fmt.Errorf("it is %s, its operation %q, its conditions %v", s.sync, s.phase, s.conditions)
		}
		return nil
	})
}

// until waits for a state of the Application.
func (a application) until(what string, test func(status) error) status {
	a.t.Helper()
	var last status
	err := controlplane.Until(a.slowly(), func(ctx context.Context) error {
		object, err := a.Get(ctx, a.object())
		if err != nil {
			return err
		}
		last = statusOf(object)
		return test(last)
	})
	if err != nil {
		a.t.Fatalf("waiting for %s of %s: %v", what, a.name, err)
	}
	return last
}

// status is what Argo CD says of an Application.
type status struct {
	// sync is Synced, OutOfSync or Unknown.
	sync string
	// phase and message are the last operation's, and mark says which it was.
	phase, message, mark string
	// conditions are "Type: message".
	conditions []string
	revision   string
	refreshing bool
}

func statusOf(object *unstructured.Unstructured) status {
	text := func(fields ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, fields...)
		return value
	}
	s := status{
		sync: text("status", "sync", "status"), revision: text("status", "sync", "revision"),
		phase: text("status", "operationState", "phase"), message: text("status", "operationState", "message"),
	}
	_, s.refreshing = object.GetAnnotations()["argocd.argoproj.io/refresh"]
	for _, entry := range entries(object, "status", "operationState", "operation", "info") {
		if entry["name"] == "mark" {
			s.mark, _ = entry["value"].(string)
		}
	}
	for _, condition := range entries(object, "status", "conditions") {
		s.conditions = append(s.conditions, fmt.Sprintf("%s: %s", condition["type"], condition["message"]))
	}
	return s
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

// said is what assay answered, as it stands in the Application's condition
// behind Argo CD's own words.
func (s status) said() string {
	for _, condition := range s.conditions {
		if _, own, found := strings.Cut(condition, "desc = assay "); found {
			return "assay " + own
		}
	}
	return ""
}

// read is an object of the test's namespace as the API server has it.
func (w *world) read(kind, name string) *unstructured.Unstructured {
	w.t.Helper()
	object, err := w.Get(w.t.Context(), controlplane.Object{Kind: kind, Namespace: w.name, Name: name})
	must(w.t, err)
	return object
}

// The kinds that the tests' applications are made of.
const (
	deployments = "Deployment.v1.apps"
	configMaps  = "ConfigMap.v1."
)

// container is the first container of a Deployment.
func (w *world) container(name string) map[string]any {
	w.t.Helper()
	return entries(w.read(deployments, name), "spec", "template", "spec", "containers")[0]
}
