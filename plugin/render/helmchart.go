package render

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/assay-gitops/assay/plugin"
)

// chartFile is one file of a chart: its name in the chart and in the tree.
type chartFile struct {
	name, origin string
	data         []byte
}

// load reads the chart in the release's folder with everything in charts/, and
// the dependencies that are not there.
func (r *helmRelease) load(ctx context.Context) (*chart.Chart, error) {
	files, err := r.readChart()
	if err != nil {
		return nil, err
	}
	loaded, err := r.assemble(files, r.folder, 0)
	if err != nil {
		return nil, err
	}
	if err := r.replaceValues(loaded, files); err != nil {
		return nil, err
	}
	return loaded, r.addMissing(ctx, loaded)
}

// readChart reads a folder, or a packaged chart, of which Helm reads every file:
// nothing in it is ignored.
func (r *helmRelease) readChart() ([]chartFile, error) {
	if !r.tree.isFile(r.folder) {
		return r.readFolder(r.folder)
	}
	data, err := r.tree.readFile(r.folder)
	if err != nil {
		return nil, refuseRead(err, plugin.Origin{File: r.folder})
	}
	return unpackChart(data, r.folder, r.tree.limits)
}

// readFolder reads a chart's files as helm does: .helmignore applies to a folder
// (loader.LoadDir) and not to a package (loader.LoadArchive), symlinks inside the
// tree are followed, a byte order mark is dropped.
func (r *helmRelease) readFolder(folder string) ([]chartFile, error) {
	rules, err := r.ignoreRules(folder)
	if err != nil {
		return nil, err
	}
	walk := chartWalk{tree: r.tree, root: folder, rules: rules}
	err = walk.folder(folder, 0)
	return walk.files, err
}

// ignoreRules are what a chart's folder leaves out.
func (r *helmRelease) ignoreRules(folder string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	if r.parameters.Packaged {
		return rules, nil
	}
	if name := path.Join(folder, ignore.HelmIgnore); r.tree.isFile(name) {
		data, err := r.tree.readFile(name)
		if err != nil {
			return nil, refuseRead(err, plugin.Origin{File: name})
		}
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, invalid(plugin.Origin{File: name}, "reading the ignore rules", err)
		}
	}
	rules.AddDefaults()
	return rules, nil
}

type chartWalk struct {
	tree  *tree
	root  string
	rules *ignore.Rules
	files []chartFile
}

func (w *chartWalk) folder(folder string, depth int) error {
	if depth > maxFolderDepth {
		return invalid(plugin.Origin{File: folder}, "folders are nested too deep, or a symlink leads in a circle", nil)
	}
	names, err := w.tree.readDir(folder)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: folder})
	}
	for _, base := range names {
		if err := w.entry(path.Join(folder, base), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *chartWalk) entry(name string, depth int) error {
	inChart := name
	if w.root != "." {
		inChart = strings.TrimPrefix(name, w.root+"/")
	}
	info, err := w.tree.stat(name)
	if err != nil {
		if w.rules.Ignore(inChart, unknownFile{path.Base(name)}) {
			return nil
		}
		return refuseRead(err, plugin.Origin{File: name})
	}
	if w.rules.Ignore(inChart, info) {
		return nil
	}
	if info.IsDir() {
		return w.folder(name, depth+1)
	}
	if int64(len(w.files)) >= w.tree.limits.ArchiveFiles {
		return overLimit("archiveFiles", w.tree.limits, plugin.Origin{File: w.root})
	}
	data, err := w.tree.readFile(name)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: name})
	}
	w.files = append(w.files, chartFile{name: inChart, origin: name, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	return nil
}

// unknownFile stands for a file that cannot be read, to ask whether it is
// ignored.
type unknownFile struct{ base string }

func (f unknownFile) Name() string     { return f.base }
func (unknownFile) IsDir() bool        { return false }
func (unknownFile) Mode() fs.FileMode  { return 0 }
func (unknownFile) Size() int64        { return 0 }
func (unknownFile) Sys() any           { return nil }
func (unknownFile) ModTime() time.Time { return time.Time{} }

// assemble makes a chart of its files, subcharts and their archives included.
// Subcharts come in the order of their names, where helm's own loader leaves
// it to chance.
func (r *helmRelease) assemble(files []chartFile, at string, depth int) (*chart.Chart, error) {
	if depth > maxFolderDepth {
		return nil, invalid(plugin.Origin{File: at}, "charts are nested too deep", nil)
	}
	var own []chartFile
	children := map[string][]chartFile{}
	for _, file := range files {
		rest, inCharts := strings.CutPrefix(file.name, "charts/")
		if !inCharts || path.Ext(file.name) == ".prov" {
			own = append(own, file)
			continue
		}
		child, inner, nested := strings.Cut(rest, "/")
		switch {
		case strings.IndexAny(child, "_.") == 0:
		case nested:
			children[child] = append(children[child], chartFile{name: inner, origin: file.origin, data: file.data})
		case path.Ext(child) == ".tgz":
			unpacked, err := unpackChart(file.data, file.origin, r.tree.limits)
			if err != nil {
				return nil, err
			}
			children[child] = append(children[child], unpacked...)
		}
	}
	loaded, err := r.loadFiles(own, at)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(children)) {
		child, err := r.assemble(children[name], path.Join(at, "charts", name), depth+1)
		if err != nil {
			return nil, err
		}
		loaded.AddDependency(child)
	}
	return loaded, nil
}

// loadFiles hands one chart's own files to helm, after a look at what helm is
// about to decode, and remembers where each came from.
func (r *helmRelease) loadFiles(files []chartFile, at string) (*chart.Chart, error) {
	buffered := make([]*archive.BufferedFile, 0, len(files))
	origins := make(map[string]string, len(files))
	for _, file := range files {
		switch file.name {
		case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
			if err := checkBounds(file.data, r.tree.limits, plugin.Origin{File: file.origin}); err != nil {
				return nil, err
			}
		}
		buffered = append(buffered, &archive.BufferedFile{Name: file.name, Data: file.data})
		origins[file.name] = file.origin
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, invalid(plugin.Origin{File: path.Join(at, "Chart.yaml")}, "loading the chart", err)
	}
	for _, list := range [][]*common.File{loaded.Templates, loaded.Files} {
		for _, file := range list {
			r.origins[file] = origins[file.Name]
		}
	}
	return loaded, nil
}
