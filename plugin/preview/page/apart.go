package page

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

// apart adds to the names of applications that are called the same what tells
// them apart, such as the file that defines the cluster that they are for.
func apart(r change.Report) change.Report {
	called := map[string][]int{}
	for i, a := range r.Applications {
		called[nameOf(a)] = append(called[nameOf(a)], i)
	}
	applications := slices.Clone(r.Applications)
	for _, same := range called {
		if len(same) == 1 {
			continue
		}
		places := placesOf(r.Applications, same)
		for i, at := range same {
			if places[i] != "" {
				applications[at].Name += " (" + places[i] + ")"
			}
		}
	}
	r.Applications = applications
	return r
}

// placesOf are the shortest words by which applications of one name differ.
func placesOf(all []change.Application, same []int) []string {
	var places []string
	for _, word := range []func(change.Application) string{
		func(a change.Application) string { // the file of what made it
			_, file, _ := strings.Cut(lastOf(a.Parents), " in ")
			return file
		},
		func(a change.Application) string { return lastOf(a.Parents) },
		func(a change.Application) string { return a.Origin.String() },
		func(a change.Application) string { return a.Path },
		func(a change.Application) string {
			return strings.Join(append(slices.Clone(a.Parents), a.Origin.String()), " > ")
		},
	} {
		places = nil
		for _, at := range same {
			places = append(places, word(all[at]))
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(places))); len(distinct) == len(places) && distinct[0] != "" {
			break
		}
	}
	return places
}

func lastOf(parents []string) string {
	if len(parents) == 0 {
		return ""
	}
	return parents[len(parents)-1]
}
