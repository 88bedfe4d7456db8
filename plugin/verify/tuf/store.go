package tuf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Store keeps the last good copy of each mirror in a folder, one file each. It
// may be used by several processes at once. The zero value keeps nothing.
type Store struct{ Dir string }

// copyBytes is the most that is read of a file: all that an update may read,
// in base64, with a chain of many roots.
const copyBytes = 64 << 20

var oddInName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

func (s Store) path(mirror Mirror) string {
	name := oddInName.ReplaceAllString(mirror.Name, "_")
	return filepath.Join(s.Dir, fmt.Sprintf("%.100s-%.32s.json", name, mirror.id()))
}

// Load reads the copy of a mirror; nil when there is none. A file that is not
// the mirror's, or whose signatures do not hold, is an error and no copy.
func (s Store) Load(mirror Mirror) (*Copy, error) {
	if s.Dir == "" {
		return nil, nil
	}
	name := s.path(mirror)
	data, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the copy of TrustRoot %s: %w", mirror.Name, err)
	}
	found, err := decode(mirror, data)
	if err != nil {
		return nil, fmt.Errorf("the copy of TrustRoot %s in %s is not used: %w", mirror.Name, name, err)
	}
	return found, nil
}

func readFile(name string) ([]byte, error) {
	switch info, err := os.Stat(name); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // opening a pipe would wait for its other end
		return nil, fmt.Errorf("%s is no file", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, copyBytes+1))
	if err == nil && len(data) > copyBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, copyBytes)
	}
	return data, err
}

// Save puts a copy in the place of the one that is there, whole or not at all.
// One that another process saved meanwhile, and that is newer, stays.
func (s Store) Save(mirror Mirror, made *Copy) error {
	if s.Dir == "" {
		return nil
	}
	if there, err := s.Load(mirror); err == nil && there != nil && newer(there, made) {
		return nil
	}
	data, err := made.encode(mirror)
	if err != nil {
		return err
	}
	if err := replace(s.path(mirror), data); err != nil {
		return fmt.Errorf("saving the copy of TrustRoot %s: %w", mirror.Name, err)
	}
	return nil
}

// newer reports whether one copy is of a later state than another.
func newer(one, other *Copy) bool {
	for _, role := range roles() {
		if one.Versions[role] != other.Versions[role] {
			return one.Versions[role] > other.Versions[role]
		}
	}
	return one.FetchedAt.After(other.FetchedAt)
}

// replace writes a file beside its place and renames it.
func replace(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
