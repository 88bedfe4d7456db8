package revision

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Git names objects by it; nothing is trusted for it
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// listed is a file on disk that belongs to a side.
type listed struct {
	path string
	// object is what the index holds for it, and kind as what; empty for files that
	// are not in it.
	object string
	kind   kind
	// absent is set for a file that a sparse checkout leaves out.
	absent bool
}

// disk reads a folder of the user's.
type disk struct {
	// sha256 says how blobs are named.
	sha256 bool
	way    ladder
}

// errMoving says that a file was written to while it was read.
var errMoving = errors.New("it is being written to")

// seen is what stands under a name on disk.
type seen struct {
	kind    kind
	size    int64
	content []byte // empty for a file beyond the limit
	object  string
	large   bool
}

// look reads what stands under a name; a zero kind when there is nothing that
// git would keep.
func (d *disk) look(ctx context.Context, name string, most int64) (seen, error) {
	folder, err := d.way.at(path.Dir(name))
	if folder == nil || err != nil {
		return seen{}, gone(name, err)
	}
	last := path.Base(name)
	info, err := folder.Lstat(last)
	switch {
	case err != nil:
		return seen{}, gone(name, err)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := folder.Readlink(last)
		if err != nil {
			return seen{}, unreadable(name, err)
		}
		return seen{kind: link, content: []byte(target), object: d.name([]byte(target))}, nil
	case !info.Mode().IsRegular():
		return seen{}, nil
	}
	var found seen
	err = errMoving
	for tries := 0; tries < 3 && errors.Is(err, errMoving); tries++ {
		if ctx.Err() != nil {
			return seen{}, context.Cause(ctx)
		}
		found, err = d.read(folder, last, most)
	}
	if err != nil {
		return seen{}, unreadable(name, err)
	}
	return found, nil
}

func unreadable(name string, err error) error {
	return noAnswer(fmt.Sprintf("reading %.200q", name), "see that the file can be read and is at rest, or compare commits", plainly(err))
}

// gone is no error for a file that is not there.
func gone(name string, err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return unreadable(name, err)
}

// read reads a regular file, as it stood at one moment as far as can be told.
func (d *disk) read(folder *os.Root, name string, most int64) (seen, error) {
	opened, err := folder.Open(name)
	if err != nil {
		return seen{}, err //nolint:wrapcheck // the caller names the file
	}
	defer func() { _ = opened.Close() }()
	before, err := opened.Stat()
	if err != nil {
		return seen{}, err //nolint:wrapcheck // the caller names the file
	}
	found := seen{kind: file, size: before.Size(), large: before.Size() > most}
	if found.large {
		found.object, err = d.nameOf(opened, found.size)
	} else {
		found.content = make([]byte, found.size)
		if _, err = io.ReadFull(opened, found.content); err == nil {
			found.object = d.name(found.content)
		}
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return seen{}, err
	}
	after, stat := opened.Stat()
	if err != nil || stat != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return seen{}, errMoving
	}
	return found, nil
}

// name is the hash by which git names a blob.
func (d *disk) name(content []byte) string {
	sum := d.hash(int64(len(content)))
	sum.Write(content)
	return hex.EncodeToString(sum.Sum(nil))
}

// nameOf is the same for a file that is not kept in memory.
func (d *disk) nameOf(content io.Reader, size int64) (string, error) {
	sum := d.hash(size)
	if _, err := io.CopyN(sum, content, size); err != nil {
		return "", err //nolint:wrapcheck // the caller names the file
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (d *disk) hash(size int64) hash.Hash {
	sum := sha1.New() //nolint:gosec // see the import
	if d.sha256 {
		sum = sha256.New()
	}
	fmt.Fprintf(sum, "blob %d\x00", size)
	return sum
}

// settle makes the file on disk what the index holds when they differ as a
// checkout makes them differ: by line endings, or as the file of a pointer of
// LFS that the store has.
func (d *disk) settle(found seen, one listed, keep *store) (seen, error) {
	if one.kind != file || found.kind != file || found.object == one.object {
		return found, nil
	}
	if stands, is := keep.pointers[one.object]; is && stands.size == found.size {
		sum, err := d.sum(one.path)
		if err == nil && sum == stands.hash {
			found.object, found.large = one.object, false // and the store has its bytes
		}
		return found, err
	}
	if found.large || !bytes.Contains(found.content, []byte("\r\n")) {
		return found, nil
	}
	unix := bytes.ReplaceAll(found.content, []byte("\r\n"), []byte("\n"))
	if d.name(unix) == one.object {
		found.object, found.content, found.size = one.object, unix, int64(len(unix))
	}
	return found, nil
}

// sum is the SHA-256 of a file in hex, by which LFS names it.
func (d *disk) sum(name string) (string, error) {
	folder, err := d.way.at(path.Dir(name))
	if folder == nil || err != nil {
		return "", gone(name, err)
	}
	opened, err := folder.Open(path.Base(name))
	if err != nil {
		return "", unreadable(name, err)
	}
	defer func() { _ = opened.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, opened); err != nil {
		return "", unreadable(name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
