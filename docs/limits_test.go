// Package docs_test writes the generated pages and fails when they are stale.
package docs_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

var update = flag.Bool("update", false, "rewrite the generated pages")

const limitsHead = `# Limits

Every read from a registry, an archive, a repository or a renderer has a limit. Going over one is a refusal that names it;
nothing is cut short in silence. A gate changes a limit by its name:

` + "```yaml" + `
spec:
  limits:
    fileBytes: 33554432
` + "```" + `

When several gates apply, the lowest number of each limit counts.

This page is generated from ` + "`plugin.LimitTable`" + ` by ` + "`make generate`" + `.

| name | default | unit | what it bounds |
|---|---|---|---|
`

func limitsPage() string {
	var page strings.Builder
	page.WriteString(limitsHead)
	for _, limit := range plugin.LimitTable() {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", limit.Name, amount(limit.Default, limit.Unit), limit.Unit, limit.What)
	}
	return page.String()
}

// amount writes a number with thousands apart, and bytes in mebibytes too.
func amount(value int64, unit string) string {
	digits := fmt.Sprint(value)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	const mebibyte = 1 << 20
	if unit == "bytes" && value%mebibyte == 0 {
		return fmt.Sprintf("%s (%d MiB)", digits, value/mebibyte)
	}
	return digits
}

func TestLimits_GeneratedPageIsCurrent(t *testing.T) {
	want := limitsPage()
	if *update {
		if err := os.WriteFile("limits.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile("limits.md")
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if string(got) != want {
		t.Error("limits.md is stale; run the test with -update")
	}
}
