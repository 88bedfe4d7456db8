package render

import (
	"context"
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/assay-gitops/assay/plugin"
)

// defaultKubeVersion is what the helm command line of the linked version
// assumes when it is told nothing; it follows from helm's client-go.
const defaultKubeVersion = "v1.37.0"

// helmRelease is one `helm template`.
type helmRelease struct {
	tree   *tree
	folder string
	charts ChartFetcher
	// parameters has the release's name and namespace filled in.
	parameters plugin.HelmParameters
	// keepTests and skipHooks change what is left out: Argo CD leaves out tests,
	// kustomize nothing unless asked.
	keepTests, skipHooks bool
	// values are merged from files, inline values and single settings.
	values map[string]any
	// origins says for every template of the chart which file of the tree it is.
	origins  map[*common.File]string
	findings []plugin.Finding
	// lookedUp is set when a template asked the cluster for something.
	lookedUp bool
}

func renderHelm(ctx context.Context, tree *tree, source plugin.Source, options kustomizeOptions) (plugin.Rendering, error) {
	release, err := newHelmRelease(tree, source, options.charts)
	if err != nil {
		return plugin.Rendering{}, err
	}
	objects, err := release.render(ctx, options.lock)
	if err != nil {
		return plugin.Rendering{Findings: release.findings}, err
	}
	if release.parameters.Flux && !release.parameters.Upgrade {
		source.Parameters.Helm.Upgrade = true
		upgrade, err := newHelmRelease(tree, source, options.charts)
		if err != nil {
			return plugin.Rendering{}, err
		}
		again, err := upgrade.render(ctx, options.lock)
		release.compareUpgrade(objects, again, err)
	}
	return plugin.Rendering{Objects: objects, Findings: release.findings}, nil
}

// render makes the chart's objects. Those of crds folders are never
// post-rendered.
func (r *helmRelease) render(ctx context.Context, lock *schemaLock) ([]plugin.Object, error) {
	manifests, err := r.template(ctx)
	if err != nil {
		return nil, err
	}
	crds := 0
	for crds < len(manifests) && manifests[crds].static {
		crds++
	}
	definitions, err := r.objects(manifests[:crds])
	if err != nil {
		return nil, err
	}
	objects, err := r.objects(manifests[crds:])
	if err != nil {
		return nil, err
	}
	objects, err = r.postRender(objects, lock)
	return append(definitions, objects...), err
}

// template renders the chart to manifests in the order in which
// `helm template --include-crds --skip-tests` prints them.
func (r *helmRelease) template(ctx context.Context) ([]manifest, error) {
	loaded, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	if version := loaded.Metadata.APIVersion; version != chart.APIVersionV1 && version != chart.APIVersionV2 {
		return nil, invalid(r.at("Chart.yaml"), fmt.Sprintf("charts of apiVersion %q are not rendered; helm itself renders v1 and v2", version), nil)
	}
	if kind := loaded.Metadata.Type; kind != "" && kind != "application" {
		return nil, invalid(r.at("Chart.yaml"), fmt.Sprintf("a chart of type %q cannot be rendered by itself", kind), nil)
	}
	if err := chartutil.ProcessDependencies(loaded, r.values); err != nil {
		return nil, invalid(r.at("Chart.yaml"), "processing the chart's dependencies", err)
	}
	capabilities, err := r.capabilities()
	if err != nil {
		return nil, err
	}
	if wanted := loaded.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.String()) {
		return nil, invalid(r.at("Chart.yaml"), fmt.Sprintf("the chart requires Kubernetes %s and is rendered for %s", wanted, capabilities.KubeVersion.Version), nil)
	}
	options := common.ReleaseOptions{Name: r.parameters.ReleaseName, Namespace: r.parameters.Namespace, Revision: 1, IsInstall: true}
	if r.parameters.Upgrade {
		options.Revision, options.IsInstall, options.IsUpgrade = 2, false, true
	}
	values, err := commonutil.ToRenderValuesWithSchemaValidation(loaded, r.values, options, capabilities, true)
	if err != nil {
		return nil, invalid(r.at("values.yaml"), "merging the chart's values", err)
	}
	if err := r.checkSchemas(loaded, values); err != nil {
		return nil, err
	}
	return r.execute(ctx, loaded, values)
}

func (r *helmRelease) execute(ctx context.Context, loaded *chart.Chart, values common.Values) ([]manifest, error) {
	random := newRandomCalls()
	functions := random.functions()
	if r.parameters.Flux {
		functions["lookup"] = r.lookUp
	}
	files, err := engine.Engine{CustomTemplateFuncs: functions}.RenderWithContext(ctx, loaded, values)
	r.findings = append(r.findings, random.findings(loaded, r.origins, r.at("Chart.yaml"))...)
	if err != nil {
		failed := templateError{text: err.Error(), files: templateFiles(loaded, r.origins), chart: r.at("Chart.yaml"), secret: r.parameters.SecretValues}
		return nil, failed.refusal()
	}
	total := int64(0)
	for _, text := range files {
		if total += int64(len(text)); total > r.tree.limits.RenderedBytes {
			return nil, overLimit("renderedBytes", r.tree.limits, plugin.Origin{File: r.folder})
		}
	}
	sources := templateFiles(loaded, r.origins)
	var manifests []manifest
	if !r.parameters.SkipCRDs {
		manifests = r.crds(loaded)
	}
	sorter := sorter{limits: r.tree.limits, sources: sources, keepTests: r.keepTests, skipHooks: r.skipHooks}
	sorted, err := sorter.sort(files)
	r.findings = append(r.findings, sorter.findings...)
	return append(manifests, sorted...), err
}

// crds are the files of every crds folder, as they stand.
func (r *helmRelease) crds(loaded *chart.Chart) []manifest {
	var manifests []manifest
	for _, crd := range loaded.CRDObjects() {
		manifests = append(manifests, manifest{file: r.origins[crd.File], text: string(crd.File.Data), static: true})
	}
	return manifests
}

func (r *helmRelease) at(file string) plugin.Origin {
	return plugin.Origin{File: path.Join(r.folder, file)}
}

func (r *helmRelease) capabilities() (*common.Capabilities, error) {
	capabilities := common.DefaultCapabilities.Copy()
	wanted := r.parameters.KubeVersion
	if wanted == "" {
		wanted = defaultKubeVersion
	}
	version, err := common.ParseKubeVersion(wanted)
	if err != nil {
		return nil, invalid(plugin.Origin{}, fmt.Sprintf("the Kubernetes version %q is not a version", wanted), err)
	}
	capabilities.KubeVersion = *version
	capabilities.APIVersions = append(append(common.VersionSet{}, capabilities.APIVersions...), r.parameters.APIVersions...)
	return capabilities, nil
}

// objects decodes manifests in order.
func (r *helmRelease) objects(manifests []manifest) ([]plugin.Object, error) {
	stream := stream{limits: r.tree.limits}
	for _, manifest := range manifests {
		if manifest.decoded {
			if err := stream.add(manifest.value, plugin.Origin{File: manifest.file}); err != nil {
				return nil, err
			}
			continue
		}
		stream.file, stream.line = manifest.file, linesUnknown
		if manifest.static {
			stream.line = 0
		}
		if err := stream.decode([]byte(manifest.text)); err != nil {
			return nil, err
		}
	}
	r.findings = append(r.findings, stream.findings...)
	return stream.objects, nil
}
