package render

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/assay-gitops/assay/plugin"
)

// ChartFetcher gets packaged charts from hosts that the gate allows. Errors are
// those of a registry: *plugin.Refusal for "no", *plugin.StageError for no
// answer.
type ChartFetcher interface {
	FetchChart(ctx context.Context, chart ChartReference) (PublishedChart, error)
}

// PublishedChart is a chart as its host gave it.
type PublishedChart struct {
	// Archive is the package (.tgz).
	Archive []byte
	// Manifest is the digest of the manifest that names the archive, and Reference
	// is where that is; both are empty unless it came from a registry.
	Manifest  string
	Reference plugin.Reference
}

// chartRecord remembers which charts a rendering was made with.
type chartRecord struct {
	ChartFetcher
	fetched []plugin.Image
}

// FetchChart implements ChartFetcher.
func (r *chartRecord) FetchChart(ctx context.Context, chart ChartReference) (PublishedChart, error) {
	published, err := r.ChartFetcher.FetchChart(ctx, chart)
	known := func(other plugin.Image) bool { return other.Reference == published.Reference }
	if err == nil && published.Manifest != "" && !slices.ContainsFunc(r.fetched, known) {
		r.fetched = append(r.fetched, plugin.Image{
			Written: published.Reference.String(), Chart: true, Reference: published.Reference, Digest: published.Manifest, DigestFrom: plugin.DigestResolved,
		})
	}
	return published, err
}

// ChartReference names one version of a chart.
type ChartReference struct {
	// Repository is the URL of a chart repository (https://) or registry
	// (oci://), as the chart writes it.
	Repository string `json:"repository"`
	Name       string `json:"name"`
	// Version is exact.
	Version string `json:"version"`
}

// Locked is the chart's name in images.lock.yaml.
func (c ChartReference) Locked() string { return strings.TrimSuffix(c.Repository, "/") + "/" + c.Name }

// addMissing adds the dependencies that Chart.yaml names and charts/ does not
// hold: from a folder of the tree (file://), or fetched.
func (r *helmRelease) addMissing(ctx context.Context, loaded *chart.Chart) error {
	present := map[string]bool{}
	for _, child := range loaded.Dependencies() {
		present[child.Name()] = true
	}
	for _, wanted := range loaded.Metadata.Dependencies {
		if wanted == nil || present[wanted.Name] {
			continue
		}
		files, err := r.missing(ctx, loaded, wanted)
		if err != nil {
			return err
		}
		child, err := r.assemble(files, path.Join(r.folder, "charts", wanted.Name), 1)
		if err != nil {
			return err
		}
		if child.Name() != wanted.Name || !chartutil.IsCompatibleRange(wanted.Version, child.Metadata.Version) {
			return r.refuseDependency(wanted, fmt.Sprintf("what was found is %s %s", child.Name(), child.Metadata.Version))
		}
		loaded.AddDependency(child)
		present[wanted.Name] = true
	}
	return nil
}

func (r *helmRelease) missing(ctx context.Context, loaded *chart.Chart, wanted *chart.Dependency) ([]chartFile, error) {
	if folder, isLocal := strings.CutPrefix(wanted.Repository, "file://"); isLocal {
		inTree, err := within(r.folder, folder)
		if err != nil {
			return nil, refuseRead(err, r.dependencyLine(wanted.Name))
		}
		if _, err := r.tree.stat(inTree); err != nil {
			return nil, refuseRead(err, r.dependencyLine(wanted.Name))
		}
		return r.readFolder(inTree)
	}
	pin, digest, err := r.pinned(loaded, wanted)
	if err != nil {
		return nil, err
	}
	if r.charts == nil {
		return nil, r.refuseDependency(wanted, "and nothing is allowed to fetch it")
	}
	published, err := r.charts.FetchChart(ctx, pin)
	if err != nil {
		return nil, fmt.Errorf("fetching chart %s %s: %w", pin.Name, pin.Version, err)
	}
	if got := "sha256:" + hashOf(published.Archive); got != digest {
		return nil, r.refuseDependency(wanted, fmt.Sprintf("the fetched archive is %s and %s pins %s", got, plugin.LockFile, digest))
	}
	return unpackChart(published.Archive, path.Join(r.folder, "charts", archiveName(pin)), r.tree.limits)
}

