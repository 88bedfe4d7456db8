package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/assay-gitops/assay/plugin"
)

// virtualRoot is where kustomize believes the source tree to be.
const virtualRoot = "/"

func virtualPath(name string) string { return path.Join(virtualRoot, name) }

// treePath is the inverse of virtualPath.
func treePath(name string) string {
	cleaned := strings.TrimPrefix(path.Clean(name), virtualRoot)
	if cleaned == "" {
		return "."
	}
	return cleaned
}

var errReadOnly = errors.New("the source tree is read only")

// kustomizeFiles is kustomize's file system over the confined tree: nothing can
// be written, and files in the overlay stand in front of the tree's.
type kustomizeFiles struct {
	tree    *tree
	overlay map[string][]byte
	content map[string][]byte
	// written are the overlay's kustomizations as their author wrote them.
	written map[string][]byte
	// generated maps an overlay file that was rendered from a chart to the
	// chart's template.
	generated map[string]plugin.Origin
	// refused is the first refusal that kustomize was given.
	refused *plugin.Refusal
}

var _ filesys.FileSystem = (*kustomizeFiles)(nil)

func newKustomizeFiles(tree *tree) *kustomizeFiles {
	return &kustomizeFiles{tree: tree, overlay: map[string][]byte{}, content: map[string][]byte{}, written: map[string][]byte{}, generated: map[string]plugin.Origin{}}
}

// kustomization names the kustomization file of a folder.
func (f *kustomizeFiles) kustomization(folder string) (string, bool) {
	for _, base := range kustomizationNames() {
		if name := path.Join(folder, base); f.isFile(name) {
			return name, true
		}
	}
	return "", false
}

func (f *kustomizeFiles) isFile(name string) bool {
	if _, has := f.overlay[name]; has {
		return true
	}
	return f.tree.isFile(name)
}

func (f *kustomizeFiles) isFolder(name string) bool {
	for file := range f.overlay {
		if path.Dir(file) == name {
			return true
		}
	}
	return f.tree.isDir(name)
}

// read returns a file's content by its path in the tree; each is read once.
func (f *kustomizeFiles) read(name string) ([]byte, error) {
	if data, has := f.overlay[name]; has {
		return data, nil
	}
	if data, has := f.content[name]; has {
		return data, nil
	}
	data, err := f.tree.readFile(name)
	if err != nil {
		return nil, err
	}
	f.content[name] = data
	return data, nil
}

// ReadFile implements filesys.FileSystem.
func (f *kustomizeFiles) ReadFile(name string) ([]byte, error) {
	inTree := treePath(name)
	data, err := f.read(inTree)
	var refusal *plugin.Refusal
	if err == nil || errors.Is(err, fs.ErrNotExist) || f.isFolder(inTree) { // kustomize tries every folder as a file first
		return data, err
	}
	if errors.As(refuseRead(err, plugin.Origin{File: inTree}), &refusal) && f.refused == nil {
		f.refused = refusal
	}
	return data, err
}

// CleanedAbs implements filesys.FileSystem: links are resolved, so that
// kustomize's own restriction to a kustomization's root holds.
func (f *kustomizeFiles) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	inTree := treePath(name)
	if _, has := f.overlay[inTree]; has {
		folder, err := f.resolveFolder(path.Dir(inTree))
		return filesys.ConfirmedDir(virtualPath(folder)), path.Base(inTree), err
	}
	if f.isFolder(inTree) {
		folder, err := f.resolveFolder(inTree)
		return filesys.ConfirmedDir(virtualPath(folder)), "", err
	}
	resolved, err := f.tree.resolve(inTree)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", inTree, err)
	}
	return filesys.ConfirmedDir(virtualPath(path.Dir(resolved))), path.Base(resolved), nil
}

// resolveFolder leaves a folder that exists in the overlay alone as it is.
func (f *kustomizeFiles) resolveFolder(folder string) (string, error) {
	if !f.tree.isDir(folder) {
		return folder, nil
	}
	return f.tree.resolve(folder)
}

// Exists implements filesys.FileSystem.
func (f *kustomizeFiles) Exists(name string) bool {
	return f.isFile(treePath(name)) || f.isFolder(treePath(name))
}

// IsDir implements filesys.FileSystem.
func (f *kustomizeFiles) IsDir(name string) bool { return f.isFolder(treePath(name)) }

// ReadDir implements filesys.FileSystem.
func (f *kustomizeFiles) ReadDir(name string) ([]string, error) {
	return f.tree.readDir(treePath(name))
}

// Open, Glob and Walk are not used by a build.
func (f *kustomizeFiles) Open(string) (filesys.File, error) {
	return nil, errors.New("opening files is not supported")
}

// Glob implements filesys.FileSystem.
func (f *kustomizeFiles) Glob(string) ([]string, error) {
	return nil, errors.New("globbing is not supported")
}

// Walk implements filesys.FileSystem.
func (f *kustomizeFiles) Walk(string, filepath.WalkFunc) error {
	return errors.New("walking is not supported")
}

// Create implements filesys.FileSystem.
func (f *kustomizeFiles) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir implements filesys.FileSystem.
func (f *kustomizeFiles) Mkdir(string) error { return errReadOnly }

// MkdirAll implements filesys.FileSystem.
func (f *kustomizeFiles) MkdirAll(string) error { return errReadOnly }

// RemoveAll implements filesys.FileSystem.
func (f *kustomizeFiles) RemoveAll(string) error { return errReadOnly }

// WriteFile implements filesys.FileSystem.
func (f *kustomizeFiles) WriteFile(string, []byte) error { return errReadOnly }
