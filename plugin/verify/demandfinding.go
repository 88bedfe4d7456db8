package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// demandFinding tells why a demand is not met. Its first line stands alone.
func demandFinding(demand *demand, image plugin.Image, result answered) plugin.Finding {
	finding := findingAbout(image)
	finding.Rule, finding.Why = demand.Rule, strings.ReplaceAll(demand.Why, "the image", "the "+nounOf(image))
	finding.Details = unique(append(slices.Clone(result.unseen), result.reasons...))
	switch {
	case len(result.unseen) > 0:
		finding.Level, finding.Lasting = plugin.Undetermined, !result.transient
		finding.Message = fmt.Sprintf("cannot tell whether there is %s of %s that evidence %s accepts: %s", demand.Noun, image.Reference.Repository, demand.entry, result.unseen[0])
		finding.Hint = "nothing is known to be wrong with the " + nounOf(image) + ": " + again(result.transient) + "look at the registry, its credentials and the trust root named here"
	case len(result.reasons) == 0: // VEX alone is read with scans, and is none
		finding.Message = fmt.Sprintf("no %s of %s: nothing of the kind is attested about it (looked for %s)", demand.Noun, image.Reference.Repository, strings.Join(unique(names(result.looked)), ", "))
		finding.Hint = demand.Hint
	default:
		finding.Message = fmt.Sprintf("no %s of %s that this gate accepts (evidence %s): %s", demand.Noun, image.Reference.Repository, demand.entry, withoutLabel(summary(result.reasons)))
		finding.Hint = demand.Hint
	}
	return finding
}

// signerNames are the policies that may attest.
func (d *demand) signerNames() []string {
	list := make([]string, 0, len(d.signers))
	for _, signer := range d.signers {
		list = append(list, signer.name)
	}
	return list
}

// withoutLabel leaves the name of the statement to the details.
func withoutLabel(reason string) string {
	for _, kind := range []string{"bundle sha256:", ".att layer sha256:"} {
		if rest, labelled := strings.CutPrefix(reason, kind); labelled {
			if _, why, found := strings.Cut(rest, ": "); found {
				return why
			}
		}
	}
	return reason
}

// mergeEvidence adds evidence; what a demand proved of a statement takes the
// place of what a policy knew of the same one.
func mergeEvidence(list, more []plugin.Evidence) []plugin.Evidence {
	for _, one := range more {
		claims := one.Claims()
		at := slices.IndexFunc(list, func(known plugin.Evidence) bool {
			have := known.Claims()
			return claims.Artifact != "" && have.Artifact == claims.Artifact && have.Policy == claims.Policy && have.Authority == claims.Authority
		})
		switch {
		case at < 0:
			list = append(list, one)
		case list[at].Claims().Builder == "":
			list[at] = one
		}
	}
	return list
}

// placed is a demand's finding with the image that it is about.
func placed(finding plugin.Finding, image plugin.Image) plugin.Finding {
	about := findingAbout(image)
	finding.Image, finding.Digest, finding.Object, finding.Field, finding.Origin = about.Image, about.Digest, about.Object, about.Field, about.Origin
	return finding
}
