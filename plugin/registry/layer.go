package registry

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// untold is why something is not known of an image although the registry
// answered. The next try would say the same.
type untold string

func (u untold) Error() string { return string(u) }

// contents is what one layer says about the paths that it was asked for, the
// directories above them included.
type contents struct {
	// entries are the last ones of each path: extracting a layer, a later one
	// replaces an earlier one. Paths are those where the entries land.
	entries map[string]entry
	// removed are paths that the layer takes away from those below it, and
	// opaque directories whose members below it are not seen (OCI image
	// specification, layer, whiteouts).
	removed, opaque map[string]bool
	// folders are directories in which the layer has something: they stand in
	// it also where it does not name them.
	folders map[string]bool
}

// entry is one file of a layer.
type entry struct {
	kind byte
	// target is where a symbolic link points to.
	target string
	// content is the file's, where it was asked for.
	content []byte
	// how is what [plugin.Elevated] says; empty for other files.
	how string
}

// wanted are paths without a slash in front, and how many bytes of the file
// are kept; 0 keeps none.
type wanted map[string]int64

// allowance is what may still be read of one image's layers.
type allowance struct {
	limits                 limits
	layers, bytes          int64
	unpackedBytes, entries int64
}

func newAllowance(limits limits) allowance {
	return allowance{limits: limits, layers: limits.Layers, bytes: limits.LayerBytes, unpackedBytes: limits.LayerUnpackedBytes, entries: limits.LayerEntries}
}

// over says that an allowance is used up.
func over(what, limit string, value int64) untold {
	return untold(fmt.Sprintf("the layers that would have to be read %s (%d, limit %s)", what, value, limit))
}

// readLayer reads a layer to the end of its archive, unpacking it as it comes.
// Errors are [untold], or the reader's own.
func readLayer(from io.Reader, want wanted, left *allowance) (contents, error) {
	layer := newUnpacking(want)
	unpacked, done, err := unpack(from)
	if err != nil {
		return contents{}, untold(fmt.Sprintf("a layer cannot be unpacked: %v", err))
	}
	defer done()
	archive := tar.NewReader(&bounded{from: unpacked, left: left})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return layer.contents, nil
		}
		if err == nil {
			left.entries--
			err = layer.note(header, archive)
		}
		var reason untold
		switch {
		case errors.As(err, &reason):
			return contents{}, reason
		case err != nil:
			return contents{}, untold(fmt.Sprintf("a layer cannot be unpacked: %v", err))
		case left.entries < 0:
			return contents{}, over("hold too many files", "layerEntries", left.limits.LayerEntries)
		}
	}
}

// longestWindow is the most that unpacking one layer may look back. Builders
// use 8 MiB and less; it is memory for each layer that is read at the time.
const longestWindow = 32 << 20

// unpack tells the compression by the first bytes, as runtimes do: what a
// media type says of it is often wrong.
func unpack(from io.Reader) (io.Reader, func(), error) {
	buffered := bufio.NewReaderSize(from, 64<<10)
	first, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("reading its first bytes: %w", err)
	}
	switch {
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}): // RFC 1952 section 2.3.1
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, fmt.Errorf("reading its gzip header: %w", err)
		}
		return unpacked, func() {}, nil
	case bytes.HasPrefix(first, []byte{0x28, 0xb5, 0x2f, 0xfd}), // RFC 8878 section 3.1.1
		len(first) == 4 && first[0]&0xf0 == 0x50 && bytes.HasSuffix(first, []byte{0x2a, 0x4d, 0x18}): // section 3.1.2, a skippable frame
		unpacked, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(longestWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("reading its zstd header: %w", err)
		}
		return unpacked, unpacked.Close, nil
	}
	return buffered, func() {}, nil
}

// bounded counts what is unpacked, and fails at the limit.
type bounded struct {
	from io.Reader
	left *allowance
}

func (b *bounded) Read(data []byte) (int, error) {
	count, err := b.from.Read(data)
	if b.left.unpackedBytes -= int64(count); b.left.unpackedBytes < 0 {
		return 0, over("unpack to too much", "layerUnpackedBytes", b.left.limits.LayerUnpackedBytes)
	}
	return count, err
}

// elevation is what [plugin.Elevated] says of a file. File capabilities are an
// extended attribute (capabilities(7)), which archives keep in a PAX record.
func elevation(header *tar.Header) string {
	const setuid, setgid = 0o4000, 0o2000
	_, capable := header.PAXRecords["SCHILY.xattr.security.capability"]
	switch {
	case header.Typeflag != tar.TypeReg:
		return ""
	case header.Mode&setuid != 0:
		return "is setuid"
	case header.Mode&setgid != 0:
		return "is setgid"
	case capable:
		return "has file capabilities"
	}
	return ""
}
