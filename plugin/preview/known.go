package preview

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/assay-gitops/assay/plugin"
)

// known are the renderings of this run, by everything but their tree: the
// second side is rendered only where something that the first one read differs.
type known struct {
	readings *Readings
	vendored map[string]*os.Root
	stills   stills

	// rendered counts the renderings that were made.
	rendered atomic.Int64

	mu sync.Mutex
	by map[string][]*rendering
}

// rendering is what is kept of one: not its objects but those that other
// applications are made of.
type rendering struct {
	facts   plugin.TreeFacts
	objects []plugin.Object
	err     error
}

func newKnown(readings *Readings) *known {
	return &known{readings: readings, vendored: map[string]*os.Root{}, by: map[string][]*rendering{}}
}

// children renders a part, unless what an earlier rendering read is as it was,
// and gives the objects that other applications are made of. A part that does
// not render has none; the error says why.
func (k *known) children(ctx context.Context, r *runner, part *located) ([]plugin.Object, error) {
	if part.problem != nil {
		return nil, part.problem
	}
	if before := k.find(part); before != nil {
		part.facts = before.facts
		return before.objects, before.err
	}
	if facts := k.readings.find(part, k.stills.hold); facts != nil {
		part.facts = facts
		k.keep(part, &rendering{facts: facts})
		return nil, nil
	}
	k.rendered.Add(1)
	made, err := r.render(ctx, part)
	kept := &rendering{objects: interesting(made.Objects), err: err}
	var refusal *plugin.Refusal
	if made.Facts == nil || err != nil && !errors.As(err, &refusal) {
		return kept.objects, err // what has no answer may have one the next time
	}
	kept.facts, part.facts = made.Facts, made.Facts
	k.keep(part, kept)
	if len(kept.objects) == 0 && err == nil {
		k.readings.keep(part)
	}
	return kept.objects, err
}

func (k *known) find(part *located) *rendering {
	k.mu.Lock()
	candidates := slices.Clone(k.by[part.key])
	k.mu.Unlock()
	for _, candidate := range candidates {
		if k.stills.hold(candidate.facts, part) {
			return candidate
		}
	}
	return nil
}

func (k *known) keep(part *located, made *rendering) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by[part.key] = append(k.by[part.key], made)
}

// save writes what the next run can use.
func (k *known) save() error {
	for _, root := range k.vendored {
		_ = root.Close()
	}
	return k.readings.save()
}

// interesting are the objects that other applications are made of, and what
// they refer to; nil where there is no such application.
func interesting(objects []plugin.Object) []plugin.Object {
	if !slices.ContainsFunc(objects, func(object plugin.Object) bool { return defines(object.ID()) || sources(object.ID()) }) {
		return nil
	}
	var kept []plugin.Object
	for _, object := range objects {
		if defines(object.ID()) || refers(object.ID()) {
			kept = append(kept, object)
		}
	}
	return kept
}

// sources reports whether an object is a source of Flux: a HelmRelease of
// another rendering may refer to it.
func sources(id plugin.ObjectID) bool { return id.Group() == "source.toolkit.fluxcd.io" }

// render renders a part without judging it.
func (r *runner) render(ctx context.Context, part *located) (plugin.Rendering, error) {
	if part.release != nil {
		pipeline, err := r.Setup.Pipeline(part.outer)
		if err != nil {
			return plugin.Rendering{}, err
		}
		return part.release.Render(ctx, pipeline.Renderer, false)
	}
	return r.Setup.Render(ctx, part.source)
}
