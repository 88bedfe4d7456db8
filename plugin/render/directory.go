package render

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/gobwas/glob"

	"github.com/assay-gitops/assay/plugin"
)

// directory renders a folder of manifests as Argo CD does: every .yaml, .yml,
// .json and .jsonnet file in lexical order, below the folder too with Recurse, chosen
// by Include and Exclude.
type directory struct {
	tree    *tree
	root    string
	recurse bool
	include *glob.Pattern
	exclude *glob.Pattern
	options plugin.JsonnetParameters
	stream  stream
	// links are the folders on the way down, so that a symlink cannot loop.
	depth int
}

const maxFolderDepth = 100

// skipMarker anywhere in a file of a folder has Argo CD leave it out
// (reposerver/repository, skipFileRenderingMarker).
const skipMarker = "+argocd:skip-file-rendering"

func renderDirectory(ctx context.Context, tree *tree, source plugin.Source) (plugin.Rendering, error) {
	options := source.Parameters.Directory
	d := &directory{tree: tree, root: source.Path, recurse: options.Recurse, options: options.Jsonnet, stream: stream{limits: tree.limits, lenient: true}}
	var err error
	if d.include, err = compileGlob("include", options.Include); err != nil {
		return plugin.Rendering{}, err
	}
	if d.exclude, err = compileGlob("exclude", options.Exclude); err != nil {
		return plugin.Rendering{}, err
	}
	if tree.isFile(source.Path) {
		err = d.file(source.Path)
	} else {
		err = d.folder(ctx, source.Path)
	}
	return plugin.Rendering{Objects: d.stream.objects, Findings: d.stream.findings}, err
}

// compileGlob reads a pattern with Argo CD's meaning: braces, and a star that
// crosses slashes. An empty pattern is nil.
func compileGlob(option, pattern string) (*glob.Pattern, error) {
	if pattern == "" {
		return nil, nil
	}
	compiled, err := glob.Compile(pattern)
	if err != nil {
		return nil, invalid(plugin.Origin{}, fmt.Sprintf("the %s pattern %q is not a glob", option, pattern), err)
	}
	return compiled, nil
}

func (d *directory) folder(ctx context.Context, folder string) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("reading %s: %w", folder, err)
	}
	if d.depth++; d.depth > maxFolderDepth {
		return invalid(plugin.Origin{File: folder}, "folders are nested too deep, or a symlink leads in a circle", nil)
	}
	defer func() { d.depth-- }()
	names, err := d.tree.readDir(folder)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: folder})
	}
	var problems problems
	for _, name := range names {
		if !problems.add(d.entry(ctx, path.Join(folder, name))) {
			break
		}
	}
	return problems.err()
}

func (d *directory) entry(ctx context.Context, name string) error {
	info, err := d.tree.look(name)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: name})
	}
	switch {
	case info.IsDir():
		// A folder that is a symlink is a file to the walk and has no
		// manifest's name: it is never entered.
		if !d.recurse || path.Base(name) == ".git" {
			return nil
		}
		return d.folder(ctx, name)
	case !d.chosen(name):
		return nil
	}
	return d.file(name)
}

// chosen reports whether a file is a manifest that the options ask for.
// assay's own files beside the manifests are not.
func (d *directory) chosen(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json", ".jsonnet":
	default:
		return false
	}
	if base == plugin.LockFile {
		return false
	}
	relative := strings.TrimPrefix(strings.TrimPrefix(name, d.root), "/")
	if d.root == "." {
		relative = name
	}
	if d.exclude != nil && d.exclude.Match(relative) {
		return false
	}
	return d.include == nil || d.include.Match(relative)
}

func (d *directory) file(name string) error {
	origin := plugin.Origin{File: name}
	data, err := d.tree.readFile(name)
	if err != nil {
		return refuseRead(err, origin)
	}
	if name != d.root && bytes.Contains(data, []byte(skipMarker)) {
		return nil
	}
	if path.Ext(name) == ".jsonnet" {
		return d.jsonnet(name)
	}
	d.stream.file = name
	if path.Ext(name) == ".json" {
		value, err := decodeJSON(data, d.tree.limits, origin)
		if err != nil {
			return err
		}
		d.stream.keysTwice(data, plugin.Origin{File: name, Line: 1})
		return d.stream.add(value, plugin.Origin{File: name, Line: 1})
	}
	return d.stream.decode(data)
}
