package appset

import (
	"fmt"
	"maps"
	"slices"
)

// valuesAt are the "values" of the kinds in a generator, as they are before a
// matrix fills it.
type valuesAt struct {
	git, clusters map[string]string
	inside        []valuesAt
}

// withoutValues takes the values out of a generator and out of those inside it.
// The generator given stays as it is.
func withoutValues(from generator) (generator, valuesAt) {
	var kept valuesAt
	if from.Git != nil {
		git := *from.Git
		kept.git, git.Values = git.Values, nil
		from.Git = &git
	}
	if from.Clusters != nil {
		clusters := *from.Clusters
		kept.clusters, clusters.Values = clusters.Values, nil
		from.Clusters = &clusters
	}
	for _, inner := range []**combination{&from.Matrix, &from.Merge} {
		if *inner == nil {
			continue
		}
		combined := **inner
		combined.Generators = slices.Clone(combined.Generators)
		for i, child := range combined.Generators {
			plain, values := withoutValues(child)
			combined.Generators[i] = plain
			kept.inside = append(kept.inside, values)
		}
		*inner = &combined
	}
	return from, kept
}

// fill puts the values back, each as fill has it.
func (v valuesAt) fill(into *generator, fill func(string) (string, error)) error {
	var err error
	if into.Git != nil {
		if into.Git.Values, err = filledValues(v.git, fill); err != nil {
			return fmt.Errorf("git.values: %w", err)
		}
	}
	if into.Clusters != nil {
		if into.Clusters.Values, err = filledValues(v.clusters, fill); err != nil {
			return fmt.Errorf("clusters.values: %w", err)
		}
	}
	next := 0
	for _, inner := range []*combination{into.Matrix, into.Merge} {
		if inner == nil {
			continue
		}
		for i := range inner.Generators {
			if err := v.inside[next].fill(&inner.Generators[i], fill); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

func filledValues(values map[string]string, fill func(string) (string, error)) (map[string]string, error) {
	if values == nil {
		return nil, nil
	}
	filled := make(map[string]string, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text, err := fill(values[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		filled[name] = text
	}
	return filled, nil
}
