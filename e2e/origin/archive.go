package origin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"testing"
)

// Archive packs files by their paths, as charts and artifacts are published.
func Archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	buffer := &bytes.Buffer{}
	compressed := gzip.NewWriter(buffer)
	packed := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		must(t, packed.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := packed.Write([]byte(files[name]))
		must(t, err)
	}
	must(t, packed.Close())
	must(t, compressed.Close())
	return buffer.Bytes()
}
