package appset

import (
	"fmt"

	"dario.cat/mergo"
)

// mergeOver merges parameters over others, as Argo CD does with Go templates:
// what is not empty wins, and mappings are joined. The library panics where the
// one has text alone and the other anything, such as "values" of a Git generator
// and of a list; so does Argo CD's controller.
func mergeOver(into *map[string]any, over map[string]any) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = &hintedError{
				err:  fmt.Errorf("merging parameters: Argo CD itself stops here, as one mapping of the same name can hold text alone and the other anything: %v", caught),
				hint: `give the "values" of one of the generators another name`,
			}
		}
	}()
	if err := mergo.Merge(into, over, mergo.WithOverride); err != nil {
		return fmt.Errorf("merging parameters: %w", err)
	}
	return nil
}
