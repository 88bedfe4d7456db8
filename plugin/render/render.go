package render

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/assay-gitops/assay/plugin"
)

// Options configure a [Renderer].
type Options struct {
	// Limits bound one rendering; the zero value refuses everything.
	Limits plugin.Limits
	// Charts fetches chart dependencies that are not in the tree; nil refuses
	// them.
	Charts ChartFetcher
	// Cache keeps renderings; nil renders every time.
	Cache *Cache
	// NoPrograms refuses, with ErrPrograms, what runs programs of the source: the
	// templates of charts, and languages. It is for sources that nobody trusts
	// where the process is no worker.
	NoPrograms bool
}

// ErrPrograms is the refusal of a renderer that runs no program of the source.
var ErrPrograms = errors.New("the source has templates, which are rendered in a worker alone")

// Renderer renders in this process. It may be used by many goroutines.
type Renderer struct {
	options Options
	// kustomize guards the OpenAPI schema, which kustomize keeps in a global.
	kustomize *schemaLock
}

// New returns a renderer.
func New(options Options) *Renderer {
	return &Renderer{options: options, kustomize: &schemaLock{}}
}

// Kinds of renderers, as in plugin.Parameters.Kind.
const (
	KindKustomize = "kustomize"
	KindHelm      = "helm"
	KindDirectory = "directory"
	KindFlux      = "flux"
)

// Render renders source. It detects the tool (a kustomization file, then
// Chart.yaml, else plain manifests) unless Parameters.Kind names one. A template
// that does not end goes on in the background after ctx is done: use [Workers]
// for sources that nobody trusts.
func (r *Renderer) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	if err := context.Cause(ctx); err != nil {
		return plugin.Rendering{}, stopped(source, err)
	}
	if rendering, hit := r.cached(source); hit {
		return rendering, nil
	}
	type answer struct {
		output output
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		rendered, err := r.guarded(ctx, source)
		done <- answer{rendered, err}
	}()
	select {
	case <-ctx.Done():
		return plugin.Rendering{}, stopped(source, context.Cause(ctx))
	case answer := <-done:
		if answer.err == nil && source.Rendered == nil && len(source.Overlay) == 0 {
			r.options.Cache.keep(source, answer.output.rendering, answer.output.reads)
		}
		return answer.output.rendering, answer.err
	}
}

func (r *Renderer) cached(source plugin.Source) (plugin.Rendering, bool) {
	if source.Rendered != nil || source.Root == nil || len(source.Overlay) > 0 {
		return plugin.Rendering{}, false
	}
	return r.options.Cache.lookup(source, r.options.Limits)
}

// stopped is no answer: the caller went away or its deadline passed.
func stopped(source plugin.Source, cause error) error {
	return &plugin.StageError{
		Stage: "render", Subject: source.Path, Cause: cause,
		Hint: "run it again; give it more time when it was a deadline",
	}
}

// output is a rendering and what it read.
type output struct {
	rendering plugin.Rendering
	reads     map[string]read
}

// guarded turns a panic of a library into a refusal.
func (r *Renderer) guarded(ctx context.Context, source plugin.Source) (rendered output, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &plugin.Refusal{
				Rule: ruleCrashed, Origin: plugin.Origin{File: source.Path}, Message: fmt.Sprintf("rendering stopped: %v", cause),
				Hint: "check the source with the tool's own command line; when that works, this is a defect of assay",
			}
		}
	}()
	rendered, err = r.render(ctx, source)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		err = stopped(source, context.Cause(ctx))
	}
	return rendered, err
}

func (r *Renderer) render(ctx context.Context, source plugin.Source) (output, error) {
	limits := r.options.Limits
	if source.Rendered != nil {
		rendering, err := renderStream(source, limits)
		return output{rendering: rendering}, err
	}
	if source.Root == nil {
		return output{}, errors.New("rendering: the source has no tree")
	}
	if !path.IsAbs(source.Path) {
		source.Path = path.Clean(source.Path)
	}
	record := &chartRecord{ChartFetcher: r.options.Charts}
	var charts ChartFetcher // nil where nothing may be fetched
	if r.options.Charts != nil {
		charts = record
	}
	tree := newTree(source.Root, limits)
	tree.overlay = source.Overlay
	if _, err := tree.stat(source.Path); err != nil {
		return output{rendering: plugin.Rendering{Facts: facts(tree.reads)}, reads: tree.reads}, missingPath(tree, source.Path, err)
	}
	rendering, err := r.byKind(ctx, tree, source, charts)
	if err != nil {
		return output{rendering: plugin.Rendering{Findings: rendering.Findings, Hidden: rendering.Hidden, Facts: facts(tree.reads)}, reads: tree.reads}, err
	}
	rendering, err = finish(rendering, source, limits)
	rendering.Charts, rendering.Facts = record.fetched, facts(tree.reads)
	return output{rendering: rendering, reads: tree.reads}, err
}

