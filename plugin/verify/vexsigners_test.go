package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const (
	openVEX  = "https://openvex.dev/ns/v0.2.0"
	security = "https://builds.example.com/security/vex"
)

// harmless is OpenVEX that calls the vulnerability of scanOf harmless in the
// image of that digest.
func (w *world) harmless(digest string) fields {
	return fields{
		"@context": openVEX, "author": "security@example.com", "timestamp": w.stampNow(),
		"statements": []any{fields{
			"vulnerability": fields{"name": "CVE-2026-1"}, "status": "not_affected", "justification": "component_not_present",
			"products": []any{fields{"@id": "pkg:oci/app@" + strings.ReplaceAll(digest, ":", "%3A")}},
		}},
	}
}

// vexWorld has an image with a scan that is denied, and a gate that lets the
// security team's VEX count.
func vexWorld(t *testing.T) (*world, plugin.Image) {
	t.Helper()
	w := newWorld(t)
	w.config.Evidence = []gate.Evidence{{Name: "scanned", Scan: &gate.Scan{}, Signers: []string{"signed"}}}
	w.config.VEX = &gate.VEX{Signers: []string{"vex"}}
	trusted := keyless()
	trusted.Keyless.Identities[0].Subject = security
	w.config.Witnesses = policies(trusted)
	w.config.Witnesses[0].Metadata.Name = "vex"
	image := w.signed("app")
	w.attestLegacy(image, builds(), vulnType, w.scanOf("CRITICAL"))
	return w, image
}

// One changed thing each: who signs, for which image, and what is under the tag.
func TestVEX_SignersOfTheOlderFormatAreHeard(t *testing.T) {
	by := throwaway.Signer{Issuer: issuer, Subject: security}
	for name, row := range map[string]struct {
		arrange func(*world, plugin.Image)
		want    string // empty is accepted, with a waiver
	}{
		"the security team's": {func(w *world, image plugin.Image) { w.attestLegacy(image, by, openVEX, w.harmless(image.Digest)) }, ""},
		"nobody's":            {func(*world, plugin.Image) {}, "1 vulnerability of severity"},
		"the image's own signer's": {func(w *world, image plugin.Image) {
			w.attestLegacy(image, builds(), openVEX, w.harmless(image.Digest))
		}, "1 vulnerability of severity"},
		"a stranger's": {func(w *world, image plugin.Image) {
			w.attestLegacy(image, throwaway.Signer{Issuer: issuer, Subject: security + "/other"}, openVEX, w.harmless(image.Digest))
		}, "1 vulnerability of severity"},
		"about another product": {func(w *world, image plugin.Image) {
			w.attestLegacy(image, by, openVEX, w.harmless(w.image("other").Digest))
		}, "it is about another image"},
		"the security team's as a bundle": {func(w *world, image plugin.Image) { w.attest(image, by, openVEX, w.harmless(image.Digest)) }, ""},
	} {
		w, image := vexWorld(t)
		row.arrange(w, image)
		review := w.review(image)
		if row.want != "" {
			wantFinding(t, review, "evidence/vulnerability", row.want)
			continue
		}
		if len(review.Findings) != 1 || review.Findings[0].Waiver == nil || review.Findings[0].Level != plugin.Warn {
			t.Errorf("%s: %+v", name, review.Findings)
		}
	}
}

// A scan that a witness of VEX attests meets nothing.
func TestVEX_SignersMeetNoDemandForAScan(t *testing.T) {
	for _, who := range []string{security, subject} {
		w, _ := vexWorld(t)
		image := w.signed("another")
		w.attest(image, throwaway.Signer{Issuer: issuer, Subject: who}, vulnType, w.scanOf("LOW"))
		if who == subject {
			wantAccepted(t, w.review(image))
			continue
		}
		wantFinding(t, w.review(image), "evidence/scan", "no scan of")
	}
}

// One signature is enough for the image; who made another one is its signer, too,
// wherever it stands in the list.
func TestVEX_BySecondSignerOfTheImageDoesNotCount(t *testing.T) {
	by := throwaway.Signer{Issuer: issuer, Subject: security}
	for _, signs := range []bool{false, true} {
		for range 4 { // the order of the signatures is that of their digests
			w, image := vexWorld(t)
			w.attest(image, by, openVEX, w.harmless(image.Digest))
			if !signs {
				if review := w.review(image); len(review.Findings) != 1 || review.Findings[0].Waiver == nil {
					t.Errorf("%+v", review.Findings)
				}
				continue
			}
			w.sign(image, by)
			wantFinding(t, w.review(image), "evidence/vulnerability", "who also signed the image")
		}
	}
}
