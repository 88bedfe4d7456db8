package plugin

import (
	"context"
	"slices"
)

// Filled is a rendering before and after hardening, without pins.
type Filled struct {
	// Before and After are the objects in the same order; objects that
	// hardening added stand at the end of After alone.
	Before, After []Object
	// Images are the application's, with their configurations as far as they
	// are known.
	Images []Image
	// Findings are of the stages up to hardening. When one blocks and there are
	// no objects, the run did not come to its end.
	Findings []Finding
	// Changes are what hardening said.
	Changes []Finding
	// Done is set when hardening ran.
	Done bool
}

// Fill renders the source, looks up its images and hardens it, without asking
// who vouches for anything and without judging: it says what hardening would
// write. Nothing that it returns may be handed on.
func (p *Pipeline) Fill(ctx context.Context, source Source) Filled {
	quiet := *p
	quiet.Pin = false
	r := quiet.begin(source)
	var filled Filled
	r.through(ctx, []stage{
		{"setup", r.checkPipeline},
		{"render", r.render},
		{"mutate", r.mutate},
		{"images", r.findImages},
		{"resolve", r.resolve},
		{"inspect", r.inspectAlone},
		{"harden", func(ctx context.Context) { r.fill(ctx, &filled) }},
	})
	r.maskFindings()
	filled.Findings = r.verdict.Findings
	SortFindings(filled.Findings)
	return filled
}

// inspectAlone is the verify stage without a gate's trust rules.
func (r *run) inspectAlone(ctx context.Context) {
	gates := r.Gates
	r.Gates = nil
	r.verify(ctx)
	r.Gates = gates
}

// fill hardens copies, and leaves the rendering as it was.
func (r *run) fill(ctx context.Context, filled *Filled) {
	filled.Before = slices.Clone(r.objects)
	filled.Images = r.images
	for i := range r.objects {
		r.objects[i] = r.objects[i].DeepCopy()
	}
	if r.Hardener != nil {
		r.objects, filled.Changes = r.Hardener.Harden(ctx, Unhardened{Source: r.source, Objects: r.objects, Images: NewImageIndex(slices.Clone(r.images))})
	}
	filled.After = r.objects
	filled.Done = ctx.Err() == nil
}
