//go:build e2e

package argocd_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin"
)

// command is what a run of the command came to.
type command struct {
	code     int
	out, err string
}

// migrate runs the built assay migrate.
func (w *world) migrate(args ...string) command {
	w.t.Helper()
	run := exec.CommandContext(w.slowly(), w.assay, append([]string{"migrate", "--from-cluster", "--root", strings.TrimPrefix(w.git.URL(), "file://"), "--repository", w.git.URL()}, args...)...)
	var out, said bytes.Buffer
	run.Stdout, run.Stderr = &out, &said
	err := run.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		w.t.Fatal(err)
	}
	return command{run.ProcessState.ExitCode(), out.String(), said.String()}
}

// unmoved is an Application that Argo CD renders by itself.
func (w *world) unmoved(name, namespace string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: %s, labels: {team: a}, annotations: {team.example.com/a: b}}
spec:
  project: %s
  source: {repoURL: %q, path: app, targetRevision: main, kustomize: {namePrefix: a-}}
  destination: {server: "https://kubernetes.default.svc", namespace: %s}
`, name, namespace, w.name, w.git.URL(), w.name)
}

// TestMigrate_FromARealCluster reads what a real API server has: in pages, of the
// namespaces that an account may read, and writes when it is asked to.
func TestMigrate_FromARealCluster(t *testing.T) {
	w := newWorld(t)
	w.git.Commit(map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
	w.withoutPolicies()
	const many = 260 // more than one page holds
	for i := range many {
		must(t, w.Apply(t.Context(), w.unmoved(fmt.Sprintf("app-%d", i), w.name)))
	}
	must(t, w.Apply(t.Context(), fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shops, namespace: %s}
spec:
  goTemplate: true
  generators: [{list: {elements: [{a: b}]}}]
  template:
    metadata: {name: "shop-{{ .a }}"}
    spec:
      project: default
      source: {repoURL: %q, path: app, targetRevision: main, kustomize: {}}
      destination: {namespace: a}
`, w.name, w.git.URL())))
	admin := []string{"--kubeconfig", w.Kubeconfig, "--namespace", w.name}

	t.Run("printed", func(t *testing.T) {
		before, err := w.Get(t.Context(), controlplane.Object{Kind: applications, Namespace: w.name, Name: "app-7"})
		must(t, err)
		got := w.migrate(admin...)
		if got.code != 0 || !strings.Contains(got.err, fmt.Sprintf("%d objects read from", many+1)) || !strings.Contains(got.err, "with 3 requests; 261 sources proven") {
			t.Fatalf("it ends with %d: %s", got.code, got.err)
		}
		for _, added := range []string{"managedFields", "resourceVersion", "uid", "status", "last-applied", "creationTimestamp", "kustomize:"} {
			if strings.Contains(got.out, added) {
				t.Errorf("%s is printed", added)
			}
		}
		after, err := w.Get(t.Context(), controlplane.Object{Kind: applications, Namespace: w.name, Name: "app-7"})
		must(t, err)
		if !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
			t.Error("the cluster was changed")
		}
		w.takes(got.out, many+1)
	})
	t.Run("a page fails", func(t *testing.T) {
		got := w.migrate("--namespace", w.name, "--kubeconfig", w.through(t, func(r *http.Request) bool { return r.URL.Query().Get("continue") != "" }))
		if got.code != 2 || got.out != "" || !strings.Contains(got.err, "after 250 of them") || !strings.Contains(got.err, "nothing was rewritten") {
			t.Errorf("it ends with %d: %s%s", got.code, got.out, got.err)
		}
	})
	t.Run("a namespace may not be read", func(t *testing.T) {
		file := w.reader(t)
		got := w.migrate("--kubeconfig", file, "-n", w.name, "-n", controlplane.Namespace)
		if got.code != 2 || got.out != "" || !strings.Contains(got.err, "applications in the namespace argocd") || strings.Contains(got.err, "in the namespace "+w.name) {
			t.Errorf("it ends with %d: %s%s", got.code, got.out, got.err)
		}
		if got := w.migrate("--kubeconfig", file); got.code != 2 || got.out != "" || !strings.Contains(got.err, "name the namespaces that you may read with --namespace") {
			t.Errorf("all namespaces: it ends with %d: %s%s", got.code, got.out, got.err)
		}
		if twin := w.migrate("--kubeconfig", file, "-n", w.name); twin.code != 0 {
			t.Errorf("its own namespace: it ends with %d: %s", twin.code, twin.err)
		}
	})
	t.Run("written", func(t *testing.T) {
		got := w.migrate(append(admin, "--in-place")...)
		if got.code != 0 || strings.Count(got.out, "wrote Application "+w.name+"/app-") != many || !strings.Contains(got.out, "wrote ApplicationSet "+w.name+"/shops") {
			t.Fatalf("it ends with %d: %.300s%s", got.code, got.out, got.err)
		}
		after, err := w.Get(t.Context(), controlplane.Object{Kind: applications, Namespace: w.name, Name: "app-7"})
		must(t, err)
		if name, _, _ := unstructured.NestedString(after.Object, "spec", "source", "plugin", "name"); name != "assay" || after.GetLabels()["team"] != "a" {
			t.Errorf("the Application is %v", after.Object)
		}
		if again := w.migrate(admin...); again.code != 0 || again.out != "" || !strings.Contains(again.err, "0 manifests") {
			t.Errorf("a second run: %d %s%s", again.code, again.out, again.err)
		}
	})
}

// takes asks the API server whether it takes what was printed.
func (w *world) takes(text string, count int) {
	w.t.Helper()
	documents := strings.Split(text, "\n---\n")
	if len(documents) != count {
		w.t.Fatalf("%d documents", len(documents))
	}
	for _, document := range documents[:3] {
		object := &unstructured.Unstructured{}
		must(w.t, yaml.Unmarshal([]byte(document), &object.Object))
		answer, err := w.Would(w.t.Context(), object, "e2e")
		must(w.t, err)
		want := plugin.Object{Fields: object.Object}
		if source, _, _ := unstructured.NestedMap(answer.Object, "spec", "source"); source["plugin"] == nil {
			w.t.Errorf("%s would be stored as %v", want.ID(), answer.Object["spec"])
		}
	}
}

// reader is the kubeconfig of an account that may read the test's namespace alone.
func (w *world) reader(t *testing.T) string {
	t.Helper()
	must(t, w.Apply(t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: %[1]s}
rules: [{apiGroups: [argoproj.io], resources: [applications, applicationsets], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: %[1]s}]
`, w.name)))
	file, err := w.KubeconfigOf(t.Context(), w.name, "reader")
	must(t, err)
	return file
}

// through is a kubeconfig of a proxy in front of the API server, which fails at
// some requests.
func (w *world) through(t *testing.T, fails func(*http.Request) bool) string {
	t.Helper()
	server, err := url.Parse(w.Config.Host)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the test's own API server
	front := httptest.NewTLSServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if fails(r) {
			http.Error(answer, "the proxy has no upstream", http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(answer, r)
	}))
	t.Cleanup(front.Close)
	text, err := os.ReadFile(w.Kubeconfig)
	must(t, err)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), w.Config.Host, front.URL)), 0o600))
	return file
}
