package appset

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// listing is a tree's folders and files, read once for all generators of a set.
type listing struct {
	root    *os.Root
	walked  bool
	visible []string // folders of which no part begins with a dot
	content []string // files, symlinks included
}

// folders are those that Argo CD sees, in the order of a walk. It leaves out
// hidden ones.
func (l *listing) folders(ctx context.Context) ([]string, error) {
	err := l.walk(ctx)
	return l.visible, err
}

// files are those that Git keeps: hidden ones too, its own folder not.
func (l *listing) files(ctx context.Context) ([]string, error) {
	err := l.walk(ctx)
	return l.content, err
}

func (l *listing) walk(ctx context.Context) error {
	if l.walked {
		return nil
	}
	err := fs.WalkDir(l.root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case path == ".":
		case entry.IsDir() && path == ".git":
			return fs.SkipDir
		case entry.IsDir():
			if !strings.HasPrefix(path, ".") && !strings.Contains(path, "/.") {
				l.visible = append(l.visible, path)
			}
		default:
			l.content = append(l.content, path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the tree: %w", err)
	}
	l.walked = true
	return nil
}

// readFile reads a file within the limits of all generators together.
func (e *expander) readFile(from *listing, path string) ([]byte, error) {
	limits := e.input.Limits
	file, err := from.root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening it: %w", err)
	}
	defer file.Close()
	if status, err := file.Stat(); err != nil || !status.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no regular file")
	}
	text, err := io.ReadAll(io.LimitReader(file, limits.FileBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading it: %w", err)
	case int64(len(text)) > limits.FileBytes:
		return nil, fmt.Errorf("it has more than %d bytes (limit fileBytes)", limits.FileBytes)
	}
	if e.bytes += int64(len(text)); e.bytes > limits.TreeBytes {
		return nil, fmt.Errorf("with it the generators read more than %d bytes (limit treeBytes)", limits.TreeBytes)
	}
	return text, nil
}
