//go:build e2e

package parity_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference is where the two sides do not say the same of a case.
type difference struct {
	// about is the policy, or "verdict" or "Pod Security".
	about, server, assay string
}

func (d difference) String() string {
	return fmt.Sprintf("%s:\n\tthe API server: %s\n\tassay:          %s", d.about, d.server, d.assay)
}

// compare looks at the verdict and at the messages of every policy. What assay
// cannot decide offline is a difference of its own kind.
func compare(server, assay answer) []difference {
	if server.by == podSecurityName { // it speaks before the policies do
		server.said, assay.said, assay.undecided = only(server.said), only(assay.said), nil
	}
	var found []difference
	for _, name := range slices.Sorted(maps.Keys(assay.undecided)) {
		found = append(found, difference{name, describe(server.said[name]), "cannot be decided offline: " + strings.Join(assay.undecided[name], "; ")})
	}
	if _, undecided := assay.undecided[server.by]; server.denied != assay.denied && !(undecided && server.denied) {
		found = append(found, difference{"verdict", verdict(server.denied), verdict(assay.denied)})
	}
	names := maps.Clone(server.said)
	maps.Copy(names, assay.said)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if _, undecided := assay.undecided[name]; undecided || slices.Equal(server.said[name], assay.said[name]) {
			continue
		}
		found = append(found, difference{name, describe(server.said[name]), describe(assay.said[name])})
	}
	return found
}

// only is what Pod Security says.
func only(all said) said {
	return said{podSecurityName: all[podSecurityName]}
}

func verdict(denied bool) string {
	if denied {
		return "denied"
	}
	return "allowed"
}

func describe(messages []string) string {
	if len(messages) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%q", messages)
}
