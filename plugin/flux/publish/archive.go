package publish

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/fluxcd/pkg/artifact/storage"
)

// archive packs files as Flux packs artifacts: in order, without times and
// owners, so that the same files are always the same bytes.
func archive(ctx context.Context, files map[string][]byte) ([]byte, error) {
	if len(files) == 0 {
		return nil, badContent("there is no file")
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`) || strings.ContainsFunc(name, unicode.IsControl) {
			return nil, badContent(fmt.Sprintf("%.200q cannot be the name of a file", name))
		}
		for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
			if _, isFile := files[parent]; isFile {
				return nil, badContent(fmt.Sprintf("%.200q is a file and a folder", parent))
			}
		}
	}
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	writer := tar.NewWriter(zipped)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err //nolint:wrapcheck // the caller tells what was stopped
		}
		if err := add(writer, name, files[name]); err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("packing %d files: %w", len(files), err)
	}
	if err := zipped.Close(); err != nil {
		return nil, fmt.Errorf("packing %d files: %w", len(files), err)
	}
	return packed.Bytes(), nil
}

func add(writer *tar.Writer, name string, content []byte) error {
	header := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: storage.DefaultFileMode, Size: int64(len(content))}
	if err := writer.WriteHeader(header); err != nil {
		return err //nolint:wrapcheck // the caller names the file
	}
	_, err := writer.Write(content)
	return err //nolint:wrapcheck // the caller names the file
}
