package refresh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify"
)

// withdrawn says in words who vouched for an image and may not any more; empty
// when nobody is missing. It decides in which order is asked, never whether: what
// it cannot tell (a trust root with another content, Notation's trust stores)
// comes with the other changes of the gate.
func withdrawn(config *gate.Config, image Image) string {
	for _, policy := range config.ImagePolicies {
		if refusesDigest(policy, image) {
			return fmt.Sprintf("trust rule %s refuses %s@%s", policy.Metadata.Name, image.Repository, image.Digest)
		}
	}
	byPolicy := map[string][]plugin.Claims{}
	var names []string
	for _, claims := range image.Evidence {
		if strings.HasPrefix(claims.Format, "notation-") {
			continue
		}
		if byPolicy[claims.Policy] == nil {
			names = append(names, claims.Policy)
		}
		byPolicy[claims.Policy] = append(byPolicy[claims.Policy], claims)
	}
	for _, name := range names {
		if stands := slices.ContainsFunc(byPolicy[name], func(claims plugin.Claims) bool { return stillAccepted(config, claims) }); !stands {
			return fmt.Sprintf("%s vouched for %s@%s under trust rule %s, and is not accepted any more", signer(byPolicy[name][0]), image.Repository, image.Digest, name)
		}
	}
	return ""
}

// refusesDigest reports whether a policy is one of static: fail that covers the
// image.
func refusesDigest(policy gate.ClusterImagePolicy, image Image) bool {
	refuses := func(a gate.Authority) bool { return a.Static != nil && a.Static.Action == "fail" }
	if !slices.ContainsFunc(policy.Spec.Authorities, refuses) {
		return false
	}
	return slices.ContainsFunc(policy.Spec.Images, func(pattern gate.ImagePattern) bool {
		glob, err := pattern.Expression()
		return err == nil && glob.MatchString(image.Repository+"@"+image.Digest)
	})
}

// stillAccepted reports whether the policy that accepted a statement would accept
// who made it today. What cannot be read is told where the gate is loaded, and
// withdraws nothing.
func stillAccepted(config *gate.Config, claims plugin.Claims) bool {
	for _, policy := range config.ImagePolicies {
		if policy.Metadata.Name != claims.Policy {
			continue
		}
		for _, authority := range policy.Spec.Authorities {
			if accepts, err := verify.Accepts(authority, policy.At, claims); accepts || err != nil {
				return true
			}
		}
		return false
	}
	return false
}

// signer is who vouched, in words.
func signer(claims plugin.Claims) string {
	switch {
	case claims.Kind == plugin.EvidenceStatic:
		return "the gate itself"
	case claims.Issuer != "":
		return fmt.Sprintf("%s (%s)", claims.Signer, claims.Issuer)
	}
	return "the key " + claims.Signer
}
