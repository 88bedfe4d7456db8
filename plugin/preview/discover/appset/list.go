package appset

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"sigs.k8s.io/yaml"
)

// list gives its elements. Without Go templates an element has text alone, and
// a mapping "values" of text; elementsYaml is taken as it is.
func (e *expander) list(interpolated generator, _ place) ([]map[string]any, error) {
	list := interpolated.List
	params := make([]map[string]any, len(list.Elements))
	for i, text := range list.Elements {
		var element map[string]any
		if err := json.Unmarshal(text, &element); err != nil {
			return nil, fmt.Errorf("elements[%d]: %w", i, typeMismatch(err))
		}
		if e.read.GoTemplate {
			params[i] = element
			continue
		}
		flat, err := flatElement(element)
		if err != nil {
			return nil, &hintedError{err: fmt.Errorf("elements[%d]: %w", i, err), hint: "write it as text, or set spec.goTemplate: true"}
		}
		params[i] = flat
	}
	if list.ElementsYaml == "" {
		return params, nil
	}
	var more []map[string]any
	if err := e.unmarshal([]byte(list.ElementsYaml), &more); err != nil {
		return nil, fmt.Errorf("elementsYaml: reading a list of mappings: %w", err)
	}
	return append(params, more...), nil
}

func flatElement(element map[string]any) (map[string]any, error) {
	flat := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(element)) { // the first that is wrong is told
		value := element[name]
		if name == "values" {
			values, is := value.(map[string]any)
			if !is {
				return nil, errors.New("values is no mapping")
			}
			for _, inner := range slices.Sorted(maps.Keys(values)) {
				if flat["values."+inner], is = values[inner].(string); !is {
					return nil, fmt.Errorf("values.%s is not text, and without Go templates it has to be", inner)
				}
			}
			continue
		}
		text, is := value.(string)
		if !is {
			return nil, fmt.Errorf("%s is not text, and without Go templates it has to be", name)
		}
		flat[name] = text
	}
	return flat, nil
}

// unmarshal reads YAML as Argo CD does, and no more of it than a file may have.
func (e *expander) unmarshal(text []byte, to any) error {
	if int64(len(text)) > e.input.Limits.FileBytes {
		return tooLarge("it", e.input.Limits.FileBytes)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		return fmt.Errorf("reading YAML: %w", err)
	}
	return nil
}
