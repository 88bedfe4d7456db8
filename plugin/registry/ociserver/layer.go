package ociserver

import (
	"archive/tar"
	"bytes"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is a plain file of a layer.
type File struct {
	Name, Content string
	// Mode is that of a tar header: permissions, and setuid and setgid.
	Mode int64
	// Records are PAX records, such as extended attributes.
	Records map[string]string
}

// Layer is an uncompressed layer of these files.
func Layer(files ...File) (v1.Layer, error) {
	var data bytes.Buffer
	writer := tar.NewWriter(&data)
	for _, file := range files {
		header := tar.Header{Name: file.Name, Typeflag: tar.TypeReg, Mode: file.Mode, Size: int64(len(file.Content)), PAXRecords: file.Records}
		if err := writer.WriteHeader(&header); err != nil {
			return nil, fmt.Errorf("making a layer: %s: %w", file.Name, err)
		}
		if _, err := writer.Write([]byte(file.Content)); err != nil {
			return nil, fmt.Errorf("making a layer: %s: %w", file.Name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("making a layer: %w", err)
	}
	return static.NewLayer(data.Bytes(), types.OCIUncompressedLayer), nil
}
