package revision

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/assay-gitops/assay/plugin"
)

// store is the temporary folder in which the sides lie. Equal files lie there
// once, under several names.
type store struct {
	place
	root   *os.Root
	way    ladder
	limits plugin.Limits
	sides  int64
	bytes  int64
	// taken is the room of a store in memory that is used up, in bytes.
	taken int64
	// kept is a file of the store for each blob that was written.
	kept map[string]string
	// large are the sizes of blobs beyond the limit on one file, and pointers those
	// that stand for a file of LFS.
	large    map[string]int64
	pointers map[string]pointer
}

func newStore(at place, limits plugin.Limits) (*store, error) {
	dir, err := os.MkdirTemp(at.dir, folderPrefix)
	made := &store{place: place{dir: dir, most: at.most}, limits: limits, kept: map[string]string{}, large: map[string]int64{}, pointers: map[string]pointer{}}
	if err != nil {
		return nil, made.broken(err)
	}
	if made.root, err = os.OpenRoot(dir); err != nil {
		_ = os.Remove(dir)
		return nil, made.broken(err)
	}
	made.way.base = made.root
	return made, nil
}

// broken says why the store's folder does not do. In memory it is not said:
// there is another.
func (s *store) broken(err error) error {
	if s.most > 0 {
		return errCramped
	}
	return noDisk(err)
}

// take takes room for a file or folder. A file system in memory gives it in
// whole pages.
func (s *store) take(bytes int64) error {
	const page = 4096
	if s.taken += (bytes/page + 1) * page; s.most > 0 && s.taken > s.most {
		return errCramped
	}
	return nil
}

// close removes all sides.
func (s *store) close() error {
	s.way.close()
	_ = s.root.Close()
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing the trees that were compared: %w", err)
	}
	return nil
}

// draft is a side on its way into the store.
type draft struct {
	store *store
	// name is how messages call the side, and folder where it lies in the store.
	name, folder string
	written      *written
	entries      []entry
	links        []linking
	notes        notes
}

// linking is a symbolic link that is made when everything else is there, so
// that nothing is ever written through one.
type linking struct{ at, target string }

func (s *store) begin(name string) (*draft, error) {
	if s.sides++; s.sides > s.limits.Revisions {
		return nil, overLimit(name, "revisions", s.limits.Revisions)
	}
	folder := strconv.FormatInt(s.sides, 10)
	if err := s.mkdir(folder); err != nil {
		return nil, err
	}
	return &draft{store: s, name: name, folder: folder, written: newWritten()}, nil
}

// drop removes what was written of a side that came to nothing. Its files may
// be the ones that others would link to.
func (d *draft) drop() {
	for object, at := range d.store.kept {
		if path.Dir(at) == d.folder || len(at) > len(d.folder) && at[:len(d.folder)+1] == d.folder+"/" {
			delete(d.store.kept, object)
		}
	}
	_ = d.store.root.RemoveAll(d.folder)
}

// take checks a name, makes the folders that it lies in and returns where it
// goes in the store.
func (d *draft) take(one entry) (string, error) {
	made, problem := d.written.take(one.path)
	if problem != "" {
		return "", badEntry(d.name, one.path, problem)
	}
	if int64(len(d.written.files)+len(d.written.folders)) > d.store.limits.RevisionFiles {
		return "", overLimit(d.name, "revisionFiles", d.store.limits.RevisionFiles)
	}
	for _, folder := range made {
		if err := d.store.mkdir(d.folder + "/" + folder); err != nil {
			return "", err
		}
	}
	d.entries = append(d.entries, one)
	return d.folder + "/" + one.path, nil
}

// spend counts bytes that are about to be written.
func (d *draft) spend(bytes int64) error {
	if d.store.bytes += bytes; d.store.bytes > d.store.limits.RevisionBytes {
		return overLimit(d.name, "revisionBytes", d.store.limits.RevisionBytes)
	}
	return nil
}

// write makes a file of a blob that the store does not have yet.
func (d *draft) write(at, object string, content []byte) error {
	if err := d.store.write(at, content); err != nil {
		return err
	}
	d.store.kept[object] = at
	if stands, is := parsePointer(content); is {
		d.store.pointers[object] = stands
	}
	return nil
}

// hollow makes a file of the right length without the content of a blob beyond
// the limit: whoever reads it is refused by that limit.
func (d *draft) hollow(at, object string, size int64) error {
	made, err := d.store.create(at, 0)
	if err != nil {
		return err
	}
	err = made.Truncate(size)
	if closed := made.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return d.store.broken(err)
	}
	d.store.kept[object], d.store.large[object] = at, size
	return nil
}

// share gives a blob that the store has another name. A file system takes so
// many names for one file, and some take one.
func (d *draft) share(at, object string) error {
	kept := d.store.kept[object]
	// No link can stand on either way: those of a side are made last, and no side is
	// written to after.
	if os.Link(filepath.Join(d.store.dir, kept), filepath.Join(d.store.dir, at)) == nil {
		return nil
	}
	if size, large := d.store.large[object]; large {
		return d.hollow(at, object, size)
	}
	content, err := d.store.root.ReadFile(kept)
	if err != nil {
		return d.store.broken(err)
	}
	return d.write(at, object, content)
}

// link notes a symbolic link.
func (d *draft) link(at, name, target string) error {
	if problem := mistargeted(target); problem != "" {
		return badEntry(d.name, name, problem)
	}
	d.links = append(d.links, linking{at: at, target: target})
	return nil
}

// finish makes the symbolic links and opens the side.
func (d *draft) finish(side Side) (*Side, error) {
	for _, each := range d.links {
		if err := d.store.root.Symlink(each.target, each.at); err != nil {
			return nil, d.store.broken(err)
		}
	}
	for _, one := range d.entries {
		d.describe(one)
	}
	side.Dir = filepath.Join(d.store.dir, d.folder)
	root, err := os.OpenRoot(side.Dir)
	if err != nil {
		return nil, d.store.broken(err)
	}
	side.Root, side.entries, side.Notes = root, d.entries, d.notes.list()
	return &side, nil
}

func (s *store) write(at string, content []byte) error {
	made, err := s.create(at, int64(len(content)))
	if err != nil {
		return err
	}
	_, err = made.Write(content)
	if closed := made.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// create makes a file that is not there, in a folder that is.
func (s *store) create(at string, size int64) (*os.File, error) {
	if err := s.take(size); err != nil {
		return nil, err
	}
	folder, err := s.way.at(path.Dir(at))
	if err == nil && folder == nil {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, s.broken(err)
	}
	made, err := folder.OpenFile(path.Base(at), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, s.broken(err)
	}
	return made, nil
}

// mkdir makes a folder in one that is there.
func (s *store) mkdir(at string) error {
	if err := s.take(0); err != nil {
		return err
	}
	if err := s.root.Mkdir(at, 0o755); err != nil {
		return s.broken(err)
	}
	return nil
}
