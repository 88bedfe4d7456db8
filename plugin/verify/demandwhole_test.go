package verify

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Of scans the newest counts, and of bills all do: one that the registry lists
// and does not give may be the one that denies. Provenance needs one statement.
func TestDemand_StatementThatCannotBeLookedAtLeavesItOpenWhereAllCount(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, silent := range []bool{false, true} {
			w := newWorld(t)
			kind.entry.Name = "asked"
			w.config.Evidence = []gate.Evidence{kind.entry}
			image := w.signed("app")
			w.attest(image, ci(), kind.predicateType, kind.good(w))
			before := map[string]bool{}
			for digest := range w.registry.blobs {
				before[digest] = true
			}
			w.attest(image, ci(), kind.predicateType, kind.good(w))
			for digest := range w.registry.blobs {
				if silent && !before[digest] {
					w.registry.faults[digest] = errRegistryDown
				}
			}
			findings := w.review(image).Findings
			switch open := silent && kind.noun != "provenance"; {
			case !open && len(findings) > 0:
				t.Errorf("%s, silent %t: %+v", kind.noun, silent, findings)
			case open && (len(findings) != 1 || findings[0].Level != plugin.Undetermined):
				t.Errorf("%s with one that is not given: %+v, want no answer", kind.noun, findings)
			}
		}
	}
}
