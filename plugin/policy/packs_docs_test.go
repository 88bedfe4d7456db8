package policy

import (
	"regexp"
	"strings"
	"testing"
)

func TestDocs_PacksPageNamesRulesAndPacksThatThereAre(t *testing.T) {
	text := readFile(t, "../../docs/packs.md")
	found := 0
	for _, match := range regexp.MustCompile("`([a-z-]+/[A-Za-z_-]+)`").FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(match[1], "pack/") {
			continue
		}
		found++
		if _, known := Explain(match[1]); !known {
			t.Errorf("docs/packs.md: there is no rule %s", match[1])
		}
	}
	if found < 40 {
		t.Errorf("only %d rules found; has the way they are written changed?", found)
	}
	for _, name := range NewestPacks() {
		base, _, _ := strings.Cut(strings.TrimPrefix(name, "pack/"), "@")
		if !strings.Contains(text, "| `"+base+"@1`") {
			t.Errorf("docs/packs.md does not name %s", name)
		}
	}
}
