package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// What each system says of one image, and what they mean together.
func TestNotation_BesideSigstore(t *testing.T) {
	const deny, undetermined = plugin.Deny, plugin.Undetermined
	failing := func(n *notarized, image plugin.Image) { n.notarize(image, "somebody", notary.Options{}) }
	good := func(n *notarized, image plugin.Image) { n.notarize(image, "builds", notary.Options{}) }
	silent := func(n *notarized, image plugin.Image) {
		n.put(image, notary.JWS, n.envelopeBy(image, notary.Leaf{Name: "builds", OCSP: []string{"http://ocsp.example.com"}}, notary.Options{}))
	}
	for _, row := range []struct {
		name         string
		notation     func(n *notarized, image plugin.Image)
		sigstore     bool
		authority    gate.Authority
		both, either map[string]plugin.Level
	}{
		{"both", good, true, keyless(), nil, nil},
		{"Notation alone", good, false, keyless(), map[string]plugin.Level{ruleNotSigned: deny}, nil},
		{"sigstore alone", failing, true, keyless(), map[string]plugin.Level{ruleNotTrusted: deny}, nil},
		{"neither", failing, false, keyless(), map[string]plugin.Level{ruleNotTrusted: deny, ruleNotSigned: deny}, map[string]plugin.Level{ruleNotTrusted: deny, ruleNotSigned: deny}},
		{"one is silent, the other vouches", silent, true, keyless(), map[string]plugin.Level{ruleNoAnswer: undetermined}, nil},
		{"one is silent, the other denies", silent, false, keyless(), map[string]plugin.Level{ruleNoAnswer: undetermined, ruleNotSigned: deny}, map[string]plugin.Level{ruleNoAnswer: undetermined}},
		{"one refuses by a static rule", good, false, gate.Authority{Name: "no", Static: &gate.StaticRef{Action: "fail"}},
			map[string]plugin.Level{ruleRefused: deny}, map[string]plugin.Level{ruleRefused: deny}},
		{"one is silent, the other refuses by a static rule", silent, false, gate.Authority{Name: "no", Static: &gate.StaticRef{Action: "fail"}},
			map[string]plugin.Level{ruleNoAnswer: undetermined, ruleRefused: deny}, map[string]plugin.Level{ruleNoAnswer: undetermined, ruleRefused: deny}},
	} {
		for system, want := range map[string]map[string]plugin.Level{"Both": row.both, "Either": row.either} {
			t.Run(row.name+" of "+system, func(t *testing.T) {
				n := newNotarized(t)
				n.require(row.authority)
				n.config.Notation.Declared.BesideSigstore = system
				image := n.image("a")
				row.notation(n, image)
				if row.sigstore {
					n.sign(image, builds())
				}
				review := n.review(image)
				checkAnswers(t, review, want)
				if len(want) == 0 && len(review.Evidence) == 0 {
					t.Error("nothing is said")
				}
				if row.name == "both" && len(review.Evidence) != 2 {
					t.Errorf("%d evidence, want that of both", len(review.Evidence))
				}
			})
		}
	}
}

// Either is about images that both cover: what one covers alone, that one
// decides.
func TestNotation_EitherNeedsBothToCoverTheImage(t *testing.T) {
	n := newNotarized(t)
	n.require(keyless())
	n.config.Notation.Declared.BesideSigstore = "Either"
	image := n.image("a")
	n.sign(image, builds())
	n.write("trustpolicy.json", []byte(strings.ReplaceAll(trustPolicy, "team-a/app", "team-a/other")))
	if review := n.review(image); len(review.Findings) != 0 {
		t.Errorf("%+v", review.Findings)
	}
	unsigned := n.image("b")
	checkAnswers(t, n.review(unsigned), map[string]plugin.Level{ruleNotSigned: plugin.Deny})
}

// Two ClusterImagePolicies stay both required, as in the cluster.
func TestNotation_EitherKeepsAllOfSigstoresPolicies(t *testing.T) {
	n := newNotarized(t)
	other := keyless()
	other.Keyless.Identities = []gate.Identity{{Issuer: issuer, Subject: "https://other.example.com"}}
	n.config.Policies = append(policies(keyless()), policies(other)...)
	n.config.Policies[1].Metadata.Name = "other"
	n.config.Notation.Declared.BesideSigstore = "Either"
	image := n.image("a")
	n.sign(image, builds())
	review := n.review(image)
	checkAnswers(t, review, map[string]plugin.Level{ruleNotTrusted: plugin.Deny, ruleNotSigned: plugin.Deny})
	n.notarize(image, "builds", notary.Options{})
	checkAnswers(t, n.review(image), nil)
}
