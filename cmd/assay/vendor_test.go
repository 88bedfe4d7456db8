package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// packaged is a chart that renders one ConfigMap with that text.
func packaged(t *testing.T, chart, version, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, file := range [][2]string{
		{chart + "/Chart.yaml", "apiVersion: v2\nname: " + chart + "\nversion: " + version + "\n"},
		{chart + "/templates/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {text: " + text + "}\n"},
	} {
		must(t, archive.WriteHeader(&tar.Header{Name: file[0], Mode: 0o644, Size: int64(len(file[1]))}))
		_, err := archive.Write([]byte(file[1]))
		must(t, err)
	}
	must(t, archive.Close())
	must(t, zipped.Close())
	return out.Bytes()
}

func digestText(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// publish pushes a signed chart to the world's registry and returns its digest.
func (w *world) publish(version, text string) string {
	w.t.Helper()
	digest, manifest := w.publishUnsigned(version, text)
	must(w.t, w.sigstore.SignBundle(w.t.Context(), manifest, trusted()))
	return digest
}

// publishUnsigned returns the digests of the archive and of its manifest.
func (w *world) publishUnsigned(version, text string) (string, name.Digest) {
	w.t.Helper()
	data := packaged(w.t, "team-lib", version, text)
	tag, err := name.NewTag(w.server.Host() + "/charts/team-lib:" + version)
	must(w.t, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	made, err := mutate.AppendLayers(base, static.NewLayer(data, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	must(w.t, err)
	must(w.t, remote.Write(tag, made, w.remoteOptions()...))
	manifest, err := made.Digest()
	must(w.t, err)
	return digestText(data), tag.Digest(manifest.String())
}

// newUmbrella is a world whose application is a chart with a dependency on
// version 0.1.0 of a published chart, whose digest is returned.
func newUmbrella(t *testing.T, allowed bool) (*world, string) {
	t.Helper()
	w := newWorld(t)
	w.sign(trusted())
	digest := w.publish("0.1.0", "first")
	w.dependOn("0.1.0")
	w.write("app/templates/web.yaml", deploymentOf(w.image))
	if allowed {
		w.spec += fmt.Sprintf("  charts: {hosts: [%q]}\n", w.server.Host())
	}
	w.settle()
	return w, digest
}

func (w *world) dependOn(version string) {
	w.t.Helper()
	must(w.t, os.MkdirAll(filepath.Join(w.dir, "app"), 0o755))
	dependency := fmt.Sprintf("dependencies:\n- name: team-lib\n  version: %s\n  repository: oci://%s/charts\n", version, w.server.Host())
	must(w.t, os.WriteFile(filepath.Join(w.dir, "app/Chart.yaml"), []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n"+dependency), 0o644))
	must(w.t, os.WriteFile(filepath.Join(w.dir, "app/Chart.lock"), []byte(dependency), 0o644))
}

func (w *world) read(path string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, path))
	must(w.t, err)
	return string(data)
}

// pinCharts writes a lock file with that digest of the dependency.
func (w *world) pinCharts(digest string) {
	w.t.Helper()
	must(w.t, os.WriteFile(filepath.Join(w.dir, "app/images.lock.yaml"), fmt.Appendf(nil,
		"apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages: []\ncharts:\n- chart: oci://%s/charts/team-lib\n  version: \"0.1.0\"\n  digest: %s\n", w.server.Host(), digest), 0o644))
}

// chartRequests are those for the dependency since the last reset.
func (w *world) chartRequests() int {
	count := 0
	for _, request := range w.server.Requests() {
		if strings.HasPrefix(request.Repository, "charts/") {
			count++
		}
	}
	return count
}

// mustRefuse demands the answer of vendor, and that it changes no file.
func (w *world) mustRefuse(want answer) {
	w.t.Helper()
	w.settle()
	before := w.files()
	got := w.run("vendor")
	if got.code != want.code || got.out != "" {
		w.t.Errorf("vendor ends with %d, want %d:\n%s%s", got.code, want.code, got.out, got.err)
	}
	for _, phrase := range want.says {
		if !strings.Contains(got.text(), phrase) {
			w.t.Errorf("vendor does not say %q:\n%s", phrase, got.err)
		}
	}
	if after := w.files(); after != before {
		w.t.Errorf("files changed from\n%sto\n%s", before, after)
	}
}

func TestVendor_HostThatNoGateAllowsIsDenied(t *testing.T) {
	t.Parallel()
	w, _ := newUmbrella(t, false)
	w.server.ResetRequests()
	w.mustRefuse(denied("chart team-lib 0.1.0 comes from "+w.server.Host(), "spec.charts.hosts"))
	if count := w.chartRequests(); count != 0 {
		t.Errorf("the host was asked %d times", count)
	}
}

func TestVendor_WritesTheArchiveAndItsDigestAndCheckNeedsNoHost(t *testing.T) {
	t.Parallel()
	w, digest := newUmbrella(t, true)
	w.pinCharts(digest)
	must(t, os.Remove(filepath.Join(w.dir, "app/images.lock.yaml")))
	if got := w.run("vendor"); got.code != exitAllowed || !strings.Contains(got.out, "wrote charts/team-lib-0.1.0.tgz ("+digest+")") {
		t.Fatalf("vendor ends with %d:\n%s%s", got.code, got.out, got.err)
	}
	if got := digestText([]byte(w.read("app/charts/team-lib-0.1.0.tgz"))); got != digest {
		t.Errorf("the archive is %s, want %s", got, digest)
	}
	for _, line := range []string{"charts:", "- chart: \"oci://" + w.server.Host() + "/charts/team-lib\"", "version: \"0.1.0\"", "digest: " + digest} {
		if lock := w.read("app/images.lock.yaml"); !strings.Contains(lock, line) {
			t.Errorf("the lock has no line %q:\n%s", line, lock)
		}
	}
	w.server.ResetRequests()
	w.mustAllow()
	if count := w.chartRequests(); count != 0 {
		t.Errorf("check asked for the chart %d times", count)
	}
	lock := w.read("app/images.lock.yaml")
	if again := w.run("vendor"); again.code != exitAllowed || w.read("app/images.lock.yaml") != lock {
		t.Errorf("vendoring again ends with %d and changes the lock to\n%s", again.code, w.read("app/images.lock.yaml"))
	}
}

func TestVendor_VersionThatWasPublishedAnewIsRefused(t *testing.T) {
	t.Parallel()
	w, digest := newUmbrella(t, true)
	if got := w.run("vendor"); got.code != exitAllowed {
		t.Fatalf("vendor ends with %d: %s", got.code, got.err)
	}
	other := w.publish("0.1.0", "second")
	w.mustRefuse(denied("chart team-lib 0.1.0 is "+other+" and the lock pins "+digest, "find out why"))
	w.publish("0.1.0", "first")
	if got := w.run("vendor"); got.code != exitAllowed {
		t.Errorf("with the first bytes again, vendor ends with %d: %s", got.code, got.err)
	}
}

func TestVendor_NewVersionTakesThePlaceOfTheOld(t *testing.T) {
	t.Parallel()
	w, _ := newUmbrella(t, true)
	w.write("app/charts/unrelated-1.0.0.tgz", string(packaged(t, "unrelated", "1.0.0", "x")))
	w.run("vendor")
	digest := w.publish("0.2.0", "second")
	w.dependOn("0.2.0")
	if got := w.run("vendor"); got.code != exitAllowed {
		t.Fatalf("vendor ends with %d: %s", got.code, got.err)
	}
	names, err := filepath.Glob(filepath.Join(w.dir, "app/charts/*"))
	must(t, err)
	if len(names) != 2 || filepath.Base(names[0]) != "team-lib-0.2.0.tgz" || filepath.Base(names[1]) != "unrelated-1.0.0.tgz" {
		t.Errorf("charts/ holds %v", names)
	}
	if lock := w.read("app/images.lock.yaml"); strings.Contains(lock, "0.1.0") || !strings.Contains(lock, digest) {
		t.Errorf("the lock is\n%s", lock)
	}
}

func TestVendor_WhatItCannotDoChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(*world)
		want    answer
	}{
		"no answer": {func(w *world) {
			w.server.SetFault(func(r *http.Request) *ociserver.Fault {
				if strings.Contains(r.URL.Path, "/charts/") {
					return &ociserver.Fault{Status: http.StatusServiceUnavailable}
				}
				return nil
			})
		}, undetermined("503")},
		"no such version": {func(w *world) { w.dependOn("0.9.0") }, denied("no version 0.9.0 of team-lib")},
		"no Chart.lock":   {func(w *world) { must(w.t, os.Remove(filepath.Join(w.dir, "app/Chart.lock"))) }, denied("there is no Chart.lock")},
		"broken lock":     {func(w *world) { w.write("app/images.lock.yaml", "kind: Other\n") }, denied("images.lock.yaml")},
		"no chart":        {func(w *world) { must(w.t, os.Remove(filepath.Join(w.dir, "app/Chart.yaml"))) }, denied("Chart.yaml")},
		"another chart inside": {func(w *world) {
			w.publish("0.1.1", "x")
			tag, err := chartTag(w, "0.1.1")
			must(w.t, err)
			made, err := remote.Image(tag, w.remoteOptions()...)
			must(w.t, err)
			other, err := chartTag(w, "0.1.2")
			must(w.t, err)
			must(w.t, remote.Write(other, made, w.remoteOptions()...))
			w.dependOn("0.1.2")
		}, denied("the archive holds team-lib 0.1.1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := newUmbrella(t, true)
			c.arrange(w)
			w.mustRefuse(c.want)
		})
	}
}

func chartTag(w *world, version string) (name.Tag, error) {
	return name.NewTag(w.server.Host() + "/charts/team-lib:" + version)
}

func TestVendor_StandardInputIsWrongUsage(t *testing.T) {
	var out, errors bytes.Buffer
	if code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errors}, []string{"vendor", "-"}); code != exitUsage || out.Len() > 0 {
		t.Errorf("it ends with %d:\n%s%s", code, out.String(), errors.String())
	}
}

