package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/render"
)

// releases judges the HelmReleases in an application of the platform: each is
// rendered as Flux will render it and goes through the application's own gates.
// Nothing is written into what was rendered, as Flux renders it again, and so a
// tag counts as the tag that it is. What is found joins the application's
// verdict as it was decided; nothing of it lowers another finding. An
// application of a tenant has no such judge: self denies its HelmReleases.
type releases struct {
	// nested is the application's pipeline without what writes.
	nested plugin.Pipeline
	charts render.ChartFetcher
	locked bool
	limits plugin.Limits
	// denies is set when a gate does; where all of them only audit, nothing here
	// blocks either.
	denies bool
	// depth counts the releases that this one was rendered from.
	depth int
}

const (
	// deepestRelease bounds charts that render HelmReleases.
	deepestRelease = 3
	// releasesAtOnce bounds how many are rendered side by side.
	releasesAtOnce = 4
)

// newReleases is the judge for the pipeline of the platform's gates.
func newReleases(pipeline plugin.Pipeline, effective gate.Effective, fetcher render.ChartFetcher) releases {
	judge := releases{
		nested: pipeline, charts: fetcher, locked: pipeline.Lock.Required, limits: effective.Limits,
		denies: slices.ContainsFunc(pipeline.Gates, func(each plugin.GateStages) bool { return each.Deny }),
	}
	judge.nested.Mutator, judge.nested.Hardener, judge.nested.Progress = nil, nil, nil
	judge.nested.KeepObjects = false
	judge.nested.Pin = false
	judge.nested.Lock = plugin.LockPolicy{Drift: plugin.DriftIgnore, FileBytes: pipeline.Lock.FileBytes} // a lock binds nothing that Flux renders
	return judge
}

// Judge implements plugin.Judge.
func (r releases) Judge(ctx context.Context, sealed plugin.Sealed) []plugin.Finding {
	var wanted []plugin.Object
	for _, object := range sealed.Objects {
		if render.IsHelmRelease(object.ID()) {
			wanted = append(wanted, object)
		}
	}
	found := make([][]plugin.Finding, len(wanted))
	var group sync.WaitGroup
	free := make(chan struct{}, releasesAtOnce)
	for i, object := range wanted {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			found[i] = r.guarded(ctx, sealed, object)
			r.settle(found[i])
		})
	}
	group.Wait()
	return slices.Concat(found...)
}

// guarded turns a panic into a denial: it would end the process, as it is not
// the judge's own goroutine.
func (r releases) guarded(ctx context.Context, sealed plugin.Sealed, object plugin.Object) (findings []plugin.Finding) {
	defer func() {
		if cause := recover(); cause != nil {
			findings = []plugin.Finding{{
				Rule: "judge/panic", Object: object.ID(), Origin: object.Origin, Message: fmt.Sprintf("judging the HelmRelease stopped: %v", cause),
				Hint: "this is a defect of assay, please report it with the input that caused it",
			}}
		}
	}()
	return r.judge(ctx, sealed, object)
}

// settle lets nothing block where every gate only audits.
func (r releases) settle(findings []plugin.Finding) {
	for i := range findings {
		if !r.denies && findings[i].Level.Blocks() {
			findings[i].Level, findings[i].Audited = plugin.Warn, true
		}
	}
}

// judge renders and judges one release.
func (r releases) judge(ctx context.Context, sealed plugin.Sealed, object plugin.Object) []plugin.Finding {
	if r.depth >= deepestRelease {
		return about(object, "", plugin.FindingsFromError("helmrelease", fmt.Errorf("rendering %s: it was rendered by a release by a release; assay looks no deeper than %d", object.ID(), deepestRelease)))
	}
	found, err := render.FindRelease(ctx, render.ReleaseOptions{
		Release: object, Objects: sealed.Objects, Source: sealed.Source, Charts: r.charts, Locked: r.locked, Limits: r.limits,
	})
	if err != nil {
		return about(object, "", plugin.FindingsFromError("helmrelease", err))
	}
	if found.Sealed {
		return nil
	}
	done, err := withTree(found)
	if err != nil {
		return about(object, found.Chart, plugin.FindingsFromError("helmrelease", err))
	}
	defer done()
	verdict := r.run(ctx, sealed.Source, found, false)
	findings := append([]plugin.Finding{notSealed(object, found, verdict)}, about(object, found.Chart, shown(verdict))...)
	if slices.ContainsFunc(verdict.Findings, func(f plugin.Finding) bool { return f.Rule == render.RuleUpgrade }) {
		for _, finding := range about(object, found.Chart+", as an upgrade", shown(r.run(ctx, sealed.Source, found, true))) {
			if finding.Level.Blocks() {
				findings = append(findings, finding)
			}
		}
	}
	return findings
}

