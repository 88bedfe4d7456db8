package verify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const spdxType = "https://spdx.dev/Document"

// billOf is a bill of materials with one package.
func (w *world) billOf(name string) fields {
	return fields{
		"spdxVersion": "SPDX-2.3", "creationInfo": fields{"created": w.stampNow()},
		"packages": []any{fields{"SPDXID": "SPDXRef-1", "name": name, "versionInfo": "1.0", "externalRefs": []any{
			fields{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/" + name + "@1.0"},
		}}},
	}
}

// scanOf is a scan that found one vulnerability of that severity.
func (w *world) scanOf(severity string) fields {
	return fields{
		"scanner": fields{"uri": "https://scanner.example.com/one", "result": []any{
			fields{"id": "CVE-2026-1", "severity": []any{fields{"method": "nvd", "score": severity}}},
		}},
		"metadata": fields{"scanFinishedOn": w.stampNow()},
	}
}

func (w *world) stampNow() string { return w.now.Add(-time.Minute).UTC().Format(time.RFC3339) }

// demandKind is one kind of demand, with what meets it and what is refused.
type demandKind struct {
	noun, predicateType string
	entry               gate.Evidence
	good, bad           func(*world) any
	// denied is the rule by which what is bad is denied.
	denied string
}

func demandKinds() []demandKind {
	return []demandKind{
		{
			noun: "provenance", predicateType: provenanceV1, denied: "evidence/provenance",
			entry: gate.Evidence{Provenance: &gate.Provenance{Builders: []gate.Builder{{ID: builderID}}}},
			good:  func(*world) any { return githubProvenance() },
			bad:   func(*world) any { return set(githubProvenance(), "runDetails.builder.id", "https://example.com/other") },
		},
		{
			noun: "bill of materials", predicateType: spdxType, denied: "evidence/component",
			entry: gate.Evidence{SBOM: &gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/xz-utils"}}}},
			good:  func(w *world) any { return w.billOf("openssl") },
			bad:   func(w *world) any { return w.billOf("xz-utils") },
		},
		{
			noun: "scan", predicateType: vulnType, denied: "evidence/vulnerability",
			entry: gate.Evidence{Scan: &gate.Scan{}},
			good:  func(w *world) any { return w.scanOf("LOW") },
			bad:   func(w *world) any { return w.scanOf("CRITICAL") },
		},
	}
}

// platformsWorld has a gate that asks for one kind of evidence, and an index of
// two platforms that is signed wherever it has to be.
func platformsWorld(t *testing.T, kind demandKind, platforms string) (w *world, index, first, second plugin.Image) {
	t.Helper()
	w = newWorld(t)
	w.config.Platforms = platforms
	kind.entry.Name = "asked"
	w.config.Evidence = []gate.Evidence{kind.entry}
	first, second = w.image("first"), w.image("second")
	index = w.index(first, second)
	for _, image := range []plugin.Image{index, first, second} {
		w.sign(image, builds())
	}
	return w, index, first, second
}

func TestDemand_PlatformsChooseWhatMustBeAttested(t *testing.T) {
	for _, kind := range demandKinds() {
		t.Run(kind.noun, func(t *testing.T) {
			checkPlatforms(t, func(t *testing.T) (*world, func(plugin.Image)) {
				w, _, _, _ := platformsWorld(t, kind, "")
				return w, func(image plugin.Image) { w.attest(image, ci(), kind.predicateType, kind.good(w)) }
			})
		})
	}
}

func TestDemand_NamesThePlatformThatLacksIt(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, platforms := range []string{PlatformsAllLeaves, PlatformsEither} {
			w, index, first, second := platformsWorld(t, kind, platforms)
			w.attest(first, ci(), kind.predicateType, kind.good(w))
			finding := wantFinding(t, w.review(index), "evidence/"+kind.entryName(), "no "+kind.noun)
			want := "platform linux/" + second.Digest[7:11]
			if text := finding.Message + strings.Join(finding.Details, "\n"); !strings.Contains(text, want) || strings.Contains(text, "linux/"+first.Digest[7:11]) {
				t.Errorf("%s, %s: want %q in %s", kind.noun, platforms, want, text)
			}
			w.attest(second, ci(), kind.predicateType, kind.good(w))
			wantAccepted(t, w.review(index))
		}
	}
}

// entryName is the field of the gate's entry.
func (k demandKind) entryName() string {
	switch {
	case k.entry.SBOM != nil:
		return "sbom"
	case k.entry.Scan != nil:
		return "scan"
	}
	return "provenance"
}

func TestDemand_WhatOnePlatformHoldsIsDeniedAndNamed(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, platforms := range []string{PlatformsAllLeaves, PlatformsEither} {
			w, index, first, second := platformsWorld(t, kind, platforms)
			w.attest(first, ci(), kind.predicateType, kind.good(w))
			w.attest(second, ci(), kind.predicateType, kind.bad(w))
			finding := wantFinding(t, w.review(index), kind.denied, "platform linux/"+second.Digest[7:11])
			if finding.Level != plugin.Deny {
				t.Errorf("%s, %s: %+v", kind.noun, platforms, finding)
			}
		}
	}
}

