package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// The identity that the world's gate trusts.
const (
	trustedIssuer  = origin.Issuer
	trustedSubject = origin.Subject
)

// world is an application, the gate that judges it, and a registry on loopback
// with the application's one image, which somebody may have signed. As it is
// made it is allowed once it is signed.
type world struct {
	t        *testing.T
	dir      string
	registry *origin.Registry
	server   *ociserver.Server
	sigstore *throwaway.Sigstore
	// image is what the Deployment names, and digest what its tag stands for.
	image  string
	digest name.Digest
	// spec is added to the gate's spec, and limits to its limits.
	spec   string
	limits map[string]int
	// identity is the one that the trust rule names, as YAML.
	identity string
	// authority is added to the trust rule's authority.
	authority string
	// root is the trust root's file.
	root string
	// created is when later pushed images were built.
	created time.Time
	// args are added to the command line.
	args []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, ociserver.Options{})
}

func newWorldWith(t *testing.T, options ociserver.Options) *world {
	t.Helper()
	made := origin.NewRegistry(t, "example", options)
	w := &world{
		t: t, dir: t.TempDir(), registry: made, server: made.Server, sigstore: made.Sigstore,
		limits:    map[string]int{"retries": 1, "retryAfterSeconds": 1},
		identity:  fmt.Sprintf("{issuer: %q, subject: %q}", trustedIssuer, trustedSubject),
		authority: "ctlog: {trustRootRef: example}",
	}
	w.trust(made.Sigstore)
	w.digest = w.push("team-a/app:1", "first")
	w.image = w.digest.Context().Tag("1").Name()
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// trust makes who the gate's trust root.
func (w *world) trust(who *throwaway.Sigstore) {
	w.t.Helper()
	text, err := who.TrustRootYAML("example")
	must(w.t, err)
	w.root = text
}

// push puts an image of that content under a tag; the same content has the
// same digest.
func (w *world) push(reference, content string) name.Digest {
	w.t.Helper()
	return w.pushImage(reference, origin.Layer(content), v1.Config{User: "65532:65532", Entrypoint: []string{"/app"}})
}

// pushImage puts an image of one layer under a tag.
func (w *world) pushImage(reference string, layer v1.Layer, config v1.Config) name.Digest {
	w.t.Helper()
	return w.registry.PushImage(reference, layer, config, w.created)
}

func trusted() throwaway.Signer { return origin.Trusted() }

func (w *world) sign(who throwaway.Signer) {
	w.t.Helper()
	must(w.t, w.sigstore.SignBundle(w.t.Context(), w.digest, who))
}

// write puts a file below the world's folder, unless there is one.
func (w *world) write(path, text string) {
	w.t.Helper()
	file := filepath.Join(w.dir, path)
	if _, err := os.Lstat(file); err == nil {
		return
	}
	must(w.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(w.t, os.WriteFile(file, []byte(text), 0o644))
}

// settle writes the files that no test has written.
func (w *world) settle() {
	w.t.Helper()
	if _, err := os.Stat(filepath.Join(w.dir, "app/Chart.yaml")); err != nil {
		w.write("app/web.yaml", deploymentOf(w.image))
	}
	limits := ""
	for _, key := range slices.Sorted(maps.Keys(w.limits)) {
		limits += fmt.Sprintf("    %s: %d\n", key, w.limits[key])
	}
	w.write("gate/gate.yaml", fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: base}
spec:
  base: true
  selector: {projects: [team-a]}
  registries:
  - {host: %q, private: true, plainHTTP: true}
  limits:
%s%s`, w.server.Host(), limits, w.spec))
	w.write("gate/images.yaml", fmt.Sprintf(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: release}
spec:
  images: [{glob: "%[1]s/team-a/**"}, {glob: "%[1]s/charts/**"}]
  authorities:
  - name: workflow
    keyless:
      trustRootRef: example
      identities: [%[2]s]
    %[3]s
`, w.server.Host(), w.identity, w.authority))
	if w.root != "" {
		w.write("gate/root.yaml", w.root)
	}
}

// deploymentOf is an application with nothing to object to but, perhaps, its
// image.
func deploymentOf(image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: %s
        resources: {limits: {cpu: "1", memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}}
`, image)
}
