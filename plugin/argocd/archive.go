package argocd

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/assay-gitops/assay/plugin"
)

// ArchiveLimits bound the archives that the repo-server sends.
type ArchiveLimits struct {
	// Files is the greatest number of entries, folders and links included.
	Files int64
	// Bytes is the greatest length, packed as well as unpacked.
	Bytes int64
}

// DefaultArchiveLimits admit large repositories.
func DefaultArchiveLimits() ArchiveLimits { return ArchiveLimits{Files: 500_000, Bytes: 2 << 30} }

// smaller says what an operator can do about a repository that is too large.
const smaller = "leave out what is not rendered: --plugin-tar-exclude '.git/**' of the repo-server, and the annotation " +
	"argocd.argoproj.io/manifest-generate-paths with --plugin-use-manifest-generate-paths; or raise --archive-files and --archive-bytes"

func archiveLimit(what string) error {
	return &plugin.Refusal{
		Rule: ruleLimit, Message: "the repository's archive has more than " + what,
		Why: "an archive without a bound fills the disk for everybody", Hint: smaller,
	}
}

func badArchive(problem string, cause error) error {
	return &plugin.Refusal{
		Rule: ruleArchive, Message: "unpacking the repository's archive: " + problem, Cause: cause,
		Hint: "hard refresh the Application; if it says so again, look for the file in the repository",
	}
}

// unpacking is one archive on its way into a folder.
type unpacking struct {
	into   *os.Root
	limits ArchiveLimits
	// take takes room in the work folder.
	take  func(bytes int64) error
	files int64
	bytes int64
	// links are entries that are symbolic links: nothing is written below one.
	links map[string]bool
}

// unpack writes a gzip-compressed tar archive into a folder. Files, folders and
// symbolic links are taken; where a link leads is the renderers' business,
// which never follow one out of the tree. Room is taken before it is filled.
func unpack(ctx context.Context, packed io.Reader, into *os.Root, limits ArchiveLimits, take func(bytes int64) error) error {
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return badArchive("it is not compressed by gzip", err)
	}
	// Headers are counted too: a quarter of the bytes may be empty files.
	bounded := &io.LimitedReader{R: unzipped, N: limits.Bytes + 4096*limits.Files + 1}
	u := &unpacking{into: into, limits: limits, take: take, links: map[string]bool{}}
	reader := tar.NewReader(bounded)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return u.end(bounded)
		case bounded.N <= 0:
			return archiveLimit(fmt.Sprintf("%d bytes", limits.Bytes))
		case err != nil:
			return badArchive("it is broken", err)
		}
		if err := u.entry(header, reader); err != nil {
			return err
		}
	}
}

// end reads on to the end, where gzip's own checksum stands.
func (u *unpacking) end(bounded *io.LimitedReader) error {
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return badArchive("it is broken behind its last entry", err)
	}
	if bounded.N <= 0 {
		return archiveLimit(fmt.Sprintf("%d bytes", u.limits.Bytes))
	}
	return nil
}

func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	if u.files++; u.files > u.limits.Files {
		return archiveLimit(fmt.Sprintf("%d files", u.limits.Files))
	}
	name, err := u.place(header.Name)
	if err != nil {
		return err
	}
	if err := u.take(block + max(0, min(header.Size, u.limits.Bytes))); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.written(name, u.into.MkdirAll(name, 0o755))
	case tar.TypeReg:
		if err := u.into.MkdirAll(path.Dir(name), 0o755); err != nil {
			return u.written(name, err)
		}
		return u.file(name, content)
	case tar.TypeSymlink:
		if err := u.into.MkdirAll(path.Dir(name), 0o755); err != nil {
			return u.written(name, err)
		}
		u.links[name] = true
		return u.written(name, u.into.Symlink(header.Linkname, name))
	case tar.TypeXGlobalHeader:
		return nil
	}
	return badArchive(fmt.Sprintf("%q is neither a file nor a folder nor a symbolic link", name), nil)
}

// deepest is how many folders an entry may lie in: opening a file takes time for
// each of them, so that a few kilobytes would keep a processor busy for minutes.
const deepest = 200

// place checks an entry's name: inside the folder, not too deep in it, and not
// below a link.
func (u *unpacking) place(written string) (string, error) {
	name := path.Clean(written)
	if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, "\x00") {
		return "", badArchive(fmt.Sprintf("%q is outside of the tree", written), nil)
	}
	if strings.Count(name, "/") > deepest {
		return "", badArchive(fmt.Sprintf("%.60q... lies in more than %d folders", name, deepest), nil)
	}
	for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
		if u.links[parent] {
			return "", badArchive(fmt.Sprintf("%q lies below the symbolic link %q", written, parent), nil)
		}
	}
	return name, nil
}

func (u *unpacking) file(name string, content io.Reader) error {
	file, err := u.into.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return u.written(name, err)
	}
	left := u.limits.Bytes - u.bytes
	noted := &noting{Reader: content}
	count, err := io.Copy(file, io.LimitReader(noted, left+1))
	err = errors.Join(err, file.Close())
	u.bytes += count
	switch {
	case count > left:
		return archiveLimit(fmt.Sprintf("%d bytes", u.limits.Bytes))
	case noted.failed != nil:
		return badArchive("it is broken", noted.failed)
	}
	return u.written(name, err)
}

// noting keeps what reading failed with apart from what writing did.
type noting struct {
	io.Reader
	failed error
}

// Read implements io.Reader.
func (n *noting) Read(into []byte) (int, error) {
	count, err := n.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		n.failed = err
	}
	return count, err //nolint:wrapcheck // a reader passes on what it wraps
}

// written tells a disk that fails from an archive that is broken.
func (u *unpacking) written(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrExist):
		return badArchive(fmt.Sprintf("%q stands in it twice", name), nil)
	case slices.ContainsFunc(diskErrors(), func(known error) bool { return errors.Is(err, known) }):
		return noDisk(err)
	}
	return badArchive(fmt.Sprintf("%q cannot be a name in it", name), plainly(err))
}

// diskErrors are the work folder's fault; whatever else the system says of a
// name is the archive's.
func diskErrors() []error {
	return []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EFBIG, syscall.EMFILE, syscall.ENFILE, syscall.EROFS, syscall.EACCES, syscall.EPERM, os.ErrNotExist}
}

// plainly leaves out the file that an error of the system names: names in the
// work folder are made up, and a message that changes each time hides that
// nothing changed.
func plainly(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// noDisk is no answer: the work folder cannot be written.
func noDisk(err error) error {
	return &plugin.StageError{
		Stage: stage, Subject: "the repository's archive in the work folder", Cause: plainly(err),
		Hint: "give the work folder (--work-dir) more space, and see that it can be written",
	}
}