func TestCheck_ChartFetchedDuringRendering(t *testing.T) {
	const other = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, c := range map[string]struct {
		forbidden bool
		arrange   func(w *world, digest string)
		want      *answer // nil is allowed
	}{
		"pinned": {arrange: func(w *world, digest string) { w.pinCharts(digest) }},
		"host not allowed": {forbidden: true, arrange: func(w *world, digest string) { w.pinCharts(digest) },
			want: &answer{exitDenied, []string{"chart/host", "which no gate allows", "spec.charts.hosts"}}},
		"no digest in the lock": {arrange: func(*world, string) {}, want: &answer{exitDenied, []string{"render/dependency", "images.lock.yaml has no digest for version 0.1.0", "assay vendor"}}},
		"another digest in the lock": {arrange: func(w *world, _ string) { w.pinCharts(other) },
			want: &answer{exitDenied, []string{"render/dependency", "images.lock.yaml pins " + other}}},
		"published anew": {arrange: func(w *world, digest string) {
			w.pinCharts(digest)
			w.publish("0.1.0", "second")
		}, want: &answer{exitDenied, []string{"render/dependency", "the fetched archive is"}}},
		"registry gives no answer": {arrange: func(w *world, digest string) {
			w.pinCharts(digest)
			w.server.SetFault(func(r *http.Request) *ociserver.Fault {
				if strings.Contains(r.URL.Path, "/charts/") {
					return &ociserver.Fault{Status: http.StatusServiceUnavailable}
				}
				return nil
			})
		}, want: &answer{exitUndetermined, []string{"registry/no-answer", "503"}}},
	} {
		for _, isolated := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/isolated=%t", name, isolated), func(t *testing.T) {
				t.Parallel()
				w, digest := newUmbrella(t, !c.forbidden)
				if isolated {
					w.args = []string{"--isolated"}
				}
				c.arrange(w, digest)
				if c.want == nil {
					w.mustAllow()
					return
				}
				w.mustEnd(*c.want)
			})
		}
	}
}

