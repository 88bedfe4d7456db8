package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/assay-gitops/assay/plugin"
)

// replaceValues puts the chart value files in the place of the chart's
// values.yaml, as source-controller does when it builds a HelmChart.
func (r *helmRelease) replaceValues(loaded *chart.Chart, files []chartFile) error {
	if len(r.parameters.ChartValueFiles) == 0 {
		return nil
	}
	merged := map[string]any{}
	for _, written := range r.parameters.ChartValueFiles {
		data, origin, err := r.chartValueFile(written, files)
		switch {
		case errors.Is(err, fs.ErrNotExist) && r.parameters.IgnoreMissingValueFiles:
			continue
		case err != nil:
			return refuseRead(err, origin)
		}
		read, err := r.readValues(data, origin)
		if err != nil {
			return err
		}
		merged = loader.MergeMaps(merged, read)
	}
	loaded.Values = merged
	return nil
}

// chartValueFile reads a file of a packaged chart, or of the tree.
func (r *helmRelease) chartValueFile(written string, files []chartFile) ([]byte, plugin.Origin, error) {
	origin := plugin.Origin{File: written}
	if path.IsAbs(written) || !r.tree.isFile(r.folder) {
		name, err := r.valuePath(written)
		if err != nil {
			return nil, origin, err
		}
		data, err := r.tree.readFile(name)
		return data, plugin.Origin{File: name}, err
	}
	at := slices.IndexFunc(files, func(file chartFile) bool { return file.name == path.Clean(written) })
	if at < 0 {
		return nil, origin, fmt.Errorf("reading %s in the chart: %w", written, fs.ErrNotExist)
	}
	return files[at].data, origin, nil
}

// lookUp answers as Helm does without a cluster, and says so once.
func (r *helmRelease) lookUp(_, _, _, _ string) (map[string]any, error) {
	if !r.lookedUp {
		r.lookedUp = true
		r.findings = append(r.findings, plugin.Finding{
			Rule: ruleLookup, Level: plugin.Warn, Origin: r.at("Chart.yaml"), Message: "the chart looks for objects in the cluster (lookup), and nothing is there when it is judged",
			Why:  "with what it finds there it may render another thing than what was judged; a frozen chart keeps what it renders without",
			Hint: "give the chart what it looks for in its values",
		})
	}
	return map[string]any{}, nil
}

// compareUpgrade says when an upgrade renders another thing than an install.
func (r *helmRelease) compareUpgrade(install, upgrade []plugin.Object, err error) {
	random := slices.ContainsFunc(r.findings, func(f plugin.Finding) bool { return f.Rule == ruleRandom })
	same := slices.EqualFunc(install, upgrade, func(a, b plugin.Object) bool { return reflect.DeepEqual(a.Fields, b.Fields) })
	if random && err == nil || same && err == nil {
		return
	}
	finding := plugin.Finding{
		Rule: RuleUpgrade, Level: plugin.Warn, Origin: r.at("Chart.yaml"), Message: "the chart renders another thing for an upgrade than for an install",
		Why:  "a frozen chart is what an install renders, also when it is an upgrade",
		Hint: "see what the chart does with .Release.IsInstall, .Release.IsUpgrade and .Release.Revision",
	}
	if err != nil {
		finding.Message = fmt.Sprintf("the chart does not render for an upgrade: %v", err)
	}
	r.findings = append(r.findings, finding)
}
