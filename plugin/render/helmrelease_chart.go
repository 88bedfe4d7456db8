package render

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/assay-gitops/assay/plugin"
)

// sourceGroup is the API group of Flux's sources.
const sourceGroup = "source.toolkit.fluxcd.io"

// publishedPrefix begins the name of every artifact that assay publishes.
const publishedPrefix = "assay-"

// chart finds the chart by chartRef or by the template of a HelmChart.
func (s *releaseSearch) chart(ctx context.Context) error {
	spec := s.fields.Spec
	switch {
	case spec.ChartRef != nil && spec.Chart != nil:
		return s.refuse("it has both chart and chartRef", "keep one of them")
	case spec.Chart != nil:
		return s.helmChart(ctx, spec.Chart.Spec, s.namespace)
	case spec.ChartRef == nil:
		return s.refuse("it names no chart", "add spec.chartRef")
	}
	ref := *spec.ChartRef
	if ref.Namespace == "" {
		ref.Namespace = s.namespace
	}
	if ref.Kind == "ExternalArtifact" && strings.HasPrefix(ref.Name, publishedPrefix) {
		if len(spec.PostRenderers) > 0 {
			return s.refuse("its postRenderers change what was judged and sealed", "remove them, and write the patches and images where the chart is rendered")
		}
		s.found.Sealed, s.found.Chart = true, "ExternalArtifact "+ref.Name
		return nil
	}
	object, err := s.source(ref)
	if err != nil {
		return err
	}
	switch ref.Kind {
	case "OCIRepository":
		return s.ociChart(ctx, object)
	case "HelmChart":
		var chart struct {
			Spec chartFields `json:"spec"`
		}
		if err := s.decode(object, &chart); err != nil {
			return err
		}
		return s.helmChart(ctx, chart.Spec, ref.Namespace)
	}
	return s.refuse(fmt.Sprintf("a chart from a %s is not looked at", ref.Kind), "use an ExternalArtifact that assay publishes, an OCIRepository or a HelmChart")
}

// source finds a source of Flux among the objects.
func (s *releaseSearch) source(ref sourceRef) (plugin.Object, error) {
	object, found := s.lookup(sourceGroup, ref.Kind, ref.Namespace, ref.Name)
	if !found {
		return object, s.unseen(fmt.Sprintf("%s %s/%s", ref.Kind, ref.Namespace, ref.Name), "keep the source in the same application, or consume the chart that a GatedSource publishes")
	}
	return object, nil
}

func (s *releaseSearch) helmChart(ctx context.Context, chart chartFields, namespace string) error {
	ref := chart.SourceRef
	if ref.Namespace == "" {
		ref.Namespace = namespace
	}
	object, err := s.source(ref)
	if err != nil {
		return err
	}
	parameters := &s.found.Source.Parameters.Helm
	parameters.ChartValueFiles, parameters.IgnoreMissingValueFiles = chart.ValuesFiles, chart.IgnoreMissingValuesFiles
	url := stringIn(object.Fields, "spec", "url")
	switch ref.Kind {
	case "HelmRepository":
		if err := s.exact(chart.Version); err != nil {
			return err
		}
		return s.fetch(ctx, ChartReference{Repository: strings.TrimRight(url, "/"), Name: chart.Chart, Version: chart.Version}, "")
	case "GitRepository":
		return s.inTree(chart, url)
	}
	return s.refuse(fmt.Sprintf("a chart from a %s is not looked at", ref.Kind), "use a HelmRepository, an OCIRepository or the application's own GitRepository")
}

// exact refuses a range: it is another chart each time that one is published.
func (s *releaseSearch) exact(version string) error {
	if _, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v")); err == nil {
		return nil
	}
	if version == "" {
		version = "*"
	}
	return s.refuse(fmt.Sprintf("the version %q of its chart is a range", version), `write one version with three numbers, as version: "1.2.3"`)
}

// ociChart reads an OCIRepository. A digest is looked for by its tag.
func (s *releaseSearch) ociChart(ctx context.Context, object plugin.Object) error {
	address, isOCI := strings.CutPrefix(stringIn(object.Fields, "spec", "url"), "oci://")
	folder, name := path.Split(strings.TrimRight(address, "/"))
	tag := stringIn(object.Fields, "spec", "ref", "tag")
	switch {
	case !isOCI || folder == "" || name == "":
		return s.refuse(object.ID().String()+" has no address of a chart", "write url: oci://host/path/chart")
	case stringIn(object.Fields, "spec", "ref", "semver") != "" && stringIn(object.Fields, "spec", "ref", "digest") == "":
		return s.refuse(object.ID().String()+" has a range of versions", "write spec.ref.tag with one version instead of semver")
	case tag == "":
		return s.refuse(object.ID().String()+" names no tag", "write spec.ref.tag with the chart's version, beside the digest when there is one")
	}
	return s.fetch(ctx, ChartReference{Repository: "oci://" + strings.TrimRight(folder, "/"), Name: name, Version: tag}, stringIn(object.Fields, "spec", "ref", "digest"))
}

