package cosign

import (
	"path"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
)

// difference is one entry of docs/parity.md.
type difference struct {
	name string
	// demands and images are globs (path.Match).
	demands, images string
	ours            answers.Answer
	seen            bool
}

// differences are all pairs in which assay may answer otherwise than cosign.
func differences() []*difference {
	return []*difference{
		{name: "an attestation is no signature", demands: "key a", images: "attested-key-a-and-key-b-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "key a", images: "attested-key-a-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "identity*", images: "attested-keyless-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "key a", images: "v02-key-a-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "key a", images: "vuln-*-key-a-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "key b", images: "vuln-clean-key-b-bundle", ours: answers.Denied},
		{name: "an attestation is no signature", demands: "key a", images: "custom-key-a-bundle", ours: answers.Denied},
		{name: "a timestamp that is asked for is required", demands: "identity, timestamped", images: "keyless-legacy", ours: answers.Denied},
		{name: "a timestamp that is asked for is required", demands: "identity, timestamped", images: "keyless-no-log-legacy", ours: answers.Denied},
	}
}

func listed(list []*difference, demand, image string, ours answers.Answer) bool {
	for _, entry := range list {
		inDemands, demandErr := path.Match(entry.demands, demand)
		inImages, imageErr := path.Match(entry.images, image)
		if demandErr == nil && imageErr == nil && inDemands && inImages && entry.ours == ours {
			entry.seen = true
			return true
		}
	}
	return false
}
