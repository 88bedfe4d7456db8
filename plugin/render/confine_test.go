package render

import (
	"go/build"
	"go/parser"
	"go/token"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestPackage_OnOtherSystemsNothingAsksForUnixCalls(t *testing.T) {
	system := build.Default
	for name, unix := range map[string]bool{"windows": false, "linux": true} {
		system.GOOS = name
		found, err := system.ImportDir(".", 0)
		if err != nil {
			t.Fatal(err)
		}
		asks := false
		for _, file := range slices.Concat(found.GoFiles, found.TestGoFiles) {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, imported := range parsed.Imports {
				asks = asks || imported.Path.Value == `"syscall"` || imported.Path.Value == `"golang.org/x/sys/unix"`
			}
		}
		if asks != unix {
			t.Errorf("%s: a file asks for unix calls: %v", name, asks)
		}
	}
}

func TestTree_IsBounded(t *testing.T) {
	root := writeTree(t, map[string]string{"a": "12345", "b": "12345"})
	limits := plugin.DefaultLimits()
	limits.FileBytes, limits.TreeBytes = 5, 10
	tree := newTree(root, limits)
	for _, name := range []string{"a", "b"} {
		if _, err := tree.readFile(name); err != nil {
			t.Errorf("at the limit: %v", err)
		}
	}
	_, err := tree.readFile("a")
	refused(t, err, ruleLimit, "treeBytes")
	limits.FileBytes = 4
	_, err = newTree(root, limits).readFile("a")
	refused(t, err, ruleLimit, "fileBytes")
}
