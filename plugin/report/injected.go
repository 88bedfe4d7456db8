package report

import (
	"cmp"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// Change is a kind of change to manifests that their author did not make.
type Change string

const (
	// Pinned is an image's digest that nobody had written.
	Pinned Change = "pinned"
	// FilledIn is a setting that hardening filled in.
	FilledIn Change = "filled-in"
	// Mutated is a field that the platform's own policies changed.
	Mutated Change = "mutated"
)

// Changes are all of them.
func Changes() []Change { return []Change{Pinned, FilledIn, Mutated} }

// Injection counts the changes of one kind, by one rule, to one object.
type Injection struct {
	// Object is what was changed.
	Object plugin.ObjectID `json:"object"`
	// Change is the kind of change.
	Change Change `json:"change"`
	// Rule says by which hardening rule or policy; empty for pinned images.
	Rule string `json:"rule,omitempty"`
	// Count is the number of changes.
	Count int `json:"count"`
}

// Injections lists what a run wrote into the manifests, sorted by object.
func Injections(v *plugin.Verdict) []Injection {
	counts := map[Injection]int{}
	for _, image := range v.Images {
		if !pinnedByRun(v, image) {
			continue
		}
		for _, use := range image.Uses {
			counts[Injection{Object: use.ID, Change: Pinned}]++
		}
	}
	for _, finding := range v.Findings {
		switch {
		case !isChange(finding):
		case byPlatform(finding):
			counts[Injection{Object: finding.Object, Change: Mutated, Rule: finding.Rule}]++
		default:
			counts[Injection{Object: finding.Object, Change: FilledIn, Rule: finding.Rule}]++
		}
	}
	list := make([]Injection, 0, len(counts))
	for each, count := range counts {
		each.Count = count
		list = append(list, each)
	}
	slices.SortFunc(list, func(a, b Injection) int {
		return cmp.Or(cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Namespace, b.Object.Namespace), cmp.Compare(a.Object.Name, b.Object.Name),
			cmp.Compare(a.Object.APIVersion, b.Object.APIVersion), cmp.Compare(slices.Index(Changes(), a.Change), slices.Index(Changes(), b.Change)), cmp.Compare(a.Rule, b.Rule))
	})
	return list
}

// pinnedByRun reports whether the run gave the image a digest that nobody had
// written.
func pinnedByRun(v *plugin.Verdict, image plugin.Image) bool {
	return v.Pinned && image.DigestFrom != plugin.DigestWritten && image.Digest != ""
}
