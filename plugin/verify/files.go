package verify

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/assay-gitops/assay/plugin"
)

// files reads what the gate's configuration names, beside the file that names
// it and not outside that folder.
type files struct {
	dir   string
	limit int64
}

func (f files) read(at plugin.Origin, name string) ([]byte, error) {
	folder, err := f.beside(at, name)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenInRoot(folder, filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("reading a file of the configuration: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, f.limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case int64(len(data)) > f.limit:
		return nil, fmt.Errorf("reading %s: it is larger than the limit fileBytes (%d bytes)", name, f.limit)
	}
	return data, nil
}

// folder opens a folder that the configuration names; whoever has it closes it.
func (f files) folder(at plugin.Origin, name string) (*os.Root, error) {
	parent, err := f.beside(at, name)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of the configuration: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	folder, err := root.OpenRoot(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("reading a folder of the configuration: %w", err)
	}
	return folder, nil
}

// beside is the folder of the file that names another.
func (f files) beside(at plugin.Origin, name string) (string, error) {
	folder := filepath.Dir(filepath.FromSlash(at.File))
	if filepath.IsAbs(folder) {
		return folder, nil
	}
	if f.dir == "" {
		return "", fmt.Errorf("reading %s: the configuration was not read from a folder, so there is nothing beside it", name)
	}
	return filepath.Join(f.dir, folder), nil
}

// refuse is the error for a rule that is not accepted.
func refuse(at plugin.Origin, format string, arguments ...any) error {
	err := fmt.Errorf(format, arguments...)
	if where := at.String(); where != "" {
		return fmt.Errorf("%s: %w", where, err)
	}
	return err
}
