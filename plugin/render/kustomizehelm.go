package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// chartsFolder is a component that exists in memory only. It holds what the
// charts of one kustomization render to; a component's resources are added
// behind the generators', where kustomize adds its charts.
const chartsFolder = ".assay-charts"

// inflate renders the helmCharts of every kustomization in the build and puts
// the result in their place.
func (b *kustomizeBuild) inflate(ctx context.Context, walk *kustomizeWalk) ([]plugin.Finding, error) {
	var findings []plugin.Finding
	for _, folder := range walk.folders {
		k := walk.visited[folder]
		if len(k.HelmCharts) == 0 {
			continue
		}
		var resources []string
		for i := range k.HelmCharts {
			inflation := &inflation{build: b, folder: folder, home: chartHome(k), chart: k.HelmCharts[i], number: i, lines: walk.pages[folder].lines}
			if inflation.chart.Namespace == "" {
				inflation.chart.Namespace = k.Namespace
			}
			if inflation.chart.Namespace == "" {
				inflation.chart.Namespace = walk.namespaces[folder]
			}
			names, err := inflation.run(ctx)
			findings = append(findings, inflation.findings...)
			if err != nil {
				return findings, err
			}
			resources = append(resources, names...)
		}
		if err := b.splice(folder, resources); err != nil {
			return findings, err
		}
	}
	return findings, nil
}

func chartHome(k types.Kustomization) string {
	if k.HelmGlobals != nil && k.HelmGlobals.ChartHome != "" {
		return k.HelmGlobals.ChartHome
	}
	return types.HelmDefaultHome
}

// splice replaces a kustomization's charts by the component.
func (b *kustomizeBuild) splice(folder string, resources []string) error {
	if len(resources) > 0 {
		component := types.Kustomization{
			TypeMeta:  types.TypeMeta{APIVersion: types.ComponentVersion, Kind: types.ComponentKind},
			Resources: resources,
		}
		data, err := yaml.Marshal(component)
		if err != nil {
			return fmt.Errorf("writing the charts of %s: %w", folder, err)
		}
		b.files.overlay[path.Join(folder, chartsFolder, "kustomization.yaml")] = data
	}
	return b.rewrite(folder, func(k *types.Kustomization) error {
		k.HelmCharts, k.HelmGlobals = nil, nil
		if len(resources) > 0 {
			k.Components = append([]string{chartsFolder}, k.Components...)
		}
		return nil
	})
}

// inflation is one entry of helmCharts.
type inflation struct {
	build        *kustomizeBuild
	folder, home string
	chart        types.HelmChart
	number       int
	lines        *lines
	findings     []plugin.Finding
}

func (x *inflation) at() plugin.Origin {
	return x.lines.item(x.chart.Name, "helmCharts", x.number)
}

// run renders the chart into files of the overlay and returns their names.
func (x *inflation) run(ctx context.Context) ([]string, error) {
	chartFolder, err := x.locate()
	if err != nil {
		return nil, err
	}
	release := &helmRelease{
		tree: x.build.files.tree, folder: chartFolder, charts: x.build.charts, origins: map[*common.File]string{},
		keepTests: !x.chart.SkipTests, skipHooks: x.chart.SkipHooks,
		parameters: plugin.HelmParameters{
			ReleaseName: x.chart.ReleaseName, Namespace: x.chart.Namespace, KubeVersion: x.chart.KubeVersion,
			APIVersions: x.chart.ApiVersions, SkipCRDs: !x.chart.IncludeCRDs,
		},
	}
	if release.parameters.KubeVersion == "" {
		release.parameters.KubeVersion = x.build.kubeVersion
	}
	if len(release.parameters.APIVersions) == 0 {
		release.parameters.APIVersions = x.build.apiVersions
	}
	if err := x.name(release); err != nil {
		return nil, err
	}
	if release.parameters.Namespace == "" {
		release.parameters.Namespace = "default"
	}
	if release.values, err = x.values(release, chartFolder); err != nil {
		return nil, err
	}
	manifests, err := release.template(ctx)
	x.findings = append(x.findings, release.findings...)
	if err != nil {
		return nil, err
	}
	return x.write(manifests)
}

// name settles the release's name; helm would make one up from the time.
func (x *inflation) name(release *helmRelease) error {
	if x.chart.NameTemplate != "" {
		return &plugin.Refusal{Rule: ruleNotSupported, Origin: x.at(), Message: "nameTemplate is not rendered", Hint: "use releaseName"}
	}
	if release.parameters.ReleaseName == "" {
		release.parameters.ReleaseName = "release-name"
		x.findings = append(x.findings, plugin.Finding{
			Rule: ruleRandom, Level: plugin.Warn, Origin: x.at(), Message: fmt.Sprintf("the chart %s has no releaseName, helm would make one up", x.chart.Name),
			Why: "every rendering would differ", Hint: "set releaseName",
		})
	}
	return nil
}

