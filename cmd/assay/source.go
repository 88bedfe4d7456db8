package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// tree is an application on disk: the root that confines every read, and the
// application's path in it.
type tree struct {
	root *os.Root
	path string
}

func (t tree) Close() error {
	if t.root == nil {
		return nil
	}
	return t.root.Close()
}

// openTree opens the source tree that a path belongs to: the root that was
// named, else the nearest folder above it that holds .git, else the working
// directory when the path is below it, else the path itself.
func openTree(path, root string) (tree, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return tree{}, fmt.Errorf("opening %s: %w", path, err)
	}
	info, err := os.Stat(absolute)
	if err != nil {
		return tree{}, fmt.Errorf("opening %s: %w; name a folder or file of an application", path, err)
	}
	top, err := filepath.Abs(root)
	if root == "" {
		top, err = treeTop(absolute, info.IsDir())
	}
	if err != nil {
		return tree{}, fmt.Errorf("opening %s: %w", path, err)
	}
	relative, err := filepath.Rel(top, absolute)
	if err != nil || relative != "." && !filepath.IsLocal(relative) {
		return tree{}, fmt.Errorf("opening %s: it is not below the source tree %s", path, top)
	}
	opened, err := os.OpenRoot(top)
	if err != nil {
		return tree{}, fmt.Errorf("opening the source tree %s: %w", top, err)
	}
	return tree{root: opened, path: filepath.ToSlash(relative)}, nil
}

// treeOf is the source tree that openTree would find for a folder.
func treeOf(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", dir, err)
	}
	return treeTop(absolute, true)
}

func treeTop(absolute string, isDir bool) (string, error) {
	start := absolute
	if !isDir {
		start = filepath.Dir(absolute)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if start == working || strings.HasPrefix(start, working+string(filepath.Separator)) {
		return working, nil
	}
	return start, nil
}

// readRendered reads manifests from standard input, bounded. A reader that
// never ends is left behind when the context ends.
func readRendered(ctx context.Context, in io.Reader) ([]byte, error) {
	limit := plugin.DefaultLimits().RenderedBytes
	var data []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		data, err = io.ReadAll(io.LimitReader(in, limit+1))
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, &exit{code: exitUndetermined, err: fmt.Errorf("reading manifests from standard input: %w", context.Cause(ctx))}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading manifests from standard input: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("reading manifests from standard input: more than %d bytes (limit renderedBytes)", limit)
	case len(strings.TrimSpace(string(data))) == 0:
		return nil, errors.New("reading manifests from standard input: there are none; pipe the output of a renderer into assay")
	}
	return data, nil
}
