package setup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// world is a registry with signed images, a gate that trusts their key, and a
// tree with an application.
type world struct {
	registry *ociserver.Server
	config   *gate.Config
	root     *os.Root
	dir      string
}

// signedImages is the number of different images; every second is an index of
// two platforms. Each has one signature and one provenance.
const signedImages = 20

func newWorld(tb testing.TB) *world {
	tb.Helper()
	registry, err := ociserver.Start(ociserver.Options{})
	check(tb, err)
	w := &world{registry: registry, dir: tb.TempDir()}
	w.root, err = os.OpenRoot(w.dir)
	check(tb, err)
	tb.Cleanup(func() {
		check(tb, w.root.Close())
		check(tb, registry.Close())
	})
	key, err := throwaway.NewKey()
	check(tb, err)
	sigstore, err := throwaway.New()
	check(tb, err)
	for i := range signedImages {
		digest := w.push(tb, i)
		signer := throwaway.Signer{Key: key}
		check(tb, sigstore.SignBundle(tb.Context(), digest, signer))
		check(tb, sigstore.Attest(tb.Context(), digest, signer, "https://slsa.dev/provenance/v1", map[string]any{"buildDefinition": map[string]any{}}))
	}
	public, err := key.PublicPEM()
	check(tb, err)
	w.config, err = gate.Parse("gate.yaml", []byte(w.gate(public)))
	check(tb, err)
	return w
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (w *world) repository(i int) string {
	return fmt.Sprintf("%s/shop/svc-%02d", w.registry.Host(), i%signedImages)
}

func (w *world) image(i int) string {
	return fmt.Sprintf("%s:v1.%d.0", w.repository(i), i%signedImages)
}

func (w *world) push(tb testing.TB, i int) name.Digest {
	tb.Helper()
	tag, err := name.NewTag(w.image(i), name.Insecure)
	check(tb, err)
	amd64 := platformImage(tb, i, "amd64")
	if i%2 == 0 {
		check(tb, remote.Write(tag, amd64, remote.WithContext(tb.Context())))
		digest, err := amd64.Digest()
		check(tb, err)
		return tag.Context().Digest(digest.String())
	}
	index := mutate.IndexMediaType(mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: platformImage(tb, i, "arm64"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
	), types.OCIImageIndex)
	check(tb, remote.WriteIndex(tag, index, remote.WithContext(tb.Context())))
	digest, err := index.Digest()
	check(tb, err)
	return tag.Context().Digest(digest.String())
}

func platformImage(tb testing.TB, i int, architecture string) v1.Image {
	tb.Helper()
	layer := static.NewLayer(fmt.Appendf(nil, "%d %s", i, architecture), types.OCIUncompressedLayer)
	image, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer)
	check(tb, err)
	config, err := image.ConfigFile()
	check(tb, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.User = "linux", architecture, "65532:65532"
	image, err = mutate.ConfigFile(image, config)
	check(tb, err)
	return image
}

// gate judges as the default one does, and trusts the key.
func (w *world) gate(public string) string {
	return w.gateWith(`judge:
    podSecurity: {level: restricted, version: latest}
    packs: ["pack/supply-chain@1", "pack/workload@1"]`, `name: key
    key:
      data: |
        `+strings.ReplaceAll(strings.TrimSpace(public), "\n", "\n        "))
}

// gateWith is a base gate with more in its spec, and with one authority for the
// world's images.
func (w *world) gateWith(spec, authority string) string {
	return fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata:
  name: shop
spec:
  base: true
  profile: profile/restricted@1
  %[2]s
  registries:
  - host: %[1]q
    private: true
    plainHTTP: true
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: shop
spec:
  images:
  - glob: "%[1]s/shop/**"
  authorities:
  - %[3]s
`, w.registry.Host(), spec, authority)
}

// size is how many objects of each kind an application has.
type size struct{ deployments, services, configMaps int }

func (n size) objects() int { return n.deployments + n.services + n.configMaps }

// w1 is the application that the budgets are about.
func w1() size { return size{50, 50, 10} }

// plain writes the application as a plain folder of the tree.
func (w *world) plain(tb testing.TB, path string, n size) plugin.Source {
	tb.Helper()
	check(tb, os.MkdirAll(filepath.Join(w.dir, path), 0o755))
	check(tb, os.WriteFile(filepath.Join(w.dir, path, "all.yaml"), []byte(w.manifests(n)), 0o600))
	return plugin.Source{Root: w.root, Path: path, Application: shop()}
}

// stream is the application as rendered text, which no cache keeps.
func (w *world) stream(tb testing.TB, n size) plugin.Source {
	tb.Helper()
	return plugin.Source{Rendered: []byte(w.manifests(n)), Application: shop()}
}

func shop() plugin.Application { return plugin.Application{Name: "shop", Namespace: "shop"} }

func (w *world) manifests(n size) string {
	var all strings.Builder
	add := func(count int, text func(i int) string) {
		for i := range count {
			all.WriteString("---\n" + text(i))
		}
	}
	add(n.deployments, func(i int) string { return deployment(i, w.image(i)) })
	add(n.services, service)
	add(n.configMaps, configMap)
	return all.String()
}

// kustomize writes the application as a base and an overlay with a namespace,
// labels and a patch.
func (w *world) kustomize(tb testing.TB, path string, n size) plugin.Source {
	tb.Helper()
	w.plain(tb, path+"/base", n)
	check(tb, os.MkdirAll(filepath.Join(w.dir, path, "overlay"), 0o755))
	check(tb, os.WriteFile(filepath.Join(w.dir, path, "base/kustomization.yaml"), []byte("resources: [all.yaml]\n"), 0o600))
	source := plugin.Source{Root: w.root, Path: path + "/overlay", Application: shop()}
	w.commit(tb, source, 0)
	return source
}

// commit changes the overlay, so that no rendering of it is in memory.
func (w *world) commit(tb testing.TB, source plugin.Source, number int) {
	tb.Helper()
	text := fmt.Sprintf(`namespace: shop
resources: [../base]
labels:
- pairs: {env: prod, commit: c%d}
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: add, path: /spec/revisionHistoryLimit, value: 3}
`, number)
	check(tb, os.WriteFile(filepath.Join(w.dir, source.Path, "kustomization.yaml"), []byte(text), 0o600))
}

func deployment(i int, image string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: svc-%04[1]d
  labels: {app.kubernetes.io/name: svc-%04[1]d}
spec:
  replicas: 2
  selector:
    matchLabels: {app.kubernetes.io/name: svc-%04[1]d}
  template:
    metadata:
      labels: {app.kubernetes.io/name: svc-%04[1]d}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: server
        image: %[2]s
        args: ["--port=8080", "--metrics=:9090"]
        ports:
        - {name: http, containerPort: 8080}
        - {name: metrics, containerPort: 9090}
        resources:
          requests: {cpu: 50m, memory: 64Mi}
          limits: {memory: 256Mi}
        readinessProbe:
          httpGet: {path: /readyz, port: http}
        volumeMounts:
        - {name: tmp, mountPath: /tmp}
      volumes:
      - name: tmp
        emptyDir: {}
`, i, image)
}