func renderStream(source plugin.Source, limits plugin.Limits) (plugin.Rendering, error) {
	if int64(len(source.Rendered)) > limits.RenderedBytes {
		return plugin.Rendering{}, overLimit("renderedBytes", limits, plugin.Origin{})
	}
	stream := stream{limits: limits, concatenated: true}
	if err := stream.decode(source.Rendered); err != nil {
		return plugin.Rendering{Findings: stream.findings}, ofStandardInput(err)
	}
	return finish(plugin.Rendering{Objects: stream.objects, Findings: stream.findings}, source, limits)
}

// asksForHelm reports whether values were given, which only charts have.
func asksForHelm(p plugin.HelmParameters) bool {
	return len(p.ValueFiles)+len(p.Set)+len(p.SetString)+len(p.SetFile) > 0 || p.Values != "" || p.ReleaseValues != ""
}

func (r *Renderer) byKind(ctx context.Context, tree *tree, source plugin.Source, charts ChartFetcher) (plugin.Rendering, error) {
	kind := source.Parameters.Kind
	if kind == "" {
		kind = detect(tree, source.Path)
	}
	if kind != KindHelm && asksForHelm(source.Parameters.Helm) {
		return plugin.Rendering{}, &plugin.Refusal{
			Rule: ruleNotSupported, Origin: plugin.Origin{File: source.Path}, Message: "values are given, and " + source.Path + " is no Helm chart",
			Why: "what is passed over in silence is believed to have been applied", Hint: "leave the values out, or name the chart's folder",
		}
	}
	if err := fluxAlone(kind, source); err != nil {
		return plugin.Rendering{}, err
	}
	if r.options.NoPrograms && kind != KindKustomize && kind != KindFlux {
		return plugin.Rendering{}, ErrPrograms
	}
	switch kind {
	case KindHelm:
		return renderHelm(ctx, tree, source, kustomizeOptions{charts: charts, lock: r.kustomize})
	case KindKustomize:
		return renderKustomize(ctx, tree, source, kustomizeOptions{charts: charts, lock: r.kustomize, noCharts: r.options.NoPrograms})
	case KindDirectory:
		return renderDirectory(ctx, tree, source)
	case KindFlux:
		return renderFlux(ctx, tree, source, r.kustomize)
	}
	return plugin.Rendering{}, &plugin.Refusal{
		Rule: ruleNotSupported, Origin: plugin.Origin{File: source.Path}, Message: fmt.Sprintf("there is no renderer %q", kind),
		Hint: "use kustomize, helm, directory or flux",
	}
}

// KindOf is the renderer that is taken for a source in a tree.
func KindOf(source plugin.Source, limits plugin.Limits) string {
	if source.Parameters.Kind != "" {
		return source.Parameters.Kind
	}
	tree := newTree(source.Root, limits)
	tree.overlay = source.Overlay
	return detect(tree, path.Clean(source.Path))
}

// KustomizationOf names the kustomization file of a folder, or that is the
// path itself; false when there is none.
func KustomizationOf(source plugin.Source, limits plugin.Limits) (string, bool) {
	tree := newTree(source.Root, limits)
	tree.overlay = source.Overlay
	if folder := path.Clean(source.Path); !tree.isFile(folder) {
		return newKustomizeFiles(tree).kustomization(folder)
	}
	return path.Clean(source.Path), true
}

// kustomizationNames are the files that make a folder a kustomization.
func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// detect finds the tool as Argo CD does: where both are, the kustomization is
// taken.
func detect(tree *tree, folder string) string {
	for _, name := range kustomizationNames() {
		if tree.isFile(path.Join(folder, name)) {
			return KindKustomize
		}
	}
	if tree.isFile(path.Join(folder, "Chart.yaml")) {
		return KindHelm
	}
	return KindDirectory
}
