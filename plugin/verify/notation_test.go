package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

func TestNotation_EvidenceSaysWhoSignedAndByWhichPolicy(t *testing.T) {
	for format, mediaType := range map[string]string{"notation-jws": notary.JWS, "notation-cose": notary.COSE} {
		n := newNotarized(t)
		image := n.image("a")
		n.notarize(image, "builds", notary.Options{Format: mediaType})
		review := n.review(image)
		if len(review.Findings) != 0 || len(review.Evidence) != 1 {
			t.Fatalf("%s: %+v", format, review)
		}
		want := plugin.Claims{
			Kind: plugin.EvidenceSignature, Gate: "base", Policy: "acme", Authority: "notation", Digest: image.Digest,
			Format: format, Signer: "CN=builds,O=example,ST=WA,C=US", TrustRoot: "ca:acme",
		}
		if got := review.Evidence[0].Claims(); got != want {
			t.Errorf("claims\n%+v, want\n%+v", got, want)
		}
		if payload := review.Evidence[0].Payload(); !bytes.Contains(payload, []byte(image.Digest)) {
			t.Errorf("payload %s", payload)
		}
	}
}

// Each row spoils what lies beside the image; its twin is TestNotation_Evidence.
func TestNotation_WhatIsBesideTheImageIsDenied(t *testing.T) {
	for name, row := range map[string]struct {
		arrange func(n *notarized, image plugin.Image)
		want    wanted
	}{
		"nothing": {func(*notarized, plugin.Image) {}, wanted{ruleNotSigned, plugin.Deny, "looked for Notation signatures in registry.example.com/team-a/app"}},
		"a sigstore bundle": {func(n *notarized, image plugin.Image) { n.sign(image, builds()) },
			wanted{ruleNotSigned, plugin.Deny, "the image is not signed"}},
		"somebody else's signature": {func(n *notarized, image plugin.Image) { n.notarize(image, "somebody", notary.Options{}) },
			notTrusted("does not match the X.509 trusted identities")},
		"the signature of another image": {func(n *notarized, image plugin.Image) {
			n.put(image, notary.JWS, n.envelope(n.image("b"), "builds", notary.Options{}))
		}, notTrusted("it signs another image")},
		"an unknown envelope": {func(n *notarized, image plugin.Image) {
			n.put(image, "application/pgp-signature", n.envelope(image, "builds", notary.Options{}))
		}, notTrusted("neither JWS nor COSE")},
		"a media type that lies": {func(n *notarized, image plugin.Image) {
			n.put(image, notary.COSE, n.envelope(image, "builds", notary.Options{}))
		}, notTrusted("cannot be read as application/cose")},
		"a manifest of another type": {func(n *notarized, image plugin.Image) {
			n.putManifest(image, notary.ArtifactType, []byte(`{"artifactType": "application/vnd.example", "layers": []}`))
		}, notTrusted(`of the type "application/vnd.example"`)},
		"a manifest that is none": {func(n *notarized, image plugin.Image) { n.putManifest(image, notary.ArtifactType, []byte("hello")) },
			notTrusted("not JSON")},
		"a manifest of many layers": {func(n *notarized, image plugin.Image) {
			n.putManifest(image, notary.ArtifactType, []byte(`{"artifactType": "`+notary.ArtifactType+`", "layers": [`+strings.Repeat("{},", mostLayers)+`{}]}`))
		}, notTrusted("more than 10000 layers")},
		"two envelopes in one manifest": {func(n *notarized, image plugin.Image) {
			n.putManifest(image, notary.ArtifactType, []byte(`{"artifactType": "`+notary.ArtifactType+`", "layers": [{}, {}]}`))
		}, notTrusted("has 2 envelopes")},
		"a manifest that is listed and gone": {func(n *notarized, image plugin.Image) {
			gone := n.put(image, notary.JWS, n.envelope(image, "builds", notary.Options{}))
			delete(n.registry.manifests, repository+"@"+gone.Digest)
		}, notTrusted("sha256:")},
		"an envelope that says it is large": {func(n *notarized, image plugin.Image) {
			n.putManifest(image, notary.ArtifactType, fmt.Appendf(nil, `{"artifactType": %q, "layers": [{"mediaType": %q, "digest": "sha256:00", "size": %d}]}`, notary.ArtifactType, notary.JWS, 100<<20))
		}, notTrusted("104857600 bytes, the limit notationBytes is 1048576")},
		"an envelope that is larger than it says": {func(n *notarized, image plugin.Image) {
			n.put(image, notary.JWS, bytes.Repeat([]byte("x"), 2<<20))
		}, notTrusted("the limit notationBytes")},
		"too many signatures": {func(n *notarized, image plugin.Image) {
			for i := range 1000 {
				n.putManifest(image, notary.ArtifactType, fmt.Appendf(nil, `{"i": %d}`, i))
			}
			n.config.Limits.NotationSignatures = 999
		}, notTrusted("1000 referrers that may be Notation signatures, the limit notationSignatures is 999")},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNotarized(t)
			image := n.image("a")
			row.arrange(n, image)
			review := n.review(image)
			checkRefused(t, review, row.want)
			if row.want.rule == ruleNotSigned && !strings.Contains(review.Findings[0].Hint, "notation sign "+repository+"@"+image.Digest) {
				t.Errorf("hint %q", review.Findings[0].Hint)
			}
		})
	}
}

