package verify

import (
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestVerify_ImageThatNoPolicyCoversIsDenied(t *testing.T) {
	for _, level := range []plugin.Level{plugin.Deny, plugin.Warn} {
		w := newWorld(t)
		w.config.NoMatch = level
		image := signed(w)
		image.Reference.Repository = "elsewhere.example.com/app"
		checkRefused(t, w.review(image), wanted{rule: ruleNoTrustRule, level: level, reason: "no trust rule covers elsewhere.example.com/app"})
	}
}

func TestVerify_WithoutPoliciesEveryImageIsDenied(t *testing.T) {
	w := newWorld(t)
	w.config.Policies = nil
	checkRefused(t, w.review(signed(w)), wanted{rule: ruleNoTrustRule, reason: "no trust rule"})
}

func TestVerify_ImageWithoutADigestIsSkipped(t *testing.T) {
	w := newWorld(t)
	image := signed(w)
	image.Digest = ""
	if review := w.review(image); len(review.Evidence)+len(review.Findings) != 0 {
		t.Fatalf("review %+v, want an empty one", review)
	}
}

func TestVerify_EveryPolicyThatMatchesIsRequired(t *testing.T) {
	w := newWorld(t)
	signer := newKey(t, "ecdsa-p256")
	w.config.Policies = append(w.config.Policies, policies(byKey(t, signer))...)
	w.config.Policies[1].Metadata.Name = "countersigned"
	image := signed(w)
	review := w.review(image)
	if len(review.Findings) != 1 || !strings.Contains(review.Findings[0].Message, "countersigned") || len(review.Evidence) != 1 {
		t.Fatalf("review %+v, want one finding by countersigned and one evidence", review)
	}
	w.sign(image, throwaway.Signer{Key: signer})
	if review := w.review(image); len(review.Findings) != 0 || len(review.Evidence) != 2 {
		t.Fatalf("review %+v, want two pieces of evidence", review)
	}
}

func TestVerify_OneAuthorityIsEnough(t *testing.T) {
	w := newWorld(t)
	w.require(byKey(t, newKey(t, "ecdsa-p256")), keyless())
	image := signed(w)
	review := w.review(image)
	checkAccepted(t, review, image.Digest)
	if got := review.Evidence[0].Claims().Authority; got != "builds" {
		t.Errorf("authority %s vouches, want builds", got)
	}
}

func TestVerify_ModeWarnWarns(t *testing.T) {
	w := newWorld(t)
	w.config.Policies[0].Spec.Mode = "warn"
	checkRefused(t, w.review(w.image("a")), wanted{rule: ruleNotSigned, level: plugin.Warn, reason: "not signed"})
}

func TestVerify_StaticFailDenies(t *testing.T) {
	static := func(action string) twin {
		return func(w *world) plugin.Image {
			w.require(gate.Authority{Static: &gate.StaticRef{Action: action, Message: "use the mirror"}})
			return w.image("a")
		}
	}
	checkTwins(t, static("fail"), static("pass"), wanted{rule: ruleRefused, reason: "use the mirror"})
}

func TestVerify_StaticPassAsksTheRegistryNothing(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	w.require(keyless(), gate.Authority{Static: &gate.StaticRef{Action: "pass"}})
	image := w.image("a")
	review := w.review(image)
	checkAccepted(t, review, image.Digest)
	if claims := review.Evidence[0].Claims(); claims.Kind != plugin.EvidenceStatic || claims.Authority != "authority-1" {
		t.Errorf("claims %+v, want a static rule's", claims)
	}
	if got := w.registry.total(); got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}

func TestVerify_SourceNamesTheSignaturesRepository(t *testing.T) {
	const other = "signatures.example.com/team-a"
	arrange := func(at string) twin {
		return func(w *world) plugin.Image {
			authority := keyless()
			authority.Source = []gate.SignatureSource{{OCI: other}}
			w.require(authority)
			image := w.image("a")
			w.referFrom(at, image.Digest, w.statement(image.Digest, builds(), throwaway.SignPredicate), "")
			return image
		}
	}
	checkTwins(t, arrange(repository), arrange(other), wanted{rule: ruleNotSigned, reason: other})
}

func TestVerify_SignatureFormatLimitsWhatIsLookedFor(t *testing.T) {
	arrange := func(format string, put twin) twin {
		return func(w *world) plugin.Image {
			authority := keyless()
			authority.SignatureFormat = format
			w.require(authority)
			return put(w)
		}
	}
	checkTwins(t, arrange("legacy", signed), arrange("bundle", signed), notSigned)
	checkTwins(t, arrange("bundle", signedLegacy), arrange("legacy", signedLegacy), notSigned)
}

func TestVerify_IdentityByExpression(t *testing.T) {
	arrange := func(expression string) twin {
		return func(w *world) plugin.Image {
			authority := keyless()
			authority.Keyless.Identities = []gate.Identity{
				{Issuer: "https://nobody.example.com", Subject: subject},
				{IssuerRegExp: `^https://issuer\.example\.com$`, SubjectRegExp: expression},
			}
			w.require(authority)
			return signed(w)
		}
	}
	checkTwins(t, arrange(`^https://builds\.example\.com/team-b/.*$`), arrange(`^https://builds\.example\.com/team-a/.*$`), notTrusted("signed by another identity"))
}

func TestVerify_KeysOfEveryKind(t *testing.T) {
	for _, algorithm := range []string{"ecdsa-p256", "ecdsa-p384", "rsa-2048", "ed25519"} {
		for _, format := range []string{"bundle", "legacy"} {
			t.Run(algorithm+" "+format, func(t *testing.T) {
				w := newWorld(t)
				other, signer := newKey(t, "ecdsa-p256"), newKey(t, algorithm)
				authority := byKey(t, other)
				text, _ := signer.PublicPEM()
				authority.Key.Data += text
				w.require(authority)
				image := w.image("a")
				if format == "bundle" {
					w.sign(image, throwaway.Signer{Key: signer})
				} else {
					w.signLegacy(image, image, throwaway.Signer{Key: signer})
				}
				review := w.review(image)
				checkAccepted(t, review, image.Digest)
				if claims := review.Evidence[0].Claims(); !strings.HasPrefix(claims.Signer, "sha256:") || claims.Issuer != "" {
					t.Errorf("claims %+v, want the key's fingerprint", claims)
				}
			})
		}
	}
}

func TestVerify_EvidenceSaysWhoSignedAndWhen(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	who := builds()
	who.At = w.now.Add(-time.Hour).Truncate(time.Second)
	who.SourceRepository, who.SourceRevision, who.SourceRef = "https://git.example.com/team-a/app", "abc", "refs/tags/v1"
	w.sign(image, who)
	got := w.review(image).Evidence[0]
	referrers, err := w.registry.Referrers(t.Context(), image.Reference.Repository, image.Digest)
	if err != nil || len(referrers) != 1 {
		t.Fatalf("%d referrers: %v", len(referrers), err)
	}
	want := plugin.Claims{
		Kind: plugin.EvidenceSignature, Gate: "base", Policy: "signed", Authority: "builds", Digest: image.Digest, Format: formatBundle,
		Artifact: referrers[0].Digest,
		Signer:   subject, Issuer: issuer, TrustRoot: rootName, PredicateType: signPredicate,
		SourceRepository: who.SourceRepository, SourceRevision: "abc", SourceRef: "refs/tags/v1", Signed: who.At.UTC(),
	}
	if got.Claims() != want {
		t.Errorf("claims\n%+v, want\n%+v", got.Claims(), want)
	}
	if !strings.Contains(string(got.Payload()), strings.TrimPrefix(image.Digest, "sha256:")) {
		t.Errorf("payload %s, want the statement", got.Payload())
	}
}

func TestVerify_TrustRootsSideBySide(t *testing.T) {
	w := newWorld(t)
	w.sigstore, _ = throwaway.New()
	w.trust("other", w.sigstore)
	second := keyless()
	second.Name, second.Keyless.TrustRootRef, second.CTLog = "second", "other", &gate.CTLog{TrustRootRef: "other"}
	w.require(keyless(), second)
	image := signed(w)
	review := w.review(image)
	checkAccepted(t, review, image.Digest)
	if got := review.Evidence[0].Claims().TrustRoot; got != "other" {
		t.Errorf("verified by %s, want other", got)
	}
}

// As in the cluster: with a trust root of one's own and without ctlog the older
// format's certificate has to be valid now, and no log is asked for.
func TestVerify_LegacyWithoutLogNeedsAValidCertificate(t *testing.T) {
	arrange := func(later time.Duration) twin {
		return func(w *world) plugin.Image {
			authority := keyless()
			authority.CTLog = nil
			w.require(authority)
			image := w.image("a")
			who := builds()
			who.LeaveOut = throwaway.Parts{Log: true, Timestamp: true}
			w.signLegacy(image, image, who)
			w.now = w.now.Add(later)
			return image
		}
	}
	checkTwins(t, arrange(time.Hour), arrange(0), notTrusted("was not valid when it signed"))
}

// As in the cluster: keyless without any trust root asks for the public log.
func TestVerify_LegacyWithoutATrustRootNeedsALogEntry(t *testing.T) {
	arrange := func(without throwaway.Parts) twin {
		return func(w *world) plugin.Image {
			w.trust(gate.PublicGood, w.sigstore)
			authority := keyless()
			authority.Keyless.TrustRootRef, authority.CTLog = "", nil
			w.require(authority)
			image := w.image("a")
			who := builds()
			who.LeaveOut = without
			w.signLegacy(image, image, who)
			return image
		}
	}
	checkTwins(t, arrange(throwaway.Parts{Log: true}), arrange(throwaway.Parts{}), notTrusted("no entry of the trusted transparency log"))
}

// What signs bundles takes the hash of the key's curve; the older format takes
// the declared one.
func TestVerify_HashOfTheKeysCurve(t *testing.T) {
	w := newWorld(t)
	signer := newKey(t, "ecdsa-p384").Hashing(crypto.SHA384)
	declared := byKey(t, signer)
	w.require(declared)
	bundled, older := w.image("a"), w.image("b")
	w.sign(bundled, throwaway.Signer{Key: signer})
	w.signLegacy(older, older, throwaway.Signer{Key: signer})
	checkAccepted(t, w.review(bundled), bundled.Digest)
	checkRefused(t, w.review(older), notTrusted("made by another key"))
	declared.Key.HashAlgorithm = "sha384"
	w.require(declared)
	checkAccepted(t, w.review(older), older.Digest)
}
