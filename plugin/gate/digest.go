package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// content is one file of the configuration as it was loaded.
type content struct {
	// name is the file's, below the path that was given.
	name string
	sum  [sha256.Size]byte
}

// namedFile is a file, or a folder, that a document of the configuration names:
// by whom, and relative to which file.
type namedFile struct{ by, from, written string }

// Digest is "sha256:<hex>" over everything that decides: each file of the
// configuration, by its name below the path that was given, and each file that
// one names (keys, trust roots, Rego and its data), which is read now. Where the
// configuration lies does not matter. Credentials are left out: they say what
// can be read, not what is accepted. An error says which file cannot be read.
func (c *Config) Digest() (string, error) {
	var lines []string
	for _, each := range c.contents {
		lines = append(lines, fmt.Sprintf("%s\x00%x", each.name, each.sum))
	}
	for _, named := range c.files {
		found, err := named.lines(plugin.DefaultLimits().TreeBytes)
		if err != nil {
			return "", fmt.Errorf("reading what the gate's configuration names: %w", err)
		}
		lines = append(lines, found...)
	}
	slices.Sort(lines)
	whole := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return "sha256:" + hex.EncodeToString(whole[:]), nil
}

// lines are one for each file below the name.
func (n namedFile) lines(limit int64) ([]string, error) {
	root, err := os.OpenRoot(filepath.Dir(filepath.FromSlash(n.from)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // nothing was written
	start := path.Clean(n.written)
	var lines []string
	err = fs.WalkDir(root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := root.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		sum := sha256.New()
		size, err := io.Copy(sum, io.LimitReader(file, limit+1))
		if err != nil {
			return err
		}
		if limit -= size; limit < 0 {
			return fmt.Errorf("%s: the files are together larger than the limit treeBytes", start)
		}
		lines = append(lines, fmt.Sprintf("%s\x00%x", name, sum.Sum(nil)))
		return nil
	})
	return lines, err
}