// archiveName is the name under which helm keeps a packaged chart.
func archiveName(chart ChartReference) string { return chart.Name + "-" + chart.Version + ".tgz" }

// pinned finds the one version that Chart.lock names and the digest that
// images.lock.yaml names for it.
func (r *helmRelease) pinned(loaded *chart.Chart, wanted *chart.Dependency) (ChartReference, string, error) {
	if loaded.Lock == nil {
		return ChartReference{}, "", r.refuseDependency(wanted, "and there is no Chart.lock")
	}
	locked := ChartReference{}
	for _, entry := range loaded.Lock.Dependencies {
		if entry != nil && entry.Name == wanted.Name && entry.Repository == wanted.Repository {
			locked = ChartReference{Repository: entry.Repository, Name: entry.Name, Version: entry.Version}
		}
	}
	if locked.Name == "" || !chartutil.IsCompatibleRange(wanted.Version, locked.Version) {
		return ChartReference{}, "", r.refuseDependency(wanted, "and Chart.lock has no version that fits")
	}
	lock, err := r.readLock()
	if err != nil {
		return ChartReference{}, "", err
	}
	if digest, pinned := lock.ChartDigest(locked.Locked(), locked.Version); pinned {
		return locked, digest, nil
	}
	return ChartReference{}, "", r.refuseDependency(wanted, fmt.Sprintf("and %s has no digest for version %s", plugin.LockFile, locked.Version))
}

// readLock reads images.lock.yaml beside the chart; nil when there is none.
func (r *helmRelease) readLock() (*plugin.Lock, error) {
	name := path.Join(r.folder, plugin.LockFile)
	origin := plugin.Origin{File: name}
	if !r.tree.isFile(name) {
		return nil, nil
	}
	data, err := r.tree.readFile(name)
	if err != nil {
		return nil, refuseRead(err, origin)
	}
	if err := checkBounds(data, r.tree.limits, origin); err != nil {
		return nil, err
	}
	lock, err := plugin.ParseLock(data)
	if err != nil {
		return nil, invalid(origin, "reading the pinned charts", err)
	}
	return lock, nil
}

func (r *helmRelease) refuseDependency(wanted *chart.Dependency, what string) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleDependency, Origin: r.dependencyLine(wanted.Name),
		Message: fmt.Sprintf("the chart depends on %s %s from %s, which is not in charts/, %s", wanted.Name, wanted.Version, redactURL(wanted.Repository), what),
		Why:     "a chart that is fetched unpinned is not what was reviewed",
		Hint:    "run assay vendor on this folder and commit charts/",
	}
}

// dependencyLine is the line of Chart.yaml that names a dependency.
func (r *helmRelease) dependencyLine(name string) plugin.Origin {
	at := r.at("Chart.yaml")
	data, err := r.tree.readFile(at.File)
	if err != nil {
		return at
	}
	for i, line := range strings.Split(string(data), "\n") {
		field, value, found := strings.Cut(strings.TrimLeft(line, " -"), ":")
		if found && field == "name" && strings.Trim(strings.TrimSpace(value), `"'`) == name && strings.HasPrefix(strings.TrimLeft(line, " "), "-") {
			at.Line = i + 1
		}
	}
	return at
}

var userInfoPattern = regexp.MustCompile(`://[^/@\s]*@`)

// redactURL drops user, query and fragment of a URL, which may hold
// credentials.
func redactURL(written string) string {
	if end := strings.IndexAny(written, "?#"); end >= 0 {
		written = written[:end]
	}
	return userInfoPattern.ReplaceAllString(written, "://")
}
