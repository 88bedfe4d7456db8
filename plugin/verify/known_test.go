package verify

import (
	"errors"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// only is the single sight of that kind and type.
func only(t *testing.T, sights []Sight, kind plugin.EvidenceKind, predicateType string) Sight {
	t.Helper()
	var found []Sight
	for _, sight := range sights {
		if sight.Kind == kind && sight.PredicateType == predicateType {
			found = append(found, sight)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d sights of %s %s in %+v", len(found), kind, predicateType, sights)
	}
	return found[0]
}

func TestKnown_TellsEverythingBesideAnImage(t *testing.T) {
	w := newWorld(t)
	image := w.signed("a")
	stranger := throwaway.Signer{Issuer: issuer, Subject: "stranger@example.com"}
	w.attest(image, stranger, "https://slsa.dev/provenance/v1", map[string]any{
		"buildDefinition": map[string]any{}, "runDetails": map[string]any{"builder": map[string]any{"id": "https://builder.example.com"}},
	})
	w.attestLegacy(image, builds(), "https://cyclonedx.org/bom", map[string]any{"bomFormat": "CycloneDX"})
	w.attest(image, throwaway.Signer{Key: newKey(t, "ecdsa-p256")}, "https://openvex.dev/ns", map[string]any{})
	sights, err := w.verifier().Known(w.ctx, image)
	if err != nil || len(sights) != 4 {
		t.Fatalf("%d sights, %v: %+v", len(sights), err, sights)
	}
	if got := only(t, sights, plugin.EvidenceSignature, ""); !got.Verified || got.Policy != "signed" || got.Claims.Signer != subject {
		t.Errorf("the signature is %+v", got)
	}
	built := only(t, sights, plugin.EvidenceAttestation, "https://slsa.dev/provenance/v1")
	if !built.Verified || built.Policy != "" || built.Claims.TrustRoot != rootName || built.Says.Kind != predicate.KindProvenance || built.Says.Value("builder") != "https://builder.example.com" {
		t.Errorf("the provenance, by whom no rule accepts, is %+v %+v", built, built.Says)
	}
	listed := only(t, sights, plugin.EvidenceAttestation, "https://cyclonedx.org/bom")
	if !listed.Verified || listed.Policy != "signed" || listed.Says.Kind != predicate.KindSBOM || listed.Says.Value("unreadable") == "" {
		t.Errorf("the bill is %+v %+v", listed, listed.Says)
	}
	if got := only(t, sights, plugin.EvidenceAttestation, "https://openvex.dev/ns"); got.Verified || got.Says != nil || got.Claims != (plugin.Claims{}) || got.Reason != errByKey.Error() {
		t.Errorf("the statement by an unknown key is %+v", got)
	}
}

func TestKnown_WhatDoesNotVerifySaysNothing(t *testing.T) {
	w := newWorld(t)
	image, other := w.image("a"), w.image("b")
	w.refer(image, w.attestation(other.Digest, builds(), "https://slsa.dev/provenance/v1", map[string]any{}), "")
	w.refer(image, []byte("no bundle"), "")
	sights, err := w.verifier().Known(w.ctx, image)
	if err != nil || len(sights) != 2 {
		t.Fatalf("%d sights, %v", len(sights), err)
	}
	wrong := func(s Sight) bool {
		return s.Verified || s.Says != nil || s.Reason == "" || s.Claims != (plugin.Claims{}) || s.Policy != ""
	}
	if slices.ContainsFunc(sights, wrong) {
		t.Errorf("sights %+v", sights)
	}
}

func TestKnown_WithoutAnAnswerIsAnError(t *testing.T) {
	w := newWorld(t)
	image := signed(w)
	w.registry.faults["tag"] = errRegistryDown
	sights, err := w.verifier().Known(w.ctx, image)
	var noAnswer *plugin.StageError
	if !errors.As(err, &noAnswer) || len(sights) != 1 || !sights[0].Verified {
		t.Fatalf("sights %+v, error %v; want one and no answer", sights, err)
	}
	if sights, err := newWorld(t).verifier().Known(t.Context(), w.image("b")); err != nil || len(sights) != 0 {
		t.Errorf("of an image with nothing: %+v, %v", sights, err)
	}
}
