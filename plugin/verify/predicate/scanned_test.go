package predicate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// attested is verified evidence with that predicate.
func attested(t *testing.T, predicateType string, data []byte) plugin.Evidence {
	t.Helper()
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","predicateType":%q,"predicate":%s}`, predicateType, data)
	made, err := plugin.NewEvidence(plugin.Claims{Kind: plugin.EvidenceAttestation, Policy: "release", Digest: thisImage, PredicateType: predicateType}, payload)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestScanned_ListsWhatTheScansFound(t *testing.T) {
	for name, evidence := range map[string]plugin.Evidence{
		"Trivy": attested(t, typeCosignVuln, cosignVuln(sample(t, "trivy.json"))), "Grype": attested(t, typeCosignVuln, cosignVuln(sample(t, "grype.json"))),
		"SARIF": attested(t, typeSARIF, sample(t, "sarif.json")), "InToto": attested(t, typeVulns, sample(t, "vulns02.json")),
	} {
		found, scanned := predicate.Scanned([]plugin.Evidence{evidence}, plugin.DefaultLimits())
		if !scanned || len(found) == 0 || found[0].ID == "" || found[0].Severity != "CRITICAL" {
			t.Errorf("%s: got %v, %+v", name, scanned, found)
		}
	}
}

func TestScanned_WhatIsNoScanIsNotOneThatFoundNothing(t *testing.T) {
	for name, evidence := range map[string][]plugin.Evidence{
		"None": nil, "NoScan": {attested(t, "https://slsa.dev/provenance/v1", []byte("{}"))}, "Unreadable": {attested(t, typeVulns, []byte(`{"scanner":{}}`))},
		"NoStatement": {func() plugin.Evidence {
			made, err := plugin.NewEvidence(plugin.Claims{Kind: plugin.EvidenceAttestation, Policy: "release", Digest: thisImage, PredicateType: typeVulns}, []byte("no JSON"))
			if err != nil {
				t.Fatal(err)
			}
			return made
		}()},
	} {
		if found, scanned := predicate.Scanned(evidence, plugin.DefaultLimits()); scanned || len(found) > 0 {
			t.Errorf("%s: got %v, %+v", name, scanned, found)
		}
	}
	if found, scanned := predicate.Scanned([]plugin.Evidence{attested(t, typeVulns, []byte(`{"scanner":{"uri":"pkg:github/example/scanner@1","result":[]}}`))}, plugin.DefaultLimits()); !scanned || len(found) > 0 {
		t.Errorf("a scan that found nothing: got %v, %+v", scanned, found)
	}
}

func TestScanned_OfOneScannerTheNewestCounts(t *testing.T) {
	older := strings.ReplaceAll(string(cosignVuln(sample(t, "trivy.json"))), "2026-11-19T", "2026-11-10T")
	newer := string(cosignVuln(sample(t, "trivy.json", `"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`)))
	found, _ := predicate.Scanned([]plugin.Evidence{attested(t, typeCosignVuln, []byte(newer)), attested(t, typeCosignVuln, []byte(older))}, plugin.DefaultLimits())
	if len(found) == 0 || found[0].Severity == "CRITICAL" {
		t.Errorf("got %+v", found)
	}
}
