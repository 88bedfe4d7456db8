package change

import (
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// Candidate is an application that one side alone has.
type Candidate struct {
	Kind string
	// Source is all that its rendering is made of but its name: repository, path,
	// parameters. Empty when that is not known.
	Source string
	// Objects are what it renders.
	Objects []plugin.ObjectID
}

// MatchRenamed finds applications that only got another name: of the same kind,
// with the same source, which no other has; then with the same objects, at least
// four in five on either side. It returns the index in removed by that in added.
func MatchRenamed(removed, added []Candidate) map[int]int {
	matched := map[int]int{}
	taken := map[int]bool{}
	bySource := func(candidates []Candidate) map[string][]int {
		places := map[string][]int{}
		for i, each := range candidates {
			if each.Source != "" {
				key := each.Kind + "\n" + each.Source
				places[key] = append(places[key], i)
			}
		}
		return places
	}
	gone := bySource(removed)
	for key, places := range bySource(added) {
		if len(places) == 1 && len(gone[key]) == 1 {
			matched[places[0]] = gone[key][0]
			taken[gone[key][0]] = true
		}
	}
	owners := map[identity][]int{}
	for i, each := range removed {
		for id := range identities(each) {
			owners[id] = append(owners[id], i)
		}
	}
	for i, each := range added {
		if _, done := matched[i]; done {
			continue
		}
		if best := alike(each, removed, owners, taken); best >= 0 {
			matched[i], taken[best] = best, true
		}
	}
	return matched
}

// alike is the candidate that shares the most objects; -1 when none shares
// enough.
func alike(app Candidate, removed []Candidate, owners map[identity][]int, taken map[int]bool) int {
	const least = 0.8
	mine := identities(app)
	shared := map[int]int{}
	for id := range mine {
		for _, i := range owners[id] {
			shared[i]++
		}
	}
	best, most := -1, 0
	for _, i := range slices.Sorted(maps.Keys(shared)) {
		larger := max(len(mine), len(identities(removed[i])))
		if removed[i].Kind == app.Kind && !taken[i] && float64(shared[i]) >= least*float64(larger) && shared[i] > most {
			best, most = i, shared[i]
		}
	}
	return best
}

// identities are the objects by kind and name: another name of the application
// may go with another namespace.
func identities(app Candidate) map[identity]bool {
	out := map[identity]bool{}
	for _, id := range app.Objects {
		of := identityOf(id)
		of.namespace = ""
		out[of] = true
	}
	return out
}