// Either is about where evidence lies, not about which of two answers is nicer.
func TestDemand_EitherDoesNotForgiveWhatTheIndexIsDeniedFor(t *testing.T) {
	for _, kind := range demandKinds() {
		arrange := func(said func(*world) any) plugin.Review {
			w, index, first, second := platformsWorld(t, kind, PlatformsEither)
			w.attest(index, ci(), kind.predicateType, said(w))
			w.attest(first, ci(), kind.predicateType, kind.good(w))
			w.attest(second, ci(), kind.predicateType, kind.good(w))
			return w.review(index)
		}
		wantAccepted(t, arrange(kind.good))
		if kind.denied == "evidence/provenance" { // what does not meet the demand says nothing against the image
			wantAccepted(t, arrange(kind.bad))
			continue
		}
		wantFinding(t, arrange(kind.bad), kind.denied, "")
	}
}

// TestDemand_ADeniedScanIsHandedOnAndVouchesForNothing: a reader wants to know
// what it lists.
func TestDemand_ADeniedScanIsHandedOnAndVouchesForNothing(t *testing.T) {
	for _, platforms := range []string{PlatformsIndex, PlatformsAllLeaves, PlatformsEither} {
		for severity, against := range map[string]bool{"CRITICAL": true, "LOW": false} {
			w, index, first, second := platformsWorld(t, demandKindOf(t, "scan"), platforms)
			for _, image := range []plugin.Image{index, first, second} {
				w.attest(image, ci(), vulnType, w.scanOf(severity))
			}
			review := w.review(index)
			attests := func(e plugin.Evidence) bool { return e.Claims().PredicateType == vulnType && len(e.Payload()) > 0 }
			if slices.ContainsFunc(review.Against, attests) != against || slices.ContainsFunc(review.Evidence, attests) == against {
				t.Errorf("%s, %s: evidence %+v, against %+v", platforms, severity, review.Evidence, review.Against)
			}
		}
	}
}

// demandKindOf is the kind that messages call so.
func demandKindOf(t *testing.T, noun string) demandKind {
	t.Helper()
	for _, kind := range demandKinds() {
		if kind.noun == noun {
			return kind
		}
	}
	t.Fatalf("no kind is called %s", noun)
	return demandKind{}
}

// A statement that harmlessness is claimed by is no scan, and none is missing for
// a defect of assay.
func TestDemand_VEXWithoutAScanIsNoScan(t *testing.T) {
	for _, scanned := range []bool{false, true} {
		w := newWorld(t)
		w.config.Evidence = []gate.Evidence{{Name: "scanned", Scan: &gate.Scan{}}}
		w.config.VEX = &gate.VEX{Signers: []string{"vex"}}
		w.config.Witnesses = policies(keyless())
		w.config.Witnesses[0].Metadata.Name = "vex"
		image := w.signed("app")
		w.attest(image, ci(), "https://openvex.dev/ns/v0.2.0", fields{"@context": "https://openvex.dev/ns/v0.2.0"})
		if !scanned {
			wantFinding(t, w.review(image), "evidence/scan", "no scan of")
			continue
		}
		w.attest(image, ci(), vulnType, w.scanOf("LOW"))
		wantAccepted(t, w.review(image))
	}
}
