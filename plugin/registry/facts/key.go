package facts

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const keyBytes = 32

// readKey reads the key, or makes one that only this user may read. Of several
// processes that make one at once, one does.
func readKey(name string) ([]byte, error) {
	key, err := loadKey(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("making its key: %w; name another place", err)
	}
	file, err := os.CreateTemp(filepath.Dir(name), temporary+"*") // only its owner may read it
	if err != nil {
		return nil, fmt.Errorf("making its key: %w; name another place", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // it has a name of its own by then
	made := make([]byte, keyBytes)
	_, _ = rand.Read(made) // never fails (crypto/rand since Go 1.24)
	_, err = file.Write(made)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("writing its key: %w", err)
	}
	if err := os.Link(file.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("writing its key: %w", err)
	}
	return loadKey(name)
}

func loadKey(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading its key: %w", err)
	}
	if info.Size() != keyBytes {
		return nil, fmt.Errorf("reading its key: %s has %d bytes and not %d; remove it, and another one is made", name, info.Size(), keyBytes)
	}
	if info.Mode().Perm()&0o007 != 0 { // a volume's group may, as Kubernetes gives it to the Pod's
		return nil, fmt.Errorf("reading its key: everybody may use %s (%s); remove it, and another one is made", name, info.Mode())
	}
	if ownedByOthers(info) {
		return nil, fmt.Errorf("reading its key: %s belongs to another user, who may have kept what is in it; name another place", name)
	}
	key, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading its key: %w", err)
	}
	return key, nil
}
