package appset

import (
	"fmt"

	"dario.cat/mergo"
)

// outcome is what one kind of generator gives: parameter sets, and the template
// that its own override changed.
type outcome struct {
	params   []map[string]any
	template base
}

// kind is one kind that a generator names.
type kind struct {
	name     string
	template *base
	generate func(e *expander, interpolated generator, at place) ([]map[string]any, error)
}

// place is where a generator stands: its path, and how many combinations are
// around it. The definition of the resource ends at a combination in a
// combination; Argo CD drops what is nested deeper.
type place struct {
	path  string
	depth int
}

// kinds are what a generator names, in the order in which Argo CD asks them.
func (g generator) kinds() []kind {
	var named []kind
	if g.List != nil {
		named = append(named, kind{"list", &g.List.Template, (*expander).list})
	}
	if g.Clusters != nil {
		named = append(named, kind{"clusters", &g.Clusters.Template, (*expander).clusters})
	}
	if g.Git != nil {
		named = append(named, kind{"git", &g.Git.Template, (*expander).git})
	}
	if g.Matrix != nil {
		named = append(named, kind{"matrix", &g.Matrix.Template, (*expander).matrix})
	}
	if g.Merge != nil {
		named = append(named, kind{"merge", &g.Merge.Template, (*expander).merge})
	}
	return named
}

// transform asks a generator at the top.
func (e *expander) transform(requested generator, outer map[string]any, path string) ([]outcome, error) {
	return e.ask(requested, e.read.Template, outer, place{path: path})
}

// ask asks every kind that a generator names. With parameters of an outer
// generator, the generator itself is a template.
func (e *expander) ask(requested generator, set base, outer map[string]any, at place) ([]outcome, error) {
	selector, err := newSelector(requested.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	interpolated := requested
	if len(outer) > 0 {
		if interpolated, err = e.texts.generator(requested, outer, at.path); err != nil {
			return nil, err
		}
	}
	var results []outcome
	for _, named := range requested.kinds() {
		merged, err := override(*named.template, set)
		if err != nil {
			return nil, fmt.Errorf("%s.template: %w", named.name, err)
		}
		params, err := named.generate(e, interpolated, place{path: at.path + "." + named.name, depth: at.depth})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", named.name, err)
		}
		kept, err := e.selected(params, selector)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", named.name, err)
		}
		results = append(results, outcome{params: kept, template: merged})
	}
	return results, nil
}

// override fills what a generator's template leaves empty from the set's.
func override(own, set base) (base, error) {
	var merged, below base
	if err := convert(own, &merged); err != nil { // a copy: what is merged into must share nothing
		return base{}, err
	}
	if err := convert(set, &below); err != nil {
		return base{}, err
	}
	if err := mergo.Merge(&merged, below); err != nil {
		return base{}, fmt.Errorf("merging it with spec.template: %w", err)
	}
	return merged, nil
}

func (t base) application() application {
	var made application
	made.Name, made.Namespace = t.Metadata.Name, t.Metadata.Namespace
	made.Labels, made.Annotations = t.Metadata.Labels, t.Metadata.Annotations
	made.Finalizers = t.Metadata.Finalizers
	made.Spec = t.Spec
	return made
}

// selected are the parameter sets that a generator's selector takes, and the
// place where their number is bounded.
func (e *expander) selected(params []map[string]any, by *selector) ([]map[string]any, error) {
	if err := e.count(len(params)); err != nil {
		return nil, err
	}
	var kept []map[string]any
	for _, one := range params {
		if measure(one, e.input.Limits.TemplateBytes) > e.input.Limits.TemplateBytes {
			return nil, tooLarge("a set of parameters", e.input.Limits.TemplateBytes)
		}
		if by == nil || by.matches(flatten(withoutLabelMaps(one))) {
			kept = append(kept, one)
		}
	}
	return kept, nil
}

func (e *expander) count(more int) error {
	if e.made += int64(more); e.made > e.input.Limits.RenderedObjects {
		return &hintedError{
			err:  fmt.Errorf("its generators give more than %d sets of parameters (limit renderedObjects)", e.input.Limits.RenderedObjects),
			hint: "take smaller generators, or raise the limit in the gate",
		}
	}
	if e.ctx.Err() != nil {
		return fmt.Errorf("asking the generators: %w", e.ctx.Err())
	}
	return nil
}
