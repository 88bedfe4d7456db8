package publish

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/pkg/apis/meta"
)

// mostRead bounds what is unpacked of one artifact of the store's own, in
// bytes.
const mostRead = 256 << 20

// Read unpacks what is published: the files that [Store.Put] was given. The
// error is a *plugin.StageError; an artifact that is not whole is one.
func (s *Store) Read(artifact meta.Artifact) (map[string][]byte, error) {
	if err := s.whole(artifact); err != nil {
		return nil, noStorage("reading an artifact", err)
	}
	file, err := os.Open(s.storage.LocalPath(artifact))
	if err != nil {
		return nil, noStorage("reading an artifact", err)
	}
	defer func() { _ = file.Close() }()
	files, err := unpack(file)
	if err != nil {
		return nil, noStorage("reading an artifact", err)
	}
	return files, nil
}

func unpack(packed io.Reader) (map[string][]byte, error) {
	zipped, err := gzip.NewReader(packed)
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	files, left := map[string][]byte{}, int64(mostRead)
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("unpacking: %w", err)
		}
		if left -= header.Size; left < 0 {
			return nil, fmt.Errorf("unpacking: there are more than %d bytes", mostRead)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", header.Name, err)
		}
	}
}
