//go:build unix

package render

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestTree_ReadsWhatIsInsideAndNothingElse(t *testing.T) {
	root := writeTree(t, map[string]string{"a/file": "inside", "b/other": "x"})
	outside := path.Join(path.Dir(root.Name()), "outside-"+path.Base(root.Name()))
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(outside) })
	for name, target := range map[string]string{
		"b/inside": "../a/file", "b/folder": "../a", "b/up": "../../" + path.Base(outside), "b/absolute": outside,
		"b/round": "round", "b/through": "folder/../../../" + path.Base(outside), "b/dangling": "nothing",
	} {
		if err := root.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(path.Join(root.Name(), "b/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"a/file": nil, "b/inside": nil, "b/folder/file": nil, "./a/../a/file": nil,
		"b/up": errEscape, "b/absolute": errEscape, "b/through": errEscape, "../" + path.Base(outside): errEscape, "/etc/passwd": errEscape,
		"b/pipe": errIrregular, "a": errIrregular, "b/dangling": fs.ErrNotExist, "none": fs.ErrNotExist, "a/file/x": syscall.ENOTDIR,
	} {
		data, err := newTree(root, plugin.DefaultLimits()).readFile(name)
		if !errors.Is(err, want) || want == nil && string(data) != "inside" || want != nil && data != nil {
			t.Errorf("%s: got %q and %v, want %v", name, data, err, want)
		}
	}
	if _, err := newTree(root, plugin.DefaultLimits()).readFile("b/round"); err == nil {
		t.Error("a symlink to itself is read")
	}
}
