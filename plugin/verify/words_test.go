package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestVerify_AnotherKindOfSignatureIsSaidSo(t *testing.T) {
	for format, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		sign := func(w *world, who throwaway.Signer) plugin.Image {
			image := w.image("a")
			if legacy {
				w.signLegacy(image, image, who)
			} else {
				w.sign(image, who)
			}
			return image
		}
		t.Run(format+" by a key under a policy for certificates", func(t *testing.T) {
			want := "it is signed by a key, and the policy asks for a certificate of " + subject + " by " + issuer
			checkTwins(t, func(w *world) plugin.Image { return sign(w, throwaway.Signer{Key: newKey(t, "ecdsa-p256")}) },
				func(w *world) plugin.Image { return sign(w, builds()) }, notTrusted(want))
		})
		t.Run(format+" with a certificate under a policy for a key", func(t *testing.T) {
			arrange := func(right bool) twin {
				return func(w *world) plugin.Image {
					key := newKey(t, "ecdsa-p256")
					w.require(byKey(t, key))
					if right {
						return sign(w, throwaway.Signer{Key: key})
					}
					return sign(w, builds())
				}
			}
			checkTwins(t, arrange(false), arrange(true), notTrusted("it is signed with a certificate, and the policy asks for a key"))
		})
	}
}

func TestVerify_IdentitiesAreNamedAsThePolicyWritesThem(t *testing.T) {
	w := newWorld(t)
	authority := keyless()
	authority.Keyless.Identities = []gate.Identity{{Issuer: issuer, Subject: "one"}, {IssuerRegExp: "^https://.*$", SubjectRegExp: "^two$"}}
	w.require(authority)
	image := w.image("a")
	w.sign(image, throwaway.Signer{Key: newKey(t, "ecdsa-p256")})
	const want = "a certificate of one by " + issuer + ", or ^two$ by ^https://.*$"
	if got := w.review(image); len(got.Findings) != 1 || !strings.Contains(got.Findings[0].Message, want) {
		t.Errorf("got %+v", got.Findings)
	}
}

// An attestation is no signature, whoever made it: by what it is signed is not
// what is wrong with it.
func TestVerify_AttestationByAKeyIsNotCalledAnotherKind(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	authority := w.verifier().policies[0].authorities[0]
	for predicate, says := range map[string]bool{throwaway.SignPredicate: true, "https://slsa.dev/provenance/v1": false} {
		text := w.statement(image.Digest, throwaway.Signer{Key: newKey(t, "ecdsa-p256")}, predicate)
		_, err := authority.check(t.Context(), parseBundle("a", text, w.config.Limits), image.Digest)
		if err == nil || strings.Contains(err.Error(), "it is signed by a key") != says {
			t.Errorf("%s: %v", predicate, err)
		}
	}
}

// What an image that is gone is signed by is still said, when it is signed.
func TestVerify_ImageThatTheRegistryLacksMayBeSignedByAnother(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	image.DigestFrom = plugin.DigestLocked
	w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "https://other.example.com"})
	delete(w.registry.manifests, repository+"@"+image.Digest)
	got := w.review(image)
	checkRefused(t, got, notTrusted("https://other.example.com"))
	if strings.Contains(got.Findings[0].Message, "the registry has no image") {
		t.Errorf("it says %q", got.Findings[0].Message)
	}
}

func TestVerify_ImageThatTheRegistryLacksIsNotCalledUnsigned(t *testing.T) {
	const gone = "the registry has no image " + repository + "@"
	for _, c := range []struct {
		name    string
		from    plugin.DigestSource
		exists  bool
		silent  bool
		says    string
		fetches int
	}{
		{"locked and gone", plugin.DigestLocked, false, false, gone, 1},
		{"written and gone", plugin.DigestWritten, false, false, gone, 1},
		{"earlier answer and gone", plugin.DigestStale, false, false, gone, 1},
		{"locked and there", plugin.DigestLocked, true, false, "the image is not signed", 1},
		{"locked, and no answer", plugin.DigestLocked, false, true, "the image is not signed", 1},
		{"just resolved", plugin.DigestResolved, true, false, "the image is not signed", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			image := w.image("a")
			image.DigestFrom = c.from
			if !c.exists {
				delete(w.registry.manifests, repository+"@"+image.Digest)
			}
			if c.silent {
				w.registry.faults["manifest"] = errRegistryDown
			}
			got := w.review(image).Findings
			if len(got) != 1 || got[0].Rule != ruleNotSigned || got[0].Level != plugin.Deny || !strings.Contains(got[0].Message, c.says) {
				t.Fatalf("got %+v", got)
			}
			if strings.Contains(got[0].Hint, "cosign sign") == (c.says == gone) || w.registry.counts["manifest"] != c.fetches {
				t.Errorf("hint %q, %d requests", got[0].Hint, w.registry.counts["manifest"])
			}
		})
	}
}

// What a reader sees first is why the signatures do not count, not that a
// statement beside them is none.
func TestVerify_ReasonsOfSignaturesComeFirst(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	for range 3 { // statements are found before and behind it, by their digests
		w.attest(image, builds(), "https://slsa.dev/provenance/v1", map[string]any{})
	}
	w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "stranger@example.com"})
	findings := w.review(image).Findings
	if len(findings) != 1 || !strings.Contains(findings[0].Message, "stranger@example.com") {
		t.Errorf("findings %+v", findings)
	}
}
