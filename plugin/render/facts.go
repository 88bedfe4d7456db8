package render

import (
	"encoding/json"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// facts are what a rendering read of its tree.
type facts map[string]read

// Hold implements plugin.TreeFacts.
func (f facts) Hold(source plugin.Source, limits plugin.Limits) bool {
	if source.Root == nil {
		return false
	}
	tree := newTree(source.Root, limits)
	tree.overlay = source.Overlay
	for name, fact := range f {
		if !tree.holds(name, fact) {
			return false
		}
	}
	return true
}

// ParseFacts reads what the JSON form of a rendering's facts says.
func ParseFacts(data []byte) (plugin.TreeFacts, error) {
	var read facts
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, fmt.Errorf("reading what a rendering read of its tree: %w", err)
	}
	if len(read) == 0 {
		return nil, fmt.Errorf("reading what a rendering read of its tree: there is nothing, and no rendering reads nothing")
	}
	return read, nil
}
