package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// unpackChart unpacks a packaged chart (.tgz) in memory. Names that lead out
// of the chart, links, devices and sizes over the limits are refused.
func unpackChart(data []byte, origin string, limits plugin.Limits) ([]chartFile, error) {
	at := plugin.Origin{File: origin}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, invalid(at, "the chart archive is not gzip", err)
	}
	bounded := &boundedReader{from: unzipped, left: limits.ArchiveBytes}
	reader := tar.NewReader(bounded)
	var files []chartFile
	for entries := int64(1); ; entries++ {
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			if len(files) == 0 {
				return nil, invalid(at, "the chart archive holds no files", nil)
			}
			return files, nil
		case errors.Is(err, errTooLong):
			return nil, overLimit("archiveBytes", limits, at)
		case err != nil:
			return nil, invalid(at, "the chart archive is broken", err)
		case entries > limits.ArchiveFiles:
			return nil, overLimit("archiveFiles", limits, at)
		}
		file, err := unpackEntry(reader, header, at, limits)
		if err != nil {
			return nil, err
		}
		if file.name != "" {
			files = append(files, file)
		}
	}
}

// unpackEntry reads one entry; a folder or a header without content gives a
// file without a name.
func unpackEntry(reader io.Reader, header *tar.Header, at plugin.Origin, limits plugin.Limits) (chartFile, error) {
	switch header.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		return chartFile{}, nil
	default:
		return chartFile{}, archiveTrick(at, header.Name, "is a link or a device")
	}
	name, err := entryName(header.Name, at)
	if err != nil {
		return chartFile{}, err
	}
	if header.Size > limits.ArchiveBytes {
		return chartFile{}, overLimit("archiveBytes", limits, at)
	}
	data, err := io.ReadAll(reader)
	switch {
	case errors.Is(err, errTooLong):
		return chartFile{}, overLimit("archiveBytes", limits, at)
	case err != nil:
		return chartFile{}, invalid(at, fmt.Sprintf("reading %q in the chart archive", header.Name), err)
	}
	return chartFile{name: name, origin: at.File, data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}, nil
}

// entryName is an entry's name below the archive's one top folder.
func entryName(written string, at plugin.Origin) (string, error) {
	name := strings.ReplaceAll(written, `\`, "/")
	top, inner, nested := strings.Cut(name, "/")
	cleaned := path.Clean(inner)
	switch {
	case !nested || inner == "" || cleaned == ".":
		return "", archiveTrick(at, written, "is not below one top folder")
	case path.IsAbs(name), path.IsAbs(inner), top == "..", cleaned == "..", strings.HasPrefix(cleaned, "../"):
		return "", archiveTrick(at, written, "leads out of the chart")
	case strings.ContainsRune(name, 0), len(cleaned) > 1 && cleaned[1] == ':':
		return "", archiveTrick(at, written, "is not a file name")
	}
	return cleaned, nil
}

func archiveTrick(at plugin.Origin, name, what string) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleEscape, Origin: at, Message: fmt.Sprintf("%.200q in the chart archive %s", name, what), Why: whyConfined,
		Hint: "package the chart again with helm package",
	}
}

var errTooLong = errors.New("longer than its limit")

// boundedReader fails with errTooLong instead of ending early.
type boundedReader struct {
	from io.Reader
	left int64
}

// Read reads at most what is left.
func (b *boundedReader) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong
	}
	n, err := b.from.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err //nolint:wrapcheck // a reader passes io.EOF on as it is
}
