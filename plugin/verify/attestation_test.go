package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestAttestation_OfTheTypeVouchesInBothFormats(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		w := newWorld(t)
		w.require(asking(keyless(), wanting("vuln")))
		image := w.image("app")
		if legacy {
			w.attestLegacy(image, builds(), vulnType, nil)
		} else {
			w.attest(image, builds(), vulnType, nil)
		}
		claims := wantAccepted(t, w.review(image))
		if claims.Kind != plugin.EvidenceAttestation || claims.PredicateType != vulnType || claims.Artifact == "" || claims.Signer != subject {
			t.Errorf("legacy %v: %+v", legacy, claims)
		}
	}
}

func TestAttestation_OfAnotherTypeIsDenied(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), wanting("vuln")))
	image := w.image("app")
	w.attest(image, builds(), provenanceV1, githubProvenance())
	wantFinding(t, w.review(image), "image/not-attested", "there is no attestation of type "+vulnType+", only of "+provenanceV1)
}

func TestAttestation_SignatureIsNone(t *testing.T) {
	w := newWorld(t)
	w.require(asking(keyless(), wanting("vuln")))
	image := w.signed("app")
	wantFinding(t, w.review(image), "image/not-attested", "there is no attestation of type "+vulnType)
}

func TestProvenance_OfGitHubIsAccepted(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	image := w.signed("app")
	w.attest(image, ci(), provenanceV1, githubProvenance())
	claims := wantAccepted(t, w.review(image))
	if claims.Builder != builderID || claims.BuildLevel != 2 || claims.SourceRepository != sourceURI || claims.SourceRevision != revision ||
		claims.SourceRef != sourceRef || claims.Workflow != workflow || claims.Event != "push" || claims.RunURI != runURI {
		t.Errorf("%+v", claims)
	}
}

func TestProvenance_NoneIsDenied(t *testing.T) {
	w := newWorld(t)
	w.demandProvenance(nil)
	finding := wantFinding(t, w.review(w.signed("app")), "evidence/provenance", "no provenance of "+repository)
	if !strings.Contains(finding.Message, "nothing of the kind is attested") || finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
}
