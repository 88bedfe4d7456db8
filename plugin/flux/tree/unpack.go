package tree

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
)

const (
	// block is what the smallest file takes on a disk, in bytes.
	block = 4096
	// smallBytes may come of any archive: the ratio is asked beyond it.
	smallBytes = 16 << 20
)

// create makes a file that is not there yet.
type create func(into *os.Root, name string) (io.WriteCloser, error)

func createReadOnly(into *os.Root, name string) (io.WriteCloser, error) {
	return into.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444) //nolint:wrapcheck // the caller tells what the file is for
}

// unpacking is one archive on its way into a folder.
type unpacking struct {
	into   *os.Root
	limits Limits
	// packed is the archive's length in bytes.
	packed int64
	// take takes room in the store before it is filled.
	take   func(bytes int64) error
	create create

	names   *names
	entries int64
	files   int64
	folders map[string]bool
}

// run unpacks a tar archive that is compressed by gzip.
func (u *unpacking) run(ctx context.Context, archive io.Reader) error {
	unzipped, err := gzip.NewReader(bufio.NewReader(&watched{Reader: archive, stopped: ctx.Err}))
	if err != nil {
		return u.read(err, "it is not compressed by gzip")
	}
	most, what := u.most()
	bounded := &io.LimitedReader{R: unzipped, N: most + 1}
	u.names, u.folders = newNames(), map[string]bool{".": true}
	reader := tar.NewReader(bounded)
	for {
		header, err := reader.Next()
		switch {
		case bounded.N <= 0:
			return overLimit(what)
		case errors.Is(err, io.EOF):
			return u.end(bounded, what)
		case err != nil:
			return u.read(err, "it is not a whole tar archive")
		}
		err = u.entry(header, reader)
		switch {
		case bounded.N <= 0:
			return overLimit(what)
		case err != nil:
			return err
		}
	}
}

// most is how many bytes the archive may have unpacked, its headers included,
// and how that is said.
func (u *unpacking) most() (int64, string) {
	if ratio := max(smallBytes, u.limits.Ratio*u.packed); ratio < u.limits.UnpackedBytes {
		return ratio, fmt.Sprintf("%d times its packed length of %d bytes when it is unpacked", ratio/max(1, u.packed), u.packed)
	}
	return u.limits.UnpackedBytes, fmt.Sprintf("%d bytes when it is unpacked", u.limits.UnpackedBytes)
}

// end reads on to gzip's checksum. Nothing but padding follows a tar archive's
// end: programs differ in whether they read it.
func (u *unpacking) end(bounded *io.LimitedReader, what string) error {
	buffer := make([]byte, 32<<10)
	for {
		count, err := bounded.Read(buffer)
		for _, b := range buffer[:count] {
			if b != 0 {
				return badArchive("something follows the end of the archive", nil)
			}
		}
		switch {
		case bounded.N <= 0:
			return overLimit(what)
		case errors.Is(err, io.EOF):
			return u.finish()
		case err != nil:
			return u.read(err, "it is broken behind its last entry")
		}
	}
}

// finish makes the folders read only.
func (u *unpacking) finish() error {
	if u.files == 0 {
		return badArchive("it holds no file", nil)
	}
	for name := range maps.Keys(u.folders) {
		if name == "." {
			continue // it is moved first
		}
		if err := u.into.Chmod(name, 0o555); err != nil {
			return noDisk(err)
		}
	}
	return nil
}

func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	if u.entries++; u.entries > u.limits.Files {
		return overLimit(strconv.FormatInt(u.limits.Files, 10) + " files and folders")
	}
	if isSparse(header) {
		return badEntry(header.Name, "is a sparse file")
	}
	switch header.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil
	case tar.TypeDir:
		name, err := u.names.take(header.Name, folder)
		if err != nil {
			return err
		}
		return u.folder(name)
	case tar.TypeReg:
		name, err := u.names.take(header.Name, file)
		if err != nil {
			return err
		}
		return u.file(name, content)
	case tar.TypeSymlink:
		name, err := u.names.take(header.Name, link)
		if err == nil && leadsOut(name, header.Linkname) {
			return badEntry(header.Name, fmt.Sprintf("is a symbolic link out of the tree, to %.200q", header.Linkname))
		}
		return err
	case tar.TypeLink:
		return badEntry(header.Name, "is a hard link")
	}
	return badEntry(header.Name, "is neither a file nor a folder nor a symbolic link")
}

// isSparse reports files of which the archive holds parts alone.
func isSparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// folder makes a folder and those that it lies in.
func (u *unpacking) folder(name string) error {
	if u.folders[name] {
		return nil
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := u.take(block); err != nil {
		return err
	}
	if err := u.into.Mkdir(name, 0o755); err != nil {
		return noDisk(err)
	}
	u.folders[name] = true
	return nil
}

func (u *unpacking) file(name string, content io.Reader) (err error) {
	u.files++
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := u.take(block); err != nil {
		return err
	}
	written, err := u.create(u.into, name)
	if err != nil {
		return noDisk(err)
	}
	_, err = io.Copy(&roomy{Writer: written, take: u.take}, content)
	if closed := written.Close(); err == nil && closed != nil {
		return noDisk(closed)
	}
	if err != nil {
		return u.read(err, fmt.Sprintf("%.200q is not whole", name))
	}
	return nil
}

// read tells a caller that left and a disk that fails from an archive that is
// broken.
func (u *unpacking) read(err error, problem string) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isDisk(err):
		return noDisk(err)
	}
	return badArchive(problem, err)
}

// watched is a reader that ends when the work is stopped.
type watched struct {
	io.Reader
	stopped func() error
}

// Read implements io.Reader.
func (w *watched) Read(into []byte) (int, error) {
	if err := w.stopped(); err != nil {
		return 0, err
	}
	return w.Reader.Read(into) //nolint:wrapcheck // a reader passes on what it wraps
}

// roomy takes room for what it is about to write.
type roomy struct {
	io.Writer
	take func(bytes int64) error
}

// Write implements io.Writer.
func (r *roomy) Write(content []byte) (int, error) {
	if err := r.take(int64(len(content))); err != nil {
		return 0, err
	}
	return r.Writer.Write(content) //nolint:wrapcheck // a writer passes on what it wraps
}