// locate finds the chart's folder where kustomize would look for it.
func (x *inflation) locate() (string, error) {
	home := x.home
	if x.chart.Version != "" && x.chart.Repo != "" {
		home = path.Join(home, x.chart.Name+"-"+x.chart.Version)
	}
	base, err := within(x.folder, home)
	if err != nil {
		return "", refuseRead(err, x.lines.item(x.home, "helmGlobals", 0))
	}
	folder, err := within(base, x.chart.Name)
	if err != nil {
		return "", refuseRead(err, x.at())
	}
	if !x.build.files.tree.isDir(folder) {
		return "", &plugin.Refusal{
			Rule: ruleDependency, Origin: x.at(), Message: fmt.Sprintf("there is no chart in %s, and none is fetched", folder), Why: whyConfined,
			Hint: "pull the chart into that folder and commit it",
		}
	}
	return folder, nil
}

// values are the chart's values file, merged with valuesInline as valuesMerge
// says, below the additional files.
func (x *inflation) values(release *helmRelease, chartFolder string) (map[string]any, error) {
	name := path.Join(chartFolder, "values.yaml")
	if x.chart.ValuesFile != "" {
		name = path.Join(x.folder, x.chart.ValuesFile)
	}
	data, err := x.build.files.read(name)
	if err != nil {
		return nil, refuseRead(err, x.at())
	}
	if err := checkBounds(data, release.tree.limits, plugin.Origin{File: name}); err != nil {
		return nil, err
	}
	if len(x.chart.ValuesInline) > 0 {
		if data, err = x.mergeInline(data); err != nil {
			return nil, err
		}
	}
	values, err := release.readValues(data, plugin.Origin{File: name})
	if err != nil {
		return nil, err
	}
	for _, additional := range x.chart.AdditionalValuesFiles {
		name := path.Join(x.folder, additional)
		data, err := x.build.files.read(name)
		if err != nil {
			return nil, refuseRead(err, x.at())
		}
		more, err := release.readValues(data, plugin.Origin{File: name})
		if err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, more)
	}
	return values, nil
}

// mergeInline merges valuesInline by kustomize's own function.
func (x *inflation) mergeInline(file []byte) ([]byte, error) {
	inline, err := kyaml.FromMap(x.chart.ValuesInline)
	if err != nil {
		return nil, invalid(x.at(), "reading valuesInline", err)
	}
	if x.chart.ValuesMerge == "replace" {
		return x.encode(inline)
	}
	values, err := kyaml.Parse(string(file))
	if err != nil && !errors.Is(err, kyaml.ErrMissingMetadata) {
		return nil, invalid(x.at(), "reading the chart's values", err)
	}
	var merged *kyaml.RNode
	switch x.chart.ValuesMerge {
	case "", "override":
		merged, err = merge2.Merge(inline, values, kyaml.MergeOptions{})
	case "merge":
		merged, err = merge2.Merge(values, inline, kyaml.MergeOptions{})
	default:
		return nil, invalid(x.at(), fmt.Sprintf("valuesMerge is %q and must be merge, override or replace", x.chart.ValuesMerge), nil)
	}
	if err != nil {
		return nil, invalid(x.at(), "merging valuesInline", err)
	}
	return x.encode(merged)
}

func (x *inflation) encode(node *kyaml.RNode) ([]byte, error) {
	values, err := node.Map()
	if err != nil {
		return nil, invalid(x.at(), "reading the merged values", err)
	}
	data, err := yaml.Marshal(values)
	if err != nil {
		return nil, invalid(x.at(), "writing the merged values", err)
	}
	return data, nil
}

// write puts each manifest into a file of the overlay, marked as kustomize
// marks what a chart made.
func (x *inflation) write(manifests []manifest) ([]string, error) {
	var names []string
	for i, manifest := range manifests {
		nodes, err := (&kio.ByteReader{Reader: bytes.NewBufferString(manifest.text), OmitReaderAnnotations: true}).Read()
		if err != nil {
			return nil, invalid(plugin.Origin{File: manifest.file}, "reading what a template renders to", err)
		}
		for _, node := range nodes {
			if err := node.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
				return nil, invalid(plugin.Origin{File: manifest.file}, "a template renders to something that is no object", err)
			}
		}
		if len(nodes) == 0 {
			continue
		}
		text, err := kio.StringAll(nodes)
		if err != nil {
			return nil, invalid(plugin.Origin{File: manifest.file}, "writing what a template renders to", err)
		}
		name := fmt.Sprintf("%03d-%05d.yaml", x.number, i)
		file := path.Join(x.folder, chartsFolder, name)
		x.build.files.overlay[file] = []byte(text)
		x.build.files.generated[file] = plugin.Origin{File: manifest.file}
		x.build.inflated[x.folder] = append(x.build.inflated[x.folder], file)
		names = append(names, name)
	}
	return names, nil
}
