package verify

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// word is what one policy that covers an image says of it.
type word struct {
	policy   *policy
	vouches  bool
	evidence []plugin.Evidence
	findings []plugin.Finding
}

// combine is what all policies that cover an image mean together. All of one
// system are required: of sigstore's as in the cluster, and of Notation's there
// is one. Where both cover the image, both are required, unless the gate is
// content with either.
func (s *session) combine(words []word) plugin.Review {
	var review plugin.Review
	either := s.config.Notation.Declared != nil && s.config.Notation.Declared.BesideSigstore == eitherSystem
	if either {
		words = contentWithEither(words)
	}
	for _, one := range words {
		review.Evidence = append(review.Evidence, one.evidence...)
		review.Findings = append(review.Findings, one.findings...)
	}
	return review
}

// eitherSystem is the value of gate.Notation.BesideSigstore.
const eitherSystem = "Either"

// contentWithEither leaves out what one system misses when the other vouches. An
// explicit refusal (static: fail) stays. When neither vouches and one of them
// could not be asked, the answer is undetermined, as that one might.
func contentWithEither(words []word) []word {
	isNotation := func(one word) bool { return one.policy.statement != nil }
	isSigstore := func(one word) bool { return one.policy.statement == nil }
	if !slices.ContainsFunc(words, isNotation) || !slices.ContainsFunc(words, isSigstore) {
		return words
	}
	for _, system := range []func(word) bool{isNotation, isSigstore} {
		if all(words, func(one word) bool { return !system(one) || one.vouches }) {
			return without(words, func(one word, finding plugin.Finding) bool {
				return !system(one) && !one.vouches && finding.Rule != ruleRefused
			})
		}
	}
	for _, system := range []func(word) bool{isNotation, isSigstore} {
		open := all(words, func(one word) bool { return !system(one) || one.vouches || !denies(one) })
		if open && slices.ContainsFunc(words, func(one word) bool { return system(one) && isOpen(one) }) {
			return without(words, func(one word, finding plugin.Finding) bool {
				return !system(one) && finding.Level == plugin.Deny && finding.Rule != ruleRefused
			})
		}
	}
	return words
}

func all(words []word, holds func(word) bool) bool {
	return !slices.ContainsFunc(words, func(one word) bool { return !holds(one) })
}

func denies(one word) bool { return hasLevel(one, plugin.Deny) }

func isOpen(one word) bool { return hasLevel(one, plugin.Undetermined) }

func hasLevel(one word, level plugin.Level) bool {
	return slices.ContainsFunc(one.findings, func(finding plugin.Finding) bool { return finding.Level == level })
}

// without takes findings out, and keeps what they said as details of those that
// stay.
func without(words []word, out func(word, plugin.Finding) bool) []word {
	var kept []word
	var details []string
	for _, one := range words {
		one.findings = slices.DeleteFunc(slices.Clone(one.findings), func(finding plugin.Finding) bool {
			if !out(one, finding) {
				return false
			}
			details = append(details, finding.Message)
			return true
		})
		kept = append(kept, one)
	}
	for i := range kept {
		for j := range kept[i].findings {
			finding := &kept[i].findings[j]
			finding.Details = append(slices.Clip(finding.Details), details...)
		}
	}
	return kept
}
