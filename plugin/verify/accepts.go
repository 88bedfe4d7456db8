package verify

import (
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Accepts reports whether an authority of a ClusterImagePolicy accepts who made a
// statement that was verified before: the key, or the identity. It looks at no
// registry and verifies nothing, so that a yes vouches for nobody; a no says that
// the statement will not be accepted again. A key of a key service is accepted
// unseen. An error says what of the authority cannot be read.
func Accepts(declared gate.Authority, policyAt plugin.Origin, claims plugin.Claims) (bool, error) {
	switch {
	case declared.Static != nil:
		return claims.Kind == plugin.EvidenceStatic && declared.Static.Action == "pass", nil
	case claims.Kind == plugin.EvidenceStatic:
		return false, nil
	case declared.Key != nil && declared.Key.KMS != "":
		return claims.Issuer == "", nil
	case declared.Key != nil:
		return acceptsKey(*declared.Key, policyAt, claims.Signer)
	case declared.Keyless != nil:
		return acceptsIdentity(declared.Keyless.Identities, claims)
	}
	return false, nil
}

func acceptsKey(declared gate.KeyRef, at plugin.Origin, fingerprint string) (bool, error) {
	data, err := compiler{files: files{dir: ".", limit: plugin.DefaultLimits().FileBytes}}.keyData(at, declared)
	if err != nil {
		return false, err
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		hash, err := hashAlgorithm(declared.HashAlgorithm)
		if err != nil {
			return false, err
		}
		key, err := parseKey(block, hash, false)
		if err != nil {
			return false, fmt.Errorf("reading a key: %w", err)
		}
		if key.fingerprint == fingerprint {
			return true, nil
		}
	}
	return false, nil
}

func acceptsIdentity(identities []gate.Identity, claims plugin.Claims) (bool, error) {
	summary := certificate.Summary{SubjectAlternativeName: claims.Signer, Extensions: certificate.Extensions{Issuer: claims.Issuer}}
	var problem error
	accepted := slices.ContainsFunc(identities, func(declared gate.Identity) bool {
		identity, err := compileIdentity(declared)
		if err != nil {
			problem = err
			return false
		}
		return identity.Verify(summary) == nil
	})
	return accepted, problem
}