// withTree gives a release of rendered text, which has no tree, an empty one.
func withTree(found *render.FoundRelease) (done func(), err error) {
	if found.Source.Root != nil {
		return func() {}, nil
	}
	folder, err := os.MkdirTemp("", "assay-helmrelease-")
	if err != nil {
		return nil, fmt.Errorf("making a folder to render %s in: %w", found.Chart, err)
	}
	if found.Source.Root, err = os.OpenRoot(folder); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the folder to render %s in: %w", found.Chart, err), os.RemoveAll(folder))
	}
	return func() { _, _ = found.Source.Root.Close(), os.RemoveAll(folder) }, nil
}

// run judges one rendering of the release. The source has no tree: the
// application's lock is not the release's.
func (r releases) run(ctx context.Context, outer plugin.Source, found *render.FoundRelease, upgrade bool) *plugin.Verdict {
	pipeline := r.nested
	pipeline.Renderer = releaseRenderer{found, r.nested.Renderer, upgrade}
	deeper := r
	deeper.depth++
	pipeline.Always = append(slices.Clip(pipeline.Always), deeper)
	source := found.Source
	source.Root, source.Overlay, source.Path = nil, nil, outer.Path
	return pipeline.Run(ctx, source)
}

// releaseRenderer renders a release in the place of the source that the
// pipeline has.
type releaseRenderer struct {
	found   *render.FoundRelease
	inner   plugin.Renderer
	upgrade bool
}

// Render implements plugin.Renderer.
func (r releaseRenderer) Render(ctx context.Context, _ plugin.Source) (plugin.Rendering, error) {
	return r.found.Render(ctx, r.inner, r.upgrade)
}

// shown are the findings that the application's report needs: what blocks, and
// warnings about the release's objects and images. The rest is about the gate
// and stands in the report already.
func shown(verdict *plugin.Verdict) []plugin.Finding {
	var findings []plugin.Finding
	for _, finding := range verdict.Findings {
		warns := finding.Level == plugin.Warn && (!finding.Object.IsZero() || finding.Image != "" || finding.Origin.File != "")
		if finding.Level.Blocks() || warns {
			findings = append(findings, finding)
		}
	}
	if verdict.Outcome() != plugin.Allowed && !slices.ContainsFunc(findings, func(f plugin.Finding) bool { return f.Level.Blocks() }) {
		findings = append(findings, plugin.Finding{
			Rule: "helmrelease/failed", Message: "the HelmRelease was not judged to its end, and nothing says why", Hint: "this is a defect of assay, please report it",
		})
	}
	return findings
}

// about makes findings of a rendered release findings about the HelmRelease: it
// is what the author can change.
func about(release plugin.Object, chart string, findings []plugin.Finding) []plugin.Finding {
	for i := range findings {
		finding := &findings[i]
		from := "rendered from " + release.ID().String()
		if chart != "" {
			from += ": " + chart
		}
		if finding.Origin.File != "" && finding.Origin != release.Origin {
			from += ", " + finding.Origin.String()
		}
		finding.Details = append(slices.Clip(finding.Details), from)
		if finding.Gate != "" {
			finding.Details = append(finding.Details, "judged by the gate "+finding.Gate)
		}
		finding.Origin = release.Origin
		if finding.Object.IsZero() {
			finding.Object, finding.Field, finding.Content = release.ID(), "", ""
		}
	}
	return findings
}

// notSealed says what the verdict on a HelmRelease is worth.
func notSealed(object plugin.Object, found *render.FoundRelease, verdict *plugin.Verdict) plugin.Finding {
	finding := plugin.Finding{
		Rule: "helmrelease/not-sealed", Level: plugin.Warn, Object: object.ID(), Origin: object.Origin,
		Message: fmt.Sprintf("Flux will render this again: %d objects with %d images were judged, and none of them is sealed", verdict.Objects, len(verdict.Images)),
		Why:     "what Flux installs is not pinned or hardened by assay, and a tag or a chart that is replaced later is not judged",
		Hint:    "write digests in the values, or consume the chart that a GatedSource publishes (spec.chartRef of kind ExternalArtifact)",
		Details: []string{found.Chart},
	}
	for _, image := range verdict.Images {
		finding.Details = append(finding.Details, image.Written+" was "+image.Digest)
	}
	return finding
}
