package appset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// replacer fills the templates of one ApplicationSet.
type replacer struct {
	ctx    context.Context
	limits plugin.Limits
	// engine is nil without spec.goTemplate.
	engine *goTemplates
	// produced counts the bytes of all texts.
	produced int64
}

func newReplacer(ctx context.Context, read definition, input Input) *replacer {
	made := &replacer{ctx: ctx, limits: input.Limits}
	if read.GoTemplate {
		made.engine = newGoTemplates(ctx, read.GoTemplateOptions, input)
	}
	return made
}

// random are the functions that were called and answer otherwise each time.
func (r *replacer) random() []string {
	if r.engine == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.engine.random))
}

// text fills one text.
func (r *replacer) text(written string, params map[string]any) (string, error) {
	filled, err := r.fill(written, params, r.goOptions())
	if err != nil {
		return "", err
	}
	if int64(len(filled)) > r.limits.TemplateBytes {
		return "", tooLarge("the text", r.limits.TemplateBytes)
	}
	if r.produced += int64(len(filled)); r.produced > r.limits.RenderedBytes {
		return "", &hintedError{
			err:  fmt.Errorf("the templates write more than %d bytes (limit renderedBytes)", r.limits.RenderedBytes),
			hint: "take smaller templates or generators, or raise the limit in the gate",
		}
	}
	return filled, nil
}

func (r *replacer) goOptions() []string {
	if r.engine == nil {
		return nil
	}
	return r.engine.options
}

func (r *replacer) fill(written string, params map[string]any, options []string) (string, error) {
	if !strings.Contains(written, "{{") {
		return written, nil
	}
	if r.ctx.Err() != nil {
		return "", fmt.Errorf("filling templates: %w", r.ctx.Err())
	}
	if r.engine == nil {
		return fillFast(written, params)
	}
	return r.engine.fill(written, params, options)
}

// into fills every text and every key in a value, and reads what comes of it
// as another.
func (r *replacer) into(from, to any, path string, params map[string]any) error {
	var tree any
	if err := convert(from, &tree); err != nil {
		return err
	}
	filled, err := r.tree(tree, path, params)
	if err != nil {
		return err
	}
	if err := convert(filled, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// tree fills a value of JSON's types. Of two keys that become the same the one
// that is sorted last counts; in Argo CD it is either.
func (r *replacer) tree(value any, path string, params map[string]any) (any, error) {
	switch value := value.(type) {
	case string:
		text, err := r.text(value, params)
		if err != nil {
			return nil, at(path, err)
		}
		return text, nil
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			filled, err := r.tree(item, fmt.Sprintf("%s[%d]", path, i), params)
			if err != nil {
				return nil, err
			}
			items[i] = filled
		}
		return items, nil
	case map[string]any:
		members := make(map[string]any, len(value))
		for _, name := range slices.Sorted(maps.Keys(value)) {
			filled, err := r.tree(value[name], path+"."+name, params)
			if err != nil {
				return nil, err
			}
			key, err := r.text(name, params)
			if err != nil {
				return nil, at(path+", the key "+name, err)
			}
			members[key] = filled
		}
		return members, nil
	}
	return value, nil
}

func at(path string, err error) error {
	return fmt.Errorf("%s: %w", path, err)
}

// generator fills a generator with the parameters of the one before it in a
// matrix.
//
// In "values" of the kinds that have them a text that names a parameter which
// only the generator itself will know stays as it is: it is filled again then.
func (r *replacer) generator(requested generator, params map[string]any, path string) (generator, error) {
	plain, kept := withoutValues(requested)
	var filled generator
	if err := r.into(plain, &filled, path, params); err != nil {
		return generator{}, err
	}
	err := kept.fill(&filled, func(text string) (string, error) { return r.early(text, params) })
	return filled, err
}

// early fills a text whose parameters may not all be there yet.
func (r *replacer) early(text string, params map[string]any) (string, error) {
	options := slices.DeleteFunc(slices.Clone(r.goOptions()), func(option string) bool { return strings.HasPrefix(option, "missingkey=") })
	filled, err := r.fill(text, params, append(options, "missingkey=error"))
	if err != nil && isMissing(err) {
		return text, nil
	}
	return filled, err
}

// isMissing knows the words of text/template for a parameter that is not
// there.
func isMissing(err error) bool {
	return strings.Contains(err.Error(), "map has no entry for key") || strings.Contains(err.Error(), "can't evaluate field")
}

// hintFor is what to do about an error.
func hintFor(err error) string {
	var hinted *hintedError
	switch {
	case errors.As(err, &hinted):
		return hinted.hint
	case errors.Is(err, context.DeadlineExceeded):
		return "look for a range over a long list or a template that calls itself, or raise the limit renderSeconds in the gate"
	case isMissing(err):
		return "correct the name, or give every element the parameter: the index function and default read one that may be missing"
	}
	return "correct the field; Argo CD refuses the whole ApplicationSet with it"
}
