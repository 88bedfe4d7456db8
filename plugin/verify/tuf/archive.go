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
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// Archive is a TUF repository in memory.
type Archive struct{ files map[string][]byte }

// NewArchive unpacks what TrustRoot.spec.repository.mirrorFS holds: a tar of
// the repository, gzipped, in base64, its files below repository/ or at the top
// (policy-controller, pkg/tuf). Links and everything else that is no file are
// passed over.
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
	made := Archive{files: map[string][]byte{}}
	bounded := io.LimitReader(unzipped, limits.ArchiveBytes)
	reader := tar.NewReader(bounded)
	for entries := int64(0); ; entries++ {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return made, nil
		case err != nil:
			return Archive{}, fmt.Errorf("%s: %w (limit archiveBytes is %d)", doing, err, limits.ArchiveBytes)
		case entries >= limits.ArchiveFiles:
			return Archive{}, fmt.Errorf("%s: it has more than %d files (limit archiveFiles)", doing, limits.ArchiveFiles)
		case header.Typeflag != tar.TypeReg:
			continue
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			return Archive{}, fmt.Errorf("%s: reading %s: %w (limit archiveBytes is %d)", doing, header.Name, err, limits.ArchiveBytes)
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/repository/")
		made.files[strings.TrimPrefix(name, "/")] = data
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
