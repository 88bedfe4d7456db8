package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// The identity that the world's gate trusts.
const (
	trustedIssuer  = "https://issuer.example.com"
	trustedSubject = "https://git.example.com/team-a/app/.ci/release.yaml@refs/tags/v1"
)

// world is an application, the gate that judges it, and a registry on loopback
// with the application's one image, which somebody may have signed. As it is
// made it is allowed once it is signed.
type world struct {
	t        *testing.T
	dir      string
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
	// args are added to the command line.
	args []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := ociserver.Start(ociserver.Options{})
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	made, err := throwaway.New()
	must(t, err)
	w := &world{
		t: t, dir: t.TempDir(), server: server, sigstore: made,
		limits:    map[string]int{"retries": 1, "retryAfterSeconds": 1},
		identity:  fmt.Sprintf("{issuer: %q, subject: %q}", trustedIssuer, trustedSubject),
		authority: "ctlog: {trustRootRef: example}",
	}
	w.trust(made)
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
	tag, err := name.NewTag(w.server.Host() + "/" + reference)
	must(w.t, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	made, err := mutate.AppendLayers(base, static.NewLayer([]byte(content), types.OCIUncompressedLayer))
	must(w.t, err)
	made, err = mutate.Config(made, v1.Config{User: "65532:65532", Entrypoint: []string{"/app"}})
	must(w.t, err)
	must(w.t, remote.Write(tag, made, remote.WithContext(w.t.Context())))
	digest, err := made.Digest()
	must(w.t, err)
	return tag.Digest(digest.String())
}

func trusted() throwaway.Signer {
	return throwaway.Signer{Issuer: trustedIssuer, Subject: trustedSubject}
}

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
	if _, err := os.Stat(filepath.Join(w.dir, "app")); err != nil {
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
  images: [{glob: "%s/team-a/**"}]
  authorities:
  - name: workflow
    keyless:
      trustRootRef: example
      identities: [%s]
    %s
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

// ended is how a command line ended.
type ended struct {
	code     int
	out, err string
}

// text is all that was printed, on one line, so that no line break hides a
// phrase.
func (e ended) text() string { return strings.Join(strings.Fields(e.out+" "+e.err), " ") }

func (w *world) run(command string) ended {
	w.t.Helper()
	w.settle()
	var out, errors bytes.Buffer
	args := append([]string{command, filepath.Join(w.dir, "app"), "--gate", filepath.Join(w.dir, "gate"), "--project", "team-a"}, w.args...)
	code := run(w.t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errors}, args)
	return ended{code, out.String(), errors.String()}
}

// files lists everything below the world's folder, with its size.
func (w *world) files() string {
	w.t.Helper()
	var list strings.Builder
	must(w.t, filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			fmt.Fprintln(&list, path, info.Mode(), info.Size())
		}
		return err
	}))
	return list.String()
}

// answer is what a command line must say: its exit code, and phrases by which
// a person knows what is wrong, where, and what to do.
type answer struct {
	code int
	says []string
}

func denied(says ...string) answer       { return answer{exitDenied, says} }
func undetermined(says ...string) answer { return answer{exitUndetermined, says} }

// twins runs the same world twice, once with the one thing wrong and once
// without: the first has the answer and prints no manifest, the second is
// allowed.
func twins(t *testing.T, arrange func(w *world, bad bool), want answer) {
	t.Helper()
	t.Parallel()
	t.Run("bad", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		arrange(w, true)
		w.mustEnd(want)
	})
	t.Run("twin", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		arrange(w, false)
		w.mustAllow()
	})
}

// mustEnd demands the answer of check and of render, and that neither leaves
// anything behind.
func (w *world) mustEnd(want answer) {
	w.t.Helper()
	w.settle()
	before := w.files()
	check, render := w.run("check"), w.run("render")
	if render.out != "" {
		w.t.Errorf("render prints on standard output:\n%s", render.out)
	}
	for command, got := range map[string]ended{"check": check, "render": render} {
		if got.code != want.code {
			w.t.Errorf("%s ends with %d, want %d:\n%s%s", command, got.code, want.code, got.out, got.err)
		}
		for _, phrase := range want.says {
			if !strings.Contains(got.text(), phrase) {
				w.t.Errorf("%s does not say %q:\n%s%s", command, phrase, got.out, got.err)
			}
		}
		if strings.Contains(got.out, "kind: Deployment") || strings.Contains(got.out, `"kind":"Deployment"`) {
			w.t.Errorf("%s prints a manifest:\n%s", command, got.out)
		}
		for _, never := range []string{"goroutine ", "root:x:0", "panic"} {
			if strings.Contains(got.text(), never) {
				w.t.Errorf("%s says %q:\n%s%s", command, never, got.out, got.err)
			}
		}
	}
	if after := w.files(); after != before {
		w.t.Errorf("files changed from\n%sto\n%s", before, after)
	}
}

// mustAllow demands yes of check and of render, and the manifests with their
// digest.
func (w *world) mustAllow() {
	w.t.Helper()
	if check := w.run("check"); check.code != exitAllowed || !strings.HasPrefix(check.out, "allowed") {
		w.t.Errorf("check ends with %d:\n%s%s", check.code, check.out, check.err)
	}
	render := w.run("render")
	if render.code != exitAllowed || !strings.Contains(render.out, "kind: ") || render.err != "" {
		w.t.Errorf("render ends with %d:\n%s%s", render.code, render.out, render.err)
	}
	if !strings.Contains(render.out, "@"+w.digest.DigestStr()) {
		w.t.Errorf("render does not pin %s:\n%s", w.digest, render.out)
	}
}
