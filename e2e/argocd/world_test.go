//go:build e2e

package argocd_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// world is what one test has for itself: a registry with a sigstore, a Git
// repository, AppProjects with their namespaces, gates, and the sidecar.
type world struct {
	t *testing.T
	*plane
	dir      string
	registry *origin.Registry
	git      *origin.Repository
	// name is unique in the cluster: Application, AppProject and destination
	// namespace are called so unless a test has several.
	name string
	// registries are all that the gates trust; registry is the first.
	registries []*origin.Registry
	// gates are the gate files by name, and files are others beside them.
	gates, files map[string]string
	// wrapped is the command that starts the sidecar, if any; flags and env are
	// the sidecar's, beside what it always has.
	wrapped, flags, env []string
	sidecar             *controlplane.Process
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, plane: shared, dir: t.TempDir(), gates: map[string]string{}, files: map[string]string{}}
	w.name = strings.Trim(strings.ToLower(strings.NewReplacer("_", "-", "/", "-").Replace(strings.TrimPrefix(t.Name(), "Test"))), "-")
	w.name = strings.Trim(w.name[:min(len(w.name), 40)], "-")
	w.registry = w.another("example", ociserver.Options{})
	w.git = origin.NewRepository(t, filepath.Join(w.dir, "git"))
	w.project(w.name)
	t.Cleanup(func() {
		if t.Failed() {
			w.tell()
		}
	})
	return w
}

// tellsProject says whether this Argo CD tells plugins the AppProject.
func (w *world) tellsProject() bool { return w.argocd.Set != controlplane.Oldest }

// since3 ends a test of what Argo CD 2.14 lacks.
func (w *world) since3(lack string) {
	w.t.Helper()
	if w.argocd.Set == controlplane.Oldest {
		w.t.Skip("Argo CD 2.14 " + lack) // what it does instead has a test beside this one
	}
}

// another is a registry whose signatures the gates trust, too.
func (w *world) another(name string, options ociserver.Options) *origin.Registry {
	w.t.Helper()
	r := origin.NewRegistry(w.t, name, options)
	w.registries = append(w.registries, r)
	return r
}

// tell shows what the servers said last.
func (w *world) tell() {
	for _, process := range []*controlplane.Process{w.sidecar, w.argocd.Controller} {
		if process == nil {
			continue
		}
		w.t.Logf("the log of %s ends:", process.Name)
		for line := range strings.Lines(process.Tail(8)) {
			w.t.Log(strings.TrimSpace(line[:min(len(line), 600)]))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// project makes an AppProject and the namespace that it may deploy to.
func (w *world) project(name string) {
	w.t.Helper()
	must(w.t, w.Apply(w.t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: %[1]s, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: %[1]s}]
`, name)))
}

// gate is a base gate for an AppProject. What a test adds is indented by two.
func (w *world) gate(project, more string) {
	w.gates[project] = fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: %s}
spec:
  base: true
  selector: {projects: [%s]}
  lock: {mode: Resolve}
%s`, project, project, more)
}

// open is the part of a gate that lets the test's registry be asked, each time
// anew: by default what a registry said is believed for five minutes.
func (w *world) open() string {
	return fmt.Sprintf("  freshness: {freshFor: 1ms}\n  registries: [{host: %q, private: true, plainHTTP: true}]\n", w.registry.Host())
}

// serve starts the sidecar with the gates as they are now and waits until it is
// ready. One that runs is ended first.
func (w *world) serve() {
	w.t.Helper()
	if w.sidecar != nil {
		w.sidecar.Stop()
	}
	if len(w.gates) == 0 {
		w.gate(w.name, w.open())
	}
	w.writeGate(filepath.Join(w.dir, "gate"))
	w.launch()
	must(w.t, w.sidecar.Ready(w.slowly(), w.ready))
}

func (w *world) writeGate(folder string) {
	w.t.Helper()
	must(w.t, os.RemoveAll(folder))
	must(w.t, os.MkdirAll(folder, 0o755))
	files := maps.Clone(w.files)
	for name, text := range w.gates {
		files[name+".yaml"] = text
	}
	for _, r := range w.registries {
		maps.Copy(files, r.Trust())
	}
	for name, text := range files {
		must(w.t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
}

// launch starts the sidecar with the gate that is there.
func (w *world) launch() {
	w.t.Helper()
	sidecar, err := controlplane.Launch(controlplane.Command{
		Name: "assay-" + w.name, Logs: w.Logs(),
		Args: slices.Concat(w.wrapped, []string{w.assay, "serve", "--gate", filepath.Join(w.dir, "gate"), "--plugins-dir", w.argocd.Plugins, "--work-dir", w.dir, "--http", sidecarHTTP}, w.flags),
		Env:  append([]string{"XDG_CACHE_HOME=" + filepath.Join(w.dir, "cache")}, w.env...),
	})
	must(w.t, err)
	w.sidecar = sidecar
	w.t.Cleanup(sidecar.Kill)
}

const sidecarHTTP = "127.0.0.1:8090"
