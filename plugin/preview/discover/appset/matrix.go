package appset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// matrix joins every parameter set of its first generator with every one of
// its second, which is a template over the first's.
func (e *expander) matrix(interpolated generator, at place) ([]map[string]any, error) {
	inner := interpolated.Matrix.Generators
	if len(inner) != 2 {
		return nil, &hintedError{err: fmt.Errorf("it has %d generators, and a matrix has two", len(inner)), hint: "nest a second matrix for a third generator"}
	}
	first, err := e.child(inner[0], nil, at, 0)
	if err != nil {
		return nil, err
	}
	var joined []map[string]any
	for _, outer := range first {
		second, err := e.child(inner[1], outer, at, 1)
		if err != nil {
			return nil, err
		}
		for _, params := range second {
			both, err := e.join(outer, params)
			if err != nil {
				return nil, err
			}
			joined = append(joined, both)
		}
	}
	return joined, nil
}

// join is one cell of a matrix. With Go templates the first generator wins
// where both set the same; without them that is an error, unless they agree.
func (e *expander) join(first, second map[string]any) (map[string]any, error) {
	if e.read.GoTemplate {
		joined := map[string]any{}
		if err := mergeOver(&joined, second); err != nil {
			return nil, err
		}
		return joined, mergeOver(&joined, first)
	}
	joined, more := asText(first), asText(second)
	for _, name := range slices.Sorted(maps.Keys(more)) {
		value := more[name]
		if was, both := joined[name]; both && was != value {
			return nil, &hintedError{
				err:  fmt.Errorf("both generators set %s: %q and %q", name, was, value),
				hint: "take pathParamPrefix for a Git generator, or another name in a list",
			}
		}
	}
	maps.Copy(joined, more)
	return joined, nil
}

func asText(params map[string]any) map[string]any {
	texts := make(map[string]any, len(params))
	for name, value := range params {
		texts[name] = fmt.Sprintf("%v", value)
	}
	return texts
}

// child asks the generator inside a matrix or a merge.
func (e *expander) child(requested generator, outer map[string]any, at place, index int) ([]map[string]any, error) {
	inside := place{path: fmt.Sprintf("%s.generators[%d]", at.path, index), depth: at.depth + 1}
	if inside.depth > 1 { // the resource's definition has no room for more
		requested.Matrix, requested.Merge = nil, nil
	}
	requested = withoutInnerTemplate(requested)
	results, err := e.ask(requested, base{}, outer, inside)
	switch {
	case err != nil:
		return nil, fmt.Errorf("generators[%d]: %w", index, err)
	case len(results) == 0:
		return nil, &hintedError{
			err:  fmt.Errorf("generators[%d] generated no parameters: it names no generator that can stand there", index),
			hint: "write list, clusters or git; a matrix or merge can stand in a matrix or merge once",
		}
	case len(results) > 1:
		return nil, &hintedError{err: fmt.Errorf("generators[%d]: %w", index, errSeveral), hint: "make an entry of its own for each"}
	}
	return results[0].params, nil
}

// withoutInnerTemplate: a combination inside another has no template in the
// resource's definition.
func withoutInnerTemplate(requested generator) generator {
	for _, inner := range []**combination{&requested.Matrix, &requested.Merge} {
		if *inner != nil {
			plain := **inner
			plain.Template, *inner = base{}, &plain
		}
	}
	return requested
}

var errSeveral = errors.New("found more than one generator in one entry")