// One good signature is enough, whatever lies beside it.
func TestNotation_GoodSignatureAmongBadOnesVouches(t *testing.T) {
	n := newNotarized(t)
	image := n.image("a")
	n.notarize(image, "somebody", notary.Options{})
	n.put(image, notary.COSE, []byte("hello"))
	n.sign(image, builds())
	n.notarize(image, "builds", notary.Options{})
	if review := n.review(image); len(review.Evidence) != 1 || len(review.Findings) != 0 {
		t.Errorf("%+v", review)
	}
}

// Registries that do not tell types apart: the manifest says what it is.
func TestNotation_ReferrerWithoutATypeIsRead(t *testing.T) {
	for _, artifactType := range []string{"", "application/vnd.oci.empty.v1+json"} {
		n := newNotarized(t)
		image := n.image("a")
		envelope := n.envelope(image, "builds", notary.Options{})
		manifest, err := notary.Manifest(n.targetOf(image), notary.JWS, envelope)
		if err != nil {
			t.Fatal(err)
		}
		n.registry.blobs[throwaway.Digest(envelope)] = envelope
		n.putManifest(image, artifactType, manifest)
		n.putManifest(image, artifactType, []byte(`{"artifactType": "application/vnd.example.sbom", "layers": []}`))
		if review := n.review(image); len(review.Evidence) != 1 || len(review.Findings) != 0 {
			t.Errorf("%q: %+v", artifactType, review)
		}
	}
}

// The older shape: the config's type, or blobs in an artifact manifest.
func TestNotation_OlderManifestsAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"config":            `{"config": {"mediaType": "application/vnd.cncf.notary.signature"}, "layers": [{"mediaType": %q, "digest": %q}]}`,
		"artifact manifest": `{"artifactType": "application/vnd.cncf.notary.signature", "blobs": [{"mediaType": %q, "digest": %q}]}`,
	} {
		n := newNotarized(t)
		image := n.image("a")
		envelope := n.envelope(image, "builds", notary.Options{})
		n.registry.blobs[throwaway.Digest(envelope)] = envelope
		n.putManifest(image, notary.ArtifactType, fmt.Appendf(nil, text, notary.JWS, throwaway.Digest(envelope)))
		if review := n.review(image); len(review.Evidence) != 1 || len(review.Findings) != 0 {
			t.Errorf("%s: %+v", name, review)
		}
	}
}

func TestNotation_RegistryWithoutAnAnswerIsUndetermined(t *testing.T) {
	for _, kind := range []string{"referrers", "manifest", "blob"} {
		n := newNotarized(t)
		image := notarizedImage(n)
		n.registry.faults[kind] = &plugin.StageError{Stage: "registry", Subject: repository, Cause: errors.New("429 too many requests")}
		checkRefused(t, n.review(image), noAnswer("429 too many requests"))
	}
}

func TestNotation_CancelledContextIsUndetermined(t *testing.T) {
	n := newNotarized(t)
	image := notarizedImage(n)
	ctx, cancel := context.WithCancel(n.ctx)
	cancel()
	n.ctx = ctx
	checkRefused(t, n.review(image), noAnswer("context canceled"))
}

