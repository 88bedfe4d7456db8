package mutate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestMutate_CopiesThatDoubleEndAtTheAPIServersBound: each operation copies the
// object's data into itself. Thirty of them would make a terabyte.
func TestMutate_CopiesThatDoubleEndAtTheAPIServersBound(t *testing.T) {
	doubling := func(times int) string {
		operations := make([]string, times)
		for i := range operations {
			operations[i] = fmt.Sprintf(`JSONPatch{op: "copy", from: "/spec", path: "/spec/more%d"}`, i)
		}
		return policyText{resources: "widgets", mutations: jsonPatch("[" + strings.Join(operations, ", ") + "]")}.String()
	}
	widget := "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\nspec: {text: " + strings.Repeat("x", 1000) + "}"
	objects, findings := mutateWith(t, mutatorOf(t, "", doubling(30)), widget)
	wantObject(t, objects[0], widget)
	if len(findings) != 1 || findings[0].Level != plugin.Deny || !strings.Contains(findings[0].Message, "copy") {
		t.Errorf("%s", describe(findings))
	}
	if _, findings = mutateWith(t, mutatorOf(t, "", doubling(3)), widget); len(withLevel(findings, plugin.Deny)) > 0 || len(findings) == 0 {
		t.Errorf("twin: %s", describe(findings))
	}
}
