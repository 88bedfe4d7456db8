// Package examples_test holds the examples to what their README says.
package examples_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fullReference = regexp.MustCompile(`registry\.example\.com/(?:shop|tools)/[a-z]+:[0-9][0-9.]*[0-9]`)
	readmeRow     = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|")
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestExamples_UseNoImageButThoseOfTheREADME(t *testing.T) {
	listed := map[string]bool{}
	for _, reference := range fullReference.FindAllString(read(t, "README.md"), -1) {
		listed[reference] = true
	}
	if len(listed) != 6 {
		t.Fatalf("the README lists %d images: %v", len(listed), slices.Sorted(maps.Keys(listed)))
	}
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || filepath.Ext(path) == ".md" || filepath.Ext(path) == ".go" {
			return err
		}
		for _, reference := range fullReference.FindAllString(read(t, path), -1) {
			used[reference] = true
			if !listed[reference] {
				t.Errorf("%s uses %s, which the README does not list", path, reference)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for reference := range listed {
		if !used[reference] {
			t.Errorf("nothing uses %s", reference)
		}
	}
}

func TestExamples_EveryHostileFolderIsInItsTable(t *testing.T) {
	var listed []string
	for _, row := range readmeRow.FindAllStringSubmatch(read(t, "hostile/README.md"), -1) {
		listed = append(listed, row[1])
	}
	entries, err := os.ReadDir("hostile")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() {
			folders = append(folders, entry.Name())
		}
	}
	slices.Sort(listed)
	if !slices.Equal(folders, listed) {
		t.Errorf("folders %v, table %v", folders, listed)
	}
}

// The links must stay what they attack: a checkout that turned one into a file
// would make the attack pass for harmless.
func TestExamples_SymlinkPointsOutOfTheTree(t *testing.T) {
	target, err := os.Readlink("hostile/symlink/settings.txt")
	if err != nil || !strings.HasPrefix(target, "/") {
		t.Errorf("target %q: %v", target, err)
	}
}

var ruleID = regexp.MustCompile("`((?:image|pss|render|secret|self)/[A-Za-z-]+)`")

func TestExamples_EveryExpectedRuleHasItsPage(t *testing.T) {
	rules := ruleID.FindAllStringSubmatch(read(t, "hostile/README.md"), -1)
	if len(rules) < 10 {
		t.Fatalf("%d rules", len(rules))
	}
	for _, rule := range rules {
		if _, err := os.Stat("../docs/rules/" + strings.ReplaceAll(rule[1], "/", "-") + ".md"); err != nil {
			t.Errorf("%s is no rule: %v", rule[1], err)
		}
	}
}
