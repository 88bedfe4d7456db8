package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/assay-gitops/assay/plugin"
)

// VendorOptions say what [Vendor] brings into the tree.
type VendorOptions struct {
	// Root is the source tree; Path is the chart's folder in it.
	Root *os.Root
	Path string
	// Charts fetches from the hosts that the gate allows; it is required.
	Charts ChartFetcher
	Limits plugin.Limits
}

// Vendored is one dependency that was brought into charts/.
type Vendored struct {
	ChartReference

	// File is its path in the tree.
	File string `json:"file"`
	// Digest is "sha256:<hex>" of the archive.
	Digest string `json:"digest"`
}

// Vendor fetches the dependencies that Chart.lock names and writes them to
// charts/, each file whole or not at all. A digest in images.lock.yaml must
// agree. Archives of their other versions are removed. Dependencies that are
// folders of the tree (file://) are left alone.
func Vendor(ctx context.Context, options VendorOptions) ([]Vendored, error) {
	if options.Charts == nil || options.Root == nil {
		return nil, errors.New("vendoring charts: no source tree, or nothing to fetch with")
	}
	release := &helmRelease{
		tree: newTree(options.Root, options.Limits), folder: path.Clean(options.Path),
		charts: options.Charts, origins: map[*common.File]string{},
	}
	wanted, err := release.locked()
	if err != nil {
		return nil, err
	}
	lock, err := release.readLock()
	if err != nil {
		return nil, err
	}
	fetched := make([][]byte, len(wanted))
	for i, chart := range wanted {
		if fetched[i], err = release.fetch(ctx, chart, lock); err != nil {
			return nil, err
		}
	}
	return release.write(wanted, fetched)
}

// locked lists what Chart.lock names, after checking that it fits Chart.yaml.
func (r *helmRelease) locked() ([]ChartReference, error) {
	files, err := r.readFolder(r.folder)
	if err != nil {
		return nil, err
	}
	loaded, err := r.assemble(files, r.folder, 0)
	if err != nil {
		return nil, err
	}
	var charts []ChartReference
	for _, wanted := range loaded.Metadata.Dependencies {
		if wanted == nil || len(wanted.Repository) == 0 || wanted.Repository[:min(7, len(wanted.Repository))] == "file://" {
			continue
		}
		if loaded.Lock == nil {
			return nil, r.refuseDependency(wanted, "and there is no Chart.lock: run helm dependency update")
		}
		found := false
		for _, entry := range loaded.Lock.Dependencies {
			if entry != nil && entry.Name == wanted.Name && entry.Repository == wanted.Repository && chartutil.IsCompatibleRange(wanted.Version, entry.Version) {
				found = true
				chart := ChartReference{Repository: entry.Repository, Name: entry.Name, Version: entry.Version}
				if !slices.Contains(charts, chart) { // aliases of one chart
					charts = append(charts, chart)
				}
				break
			}
		}
		if !found {
			return nil, r.refuseDependency(wanted, "and Chart.lock has no version that fits: run helm dependency update")
		}
	}
	return charts, nil
}

// fetch gets one archive and makes sure that it is the chart that was asked
// for.
func (r *helmRelease) fetch(ctx context.Context, chart ChartReference, lock *plugin.Lock) ([]byte, error) {
	published, err := r.charts.FetchChart(ctx, chart)
	if err != nil {
		return nil, fmt.Errorf("fetching chart %s %s: %w", chart.Name, chart.Version, err)
	}
	name := path.Join(r.folder, "charts", archiveName(chart))
	files, err := unpackChart(published.Archive, name, r.tree.limits)
	if err != nil {
		return nil, err
	}
	loaded, err := r.assemble(files, name, 1)
	if err != nil {
		return nil, err
	}
	if loaded.Name() != chart.Name || loaded.Metadata.Version != chart.Version {
		return nil, invalid(plugin.Origin{File: name}, fmt.Sprintf("the archive holds %s %s", loaded.Name(), loaded.Metadata.Version), nil)
	}
	got := "sha256:" + hashOf(published.Archive)
	if digest, pinned := lock.ChartDigest(chart.Locked(), chart.Version); pinned && digest != got {
		return nil, &plugin.Refusal{
			Rule: ruleDependency, Origin: plugin.Origin{File: path.Join(r.folder, plugin.LockFile)},
			Message: fmt.Sprintf("chart %s %s is %s and the lock pins %s", chart.Name, chart.Version, got, digest),
			Why:     "a published version was replaced", Hint: "find out why before you change the lock",
		}
	}
	return published.Archive, nil
}

func (r *helmRelease) write(charts []ChartReference, fetched [][]byte) ([]Vendored, error) {
	folder := path.Join(r.folder, "charts")
	if err := r.tree.root.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making %s: %w", folder, reason(err))
	}
	written := make([]Vendored, 0, len(charts))
	for i, chart := range charts {
		name := path.Join(folder, archiveName(chart))
		temporary := path.Join(folder, "."+archiveName(chart)+".partial")
		if err := r.tree.root.WriteFile(temporary, fetched[i], 0o644); err != nil {
			return written, errors.Join(fmt.Errorf("writing %s: %w", temporary, reason(err)), r.tree.root.RemoveAll(temporary))
		}
		if err := r.tree.root.Rename(temporary, name); err != nil {
			return written, fmt.Errorf("writing %s: %w", name, reason(err))
		}
		written = append(written, Vendored{ChartReference: chart, File: name, Digest: "sha256:" + hashOf(fetched[i])})
	}
	return written, r.removeOthers(folder, written)
}

// removeOthers removes archives of other versions of what was written: of two
// versions that both fit Chart.yaml, Helm renders both.
func (r *helmRelease) removeOthers(folder string, written []Vendored) error {
	names, err := r.tree.readDir(folder)
	if err != nil {
		return fmt.Errorf("reading %s: %w", folder, reason(err))
	}
	for _, name := range names {
		file := path.Join(folder, name)
		isWritten := slices.ContainsFunc(written, func(v Vendored) bool { return v.File == file })
		if path.Ext(name) != ".tgz" || isWritten {
			continue
		}
		data, err := r.tree.readFile(file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, reason(err))
		}
		files, err := unpackChart(data, file, r.tree.limits)
		if err != nil {
			return err
		}
		other, err := r.assemble(files, file, 1)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(written, func(v Vendored) bool { return v.Name == other.Name() }) {
			continue
		}
		if err := r.tree.root.Remove(file); err != nil {
			return fmt.Errorf("removing %s: %w", file, reason(err))
		}
	}
	return nil
}
