package predicate_test

import (
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// What is attested anew is no newer than the report in it.
func TestScan_AttestedAgainIsAsOldAsItsReport(t *testing.T) {
	wanted := gate.Scan{MaxAge: gate.Duration(7 * 24 * time.Hour)}
	for made, why := range map[string]string{
		"2026-11-19T05:59:00Z": "",
		"2025-11-19T05:59:00Z": "the scan ended on 2025-11-19T05:59:00Z, longer ago than 7 days",
	} {
		answer := judge(t, newScan(t, wanted, nil), subject(), grypeScan(t, `"Critical"`, `"Low"`, "2026-11-19T07:00:00Z", made))
		if why == "" {
			met(t, answer)
			continue
		}
		notMet(t, answer, why)
	}
}

// A workflow that runs at a branch is the one that ran at a tag.
func TestVEX_BySameWorkflowAtAnotherRefIsTheImagesSigner(t *testing.T) {
	const release = "https://github.com/team-a/app/.github/workflows/release.yaml"
	for by, why := range map[string]string{
		release + "@refs/heads/main": "who also signed the image",
		"https://github.com/team-a/vex/.github/workflows/vex.yaml@refs/heads/main": "",
	} {
		said := vexBy(t)
		said.Claims.Signer = by
		about := subject()
		about.Signers = []plugin.Claims{{Kind: plugin.EvidenceSignature, Signer: release + "@refs/tags/v1.2.3"}}
		answer := judge(t, newScan(t, gate.Scan{}, vexTerms()), about, vulnerable(t), said)
		if why == "" {
			met(t, answer)
			continue
		}
		notMet(t, answer, why)
	}
}
