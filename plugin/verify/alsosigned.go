package verify

import (
	"context"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// alsoSigned are those of a demand's witnesses who signed the image, too: the first
// signature that a policy accepts is enough for it, and the witness may have made
// another one. Bundles are looked at; what is under the older tag is not asked for
// again.
func (s *session) alsoSigned(ctx context.Context, demand *demand, image imageAt) []plugin.Claims {
	var by []plugin.Claims
	digests := slices.Compact([]string{image.digest, image.Digest})
	for _, witness := range demand.beside {
		if !witness.covers(image.Image) {
			continue
		}
		for i := range witness.authorities {
			one := &witness.authorities[i]
			if !one.signs() || one.unusable(s.config.Clock()) != "" {
				continue
			}
			for _, digest := range digests {
				by = append(by, s.signaturesOf(ctx, one, imageAt{image.Image, digest})...)
			}
		}
	}
	return by
}

// signaturesOf are the signatures beside the image that an authority would accept.
func (s *session) signaturesOf(ctx context.Context, one *authority, image imageAt) []plugin.Claims {
	var by []plugin.Claims
	at := s.lookup(image.Reference.Repository, image.digest)
	for _, found := range s.bundlesOf(ctx, at, s.wants(image.Image)).candidates {
		if found.attests != "" || found.refused != nil {
			continue
		}
		if got, err := guarded(func() (accepted, error) { return one.check(ctx, found, image.digest) }); err == nil {
			by = append(by, got.claims)
		}
	}
	return by
}
