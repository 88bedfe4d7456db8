package render

import (
	"context"
	"path"
	"slices"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// schemaLock keeps builds with an OpenAPI schema of their own apart from all
// others: kustomize holds the schema in a global.
type schemaLock struct{ sync.RWMutex }

// hold locks for one build and returns the unlock. A build with a schema of
// its own leaves none behind: it would decide how the next application's lists
// are merged.
func (l *schemaLock) hold(exclusive bool) func() {
	if exclusive {
		l.Lock()
		return func() {
			openapi.ResetOpenAPI()
			l.Unlock()
		}
	}
	l.RLock()
	return l.RUnlock
}

// kustomizeBuild is one `kustomize build --enable-helm`.
type kustomizeBuild struct {
	files  *kustomizeFiles
	charts ChartFetcher
	folder string
	// inflated lists, by folder, the overlay files that hold its charts.
	inflated map[string][]string
	// patches are those of the parameters.
	patches []plugin.KustomizePatch
	// kubeVersion and apiVersions are for charts that do not say it themselves, as
	// the options --helm-kube-version and --helm-api-versions are.
	kubeVersion string
	apiVersions []string
}

func renderKustomize(ctx context.Context, tree *tree, source plugin.Source, options kustomizeOptions) (plugin.Rendering, error) {
	folder := source.Path
	if tree.isFile(folder) && slices.Contains(kustomizationNames(), path.Base(folder)) {
		folder = path.Dir(folder)
	}
	build := &kustomizeBuild{
		files: newKustomizeFiles(tree), charts: options.charts, folder: folder, inflated: map[string][]string{}, patches: source.Parameters.Kustomize.Patches,
		kubeVersion: source.Parameters.Helm.KubeVersion, apiVersions: source.Parameters.Helm.APIVersions,
	}
	if err := build.edit(source.Parameters.Kustomize); err != nil {
		return plugin.Rendering{}, err
	}
	walk := newKustomizeWalk(build.files)
	if err := walk.visit(folder, plugin.Origin{File: folder}, ""); err != nil {
		return plugin.Rendering{}, err
	}
	if options.noCharts && walk.hasCharts() {
		return plugin.Rendering{}, ErrPrograms
	}
	findings, err := build.inflate(ctx, walk)
	if err != nil {
		return plugin.Rendering{Findings: findings}, err
	}
	defer options.lock.hold(walk.ownSchema)()
	built, err := krusty.MakeKustomizer(commandLine()).Run(build.files, virtualPath(folder))
	if err != nil {
		return plugin.Rendering{}, build.refusal(err, walk)
	}
	places := &placeIndex{walk: walk, inflated: build.inflated, known: map[string][]place{}}
	places.folder(folder)
	reader := &nodeReader{folder: folder, places: places, limits: tree.limits}
	objects, err := reader.objects(built)
	return plugin.Rendering{Objects: objects, Findings: findings}, err
}

// commandLine are the options of `kustomize build`: objects are sorted
// (namespaces first, webhooks last) unless the kustomization says otherwise.
// The library's own default leaves them as they were read.
func commandLine() *krusty.Options {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // legacy, without a word in the log about a kustomization that says otherwise
	return options
}

// kustomizeOptions are what a renderer shares between builds.
type kustomizeOptions struct {
	charts ChartFetcher
	lock   *schemaLock
	// noCharts ends, with ErrPrograms, where a kustomization has a chart.
	noCharts bool
}

// edit applies the parameters to the root kustomization in memory, in the
// order and with the meaning of Argo CD's calls of `kustomize edit`.
func (b *kustomizeBuild) edit(parameters plugin.KustomizeParameters) error {
	if isZeroParameters(parameters) {
		return nil
	}
	return b.rewrite(b.folder, func(k *types.Kustomization) error { return b.editKustomization(k, parameters) })
}

// rewrite replaces one folder's kustomization in memory.
func (b *kustomizeBuild) rewrite(folder string, change func(*types.Kustomization) error) error {
	name, found := b.files.kustomization(folder)
	if !found {
		return missingKustomization(folder, plugin.Origin{File: folder})
	}
	origin := plugin.Origin{File: name}
	data, err := b.files.read(name)
	if err != nil {
		return refuseRead(err, origin)
	}
	k, err := parseKustomization(data, b.files.tree.limits, origin)
	if err != nil {
		return err
	}
	if err := change(&k); err != nil {
		return err
	}
	changed, err := yaml.Marshal(k)
	if err != nil {
		return invalid(origin, "writing the edited kustomization", err)
	}
	if _, again := b.files.written[name]; !again {
		b.files.written[name] = data
	}
	b.files.overlay[name] = changed
	return nil
}

func parseKustomization(data []byte, limits plugin.Limits, origin plugin.Origin) (types.Kustomization, error) {
	var k types.Kustomization
	if err := checkBounds(data, limits, origin); err != nil {
		return k, err
	}
	if err := k.Unmarshal(data); err != nil {
		return k, brokenKustomization(data, origin, err)
	}
	k.FixKustomization()
	return k, nil
}

func missingKustomization(folder string, asked plugin.Origin) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleMissing, Origin: asked, Message: "there is no kustomization file in " + folder,
		Hint: "add kustomization.yaml, or name a folder that has one",
	}
}
