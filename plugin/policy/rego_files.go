package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// regoFolders bounds how deep the folders of a gate's Rego go.
const regoFolders = 20

// regoFolder reads the files that a gate names for plain Rego. They lie below
// the folder of the gate's file; no path and no link leads out of it.
type regoFolder struct {
	root   *os.Root
	limits plugin.Limits
	total  int64
}

// regoFiles are modules and data as they were read.
type regoFiles struct {
	sources []regoSource
	data    map[string]any
}

func readRego(g gate.Gate) (regoFiles, error) {
	files := regoFiles{data: map[string]any{}}
	written := g.Spec.Judge.Rego
	root, err := os.OpenRoot(filepath.Dir(filepath.FromSlash(g.At.File)))
	if err != nil {
		return files, apiserver.Refuse(g.At, "reading judge.rego: %v", err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	folder := &regoFolder{root: root, limits: plugin.DefaultLimits()}
	version := ast.RegoV1
	if written.V0 {
		version = ast.RegoV0
	}
	var problems []error
	for _, name := range written.Files {
		problems = append(problems, folder.each(name, []string{".rego"}, func(file, _ string, text []byte) error {
			if !strings.HasSuffix(file, "_test.rego") {
				files.sources = append(files.sources, regoSource{name: file, text: string(text), version: version, at: plugin.Origin{File: path.Join(path.Dir(g.At.File), file)}})
			}
			return nil
		}))
	}
	for _, name := range written.Data {
		problems = append(problems, folder.each(name, []string{".json", ".yaml", ".yml"}, files.addData))
	}
	if err := errors.Join(problems...); err != nil {
		return files, apiserver.Refuse(g.At, "reading judge.rego: %v", err)
	}
	return files, nil
}

// each reads a file, or those of a folder with one of the endings, sorted.
// below is the folder of the file under the named one, as keys: a/b.
func (f *regoFolder) each(name string, endings []string, use func(file, below string, text []byte) error) error {
	found := 0
	err := fs.WalkDir(f.root.FS(), path.Clean(name), func(file string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entryName(entry), ".") && file != path.Clean(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() && strings.Count(file, "/") > regoFolders:
			return fmt.Errorf("%s: more than %d folders deep", file, regoFolders)
		case entry.IsDir() || hidden || !slices.Contains(endings, path.Ext(file)):
			return nil
		}
		text, err := f.read(file)
		if err != nil {
			return err
		}
		found++
		below, _ := filepath.Rel(path.Clean(name), path.Dir(file)) // a path below the other
		if file == path.Clean(name) {
			below = "."
		}
		return use(file, filepath.ToSlash(below), text)
	})
	if err == nil && found == 0 {
		err = fmt.Errorf("%s holds no file ending in %s", name, strings.Join(endings, ", "))
	}
	return err
}

func entryName(entry fs.DirEntry) string {
	if entry == nil {
		return ""
	}
	return entry.Name()
}

func (f *regoFolder) read(name string) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, f.limits.FileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	f.total += int64(len(text))
	switch {
	case int64(len(text)) > f.limits.FileBytes:
		return nil, fmt.Errorf("%s is larger than %d bytes (limit fileBytes)", name, f.limits.FileBytes)
	case f.total > f.limits.TreeBytes:
		return nil, fmt.Errorf("the files are together larger than %d bytes (limit treeBytes)", f.limits.TreeBytes)
	}
	return text, nil
}

// addData merges one file into data, below the folders that it lies in.
func (f *regoFiles) addData(file, below string, text []byte) error {
	encoded, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return fmt.Errorf("reading %s: %s", file, oneLine(err.Error()))
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil || fields == nil {
		return fmt.Errorf("reading %s: data is an object with keys", file)
	}
	into := f.data
	if below != "." {
		for _, key := range strings.Split(below, "/") {
			into = member(into, key)
		}
	}
	for _, key := range sortedKeys(fields) {
		if _, twice := into[key]; twice {
			return fmt.Errorf("reading %s: data.%s is there twice", file, strings.TrimPrefix(strings.ReplaceAll(below, "/", ".")+"."+key, ".."))
		}
		into[key] = fields[key]
	}
	return nil
}
