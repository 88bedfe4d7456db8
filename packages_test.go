package assay_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The budget of the binary in packages, those of the standard library counted:
// what it linked before the policy engines and schemas came, and what they may
// add; what Notation's verifier brings along (docs/adr/0013-notation.md); and
// client-go's leader election and watching for assay refresh, whose informers and
// listers of every kind are 1 MiB of the binary and none of the time it starts in. Each engine stands on its upstream's library and not on its upstream's
// command line, which alone would exceed the budget.
const (
	packagesBefore       = 1144 + packagesOfNotation + packagesOfWatching
	packagesOfTheEngines = 350
	packagesOfNotation   = 80
	packagesOfWatching   = 140
)

func TestPackages_TheEnginesStayWithinTheirBudget(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/assay").Output()
	if err != nil {
		t.Fatalf("listing what the binary links: %v", err)
	}
	linked := strings.Fields(string(out))
	if len(linked) < packagesBefore/2 {
		t.Fatalf("the binary links %d packages; has the way they are listed changed?", len(linked))
	}
	if added := len(linked) - packagesBefore; added > packagesOfTheEngines {
		t.Errorf("the binary links %d packages, %d more than the %d without the engines; the budget is %d more", len(linked), added, packagesBefore, packagesOfTheEngines)
	}
}
