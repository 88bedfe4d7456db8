package tuf

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// Archive is a TUF repository in memory.
type Archive struct{ files map[string][]byte }

// NewArchive unpacks what TrustRoot.spec.repository.mirrorFS holds: a tar of
// the repository, gzipped, in base64, its files below repository/ or at the top
// (policy-controller, pkg/tuf). Links and everything else that is no file are
// passed over. What is cut short, too large, or names a file twice or outside of
// the repository is refused whole: a repository without its newest root would
// read as one that has none.
func NewArchive(encoded string, limits plugin.Limits) (Archive, error) {
	const doing = "unpacking the TUF repository in mirrorFS"
	packed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return Archive{}, fmt.Errorf("%s: it is no base64: %w", doing, err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return Archive{}, fmt.Errorf("%s: it is no gzip: %w", doing, err)
	}
	data, err := io.ReadAll(io.LimitReader(unzipped, limits.ArchiveBytes+1))
	switch {
	case err != nil:
		return Archive{}, fmt.Errorf("%s: it is not whole: %w; encode it again: tar -cz repository | base64 -w0", doing, err)
	case int64(len(data)) > limits.ArchiveBytes:
		return Archive{}, fmt.Errorf("%s: it is larger than %d bytes (limit archiveBytes)", doing, limits.ArchiveBytes)
	}
	made, err := untar(data, limits.ArchiveFiles)
	if err != nil {
		return Archive{}, fmt.Errorf("%s: %w", doing, err)
	}
	return made, nil
}

// untar reads the files of a tar, which are within its bytes.
func untar(data []byte, most int64) (Archive, error) {
	made, reader := Archive{files: map[string][]byte{}}, tar.NewReader(bytes.NewReader(data))
	for entries := int64(0); ; entries++ {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return made, nil
		case err != nil:
			return Archive{}, fmt.Errorf("it is no tar, or not whole: %w", err)
		case entries >= most:
			return Archive{}, fmt.Errorf("it has more than %d files (limit archiveFiles)", most)
		case header.Typeflag != tar.TypeReg:
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(header.Name, "./"), "repository/")
		if !fs.ValidPath(name) {
			return Archive{}, fmt.Errorf("it has a file %q, which is no path in the repository", header.Name)
		}
		if _, twice := made.files[name]; twice {
			return Archive{}, fmt.Errorf("it has the file %s twice", name)
		}
		if made.files[name], err = io.ReadAll(reader); err != nil {
			return Archive{}, fmt.Errorf("reading %s: it is not whole: %w", name, err)
		}
	}
}

// File implements [Source].
func (a Archive) File(_ context.Context, name string, limit int64) ([]byte, error) {
	data, found := a.files[name]
	switch {
	case !found:
		return nil, fmt.Errorf("%s: %w", name, registry.ErrNotFound)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, nil
}