// Who is not asked about revocation has no answer; the twin's certificate names
// no service.
func TestNotation_RevocationThatMayNotBeAskedIsUndetermined(t *testing.T) {
	n := newNotarized(t)
	image := n.image("a")
	n.put(image, notary.JWS, n.envelopeBy(image, notary.Leaf{Name: "builds", OCSP: []string{"http://169.254.169.254/"}}, notary.Options{}))
	review := n.review(image)
	checkRefused(t, review, noAnswer("trust.notation.revocation.hosts does not list"))
	if !review.Findings[0].Lasting {
		t.Error("asking again would help nobody")
	}
}

// notation-core-go follows an address that it could not parse to a panic; the
// run goes on, and the signature counts for nothing.
func TestNotation_CheckThatPanicsIsDenied(t *testing.T) {
	n := newNotarized(t)
	image := n.image("a")
	n.put(image, notary.JWS, n.envelopeBy(image, notary.Leaf{Name: "builds", OCSP: []string{"http://[::1"}}, notary.Options{}))
	checkRefused(t, n.review(image), notTrusted("checking it panicked"))
}

func TestNotation_EarlierAnswerVouchesAndSaysSo(t *testing.T) {
	n := newNotarized(t)
	image := notarizedImage(n)
	list := n.registry.referrers[repository+"@"+image.Digest]
	n.registry.faults["referrers"] = silence(errors.New("500 internal error"))
	verifier, err := New(n.config, &remembering{memory: n.registry, known: list, found: true})
	if err != nil {
		t.Fatal(err)
	}
	review := verifier.Verify(n.ctx, []plugin.Image{image})[0]
	checkAnswers(t, review, map[string]plugin.Level{ruleStale: plugin.Warn})
	if len(review.Evidence) != 1 {
		t.Error("no evidence")
	}
}

func TestNotation_PlatformsChooseWhatMustBeSigned(t *testing.T) {
	checkPlatforms(t, func(t *testing.T) (*world, func(plugin.Image)) {
		n := newNotarized(t)
		return n.world, func(image plugin.Image) { n.notarize(image, "builds", notary.Options{}) }
	})
}

func TestNotation_ImageOutsideTheScopesHasNoTrustRule(t *testing.T) {
	n := newNotarized(t)
	image := n.image("a")
	image.Reference.Repository += "/other"
	review := n.review(image)
	checkRefused(t, review, wanted{ruleNoTrustRule, plugin.Deny, "no trust rule covers"})
	if !strings.Contains(review.Findings[0].Hint, "registryScopes") {
		t.Error(review.Findings[0].Hint)
	}
}

func TestNotation_CheckThatIsLoggedIsAWarning(t *testing.T) {
	n := newNotarized(t)
	n.write("trustpolicy.json", []byte(strings.ReplaceAll(trustPolicy, "strict", "permissive")))
	image := n.image("a")
	n.notarize(image, "builds", notary.Options{Expiry: time.Now().Add(time.Hour)})
	n.now = time.Now().Add(2 * time.Hour)
	review := n.review(image)
	checkAnswers(t, review, map[string]plugin.Level{ruleLenient: plugin.Warn})
	if len(review.Evidence) != 1 || !strings.Contains(review.Findings[0].Message, "expiry") {
		t.Errorf("%+v", review)
	}
	if warnings := n.verifier().Warnings(); len(warnings) != 3 || warnings[0].Rule != "gate/notation-lenient" {
		t.Errorf("%+v", warnings)
	}
}

func TestNotation_DoubtsWhereASignatureIsMissing(t *testing.T) {
	n := newNotarized(t)
	image := n.image("a")
	doubting := &doubted{memory: n.registry}
	verifier, err := New(n.config, doubting)
	if err != nil {
		t.Fatal(err)
	}
	verifier.Verify(n.ctx, []plugin.Image{image})
	if len(doubting.at) != 1 || doubting.at[0] != repository+" "+image.Digest {
		t.Errorf("%v", doubting.at)
	}
}

type doubted struct {
	*memory
	at []string
}

func (d *doubted) Doubt(_ context.Context, repository, reference string) {
	d.at = append(d.at, repository+" "+reference)
}
