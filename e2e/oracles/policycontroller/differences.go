package policycontroller

import (
	"fmt"
	"path"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
)

// row is one comparison.
type row struct {
	policy, image    string
	theirs, ours     answers.Answer
	theirWhy, ourWhy string
}

func (r row) String() string {
	text := fmt.Sprintf("%s | %s | %s", r.policy, r.image, r.theirs)
	if r.theirs == r.ours {
		return text
	}
	return text + " | assay: " + string(r.ours)
}

// The ways in which a row can compare.
type comparison int

const (
	unexplained comparison = iota
	equal
	listed
)

// difference is one entry of docs/parity.md.
type difference struct {
	name string
	// policies and images are globs (path.Match) over names.
	policies, images []string
	theirs, ours     answers.Answer
	seen             bool
}

// differences are all rows in which assay may answer otherwise; docs/parity.md
// gives the reason for each by its name.
func differences() []*difference {
	return []*difference{
		{
			name: "bundles are looked for without asking", theirs: answers.Denied, ours: answers.Admitted, images: []string{"*-bundle"},
			policies: []string{
				"alpha-key-a", "attestation-*", "key-[ab]", "key-a-elsewhere", "key-a-log", "key-a-or-*", "key-a-stamp", "key-ed25519", "key-p384", "key-rsa",
				"keyless-anchored", "keyless-log", "keyless-no-log", "keyless-no-sct", "keyless-other", "keyless-other-subject", "keyless-stamp",
				"keyless-stamp-log", "keyless-two-identities", "keyless-wrong-issuer", "static-fail-or-key-a", "two-policies-*",
			},
		},
		{
			name: "bundles are looked for without asking", theirs: answers.Warned, ours: answers.Admitted, images: []string{"*-bundle"},
			policies: []string{"warn-key-a"},
		},
		{
			name: "bundles are looked for without asking", theirs: answers.Denied, ours: answers.Warned, images: []string{"*-bundle"},
			policies: []string{"two-policies-one-warns"},
		},
		{
			name: "bundles by keys", theirs: answers.Denied, ours: answers.Admitted, images: []string{"*-bundle", "key-a-both"},
			policies: []string{"key-a-bundle-format"},
		},
		{
			name: "bundles as keyless signatures", theirs: answers.Denied, ours: answers.Admitted, images: []string{"*-bundle"},
			policies: []string{"keyless-bundle-*"},
		},
		{
			name: "a timestamp that is asked for is required", theirs: answers.Admitted, ours: answers.Denied, images: []string{"*-legacy", "key-a-both"},
			policies: []string{"key-a-stamp", "keyless-stamp", "keyless-other-stamp", "keyless-stamp-log"},
		},
		refused("several keys in one field", "key-two-blocks"),
		refused("unanchored expressions", "keyless-unanchored", "keyless-anybody"),
		refused("labels that the application writes", "match-labels"),
		refused("fields that are not implemented", "policy-over-authorities", "key-secret-ref", "key-kms", "keyless-ca-cert",
			"key-a-pull-secrets", "key-a-tag-prefix"),
		refused("conditions in CUE", "attestation-vuln-cue-key-a"),
		refused("conditions that cannot be asked", "attestation-vuln-rego-broken-key-a", "attestation-vuln-rego-other-package-key-a"),
		refused("a demand that asks for nothing", "ctlog-without-anything", "stamp-without-root"),
		refused("trust roots that are not there", "keyless-missing-log", "keyless-missing-root"),
	}
}

// refused are policies that assay does not load where policy-controller does.
func refused(name string, policies ...string) *difference {
	return &difference{name: name, theirs: accepted, ours: answers.Refused, images: []string{everyImage}, policies: policies}
}

// A row about a policy that one of the two does not load is about no image.
const (
	everyImage                = "*"
	accepted   answers.Answer = "policy accepted"
)

func (r row) compare(list []*difference) comparison {
	if r.theirs == r.ours {
		return equal
	}
	for _, entry := range list {
		if entry.theirs == r.theirs && entry.ours == r.ours && matches(entry.policies, r.policy) && matches(entry.images, r.image) {
			entry.seen = true
			return listed
		}
	}
	return unexplained
}

func matches(globs []string, name string) bool {
	for _, glob := range globs {
		if matched, err := path.Match(glob, name); err == nil && matched {
			return true
		}
	}
	return false
}
