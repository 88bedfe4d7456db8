package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testNamed    = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	testDeclared = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
)

// declaredTests are the tests of the repository by name.
func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(path)
		for _, match := range testDeclared.FindAllSubmatch(data, -1) {
			declared[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

func TestThreatModel_EveryClassIsShownByTestsThatExist(t *testing.T) {
	const page, section, classes = "threat-model.md", "## What verifiers got wrong elsewhere", 16
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(data), section)
	table, _, _ := strings.Cut(after, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| [0-9]+\. .*$`).FindAllString(table, -1)
	if !found || len(rows) != classes {
		t.Fatalf("%s has %d classes under %q, want %d", page, len(rows), section, classes)
	}
	declared := declaredTests(t)
	for _, row := range rows {
		named := testNamed.FindAllStringSubmatch(row, -1)
		if len(named) == 0 {
			t.Errorf("no test shows %s", row)
		}
		for _, match := range named {
			if !declared[match[1]] {
				t.Errorf("there is no test %s, which stands in %s", match[1], row)
			}
		}
	}
	namesTestsThatExist(t, page, declared)
}

// namesTestsThatExist: wherever else a page names one, it is there as well; "*"
// stands for several.
func namesTestsThatExist(t *testing.T, page string, declared map[string]bool) {
	t.Helper()
	for _, match := range testNamed.FindAllStringSubmatch(readPage(t, page), -1) {
		if !declared[match[1]] {
			t.Errorf("%s names %s, and there is no such test", page, match[1])
		}
	}
}

func TestThreatModel_EveryAttackOnTheHydratorIsShownByTestsThatExist(t *testing.T) {
	const page = "threat-model-hydrator.md"
	_, after, found := strings.Cut(readPage(t, page), "## Attacks")
	table, _, _ := strings.Cut(after, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| [^-].*$`).FindAllString(table, -1)
	if !found || len(rows) < 15 {
		t.Fatalf("%s has %d attacks", page, len(rows))
	}
	for _, row := range rows[1:] {
		if !testNamed.MatchString(row) {
			t.Errorf("no test shows %s", row)
		}
	}
	namesTestsThatExist(t, page, declaredTests(t))
}
