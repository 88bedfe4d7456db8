package inplace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a folder with the file app/web.yaml, and one beside it that is not
// the tree's.
func tree(t *testing.T) (root *os.Root, inside, outside string) {
	t.Helper()
	dir := t.TempDir()
	inside, outside = filepath.Join(dir, "tree"), filepath.Join(dir, "outside")
	for _, folder := range []string{filepath.Join(inside, "app"), outside} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "web.yaml"), []byte("old\n"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root, inside, outside
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestUndo_FileHasItsOwnModeAgain, whether it was replaced or removed.
func TestUndo_FileHasItsOwnModeAgain(t *testing.T) {
	for name, file := range map[string]File{
		"removed":  {Path: "app/web.yaml", Old: []byte("old\n")},
		"replaced": {Path: "app/web.yaml", Old: []byte("old\n"), New: []byte("new\n")},
	} {
		t.Run(name, func(t *testing.T) {
			root, inside, _ := tree(t)
			w := &writing{root: root}
			if err := w.all([]File{file}); err != nil {
				t.Fatal(err)
			}
			if data, err := root.ReadFile("app/web.yaml"); string(data) != string(file.New) || (err == nil) != (file.New != nil) {
				t.Fatalf("%q, error %v", data, err)
			}
			if err := w.undo(); err != nil {
				t.Fatal(err)
			}
			info, err := root.Stat("app/web.yaml")
			if err != nil || info.Mode().Perm() != 0o640 || content(t, filepath.Join(inside, "app/web.yaml")) != "old\n" {
				t.Errorf("mode %v, error %v", info.Mode(), err)
			}
		})
	}
}

// TestWriting_LinkThatIsPutInBetween_NothingOutsideIsTouched: after the file was
// read and compared, its folder or itself becomes a link out of the tree.
func TestWriting_LinkThatIsPutInBetween_NothingOutsideIsTouched(t *testing.T) {
	file := File{Path: "app/web.yaml", Old: []byte("old\n"), New: []byte("new\n")}
	folder := func(inside, outside string) error {
		return swap(filepath.Join(inside, "app"), outside)
	}
	itself := func(inside, outside string) error {
		return swap(filepath.Join(inside, "app/web.yaml"), filepath.Join(outside, "web.yaml"))
	}
	temporary := func(inside, outside string) error {
		return os.Symlink(filepath.Join(outside, "web.yaml"), filepath.Join(inside, "app/.web.yaml.assay"))
	}
	nothing := func(string, string) error { return nil }
	for name, test := range map[string]struct {
		beforeStaging, beforePlacing func(inside, outside string) error
		fails                        bool
	}{
		"the folder, before staging":    {folder, nothing, true},
		"the folder, before placing":    {nothing, folder, true},
		"the temporary, before staging": {temporary, nothing, true},
		"the file, before staging":      {itself, nothing, false}, // the link is replaced, and not what it leads to
		"the file, before placing":      {nothing, itself, false},
		"twin: no link":                 {nothing, nothing, false},
	} {
		t.Run(name, func(t *testing.T) {
			root, inside, outside := tree(t)
			w := &writing{root: root}
			if err := w.unchanged(file); err != nil {
				t.Fatal(err)
			}
			if err := test.beforeStaging(inside, outside); err != nil {
				t.Fatal(err)
			}
			err := w.stage(file.Path, file.New, 0o644)
			if err := test.beforePlacing(inside, outside); err != nil {
				t.Fatal(err)
			}
			if err == nil {
				err = w.place(file)
			}
			if (err != nil) != test.fails {
				t.Errorf("error %v", err)
			}
			left, unreadable := os.ReadDir(outside)
			if got := content(t, filepath.Join(outside, "web.yaml")); got != "old\n" || len(left) != 1 || unreadable != nil {
				t.Errorf("outside: %q, %v", got, left)
			}
			if got := content(t, filepath.Join(inside, "app/web.yaml")); !test.fails && got != "new\n" {
				t.Errorf("inside: %q", got)
			}
		})
	}
}

// swap puts a link where something else was.
func swap(name, target string) error {
	if err := os.Rename(name, name+".was"); err != nil {
		return err
	}
	return os.Symlink(target, name)
}

// TestWrite_LinkBeforeTheFilesAreCompared_IsRefused, also where what it leads to
// is the same.
func TestWrite_LinkBeforeTheFilesAreCompared_IsRefused(t *testing.T) {
	plan := &Plan{Files: []File{{Path: "app/web.yaml", Old: []byte("old\n"), New: []byte("new\n")}}}
	for name, link := range map[string]string{"the folder": "app", "the file": "app/web.yaml"} {
		t.Run(name, func(t *testing.T) {
			root, inside, outside := tree(t)
			target := filepath.Join(outside, strings.TrimPrefix(link, "app"))
			if err := swap(filepath.Join(inside, link), target); err != nil {
				t.Fatal(err)
			}
			if err := plan.Write(root); err == nil || !strings.Contains(err.Error(), "symlink") {
				t.Errorf("error %v", err)
			}
			if got := content(t, filepath.Join(outside, "web.yaml")); got != "old\n" {
				t.Errorf("outside: %q", got)
			}
		})
	}
	root, inside, _ := tree(t)
	if err := plan.Write(root); err != nil || content(t, filepath.Join(inside, "app/web.yaml")) != "new\n" {
		t.Errorf("the twin: error %v", err)
	}
}
