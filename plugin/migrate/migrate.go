package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace"
)

// Options say what is looked at.
type Options struct {
	// Root confines every read and write: the repository's folder.
	Root *os.Root
	// Own reports whether a repository's URL means this tree, Tracks whether a
	// revision does.
	Own    func(url string) bool
	Tracks func(revision string) bool
	Limits plugin.Limits
}

// mostFiles bounds the files of one run that define Applications.
const mostFiles = 10_000

// definition is a line that names what is rewritten.
var definition = regexp.MustCompile(`kind["']?\s*:\s*["']?Application(Set)?\b`)

var group = regexp.MustCompile(`apiVersion["']?\s*:\s*["']?argoproj\.io/`)

// Run reads files and folders, rewrites what they hold and proves it; nothing
// is written. Files in which there is nothing to do are left out. The error is
// no answer.
func Run(ctx context.Context, options Options, paths []string) ([]File, error) {
	var names []string
	for _, each := range paths {
		found, err := options.files(each)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	var files []File
	for _, name := range slices.Compact(names) {
		if err := context.Cause(ctx); err != nil {
			return nil, fmt.Errorf("looking at %s: %w", name, err)
		}
		file, err := options.file(ctx, name)
		if err != nil {
			return nil, err
		}
		if file.Sources > 0 || len(file.Refused) > 0 {
			files = append(files, file)
		}
		if len(files) > mostFiles {
			return nil, fmt.Errorf("more than %d files define Applications; name a folder below", mostFiles)
		}
	}
	return files, nil
}

// files are the YAML files at or below a path. Links are not followed.
func (o Options) files(name string) ([]string, error) {
	var names []string
	err := fs.WalkDir(o.Root.FS(), name, func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Type().IsRegular() && (at == name || slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(at))):
			names = append(names, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for Applications: %w", err)
	}
	return names, nil
}

func (o Options) file(ctx context.Context, name string) (File, error) {
	file := File{Path: name}
	data, err := o.read(name)
	if err != nil {
		return file, fmt.Errorf("reading %s: %w", name, err)
	}
	if !definition.Match(data) || !group.Match(data) {
		return file, nil
	}
	file.Old, file.New = data, data
	rewrite(&file)
	if len(file.Refused) > 0 || file.Sources == 0 {
		return file, nil
	}
	err = o.prove(ctx, &file)
	if reason, refused := refusal(err); refused {
		file.Refused = append(file.Refused, Problem{Where: plugin.Origin{File: name}, Reason: reason, Hint: "correct it"})
		err = nil
	}
	return file, err
}

func (o Options) read(name string) ([]byte, error) {
	opened, err := o.Root.Open(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller names the file
	}
	defer func() { _ = opened.Close() }()
	data, err := io.ReadAll(io.LimitReader(opened, o.Limits.FileBytes+1))
	if err == nil && int64(len(data)) > o.Limits.FileBytes {
		err = errors.New("it goes over the limit fileBytes")
	}
	return data, err //nolint:wrapcheck // the caller names the file
}

// MayWrite reports whether a file is rewritten: nothing of it is refused or
// differs, and what is not proven was asked for.
func (f File) MayWrite(unproven bool) bool {
	return f.Sources > 0 && len(f.Refused) == 0 && len(f.Different) == 0 && (unproven || len(f.Unproven) == 0)
}

// Write writes the files that may be written: all of them, or none.
func Write(root *os.Root, files []File, unproven bool) error {
	var plan inplace.Plan
	for _, each := range files {
		if each.MayWrite(unproven) {
			plan.Files = append(plan.Files, inplace.File{Path: each.Path, Old: each.Old, New: each.New})
		}
	}
	return plan.Write(root) //nolint:wrapcheck // it names the file
}
