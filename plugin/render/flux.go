package render

import (
	"context"
	"fmt"
	"path"
	"reflect"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/assay-gitops/assay/plugin"
)

// renderFlux renders a folder as Flux's kustomize-controller does for a
// Kustomization with these fields: a kustomization is made where there is none,
// the fields go into it, it is built, variables are put into what was built,
// and the common metadata over that.
func renderFlux(ctx context.Context, tree *tree, source plugin.Source, lock *schemaLock) (plugin.Rendering, error) {
	folder, parameters := source.Path, source.Parameters.Flux
	if !tree.isDir(folder) {
		return plugin.Rendering{}, &plugin.Refusal{
			Rule: ruleInvalid, Origin: plugin.Origin{File: folder}, Message: folder + " is no folder",
			Why: "a Flux Kustomization builds a folder", Hint: "name the folder that it is in",
		}
	}
	build := &kustomizeBuild{files: newKustomizeFiles(tree), folder: folder, inflated: map[string][]string{}, patches: namedPatches(parameters.Patches)}
	findings, err := build.generate(ctx, parameters)
	if err != nil {
		return plugin.Rendering{}, err
	}
	walk := newKustomizeWalk(build.files)
	walk.anywhere = true
	if err := walk.visit(folder, plugin.Origin{File: folder}, ""); err != nil {
		return plugin.Rendering{Findings: findings}, err
	}
	built, err := build.asFlux(walk, lock)
	if err != nil {
		return plugin.Rendering{Findings: findings}, err
	}
	places := &placeIndex{walk: walk, known: map[string][]place{}}
	places.folder(folder)
	reader := &nodeReader{folder: folder, places: places, limits: tree.limits}
	objects, err := reader.objects(built)
	if err != nil {
		return plugin.Rendering{Findings: findings}, err
	}
	substitution := newSubstitution(parameters.PostBuild, build.files)
	unset := substitution.unsetImages(objects)
	if err := substitution.all(built, objects); err != nil {
		return plugin.Rendering{Findings: findings, Hidden: substitution.hidden()}, err
	}
	for _, image := range unset {
		findings = append(findings, image.finding(objects[image.object]))
	}
	settleNamespaces(objects, parameters.DefaultNamespace)
	rendering, err := applied(objects, parameters.CommonMetadata)
	rendering.Findings, rendering.Hidden = append(findings, rendering.Findings...), substitution.hidden()
	return rendering, err
}

// applied are the objects that kustomize-controller applies out of those that
// were built, and what it cannot be shown about them.
func applied(built []plugin.Object, common plugin.FluxMetadata) (plugin.Rendering, error) {
	var rendering plugin.Rendering
	for _, object := range built {
		if isKustomization(object.ID()) {
			rendering.Findings = append(rendering.Findings, plugin.Finding{
				Rule: ruleNotAnObject, Level: plugin.Warn, Object: object.ID(), Origin: object.Origin,
				Message: "a kustomization stands among the objects, and Flux leaves it out",
				Hint:    "name its folder as a resource, or remove it",
			})
			continue
		}
		objects, err := expand(object, 0)
		if err != nil {
			return rendering, err
		}
		rendering.Objects = append(rendering.Objects, objects...)
	}
	for _, object := range rendering.Objects {
		setCommonMetadata(object.Fields, common)
	}
	rendering.Findings = append(rendering.Findings, builtAgain(rendering.Objects)...)
	rendering.Findings = append(rendering.Findings, unresolvedImages(rendering.Objects)...)
	rendering.Findings = append(rendering.Findings, encrypted(rendering.Objects)...)
	return rendering, nil
}

// asFlux builds with kustomize-controller's options: files may be named from
// anywhere in the tree, objects stay in the order in which they were read, and
// charts are not inflated.
func (b *kustomizeBuild) asFlux(walk *kustomizeWalk, lock *schemaLock) (resmap.ResMap, error) {
	for _, folder := range walk.folders {
		page := walk.pages[folder]
		if len(page.k.HelmCharts) > 0 || len(page.k.HelmChartInflationGenerator) > 0 {
			return nil, &plugin.Refusal{
				Rule: ruleNotSupported, Origin: page.lines.field("helmCharts"), Message: "Flux does not inflate the charts of a kustomization",
				Why: "kustomize-controller builds without --enable-helm, and fails", Hint: "use a HelmRelease, or render the chart into the tree",
			}
		}
	}
	defer lock.hold(walk.ownSchema)()
	if walk.ownSchema { // it adds to Kubernetes' own, as in the controller
		openapi.ResetOpenAPI()
		_ = openapi.Schema()
	}
	options := &krusty.Options{Reorder: krusty.ReorderOptionNone, LoadRestrictions: types.LoadRestrictionsNone, PluginConfig: types.DisabledPluginConfig()}
	if walk.visited[b.folder].SortOptions != nil {
		options.Reorder = krusty.ReorderOptionUnspecified // without a word in the log
	}
	built, err := krusty.MakeKustomizer(options).Run(b.files, virtualPath(b.folder))
	if err != nil {
		return nil, b.refusal(err, walk)
	}
	return built, nil
}

// fluxAlone refuses parameters of one tool that were given to another one.
func fluxAlone(kind string, source plugin.Source) error {
	given := source.Parameters
	switch {
	case kind != KindFlux && !reflect.ValueOf(given.Flux).IsZero():
		return notFor(source, "the fields of a Flux Kustomization", kind)
	case kind == KindFlux && !isZeroParameters(given.Kustomize):
		return notFor(source, "kustomize's parameters", kind)
	case kind == KindFlux && !reflect.ValueOf(given.Directory).IsZero():
		return notFor(source, "parameters of a plain directory", kind)
	}
	return nil
}

func notFor(source plugin.Source, what, kind string) error {
	return &plugin.Refusal{
		Rule: ruleNotSupported, Origin: plugin.Origin{File: source.Path}, Message: fmt.Sprintf("%s are given to the renderer %q", what, kind),
		Why: "what is passed over in silence is believed to have been applied", Hint: "leave them out, or choose the renderer that they are for",
	}
}

// missingPath refuses an application's path that cannot be read, and names the
// folders that are near it.
func missingPath(tree *tree, name string, cause error) error {
	err := refuseRead(cause, plugin.Origin{File: name})
	refusal, is := err.(*plugin.Refusal) //nolint:errorlint // it was made right here
	if !is || refusal.Rule != ruleMissing {
		return err
	}
	refusal.Hint = "name a path that is in the tree"
	for above := path.Dir(name); ; above = path.Dir(above) {
		if hint := folders(tree, above); hint != "" {
			refusal.Hint += ": " + hint
			return refusal
		}
		if above == "." || above == "/" {
			return refusal
		}
	}
}