// A chart from a registry is vouched for as an image is, before its manifests
// are handed on.
func TestCheck_ChartThatNobodyVouchesForIsDenied(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		publish func(w *world) string
		spec    string
		want    string
	}{
		"signed":      {publish: func(w *world) string { return w.publish("0.1.0", "first") }},
		"not signed":  {publish: func(w *world) string { digest, _ := w.publishUnsigned("0.1.0", "first"); return digest }, want: "image/not-signed"},
		"wrong hands": {publish: signedBy("https://git.example.com/other"), want: "image/not-trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sign(trusted())
			digest := test.publish(w)
			w.dependOn("0.1.0")
			w.write("app/templates/web.yaml", deploymentOf(w.image))
			w.pinCharts(digest)
			w.spec += fmt.Sprintf("  charts: {hosts: [%q]}\n", w.server.Host())
			got := w.judged(t, "check", "--output", "json")
			switch {
			case test.want == "" && (got.code != exitAllowed || !strings.Contains(got.out, "charts/team-lib:0.1.0")):
				t.Errorf("ends with %d:\n%s%s", got.code, got.out, got.err)
			case test.want != "" && (got.code != exitDenied || !strings.Contains(got.out, test.want)):
				t.Errorf("ends with %d, want %s:\n%s%s", got.code, test.want, got.out, got.err)
			}
		})
	}
}

func signedBy(subject string) func(*world) string {
	return func(w *world) string {
		digest, manifest := w.publishUnsigned("0.1.0", "first")
		who := trusted()
		who.Subject = subject
		must(w.t, w.sigstore.SignBundle(w.t.Context(), manifest, who))
		return digest
	}
}
