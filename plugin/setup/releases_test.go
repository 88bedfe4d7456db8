package setup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

const repository = "https://git.example.com/platform/cluster.git"

// platform is the configuration of a gate for the platform's applications.
func (s *scene) platform(spec string) *setup.Setup {
	s.t.Helper()
	hosts := fmt.Sprintf("  platform: true\n  charts: {hosts: [%q]}\n", s.server.Host())
	return s.setup(s.load(s.base("team-a", s.reach("")+hosts+spec), s.trust("release", s.key)), nil)
}

// lenientPods judges images and nothing of the Pods: the charts here are plain.
const lenientPods = "  judge: {podSecurity: {level: privileged, version: latest}, packs: []}\n"

// chartText are the files of a chart with one Deployment.
func chartText() map[string]string {
	return map[string]string{
		"Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.2.3\n",
		"values.yaml":           "image: none\n",
		"templates/deploy.yaml": web("{{ .Release.Name }}", "{{ .Values.image }}"),
	}
}

// release is a HelmRelease on the application's own repository, and its source.
func release(image, more string) string {
	return fmt.Sprintf(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  interval: 1h
  chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: cluster}}}
  values: {image: %q}
%s---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: cluster}
spec: {url: "ssh://git@git.example.com/platform/cluster", interval: 1h}
`, image, more)
}

// withChart is an application with the chart in its repository.
func (s *scene) withChart(manifests string, files map[string]string) plugin.Source {
	s.t.Helper()
	for file, text := range files {
		file = filepath.Join(s.dir, "apps/charts/web", file)
		s.need(os.MkdirAll(filepath.Dir(file), 0o755))
		s.need(os.WriteFile(file, []byte(text), 0o600))
	}
	source := s.app("cluster", manifests)
	source.Application.Repository = repository
	return source
}

// finding is the first of a rule.
func finding(v *plugin.Verdict, rule string) plugin.Finding {
	for _, finding := range v.Findings {
		if finding.Rule == rule {
			return finding
		}
	}
	return plugin.Finding{}
}

func TestHelmRelease_UnsignedImageOfItsChartDeniesThePlatformsApplication(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	unsigned := s.push("team-a/other:1", "other", "amd64")
	made := s.platform(lenientPods)

	v := made.Judge(t.Context(), s.withChart(release(s.server.Host()+"/team-a/other@"+unsigned.DigestStr(), ""), chartText()))
	s.want(v, plugin.Denied, "image/not-signed")
	denial := finding(v, "image/not-signed")
	if denial.Origin.File != "cluster/all.yaml" || denial.Origin.Line != 1 || !strings.Contains(strings.Join(denial.Details, "\n"), "helmrelease/web: the chart in charts/web") {
		t.Errorf("the HelmRelease is not named: %+v", denial)
	}

	v = made.Judge(t.Context(), s.withChart(release(s.image, ""), chartText()))
	s.want(v, plugin.Allowed)
	notice := finding(v, "helmrelease/not-sealed")
	if notice.Level != plugin.Warn || !strings.Contains(strings.Join(notice.Details, "\n"), s.image+" was "+s.digest) {
		t.Errorf("nothing says what the verdict is worth: %+v", notice)
	}
	sealed, err := v.Manifests()
	s.need(err)
	if bytes.Contains(sealed, []byte("Deployment")) || !bytes.Contains(sealed, []byte("HelmRelease")) {
		t.Errorf("the release is not handed on as it is:\n%s", sealed)
	}
}

// Who judges each release as an application of its own hears of it once.
func TestHelmRelease_JudgedApartIsToldOnce(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	unsigned := s.push("team-a/other:1", "other", "amd64")
	source := s.withChart(release(s.server.Host()+"/team-a/other@"+unsigned.DigestStr(), ""), chartText())
	config := s.load(s.base("team-a", s.reach("")+"  platform: true\n"+lenientPods), s.trust("release", s.key))
	made := s.setup(config, func(o *setup.Options) { o.KeepObjects, o.ReleasesApart = true, true })
	outer := made.Judge(t.Context(), source)
	s.want(outer, plugin.Allowed)
	objects := outer.Rendered()
	found, err := made.FindRelease(t.Context(), source, objects[slices.IndexFunc(objects, func(o plugin.Object) bool { return o.ID().Kind == "HelmRelease" })], objects)
	s.need(err)
	s.want(made.JudgeRelease(t.Context(), source, found), plugin.Denied, "image/not-signed")
}

func TestHelmRelease_OfATenantIsNotRenderedAndSelfDeniesIt(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	v := s.setup(s.usual(lenientPods), nil).Judge(t.Context(), s.withChart(release(s.image, ""), chartText()))
	s.want(v, plugin.Denied)
	if got := finding(v, "helmrelease/not-sealed"); got.Rule != "" {
		t.Errorf("a tenant's release was rendered: %+v", got)
	}
}

func TestHelmRelease_PoliciesJudgeWhatItRenders(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	v := s.platform("  judge: {podSecurity: {level: restricted, version: latest}, packs: []}\n").Judge(t.Context(), s.withChart(release(s.image, ""), chartText()))
	s.want(v, plugin.Denied, "pss/runAsNonRoot") // nothing is hardened, as Flux would not have it
}

func TestHelmRelease_AuditBlocksNothing(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.platform(lenientPods + "  switches: {pin: \"Off\", harden: \"Off\", deny: \"Off\"}\n")
	for _, manifests := range []string{release(s.server.Host()+"/team-a/none:1", ""), release(s.image, "  valuesFrom: [{kind: Secret, name: elsewhere}]\n")} {
		v := made.Judge(t.Context(), s.withChart(manifests, chartText()))
		s.want(v, plugin.Allowed)
		if !slices.ContainsFunc(v.Findings, func(f plugin.Finding) bool { return f.Audited && f.Level == plugin.Warn }) {
			t.Error("nothing tells what would have blocked")
		}
	}
}

func TestHelmRelease_WhatIsNotThereIsNoAnswer(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	made := s.platform(lenientPods)
	for _, more := range []string{"  valuesFrom: [{kind: Secret, name: elsewhere}]\n", "  valuesFrom: [{kind: ConfigMap, name: elsewhere, optional: true}]\n"} {
		v := made.Judge(t.Context(), s.withChart(release(s.image, more), chartText()))
		s.want(v, plugin.Unanswered, "helmrelease/no-answer")
		if !finding(v, "helmrelease/no-answer").Lasting {
			t.Error("asking again is said to help")
		}
	}
	source := s.withChart(release(s.image, ""), chartText())
	source.Application.Repository = "https://git.example.com/other"
	s.want(made.Judge(t.Context(), source), plugin.Unanswered, "helmrelease/no-answer")

	values := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: elsewhere}\ndata: {values.yaml: \"image: none\"}\n"
	s.want(made.Judge(t.Context(), s.withChart(release(s.image, "  valuesFrom: [{kind: ConfigMap, name: elsewhere}]\n")+values, chartText())), plugin.Allowed)
}

func TestHelmRelease_WhatAnUpgradeAloneRendersIsJudgedToo(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	unsigned := s.push("team-a/other:1", "other", "amd64")
	made := s.platform(lenientPods)
	files := chartText()
	files["templates/later.yaml"] = "{{ if .Release.IsUpgrade }}\n" + web("later", s.server.Host()+"/team-a/other@"+unsigned.DigestStr()) + "{{ end }}\n"
	v := made.Judge(t.Context(), s.withChart(release(s.image, ""), files))
	s.want(v, plugin.Denied, "image/not-signed")
	files["templates/later.yaml"] = strings.Replace(files["templates/later.yaml"], s.server.Host()+"/team-a/other@"+unsigned.DigestStr(), s.image, 1)
	v = made.Judge(t.Context(), s.withChart(release(s.image, ""), files))
	s.want(v, plugin.Allowed)
	if !has(v, "helmrelease/upgrade", plugin.Warn) {
		t.Error("nothing says that an upgrade differs")
	}
}

func TestHelmRelease_PostRenderersAndTestsAreJudged(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	unsigned := s.push("team-a/other:1", "other", "amd64")
	made := s.platform(lenientPods)
	image := "  postRenderers: [{kustomize: {images: [{name: none, newName: %s, digest: %s}]}}]\n"
	s.want(made.Judge(t.Context(), s.withChart(release("none", fmt.Sprintf(image, s.server.Host()+"/team-a/other", unsigned.DigestStr())), chartText())), plugin.Denied, "image/not-signed")
	s.want(made.Judge(t.Context(), s.withChart(release("none", fmt.Sprintf(image, s.server.Host()+"/team-a/web", s.digest)), chartText())), plugin.Allowed)

	files := chartText()
	files["templates/test.yaml"] = "apiVersion: v1\nkind: Pod\nmetadata: {name: probe, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: a, image: \"" + s.server.Host() + "/team-a/other@" + unsigned.DigestStr() + "\"}]}\n"
	s.want(made.Judge(t.Context(), s.withChart(release(s.image, "  test: {enable: true}\n"), files)), plugin.Denied, "image/not-signed")
	s.want(made.Judge(t.Context(), s.withChart(release(s.image, ""), files)), plugin.Allowed)
}

// publish writes the chart to the registry as Helm does and signs it.
func (s *scene) publish(version string, signed bool) {
	s.t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	files := chartText()
	files["Chart.yaml"] = "apiVersion: v2\nname: web\nversion: " + version + "\n"
	for file, text := range files {
		s.need(archive.WriteHeader(&tar.Header{Name: "web/" + file, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := archive.Write([]byte(text))
		s.need(err)
	}
	s.need(archive.Close())
	s.need(zipped.Close())
	tag, err := name.NewTag(s.server.Host()+"/team-a/charts/web:"+version, name.Insecure)
	s.need(err)
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	image, err = mutate.AppendLayers(image, static.NewLayer(out.Bytes(), "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	s.need(err)
	s.need(remote.Write(tag, image, s.remote()...))
	digest, err := image.Digest()
	s.need(err)
	if signed {
		s.sign(tag.Digest(digest.String()))
	}
}

func (s *scene) fromRegistry(ref, image string) string {
	return fmt.Sprintf(`apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web}
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: web}
  values: {image: %q}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web}
