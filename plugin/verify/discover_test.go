package verify

import (
	"errors"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestDiscover_TellsWhoSigned(t *testing.T) {
	w := newWorld(t)
	w.config.Policies = nil
	image := w.image("a")
	who := builds()
	who.SourceRepository = "https://git.example.com/team-a/app"
	w.sign(image, who)
	w.sign(image, who)
	w.signLegacy(image, image, throwaway.Signer{Issuer: issuer, Subject: "platform@example.com"})
	w.sign(image, throwaway.Signer{Key: newKey(t, "ecdsa-p256")})
	w.refer(image, w.statement(image.Digest, builds(), "https://slsa.dev/provenance/v1"), "")
	stranger, _ := throwaway.New()
	ours := w.sigstore
	w.sigstore = stranger
	w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "stranger@example.com"})
	w.sigstore = ours
	signers, err := w.verifier().Discover(w.ctx, image)
	if err != nil {
		t.Fatal(err)
	}
	want := []Signer{
		{Format: formatBundle, Reason: "it has no entry of the trusted transparency log"},
		{Format: formatBundle, Key: true, Reason: "signed by a key; a policy with the public key tells whether it is the right one"},
		{Format: formatBundle, Issuer: issuer, Subject: subject, SourceRepository: who.SourceRepository, TrustRoot: rootName},
		{Format: formatLegacy, Issuer: issuer, Subject: "platform@example.com", TrustRoot: rootName},
	}
	if len(signers) != len(want) {
		t.Fatalf("signers %+v, want %+v", signers, want)
	}
	for i := range want {
		if signers[i] != want[i] {
			t.Errorf("signer %d is %+v, want %+v", i, signers[i], want[i])
		}
	}
}

func TestDiscover_OfAnUnsignedImageIsEmpty(t *testing.T) {
	w := newWorld(t)
	if signers, err := w.verifier().Discover(w.ctx, w.image("a")); len(signers) != 0 || err != nil {
		t.Fatalf("signers %+v, error %v; want none", signers, err)
	}
}

func TestDiscover_WithoutAnAnswerIsAnError(t *testing.T) {
	w := newWorld(t)
	image := signed(w)
	w.registry.faults["tag"] = errRegistryDown
	signers, err := w.verifier().Discover(w.ctx, image)
	var noAnswer *plugin.StageError
	if !errors.As(err, &noAnswer) || len(signers) != 1 {
		t.Fatalf("signers %+v, error %v; want one signer and no answer", signers, err)
	}
}