// fetch gets the chart from a host that the gate allows. The archive is laid
// over the tree at a path of its own, and nothing but it is read.
func (s *releaseSearch) fetch(ctx context.Context, chart ChartReference, manifest string) error {
	if s.Charts == nil {
		return s.refuse("nothing is allowed to fetch its chart", "allow the host under spec.charts.hosts of the gate")
	}
	record := &chartRecord{ChartFetcher: s.Charts}
	published, err := record.FetchChart(ctx, chart)
	if err != nil {
		return fmt.Errorf("fetching chart %s %s for %s: %w", chart.Name, chart.Version, s.Release.ID(), err)
	}
	if manifest != "" && published.Manifest != manifest {
		return s.refuse(fmt.Sprintf("the tag %s of its chart is %s, and the digest that is written is %s", chart.Version, published.Manifest, manifest), "write the tag and the digest of one chart")
	}
	digest := "sha256:" + hashOf(published.Archive)
	if err := s.pinned(chart, digest); err != nil {
		return err
	}
	name := ".assay-helmrelease-" + digest[len("sha256:"):] + ".tgz"
	s.found.Source.Path, s.found.Source.Overlay = name, map[string][]byte{name: published.Archive}
	s.found.Chart = fmt.Sprintf("chart %s %s from %s (%s)", chart.Name, chart.Version, redactURL(chart.Repository), digest)
	s.found.fetched = record.fetched
	return nil
}

// pinned compares the chart with images.lock.yaml beside the application.
func (s *releaseSearch) pinned(chart ChartReference, digest string) error {
	lock, err := plugin.ReadLock(s.Source, s.Limits.FileBytes)
	if err != nil {
		return err
	}
	locked, has := lock.ChartDigest(chart.Locked(), chart.Version)
	switch {
	case has && locked != digest:
		return s.refuse(fmt.Sprintf("its chart is %s, and %s pins %s", digest, plugin.LockFile, locked), "find out why a published version was replaced before you change the lock")
	case !has && s.Locked:
		return s.refuse(fmt.Sprintf("%s has no digest for its chart %s %s", plugin.LockFile, chart.Locked(), chart.Version),
			fmt.Sprintf("review the chart and add to charts: {chart: %s, version: %s, digest: %q}", chart.Locked(), chart.Version, digest))
	}
	return nil
}

// inTree takes the chart from the tree of the application, when the source is
// the repository that it was taken from.
func (s *releaseSearch) inTree(chart chartFields, url string) error {
	own := s.Source.Application.Repository
	if s.Source.Root == nil || own == "" || !sameRepository(own, url) {
		return s.unseen(fmt.Sprintf("the chart %s of another repository than the application's", chart.Chart), "keep the chart in the application's own repository, or publish it and name its version")
	}
	folder, err := within(".", strings.TrimLeft(chart.Chart, "/"))
	if err != nil {
		return refuseRead(err, s.Release.Origin)
	}
	files := s.found.Source.Parameters.Helm.ChartValueFiles
	for i, file := range files {
		files[i] = "/" + strings.TrimLeft(file, "/") // from the root of the source, not of the chart
	}
	s.found.Source.Path = folder
	s.found.Chart = "the chart in " + folder
	return nil
}

// sameRepository compares the addresses of two repositories, however each is
// reached.
func sameRepository(a, b string) bool { return a != "" && repositoryPlace(a) == repositoryPlace(b) }

func repositoryPlace(address string) string {
	if scheme, rest, hasScheme := strings.Cut(address, "://"); hasScheme && scheme != "" {
		address = rest
	} else if host, rest, isShort := strings.Cut(address, ":"); isShort { // git@host:path
		address = host + "/" + rest
	}
	host, rest, _ := strings.Cut(address, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	return strings.ToLower(host) + "/" + strings.TrimSuffix(strings.Trim(rest, "/"), ".git")
}

// stringIn is the text at a path of mappings; empty when there is none.
func stringIn(fields map[string]any, names ...string) string {
	for _, name := range names[:len(names)-1] {
		fields, _ = fields[name].(map[string]any)
	}
	text, _ := fields[names[len(names)-1]].(string)
	return text
}