spec: {url: "oci://%s/team-a/charts/web", ref: %s, interval: 1h}
`, image, s.server.Host(), ref)
}

func TestHelmRelease_ChartOfARegistryIsFetchedVerifiedAndJudged(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	unsigned := s.push("team-a/other:1", "other", "amd64")
	s.publish("1.2.3", true)
	s.publish("1.2.4", false)
	made := s.platform(lenientPods)
	judge := func(manifests string) *plugin.Verdict { return made.Judge(t.Context(), s.withChart(manifests, nil)) }

	s.want(judge(s.fromRegistry("{tag: 1.2.3}", s.image)), plugin.Allowed)
	s.want(judge(s.fromRegistry("{tag: 1.2.3}", s.server.Host()+"/team-a/other@"+unsigned.DigestStr())), plugin.Denied, "image/not-signed")
	s.want(judge(s.fromRegistry("{tag: 1.2.4}", s.image)), plugin.Denied, "image/not-signed") // the chart itself
	s.want(judge(s.fromRegistry("{semver: 1.x}", s.image)), plugin.Denied, "helmrelease/source")
	s.want(judge(s.fromRegistry("{tag: 9.9.9}", s.image)), plugin.Denied, "chart/unavailable")

	source := s.withChart(s.fromRegistry("{tag: 1.2.3}", s.image), nil)
	source.Root, source.Path, source.Rendered = nil, "", []byte(s.fromRegistry("{tag: 1.2.3}", s.image))
	s.want(made.Judge(t.Context(), source), plugin.Allowed) // from standard input
}

func TestHelmRelease_HostOfTheChartIsDownOrNotAllowed(t *testing.T) {
	s := newScene(t, ociserver.Options{})
	s.publish("1.2.3", true)
	source := s.withChart(s.fromRegistry("{tag: 1.2.3}", s.image), nil)
	made := s.setup(s.load(s.base("team-a", s.reach("")+"  platform: true\n"+lenientPods), s.trust("release", s.key)), nil)
	s.want(made.Judge(t.Context(), source), plugin.Denied, "chart/host")

	made = s.platform(lenientPods)
	s.failing(503, "/charts/")
	s.want(made.Judge(t.Context(), source), plugin.Unanswered)
	s.server.SetFault(nil)
	s.want(made.Judge(t.Context(), source), plugin.Allowed)
}
