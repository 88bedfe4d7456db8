//go:build e2e

package parity_test

import (
	"slices"
)

// said are the messages of each policy, by its name.
type said map[string][]string

func (s said) add(policy, message string) {
	if !slices.Contains(s[policy], message) {
		s[policy] = append(s[policy], message)
		slices.Sort(s[policy])
	}
}

// podSecurityName stands for the admission plugin among the policies.
const podSecurityName = "Pod Security"

// answer is what one side says of a case.
type answer struct {
	denied bool
	said   said
	// by is the policy that the API server denied by.
	by string
	// other is a refusal that no policy made: the object is not valid.
	other string
	// undecided are the policies that assay cannot decide offline, and why.
	undecided map[string][]string
}
