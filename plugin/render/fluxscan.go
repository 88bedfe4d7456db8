package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// fluxScan finds what kustomize-controller takes as resources of a folder
// without a kustomization: every .yaml and .yml file at any depth in lexical
// order, and folders with a kustomization of their own whole.
type fluxScan struct {
	files     *kustomizeFiles
	root      string
	ignore    *sourceIgnore
	resources []string
	depth     int
}

func (s *fluxScan) folder(ctx context.Context, folder string) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("reading %s: %w", folder, err)
	}
	if s.depth++; s.depth > maxFolderDepth {
		return invalid(plugin.Origin{File: folder}, "folders are nested too deep", nil)
	}
	defer func() { s.depth-- }()
	names, err := s.files.tree.readDir(folder)
	if err != nil {
		return refuseRead(err, plugin.Origin{File: folder})
	}
	var problems problems
	for _, name := range names {
		if !problems.add(s.entry(ctx, path.Join(folder, name))) {
			break
		}
	}
	return problems.err()
}

func (s *fluxScan) entry(ctx context.Context, name string) error {
	origin := plugin.Origin{File: name}
	info, err := s.files.tree.look(name)
	if err != nil {
		return refuseRead(err, origin)
	}
	if info.IsDir() {
		return s.below(ctx, name)
	}
	manifest := isFluxManifest(name) && !s.ignore.leavesOut(name)
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := s.files.tree.stat(name)
		if err != nil && (manifest || errors.Is(err, errEscape)) {
			return refuseRead(err, origin)
		}
		if manifest && target.IsDir() {
			return invalid(origin, "a symlink with a manifest's name leads to a folder", nil)
		}
	}
	if manifest {
		s.add(name)
	}
	return nil
}

// below takes a folder in whole, or what is in it.
func (s *fluxScan) below(ctx context.Context, name string) error {
	if file, found := s.files.kustomization(name); found && !s.ignore.leavesOut(file) {
		s.add(name)
		return nil
	}
	if path.Base(name) == ".git" { // never in a source's artifact, and large
		return nil
	}
	return s.folder(ctx, name)
}

func (s *fluxScan) add(name string) {
	s.resources = append(s.resources, "./"+relative(s.root, name))
}

// isFluxManifest reports whether a file is taken by its name. assay's own file
// beside the manifests is not.
func isFluxManifest(name string) bool {
	extension := path.Ext(name)
	return (extension == ".yaml" || extension == ".yml") && path.Base(name) != plugin.LockFile
}

// mostFolders bounds the folders that a hint names.
const mostFolders = 10

// folders names the folders in a folder, and that there are more; empty when
// the folder is not there or has none.
func folders(tree *tree, above string) string {
	names, err := tree.readDir(above)
	if err != nil {
		return ""
	}
	var found []string
	for _, name := range names {
		if name = path.Join(above, name); tree.isDir(name) && path.Base(name) != ".git" {
			found = append(found, name)
		}
	}
	if len(found) > mostFolders {
		found = append(found[:mostFolders:mostFolders], fmt.Sprintf("and %d more", len(found)-mostFolders))
	}
	if len(found) == 0 {
		return ""
	}
	return "there are " + strings.Join(found, ", ")
}
