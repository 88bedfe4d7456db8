package predicate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// FuzzContents feeds any bytes under every predicate type that is read. None
// may panic, and bytes that say nothing may meet nothing.
func FuzzContents(f *testing.F) {
	samples, err := filepath.Glob("testdata/*.json")
	if err != nil || len(samples) == 0 {
		f.Fatal("there are no samples", err)
	}
	for _, sample := range samples {
		data, err := os.ReadFile(sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(cosignVuln(data))
	}
	f.Add([]byte("null"))
	bills, err := predicate.NewSBOM(gate.SBOM{DenyLicenses: []string{"GPL-*"}, Deny: []gate.ComponentRule{{Name: "a", When: `older(component.version, "1.0")`}}}, plugin.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	scans, err := predicate.NewScan(gate.Scan{}, vexTerms(), plugin.DefaultLimits())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, predicateType := range []string{typeSPDX, typeCycloneDX} {
			answer := bills.Judge(t.Context(), subject(), []predicate.Statement{statement(predicateType, data)})
			if len(answer.Met) == 0 && len(answer.Reasons)+len(answer.Unseen)+len(answer.Findings) == 0 {
				t.Error("it is refused without a reason")
			}
		}
		for _, predicateType := range []string{typeCosignVuln, typeVulns, typeSARIF} {
			vex := statement(typeVEX, data)
			vex.Claims.Policy, vex.Claims.Signer = "security", "security@example.com"
			answer := scans.Judge(t.Context(), subject(), []predicate.Statement{statement(predicateType, data), vex})
			if len(answer.Met) == 0 && len(answer.Reasons)+len(answer.Unseen)+len(answer.Findings) == 0 {
				t.Error("it is refused without a reason")
			}
		}
	})
}