func service(i int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: svc-%04[1]d}\nspec:\n  selector: {app.kubernetes.io/name: svc-%04[1]d}\n  ports:\n  - {name: http, port: 80, targetPort: http}\n", i)
}

func configMap(i int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg-%04d}\ndata:\n  KEY: value\n  app.yaml: |\n    setting: {enabled: true}\n", i)
}

// newSetup is what a door does once.
func (w *world) newSetup(tb testing.TB, change func(*setup.Options)) *setup.Setup {
	tb.Helper()
	at := time.Now()
	options := setup.Options{Config: w.config, Clock: func() time.Time { return at }}
	if change != nil {
		change(&options)
	}
	s, err := setup.New(options)
	check(tb, err)
	tb.Cleanup(s.Close)
	return s
}

// newSetupAt takes the time from elsewhere.
func (w *world) newSetupAt(tb testing.TB, clock func() time.Time) *setup.Setup {
	tb.Helper()
	return w.newSetup(tb, func(o *setup.Options) { o.Clock = clock })
}

// allowed judges and demands that the application passes.
func allowed(tb testing.TB, s *setup.Setup, source plugin.Source, objects int) *plugin.Verdict {
	tb.Helper()
	v := s.Judge(tb.Context(), source)
	if !v.Allowed() || v.Objects != objects {
		for _, finding := range v.Findings[:min(3, len(v.Findings))] {
			tb.Errorf("%s: %s %s", finding.Rule, finding.Object, finding.Message)
		}
		tb.Fatalf("allowed %t with %d objects and %d findings, want %d objects allowed", v.Allowed(), v.Objects, len(v.Findings), objects)
	}
	return v
}
